//! Sockets of ours of every type, bound or connected to a scripted peer.

use std::any::Any;

use enfonet::peer::SocketType;
use enfonet::{Dealer, Options, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use enfonet_tests::{Runtime, Script};

/// Socket types that we have.
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

/// The end that our socket is: it binds, or it connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum We {
    Bind,
    Connect,
}

/// A socket of any type, held until the test ends.
pub(crate) type Kept = Box<dyn Any>;

/// Returns a socket of ours and a scripted peer that has sent nothing yet.
pub(crate) fn meet(runtime: &Runtime, we: We, kind: SocketType, options: Options) -> (Kept, Script) {
    macro_rules! meet {
        ($kind:ident) => {{
            let socket = $kind::with_options(options);
            let script = match we {
                We::Bind => Script::connect(&runtime.bind(&socket)),
                We::Connect => runtime.connect_to_listener(&socket).0,
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
