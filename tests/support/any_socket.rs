//! A socket of ours, of libzmq's or of pyzmq's, behind one interface.

mod foreign;

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfonet::socket::{Request, XPubEvent};
use enfonet::{Dealer, Message, Options, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use zmq::SocketType;

use crate::{PySocket, Runtime, eventually, frames, theirs};
use foreign::Foreign;

/// A socket of any library.
pub struct AnySocket<'a> {
    runtime: &'a Runtime,
    socket: Socket,
    /// Identity that the socket announces, if its type does; empty for none.
    pub name: &'static str,
    /// Request that a REP of ours has received and not replied to.
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
    Push(Push),
    Pull(Pull),
    Pair(Pair),
    Foreign(SocketType, Box<dyn Foreign>),
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
        zmq::PUSH => Socket::Push(Push::with_options(options)),
        zmq::PULL => Socket::Pull(Pull::with_options(options)),
        zmq::PAIR => Socket::Pair(Pair::with_options(options)),
        other => panic!("{other:?} is none of ours"),
    }
}

/// Calls a method of our socket of any type, or another of a foreign socket.
macro_rules! either {
    ($self:ident, $ours:ident => $call:expr, $foreign:ident => $other:expr) => {
        match &$self.socket {
            Socket::Pub($ours) => $call,
            Socket::Sub($ours) => $call,
            Socket::XPub($ours) => $call,
            Socket::XSub($ours) => $call,
            Socket::Req($ours) => $call,
            Socket::Rep($ours) => $call,
            Socket::Router($ours) => $call,
            Socket::Dealer($ours) => $call,
            Socket::Push($ours) => $call,
            Socket::Pull($ours) => $call,
            Socket::Pair($ours) => $call,
            Socket::Foreign(_, $foreign) => $other,
        }
    };
}

impl fmt::Debug for AnySocket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnySocket({:?})", self.name)
    }
}

impl<'a> AnySocket<'a> {
    /// Creates a socket of ours with these options; REQ, DEALER and ROUTER announce `name`.
    ///
    /// # Panics
    /// When we have no such socket type.
    #[must_use]
    pub fn ours(runtime: &'a Runtime, kind: SocketType, options: Options, name: &'static str) -> Self {
        Self::new(runtime, ours(kind, options.identity(name)), name)
    }

    /// Wraps a socket of libzmq's, which announces `name`.
    ///
    /// # Panics
    /// When libzmq rejects the identity.
    #[must_use]
    pub fn libzmq(runtime: &'a Runtime, socket: zmq::Socket, name: &'static str) -> Self {
        if !name.is_empty() {
            socket.set_identity(name.as_bytes()).expect("an identity");
        }
        let kind = socket.get_socket_type().expect("an option");
        Self::new(runtime, Socket::Foreign(kind, Box::new(socket)), name)
    }

    /// Wraps a socket of pyzmq's of this type, which announces `name`.
    ///
    /// # Panics
    /// When libzmq rejects the identity.
    #[must_use]
    pub fn pyzmq(runtime: &'a Runtime, kind: SocketType, socket: PySocket, name: &'static str) -> Self {
        let socket = if name.is_empty() { socket } else { socket.identity(name) };
        Self::new(runtime, Socket::Foreign(kind, Box::new(socket)), name)
    }

    fn new(runtime: &'a Runtime, socket: Socket, name: &'static str) -> Self {
        Self { runtime, socket, name, request: RefCell::default() }
    }

