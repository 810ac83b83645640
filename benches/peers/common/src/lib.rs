//! Roles of the load programs of all implementations: the roles and arguments of `enfonet-load`, and two proxies.
//!
//! ```text
//! peer-… pull     ENDPOINT SIZE COUNT          binds, receives COUNT messages, prints their rate
//! peer-… push     ENDPOINT SIZE COUNT          connects, sends COUNT messages
//! peer-… sub      ENDPOINT SIZE SECONDS TOPIC  connects, counts messages for SECONDS, prints the rate
//! peer-… pub      ENDPOINT SIZE SECONDS bind|connect
//! peer-… rep      ENDPOINT bind|connect        echoes for ever
//! peer-… req      ENDPOINT SIZE COUNT          prints the time of requests
//! peer-… router   ENDPOINT                     echoes for ever
//! peer-… dealer   ENDPOINT SIZE COUNT WINDOW   WINDOW requests pending, prints the rate
//! peer-… mqproxy  FRONTEND BACKEND             XSUB and XPUB
//! peer-… slbproxy FRONTEND BACKEND             ROUTER and DEALER
//! ```
//!
//! `--curve` before the role encrypts with CURVE, if the library does; then the end that binds is the server.

mod cli;
mod roles;

use bytes::Bytes;

pub use cli::{End, run};

/// Result with an error that is only printed.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

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
    /// Encrypts with CURVE. Called before the socket binds or connects; the argument tells which of the two follows.
    fn encrypt(&mut self, _end: End) -> Outcome {
        Err("this library is measured without CURVE".into())
    }
    /// Binds the socket.
    async fn bind(&mut self, endpoint: &str) -> Outcome;
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
