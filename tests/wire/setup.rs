//! Every kind of socket of ours, bound or connected.

use std::any::Any;

use enfonet::peer::SocketType;
use enfonet::{Dealer, Options, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use enfonet_tests::{Runtime, Script, ScriptListener};

/// Those that we have.
pub(crate) const KINDS: [SocketType; 11] = [
    SocketType::Req,
    SocketType::Rep,
    SocketType::Dealer,
    SocketType::Router,
    SocketType::Pub,
    SocketType::XPub,
    SocketType::Sub,
    SocketType::XSub,
    SocketType::Push,
    SocketType::Pull,
    SocketType::Pair,
];

pub(crate) const ANYWHERE: &str = "tcp://127.0.0.1:*";

/// Both ways of meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum We {
    Bind,
    Connect,
}

/// A socket of some kind, only to be kept.
pub(crate) type Kept = Box<dyn Any>;

/// A socket of ours, and a peer by hand that has sent nothing yet.
pub(crate) fn meet(runtime: &Runtime, we: We, kind: SocketType, options: Options) -> (Kept, Script) {
    macro_rules! meet {
        ($kind:ident) => {{
            let socket = $kind::with_options(options);
            let script = match we {
                We::Bind => Script::connect(&runtime.run(socket.bind(ANYWHERE)).unwrap().to_string()),
                We::Connect => {
                    let (listener, at) = ScriptListener::bind();
                    socket.connect(at).unwrap();
                    listener.accept()
                }
            };
            (Box::new(socket), script)
        }};
    }
    match kind {
        SocketType::Req => meet!(Req),
        SocketType::Rep => meet!(Rep),
        SocketType::Dealer => meet!(Dealer),
        SocketType::Router => meet!(Router),
        SocketType::Pub => meet!(Pub),
        SocketType::XPub => meet!(XPub),
        SocketType::Sub => meet!(Sub),
        SocketType::XSub => meet!(XSub),
        SocketType::Push => meet!(Push),
        SocketType::Pull => meet!(Pull),
        SocketType::Pair => meet!(Pair),
        other => panic!("{other} is none of ours"),
    }
}

/// A bound DEALER.
pub(crate) fn dealer(runtime: &Runtime, options: impl Into<Options<Dealer>>) -> (Dealer, String) {
    let dealer = Dealer::with_options(options);
    let at = runtime.run(dealer.bind(ANYWHERE)).unwrap().to_string();
    (dealer, at)
}
