//! One end of a conversation: a socket of ours or of libzmq's, behind the same few operations.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfonet_patterns::{
    Dealer, FromSubscriber, Message, Options, Pub, Rep, Req, Request, Router, Sub, XPub, XSub,
};
use enfonet_tests::{LibZmq, Library, Runtime, eventually, frames, theirs, wildcard};
use zmq::SocketType;

/// Both ways to have one end ours and the other libzmq's.
pub(crate) const MIXED: [[Library; 2]; 2] =
    [[Library::Ours, Library::Libzmq], [Library::Libzmq, Library::Ours]];

/// Where both kinds of sockets live.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) libzmq: LibZmq,
}

impl World {
    /// A socket; REQ, DEALER and ROUTER announce `name`.
    pub(crate) fn named(&self, who: Library, kind: SocketType, name: &'static str) -> End<'_> {
        let socket = match who {
            Library::Ours => ours(kind, Options::default().identity(name)),
            Library::Libzmq => {
                let socket = self.libzmq.socket(kind);
                if !name.is_empty() {
                    socket.set_identity(name.as_bytes()).unwrap();
                }
                Socket::LibZmq(socket)
            }
        };
        End { runtime: &self.runtime, socket, name, request: RefCell::default() }
    }

    /// A socket without an identity.
    pub(crate) fn end(&self, who: Library, kind: SocketType) -> End<'_> {
        self.named(who, kind, "")
    }

    /// Two sockets, the first bound and the second connected to it over TCP.
    pub(crate) fn pair(&self, who: [Library; 2], kinds: [SocketType; 2]) -> [End<'_>; 2] {
        let [bound, connected] = [0, 1].map(|at| self.end(who[at], kinds[at]));
        connected.connect(&bound.bind(&wildcard("tcp").1));
        [bound, connected]
    }
}

/// One end of a conversation.
pub(crate) struct End<'a> {
    runtime: &'a Runtime,
    socket: Socket,
    pub(crate) name: &'static str,
    /// What a REP of ours has received and not replied to.
    request: RefCell<Option<Request>>,
}

enum Socket {
    Pub(Pub),
    Sub(Sub),
    XPub(XPub),
    XSub(XSub),
    Req(Req),
    Rep(Rep),
    Router(Router),
    Dealer(Dealer),
    LibZmq(zmq::Socket),
}

fn ours(kind: SocketType, options: Options) -> Socket {
    match kind {
        zmq::PUB => Socket::Pub(Pub::with_options(options)),
        zmq::SUB => Socket::Sub(Sub::with_options(options)),
        zmq::XPUB => Socket::XPub(XPub::with_options(options)),
        zmq::XSUB => Socket::XSub(XSub::with_options(options)),
        zmq::REQ => Socket::Req(Req::with_options(options)),
        zmq::REP => Socket::Rep(Rep::with_options(options)),
        zmq::ROUTER => Socket::Router(Router::with_options(options)),
        zmq::DEALER => Socket::Dealer(Dealer::with_options(options)),
        other => panic!("{other:?} is none of ours"),
    }
}

/// The same call of whichever socket of ours, or another of libzmq's.
macro_rules! either {
    ($self:ident, $ours:ident => $call:expr, $libzmq:ident => $other:expr) => {
        match &$self.socket {
            Socket::Pub($ours) => $call,
            Socket::Sub($ours) => $call,
            Socket::XPub($ours) => $call,
            Socket::XSub($ours) => $call,
            Socket::Req($ours) => $call,
            Socket::Rep($ours) => $call,
            Socket::Router($ours) => $call,
            Socket::Dealer($ours) => $call,
            Socket::LibZmq($libzmq) => $other,
        }
    };
}

