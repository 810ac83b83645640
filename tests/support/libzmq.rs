//! Real libzmq sockets, with deadlines so that a failing test ends.

use zmq::SocketType;

use crate::DEADLINE;

/// A libzmq context.
#[derive(Clone, Default)]
pub struct LibZmq(zmq::Context);

impl std::fmt::Debug for LibZmq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LibZmq")
    }
}

impl LibZmq {
    /// Creates a context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a socket that times out after the deadline, and drops its messages when it is dropped.
    ///
    /// # Panics
    /// When libzmq creates none.
    #[must_use]
    pub fn socket(&self, kind: SocketType) -> zmq::Socket {
        let socket = self.0.socket(kind).expect("libzmq makes a socket");
        let deadline = i32::try_from(DEADLINE.as_millis()).expect("a short deadline");
        socket.set_rcvtimeo(deadline).expect("an option");
        socket.set_sndtimeo(deadline).expect("an option");
        socket.set_linger(0).expect("an option");
        socket
    }

    /// Returns a socket bound to an endpoint, and the resolved endpoint.
    ///
    /// # Panics
    /// When the endpoint can't be bound.
    #[must_use]
    pub fn bound(&self, kind: SocketType, endpoint: &str) -> (zmq::Socket, String) {
        let socket = self.socket(kind);
        socket.bind(endpoint).expect("the endpoint is free");
        let at = socket.get_last_endpoint().expect("an option").expect("text");
        (socket, at)
    }

    /// Returns a DEALER with an identity, connected to an endpoint.
    ///
    /// # Panics
    /// When the identity or the endpoint is invalid.
    #[must_use]
    pub fn dealer(&self, identity: &str, endpoint: &str) -> zmq::Socket {
        let dealer = self.socket(SocketType::DEALER);
        dealer.set_identity(identity.as_bytes()).expect("an identity");
        dealer.connect(endpoint).expect("a valid endpoint");
        dealer
    }

    /// Returns a socket connected to an endpoint.
    ///
    /// # Panics
    /// When the endpoint is invalid.
    #[must_use]
    pub fn connected(&self, kind: SocketType, endpoint: &str) -> zmq::Socket {
        let socket = self.socket(kind);
        socket.connect(endpoint).expect("a valid endpoint");
        socket
    }

    /// Returns a SUB socket connected to an endpoint and subscribed to a topic.
    ///
    /// # Panics
    /// When the endpoint is invalid.
    #[must_use]
    pub fn subscriber(&self, endpoint: &str, topic: &str) -> zmq::Socket {
        let socket = self.connected(zmq::SUB, endpoint);
        socket.set_subscribe(topic.as_bytes()).expect("an option");
        socket
    }
}

/// Returns frames as libzmq's multipart calls take and return them.
#[must_use]
pub fn frames<T: AsRef<[u8]>>(frames: impl IntoIterator<Item = T>) -> Vec<Vec<u8>> {
    frames.into_iter().map(|frame| frame.as_ref().to_vec()).collect()
}
