//! pyzmq with its bundled libzmq: real peers with PLAIN, CURVE and ZAP.

mod install;
mod peer;
mod zap;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::DEADLINE;
use peer::{Peer, bytes, digits, string};
pub use zap::PyZap;

/// A process with pyzmq sockets in one context, killed when this handle and all sockets are dropped.
///
/// The process does one operation at a time: while one thread waits for a message, other threads wait for the process.
#[derive(Clone, Debug)]
pub struct PyZmq(Arc<Peer>);

impl PyZmq {
    /// Starts the process. The first start installs pyzmq if it is missing.
    ///
    /// # Panics
    /// When pyzmq can't be installed or started.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self(Arc::new(Peer::start()))
    }

    /// Creates a socket of a type, such as `REP`, that times out after the [`DEADLINE`], and has no linger when it is
    /// dropped.
    ///
    /// # Panics
    /// When there is no such socket type.
    #[must_use]
    #[track_caller]
    pub fn socket(&self, kind: &str) -> PySocket {
        let name = self.0.ask(json!({ "do": "make", "kind": kind }));
        PySocket { peer: self.0.clone(), name }
    }

    /// Creates a pair of CURVE keys.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn curve_keys(&self) -> CurveKeys {
        let keys = self.0.ask(json!({ "do": "keypair" }));
        CurveKeys { public: string(&keys[0]), secret: string(&keys[1]) }
    }

    /// Writes the files `NAME.key` and `NAME.key_secret`, a public and a secret certificate, and returns their keys.
    ///
    /// # Panics
    /// When the files can't be written.
    #[must_use]
    #[track_caller]
    pub fn certificate(&self, folder: &Path, name: &str) -> CurveKeys {
        let keys = self.0.ask(json!({ "do": "certificate", "folder": folder, "name": name }));
        CurveKeys { public: string(&keys[0]), secret: string(&keys[1]) }
    }

    /// Starts the ZAP handler of all sockets of this process. It admits no client with PLAIN or CURVE yet.
    ///
    /// # Panics
    /// When a handler is running.
    #[must_use]
    #[track_caller]
    pub fn zap(&self) -> PyZap {
        self.zap_at("inproc://zeromq.zap.01")
    }

    /// Starts a ZAP handler for other processes at an endpoint, such as `tcp://127.0.0.1:*`.
    ///
    /// # Panics
    /// When the endpoint can't be bound.
    #[must_use]
    #[track_caller]
    pub fn zap_at(&self, endpoint: &str) -> PyZap {
        let zap = self.0.ask(json!({ "do": "zap", "endpoint": endpoint }));
        PyZap::new(self.0.clone(), zap[0].clone(), string(&zap[1]))
    }

    /// Kills the process with all its sockets.
    pub fn kill(self) {
        self.0.kill();
    }
}

/// A pair of CURVE keys, in Z85.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveKeys {
    /// Public key.
    pub public: String,
    /// Secret key.
    pub secret: String,
}

/// A socket of pyzmq's, closed when dropped.
#[derive(Debug)]
pub struct PySocket {
    peer: Arc<Peer>,
    name: Value,
}

impl PySocket {
    /// Makes the socket a PLAIN server. libzmq admits a client only if a ZAP handler does.
    #[must_use]
    #[track_caller]
    pub fn plain_server(self) -> Self {
        self.option("plain_server", 1)
    }

    /// Makes the socket a PLAIN client with these credentials.
    #[must_use]
    #[track_caller]
    pub fn plain(self, username: &str, password: &str) -> Self {
        self.option("plain_username", username).option("plain_password", password)
    }

    /// Makes the socket a CURVE server with this secret key. Without a ZAP handler libzmq admits all clients.
    #[must_use]
    #[track_caller]
    pub fn curve_server(self, secret: &str) -> Self {
        self.option("curve_server", 1).option("curve_secretkey", secret)
    }

    /// Makes the socket a CURVE client of the server with this public key.
    #[must_use]
    #[track_caller]
    pub fn curve(self, server: &str, keys: &CurveKeys) -> Self {
        let this = self.option("curve_serverkey", server);
        this.option("curve_publickey", &*keys.public).option("curve_secretkey", &*keys.secret)
    }

    /// Sets the domain of the ZAP requests.
    #[must_use]
    #[track_caller]
    pub fn domain(self, domain: &str) -> Self {
        self.option("zap_domain", domain)
    }

    /// Sets the identity that the socket announces.
    #[must_use]
    #[track_caller]
    pub fn identity<T: AsRef<[u8]>>(self, identity: T) -> Self {
        self.option("routing_id", identity.as_ref())
    }