impl End<'_> {
    pub(crate) fn is_ours(&self) -> bool {
        !matches!(self.socket, Socket::LibZmq(_))
    }

    /// Where it is bound then.
    pub(crate) fn bind(&self, endpoint: &str) -> String {
        either!(self, ours => self.runtime.run(ours.bind(endpoint)).unwrap().to_string(), libzmq => {
            libzmq.bind(endpoint).unwrap();
            libzmq.get_last_endpoint().unwrap().unwrap()
        })
    }

    pub(crate) fn connect(&self, endpoint: &str) {
        either!(self, ours => ours.connect(endpoint).unwrap(), libzmq => libzmq.connect(endpoint).unwrap());
    }

    /// Waits until so many peers are there, if the socket is ours: libzmq's can't tell.
    pub(crate) fn wait_connected(&self, peers: usize) {
        either!(self, ours => self.runtime.run(ours.wait_connected(peers)), _libzmq => {});
    }

    pub(crate) fn subscribe(&self, topic: impl AsRef<[u8]>) {
        let topic = topic.as_ref();
        match &self.socket {
            Socket::Sub(sub) => sub.subscribe(topic),
            Socket::XSub(xsub) => xsub.subscribe(topic.to_vec()),
            Socket::LibZmq(sub) if sub.get_socket_type() == Ok(zmq::SUB) => sub.set_subscribe(topic).unwrap(),
            Socket::LibZmq(xsub) => xsub.send([&[1], topic].concat(), 0).unwrap(),
            _ => panic!("doesn't subscribe"),
        }
    }

    pub(crate) fn unsubscribe(&self, topic: impl AsRef<[u8]>) {
        let topic = topic.as_ref();
        match &self.socket {
            Socket::Sub(sub) => sub.unsubscribe(topic),
            Socket::XSub(xsub) => xsub.unsubscribe(topic.to_vec()),
            Socket::LibZmq(sub) if sub.get_socket_type() == Ok(zmq::SUB) => {
                sub.set_unsubscribe(topic).unwrap();
            }
            Socket::LibZmq(xsub) => xsub.send([&[0], topic].concat(), 0).unwrap(),
            _ => panic!("doesn't subscribe"),
        }
    }

    /// Sends a message. A ROUTER's begins with the identity of the peer that it is for.
    #[track_caller]
    pub(crate) fn send<T: AsRef<[u8]>>(&self, message: impl IntoIterator<Item = T>) {
        let message = frames(message);
        if let Socket::LibZmq(socket) = &self.socket {
            return socket.send_multipart(message, 0).unwrap();
        }
        let message = Message::from_frames(message);
        self.runtime.run(async {
            match &self.socket {
                Socket::Pub(socket) => socket.send(message).await.unwrap(),
                Socket::XPub(socket) => socket.send(message).await.unwrap(),
                Socket::XSub(socket) => socket.send(message).unwrap(),
                Socket::Req(socket) => socket.send(message).await.unwrap(),
                Socket::Dealer(socket) => socket.send(message).await.unwrap(),
                Socket::Rep(_) => {
                    self.request.take().expect("a request").reply(message).unwrap();
                }
                Socket::Router(socket) => {
                    let (identity, message) = message.split_first();
                    let peer = socket.find(&identity).expect("the peer is there");
                    socket.send_to(peer, message.expect("more frames")).await.unwrap();
                }
                Socket::Sub(_) | Socket::LibZmq(_) => panic!("doesn't send"),
            }
        });
    }

    /// Receives a message. A ROUTER's begins with the identity of the peer that it is from, and an XPUB's
    /// may be a subscription: 1 or 0, then the topic.
    #[track_caller]
    pub(crate) fn recv(&self) -> Vec<Vec<u8>> {
        match &self.socket {
            Socket::LibZmq(socket) => socket.recv_multipart(0).unwrap(),
            _ => self.runtime.run(self.recv_ours()),
        }
    }

    /// A message, if one comes in time.
    pub(crate) fn recv_within(&self, time: Duration) -> Option<Vec<Vec<u8>>> {
        if let Socket::LibZmq(socket) = &self.socket {
            let time = i64::try_from(time.as_millis()).unwrap();
            return (socket.poll(zmq::POLLIN, time).unwrap() > 0).then(|| self.recv());
        }
        self.runtime.run(async { tokio::time::timeout(time, self.recv_ours()).await.ok() })
    }

    async fn recv_ours(&self) -> Vec<Vec<u8>> {
        let message = match &self.socket {
            Socket::Sub(socket) => socket.recv().await.unwrap(),
            Socket::XSub(socket) => socket.recv().await.unwrap(),
            Socket::Req(socket) => socket.recv().await.unwrap(),
            Socket::Dealer(socket) => socket.recv().await.unwrap(),
            Socket::Rep(socket) => {
                let request = socket.recv().await.unwrap();
                let message = request.message().clone();
                self.request.replace(Some(request));
                message
            }
            Socket::Router(socket) => {
                let (peer, message) = socket.recv().await.unwrap();
                message.with_first(socket.identity(peer).expect("the peer is there"))
            }
            Socket::XPub(socket) => match socket.recv().await.unwrap() {
                FromSubscriber::Subscription { subscription, .. } => subscription.to_message(),
                FromSubscriber::Message { message, .. } => message,
            },
            Socket::Pub(_) | Socket::LibZmq(_) => panic!("doesn't receive"),
        };
        theirs(&message)
    }
}

/// Returns when the publisher has dealt with all that the subscriber asked for until now: what it publishes
/// under a topic that the subscriber asks for last is heard. What was published before has been received, and lost.
pub(crate) fn tune_in(publisher: &End<'_>, subscriber: &End<'_>) {
    static TOPICS: AtomicUsize = AtomicUsize::new(0);
    let topic = format!("tuning in {};", TOPICS.fetch_add(1, Ordering::Relaxed));
    subscriber.subscribe(&topic);
    eventually(|| {
        publisher.send([&topic, "?"]);
        let heard = subscriber.recv_within(Duration::from_millis(5))?;
        (heard[0] == topic.as_bytes()).then_some(())
    });
    publisher.send([&topic, "!"]);
    while subscriber.recv() != frames([&topic, "!"]) {}
}
