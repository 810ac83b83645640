//! XPUB of ours with its subscribers, over each transport.

use enfonet::message::{IntoMessage, Subscription};
use enfonet::peer::PeerId;
use enfonet::socket::XPubEvent;
use enfonet::{Context, Options, XPub};
use enfonet_tests::{AnySocket, LibZmq, Runtime, wildcard};
use zmq::SocketType;

/// An XPUB of ours and its subscribers.
pub(crate) struct Stage<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) xpub: XPub,
    pub(crate) subscribers: Vec<AnySocket<'a>>,
}

/// Runs `run` with subscribers of libzmq's over tcp and ipc, and with ours over inproc.
pub(crate) fn over_each_transport(
    options: impl Fn() -> Options<XPub>,
    kind: SocketType,
    subscribers: usize,
    run: impl Fn(Stage<'_>),
) {
    for transport in ["tcp", "ipc", "inproc"] {
        println!("{transport}");
        let (runtime, libzmq, context) = (Runtime::new(), LibZmq::new(), Context::new());
        let _guard = runtime.enter();
        let xpub = options().context(&context).build();
        let (_dir, wildcard) = wildcard(transport);
        let wildcard = if transport == "inproc" { "inproc://stage".into() } else { wildcard };
        let at = runtime.run(xpub.bind(&*wildcard)).unwrap().to_string();
        let subscriber = |_| {
            let end = match transport {
                "inproc" => AnySocket::ours(&runtime, kind, Options::default().context(&context), ""),
                _ => AnySocket::libzmq(&runtime, libzmq.socket(kind), ""),
            };
            end.connect(&at);
            end
        };
        let subscribers = (0..subscribers).map(subscriber).collect();
        run(Stage { runtime: &runtime, xpub, subscribers });
    }
}

impl Stage<'_> {
    /// Returns the next subscription, as `+` and the topic, or cancel, as `-` and the topic, and its peer.
    pub(crate) fn next_subscription(&self) -> (String, PeerId) {
        match self.runtime.run(self.xpub.recv()).unwrap() {
            XPubEvent::Subscription { peer, subscription } => {
                let sign = if matches!(subscription, Subscription::Subscribe(_)) { '+' } else { '-' };
                (format!("{sign}{}", subscription.topic().escape_ascii()), peer)
            }
            message @ XPubEvent::Message { .. } => panic!("{message:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn expect(&self, expected: &str) -> PeerId {
        let (text, peer) = self.next_subscription();
        assert_eq!(text, expected);
        peer
    }

    pub(crate) fn send(&self, message: impl IntoMessage) {
        self.runtime.run(self.xpub.send(message)).unwrap();
    }
}