    /// Sets an option of libzmq's, such as `handshake_ivl`.
    ///
    /// # Panics
    /// When libzmq rejects the value.
    #[must_use]
    #[track_caller]
    pub fn option<'a>(self, name: &str, value: impl Into<PyValue<'a>>) -> Self {
        self.set(name, value.into());
        self
    }

    /// Binds the socket, and returns the resolved endpoint.
    ///
    /// # Panics
    /// When the endpoint can't be bound.
    #[track_caller]
    pub fn bind(&self, endpoint: &str) -> String {
        string(&self.ask(json!({ "do": "bind", "endpoint": endpoint })))
    }

    /// Connects the socket.
    ///
    /// # Panics
    /// When the endpoint is invalid.
    #[track_caller]
    pub fn connect(&self, endpoint: &str) {
        self.ask(json!({ "do": "connect", "endpoint": endpoint }));
    }

    /// Subscribes to a topic.
    ///
    /// # Panics
    /// When the socket is no SUB.
    #[track_caller]
    pub fn subscribe<T: AsRef<[u8]>>(&self, topic: T) {
        self.set("subscribe", topic.as_ref().into());
    }

    /// Cancels a subscription.
    ///
    /// # Panics
    /// When the socket is no SUB.
    #[track_caller]
    pub fn unsubscribe<T: AsRef<[u8]>>(&self, topic: T) {
        self.set("unsubscribe", topic.as_ref().into());
    }

    /// Sends a message.
    ///
    /// # Panics
    /// When no peer takes the message in time.
    #[track_caller]
    pub fn send<T: AsRef<[u8]>>(&self, frames: &[T]) {
        let frames: Vec<_> = frames.iter().map(|frame| digits(frame.as_ref())).collect();
        self.ask(json!({ "do": "send", "frames": frames }));
    }

    /// Receives the frames of the next message.
    ///
    /// # Panics
    /// When none arrives in time.
    #[must_use]
    #[track_caller]
    pub fn recv(&self) -> Vec<Vec<u8>> {
        bytes(&self.ask(json!({ "do": "recv" })))
    }

    /// Waits at most this long for a message, and returns whether there is one.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn poll(&self, timeout: Duration) -> bool {
        self.ask(json!({ "do": "poll", "timeout": millis(timeout) })) == true
    }

    /// Returns a property of the last message's sender: `User-Id`, `Socket-Type`, `Peer-Address` or any
    /// property of the sender's READY.
    ///
    /// # Panics
    /// When there was no message.
    #[must_use]
    #[track_caller]
    pub fn property(&self, name: &str) -> Option<String> {
        let property = self.ask(json!({ "do": "property", "name": name }));
        property.as_str().map(Into::into)
    }

    /// Returns the next event of the socket's connections within a time: libzmq's name of it, without
    /// `ZMQ_EVENT_`, and its value.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn event(&self, timeout: Duration) -> Option<(String, i64)> {
        let event = self.ask(json!({ "do": "event", "timeout": millis(timeout) }));
        Some((event[0].as_str()?.into(), event[1].as_i64()?))
    }

    /// Waits for an event, such as `HANDSHAKE_SUCCEEDED`, and returns its value. Earlier events are skipped.
    ///
    /// # Panics
    /// When the event doesn't arrive in time.
    #[track_caller]
    pub fn wait_event(&self, name: &str) -> i64 {
        let (begin, mut skipped) = (Instant::now(), Vec::new());
        loop {
            let left = DEADLINE.saturating_sub(begin.elapsed());
            match self.event(left) {
                Some((event, value)) if event == name => return value,
                Some(event) => skipped.push(event),
                None => panic!("{name} within the deadline, not just {skipped:?}"),
            }
        }
    }

    #[track_caller]
    fn set(&self, name: &str, value: PyValue<'_>) {
        let value = match value {
            PyValue::Number(number) => json!(number),
            PyValue::Bytes(bytes) => json!(digits(bytes)),
        };
        self.ask(json!({ "do": "option", "name": name, "value": value }));
    }

    #[track_caller]
    fn ask(&self, mut request: Value) -> Value {
        request["socket"] = self.name.clone();
        self.peer.ask(request)
    }
}

impl Drop for PySocket {
    fn drop(&mut self) {
        // The process may have ended already when a failing test drops its sockets.
        if !std::thread::panicking() {
            let _ = self.peer.try_ask(&json!({ "do": "close", "socket": self.name }));
        }
    }
}

/// Value of an option.
#[derive(Clone, Copy, Debug)]
pub enum PyValue<'a> {
    /// A number.
    Number(i64),
    /// Bytes or text.
    Bytes(&'a [u8]),
}

impl From<i64> for PyValue<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for PyValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a [u8]> for PyValue<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

fn millis(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_millis()).expect("a short time")
}
