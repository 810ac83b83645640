//! Publishers and subscribers of both libraries behind one interface, and brokers between them.

use enfonet::message::Subscription;
use enfonet::socket::XPubEvent;
use enfonet::{Options, Sub, XPub};
use enfonet_proxy::{Config, Side};
use enfonet_tests::{LIBRARIES, LibZmq, Library, Mq, Runtime, frames, ours, text, theirs, wildcard};

/// Libraries of a publisher and of a subscriber, and the transport between them and the broker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairing {
    pub(crate) publisher: Library,
    pub(crate) subscriber: Library,
    pub(crate) transport: &'static str,
}

/// Returns every pairing, and prints each, so that a failing test shows its pairing.
pub(crate) fn pairings() -> impl Iterator<Item = Pairing> {
    let of = |transport| {
        LIBRARIES.into_iter().flat_map(move |publisher| {
            LIBRARIES.map(|subscriber| Pairing { publisher, subscriber, transport })
        })
    };
    ["tcp", "ipc"].into_iter().flat_map(of).inspect(|pairing| println!("{pairing:?}"))
}

/// Runtime and libzmq context of a test's sockets.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    pub(crate) runtime: Runtime,
    pub(crate) libzmq: LibZmq,
}

/// A broker with a publisher and a subscriber, whose topics have reached the publisher.
pub(crate) struct Stage<'w> {
    pub(crate) publisher: Publisher<'w>,
    pub(crate) subscriber: Subscriber<'w>,
    _broker: Mq,
    _folders: [Option<tempfile::TempDir>; 2],
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns a libzmq socket without high-water marks, so that it loses no message.
    fn libzmq(&self, kind: zmq::SocketType) -> zmq::Socket {
        let socket = self.libzmq.socket(kind);
        socket.set_sndhwm(0).unwrap();
        socket.set_rcvhwm(0).unwrap();
        socket
    }

    /// Returns an XPUB socket without a high-water mark.
    pub(crate) fn publisher(&self, library: Library, endpoint: &str) -> Publisher<'_> {
        let socket = match library {
            Library::Libzmq => {
                let socket = self.libzmq(zmq::XPUB);
                // Without VERBOSE it would hide repeated subscriptions.
                socket.set_xpub_verbose(true).unwrap();
                socket.connect(endpoint).unwrap();
                AnyPublisher::Libzmq(socket)
            }
            Library::Ours => {
                let socket = XPub::with_options(Options::default().send_hwm(0));
                let _guard = self.runtime.enter();
                socket.connect(endpoint).unwrap();
                AnyPublisher::Ours(socket)
            }
        };
        Publisher { socket, runtime: &self.runtime }
    }

    /// Returns a SUB socket without a high-water mark that subscribes to the topics, which must be in alphabetical
    /// order: the order in which a new connection sends them.
    pub(crate) fn subscriber(&self, library: Library, endpoint: &str, topics: &[&str]) -> Subscriber<'_> {
        assert!(topics.is_sorted());
        let socket = match library {
            Library::Libzmq => {
                let socket = self.libzmq(zmq::SUB);
                socket.connect(endpoint).unwrap();
                AnySubscriber::Libzmq(socket)
            }
            Library::Ours => {
                let socket = Sub::with_options(Options::default().recv_hwm(0));
                let _guard = self.runtime.enter();
                socket.connect(endpoint).unwrap();
                AnySubscriber::Ours(socket)
            }
        };
        let subscriber = Subscriber { socket, runtime: &self.runtime };
        topics.iter().for_each(|topic| subscriber.subscribe(topic));
        subscriber
    }

    pub(crate) fn stage(&self, pairing: Pairing, topics: &[&str]) -> Stage<'_> {
        let (front, back) = (wildcard(pairing.transport), wildcard(pairing.transport));
        let broker = Mq::start(&self.runtime, &front.1, &back.1);
        let publisher = self.publisher(pairing.publisher, &broker.frontend());
        let subscriber = self.subscriber(pairing.subscriber, &broker.backend(), topics);
        publisher.await_topics(topics);
        Stage { publisher, subscriber, _broker: broker, _folders: [front.0, back.0] }
    }

    /// Starts a broker in this process with these sides.
    pub(crate) fn broker(&self, frontend: Side, backend: Side) -> Mq {
        Mq::start_with(&self.runtime, Config::new(frontend, backend))
    }
}

