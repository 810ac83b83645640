//! The traits of an implementation and its sockets.

use bytes::Bytes;
use clap::ValueEnum;
use enfonet_measure::Outcome;

/// End of a connection.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum End {
    /// The end that binds.
    Bind,
    /// The end that connects.
    Connect,
}

/// Type of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the RFC's names")]
pub enum Kind {
    Pull,
    Push,
    Sub,
    Pub,
    Rep,
    Req,
    Router,
    Dealer,
    XSub,
    XPub,
}

/// An implementation.
#[expect(async_fn_in_trait, reason = "a load program awaits one thing at a time")]
pub trait Library {
    /// Socket of the implementation.
    type Socket: Socket;

    /// Creates a socket. Not called for XSUB and XPUB.
    fn socket(&self, kind: Kind) -> Outcome<Self::Socket>;

    /// Forwards messages between two bound sockets, for ever.
    async fn proxy(&self, _front: (Kind, &str), _back: (Kind, &str)) -> Outcome {
        Err("this library has no proxy".into())
    }

    /// Forwards messages as [`proxy`](Self::proxy) does, as the CURVE server on both sides.
    async fn curve_proxy(&self, _front: (Kind, &str), _back: (Kind, &str)) -> Outcome {
        Err("this library is measured without CURVE".into())
    }
}

/// A socket of an implementation. It keeps the last received message, to send it back.
#[expect(async_fn_in_trait, reason = "a load program awaits one thing at a time")]
pub trait Socket {
    /// Encrypts with CURVE. Called before the socket binds or connects; the argument is the call that follows.
    fn encrypt(&mut self, _end: End) -> Outcome {
        Err("this library is measured without CURVE".into())
    }
    /// Binds the socket.
    async fn bind(&mut self, endpoint: &str) -> Outcome;
    /// Binds the socket, and waits for `peers` peers if the library has to know their number.
    async fn bind_for(&mut self, endpoint: &str, _peers: usize) -> Outcome {
        self.bind(endpoint).await
    }
    /// Connects the socket.
    async fn connect(&mut self, endpoint: &str) -> Outcome;
    /// Subscribes a SUB.
    async fn subscribe(&mut self, topic: &str) -> Outcome;
    /// Sends a message of one frame.
    async fn send(&mut self, body: &Bytes) -> Outcome;
    /// Sends a request from a DEALER: an empty frame, then the body.
    async fn ask(&mut self, body: &Bytes) -> Outcome;
    /// Receives a message, and returns the size of its last frame.
    async fn recv(&mut self) -> Outcome<usize>;
    /// Sends back the last received message.
    async fn echo(&mut self) -> Outcome;
    /// Waits until all messages are sent, and closes the socket.
    async fn flush(self) -> Outcome;
}