    /// Returns whether the socket is ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(self.socket, Socket::Foreign(..))
    }

    /// Binds the socket, and returns the resolved endpoint.
    ///
    /// # Panics
    /// When the endpoint can't be bound.
    #[track_caller]
    pub fn bind(&self, endpoint: &str) -> String {
        either!(
            self,
            ours => self.runtime.run(ours.bind(endpoint)).expect("the endpoint is free").to_string(),
            foreign => foreign.bind(endpoint)
        )
    }

    /// Connects the socket.
    ///
    /// # Panics
    /// When the endpoint is invalid.
    #[track_caller]
    pub fn connect(&self, endpoint: &str) {
        either!(
            self,
            ours => ours.connect(endpoint).expect("a valid endpoint"),
            foreign => foreign.connect(endpoint)
        );
    }

    /// Waits until this many peers are connected, if the socket is ours: libzmq's can't report it.
    ///
    /// # Panics
    /// When the peers don't connect in time.
    pub fn wait_connected(&self, peers: usize) {
        either!(self, ours => self.runtime.run(ours.wait_connected(peers)), _foreign => {});
    }

    /// Subscribes to a topic.
    ///
    /// # Panics
    /// When the socket is no subscriber.
    #[track_caller]
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) {
        let topic = topic.as_ref();
        match &self.socket {
            Socket::Sub(sub) => sub.subscribe(topic),
            Socket::XSub(xsub) => xsub.subscribe(topic.to_vec()),
            Socket::Foreign(zmq::SUB, sub) => sub.subscribe(topic),
            Socket::Foreign(_, xsub) => xsub.send(&[[&[1], topic].concat()]),
            _ => panic!("doesn't subscribe"),
        }
    }

    /// Cancels a subscription.
    ///
    /// # Panics
    /// When the socket is no subscriber.
    #[track_caller]
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) {
        let topic = topic.as_ref();
        match &self.socket {
            Socket::Sub(sub) => sub.unsubscribe(topic),
            Socket::XSub(xsub) => xsub.unsubscribe(topic.to_vec()),
            Socket::Foreign(zmq::SUB, sub) => sub.unsubscribe(topic),
            Socket::Foreign(_, xsub) => xsub.send(&[[&[0], topic].concat()]),
            _ => panic!("doesn't subscribe"),
        }
    }

    /// Sends a message. A ROUTER's message begins with the identity of its peer.
    ///
    /// # Panics
    /// When the message can't be sent.
    #[track_caller]
    pub fn send<T: AsRef<[u8]>>(&self, message: impl IntoIterator<Item = T>) {
        let message = frames(message);
        if let Socket::Foreign(_, socket) = &self.socket {
            return socket.send(&message);
        }
        let message = Message::from_frames(message);
        let sent = self.runtime.run(async {
            match &self.socket {
                Socket::Pub(socket) => socket.send(message).await,
                Socket::XPub(socket) => socket.send(message).await,
                Socket::XSub(socket) => socket.send(message),
                Socket::Req(socket) => socket.send(message).await,
                Socket::Dealer(socket) => socket.send(message).await,
                Socket::Push(socket) => socket.send(message).await,
                Socket::Pair(socket) => socket.send(message).await,
                Socket::Rep(_) => {
                    self.request.take().expect("a request").reply(message).expect("the client is there");
                    Ok(())
                }
                Socket::Router(socket) => {
                    let (identity, message) = message.split_first();
                    let peer = socket.find(&identity).expect("the peer is there");
                    socket.send_to(peer, message.expect("more frames")).await
                }
                Socket::Sub(_) | Socket::Pull(_) | Socket::Foreign(..) => panic!("doesn't send"),
            }
        });
        sent.expect("it is sent");
    }

    /// Receives a message. A ROUTER's message begins with the identity of its peer, and an XPUB's
    /// message may be a subscription: 1 or 0, then the topic.
    ///
    /// # Panics
    /// When none arrives in time.
    #[must_use]
    #[track_caller]
    pub fn recv(&self) -> Vec<Vec<u8>> {
        match &self.socket {
            Socket::Foreign(_, socket) => socket.recv(),
            _ => self.runtime.run(self.recv_ours()),
        }
    }

    /// Receives a message, if one arrives in time.
    ///
    /// # Panics
    /// When the socket type doesn't receive.
    pub fn recv_within(&self, time: Duration) -> Option<Vec<Vec<u8>>> {
        if let Socket::Foreign(_, socket) = &self.socket {
            return socket.poll(time).then(|| socket.recv());
        }
        self.runtime.run(async { tokio::time::timeout(time, self.recv_ours()).await.ok() })
    }

    async fn recv_ours(&self) -> Vec<Vec<u8>> {
        let message = match &self.socket {
            Socket::Sub(socket) => socket.recv().await.expect("it is open"),
            Socket::XSub(socket) => socket.recv().await.expect("it is open"),
            Socket::Req(socket) => socket.recv().await.expect("it is open"),
            Socket::Dealer(socket) => socket.recv().await.expect("it is open"),
            Socket::Pull(socket) => socket.recv().await.expect("it is open"),
            Socket::Pair(socket) => socket.recv().await.expect("it is open"),
            Socket::Rep(socket) => {
                let request = socket.recv().await.expect("it is open");
                let message = request.message().clone();
                self.request.replace(Some(request));
                message
            }
            Socket::Router(socket) => {
                let (peer, message) = socket.recv().await.expect("it is open");
                message.with_first(socket.identity(peer).expect("the peer is there"))
            }
            Socket::XPub(socket) => match socket.recv().await.expect("it is open") {
                XPubEvent::Subscription { subscription, .. } => subscription.to_message(),
                XPubEvent::Message { message, .. } => message,
            },
            Socket::Pub(_) | Socket::Push(_) | Socket::Foreign(..) => panic!("doesn't receive"),
        };
        theirs(&message)
    }
}

/// Waits until the publisher has processed all earlier changes of the subscriber's topics: until the subscriber
/// receives a message of a topic that it subscribes to last. Earlier messages are received and dropped.
///
/// # Panics
/// When that message doesn't arrive in time.
pub fn wait_subscribed(publisher: &AnySocket<'_>, subscriber: &AnySocket<'_>) {
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