/// Returns a side of a broker that connects.
pub(crate) fn connecting(endpoint: &str) -> Side {
    Side { connect: vec![endpoint.parse().unwrap()], ..Side::default() }
}

/// Returns a side of a broker that binds.
pub(crate) fn bound(endpoint: &str) -> Side {
    Side::bound(endpoint.parse().unwrap())
}

enum AnyPublisher {
    Libzmq(zmq::Socket),
    Ours(XPub),
}

pub(crate) struct Publisher<'w> {
    socket: AnyPublisher,
    runtime: &'w Runtime,
}

impl Publisher<'_> {
    pub(crate) fn send<T: AsRef<[u8]>>(&self, message: &[T]) {
        match &self.socket {
            AnyPublisher::Libzmq(socket) => socket.send_multipart(frames(message), 0).unwrap(),
            AnyPublisher::Ours(socket) => self.runtime.run(socket.send(ours(message))).unwrap(),
        }
    }

    /// Receives from the subscribers' side: `01 topic`, `00 topic`, or a subscriber's message.
    pub(crate) fn recv(&self) -> Vec<Vec<u8>> {
        match &self.socket {
            AnyPublisher::Libzmq(socket) => socket.recv_multipart(0).unwrap(),
            AnyPublisher::Ours(socket) => match self.runtime.run(socket.recv()).unwrap() {
                XPubEvent::Message { message, .. } => theirs(&message),
                XPubEvent::Subscription { subscription: Subscription::Subscribe(topic), .. } => {
                    vec![[b"\x01", &topic[..]].concat()]
                }
                XPubEvent::Subscription { subscription: Subscription::Cancel(topic), .. } => {
                    vec![[b"\x00", &topic[..]].concat()]
                }
            },
        }
    }

    #[track_caller]
    pub(crate) fn expect_subscribed(&self, topic: &str) {
        assert_eq!(text(&self.recv()), text(&[[b"\x01", topic.as_bytes()].concat()]));
    }

    #[track_caller]
    pub(crate) fn expect_cancelled(&self, topic: &str) {
        assert_eq!(text(&self.recv()), text(&[[b"\x00", topic.as_bytes()].concat()]));
    }

    /// Waits until all topics have been subscribed to, in any order, and returns everything received until then.
    pub(crate) fn await_topics(&self, topics: &[&str]) -> Vec<String> {
        let (mut waiting, mut seen) = (topics.to_vec(), Vec::new());
        while !waiting.is_empty() {
            let received = self.recv().concat();
            waiting.retain(|topic| received != [b"\x01", topic.as_bytes()].concat());
            seen.push(received.escape_ascii().to_string());
        }
        seen
    }
}

enum AnySubscriber {
    Libzmq(zmq::Socket),
    Ours(Sub),
}

pub(crate) struct Subscriber<'w> {
    socket: AnySubscriber,
    runtime: &'w Runtime,
}

impl Subscriber<'_> {
    pub(crate) fn recv(&self) -> Vec<Vec<u8>> {
        match &self.socket {
            AnySubscriber::Libzmq(socket) => socket.recv_multipart(0).unwrap(),
            AnySubscriber::Ours(socket) => theirs(&self.runtime.run(socket.recv()).unwrap()),
        }
    }

    #[track_caller]
    pub(crate) fn expect<T: AsRef<[u8]>>(&self, message: &[T]) {
        assert_eq!(text(&self.recv()), text(message));
    }

    pub(crate) fn subscribe(&self, topic: &str) {
        match &self.socket {
            AnySubscriber::Libzmq(socket) => socket.set_subscribe(topic.as_bytes()).unwrap(),
            AnySubscriber::Ours(socket) => socket.subscribe(topic),
        }
    }

    pub(crate) fn unsubscribe(&self, topic: &str) {
        match &self.socket {
            AnySubscriber::Libzmq(socket) => socket.set_unsubscribe(topic.as_bytes()).unwrap(),
            AnySubscriber::Ours(socket) => socket.unsubscribe(topic),
        }
    }
}
