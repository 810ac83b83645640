//! pyzmq, with the libzmq that it brings along: real peers with PLAIN, CURVE and ZAP.

mod install;
mod peer;
mod zap;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::DEADLINE;
use peer::{Peer, bytes, digits, string};
pub use zap::PyZap;

/// A process with any number of pyzmq's sockets, in one context; killed when it and all that is in it are dropped.
///
/// One thing is done at a time there: while one thread waits for a message, others wait for that.
#[derive(Clone, Debug)]
pub struct PyZmq(Arc<Peer>);

impl PyZmq {
    /// Starts it. The first in a process installs pyzmq if it isn't there.
    ///
    /// # Panics
    /// When it can't be installed or started.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self(Arc::new(Peer::start()))
    }

    /// A socket of a kind, such as `REP`, that gives up after the [`DEADLINE`] and keeps nothing back when it is
    /// dropped.
    ///
    /// # Panics
    /// When there is no such kind.
    #[must_use]
    #[track_caller]
    pub fn socket(&self, kind: &str) -> PySocket {
        let name = self.0.ask(json!({ "do": "make", "kind": kind }));
        PySocket { peer: self.0.clone(), name }
    }

    /// A new pair of CURVE keys.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn curve_keys(&self) -> CurveKeys {
        let keys = self.0.ask(json!({ "do": "keypair" }));
        CurveKeys { public: string(&keys[0]), secret: string(&keys[1]) }
    }

    /// Starts the ZAP handler that all sockets of this process ask. It admits nobody with PLAIN or CURVE yet.
    ///
    /// # Panics
    /// When there is one.
    #[must_use]
    #[track_caller]
    pub fn zap(&self) -> PyZap {
        self.zap_at("inproc://zeromq.zap.01")
    }

    /// Starts a ZAP handler for others at an endpoint, such as `tcp://127.0.0.1:*`.
    ///
    /// # Panics
    /// When it can't be bound.
    #[must_use]
    #[track_caller]
    pub fn zap_at(&self, endpoint: &str) -> PyZap {
        let zap = self.0.ask(json!({ "do": "zap", "endpoint": endpoint }));
        PyZap::new(self.0.clone(), zap[0].clone(), string(&zap[1]))
    }

    /// Kills it, with all its sockets.
    pub fn kill(self) {
        self.0.kill();
    }
}

/// A pair of CURVE keys, in Z85.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveKeys {
    /// The one that peers know.
    pub public: String,
    /// The one that nobody else knows.
    pub secret: String,
}

/// A socket of pyzmq's, closed when it is dropped.
#[derive(Debug)]
pub struct PySocket {
    peer: Arc<Peer>,
    name: Value,
}

impl PySocket {
    /// Takes clients with PLAIN. libzmq admits none of them unless a ZAP handler does.
    #[must_use]
    #[track_caller]
    pub fn plain_server(self) -> Self {
        self.option("plain_server", 1)
    }

    /// Says who it is with PLAIN.
    #[must_use]
    #[track_caller]
    pub fn plain(self, username: &str, password: &str) -> Self {
        self.option("plain_username", username).option("plain_password", password)
    }

    /// Takes clients with CURVE, as the server with this secret key. Without a ZAP handler libzmq admits them all.
    #[must_use]
    #[track_caller]
    pub fn curve_server(self, secret: &str) -> Self {
        self.option("curve_server", 1).option("curve_secretkey", secret)
    }

    /// Says who it is with CURVE, to a server with this public key.
    #[must_use]
    #[track_caller]
    pub fn curve(self, server: &str, keys: &CurveKeys) -> Self {
        let this = self.option("curve_serverkey", server);
        this.option("curve_publickey", &*keys.public).option("curve_secretkey", &*keys.secret)
    }

    /// Names the domain that its ZAP handler is asked about.
    #[must_use]
    #[track_caller]
    pub fn domain(self, domain: &str) -> Self {
        self.option("zap_domain", domain)
    }

    /// Announces an identity.
    #[must_use]
    #[track_caller]
    pub fn identity<T: AsRef<[u8]>>(self, identity: T) -> Self {
        self.option("routing_id", identity.as_ref())
    }

    /// Sets any of libzmq's options, such as `handshake_ivl`.
    ///
    /// # Panics
    /// When libzmq refuses it.
    #[must_use]
    #[track_caller]
    pub fn option<'a>(self, name: &str, value: impl Into<PyValue<'a>>) -> Self {
        self.set(name, value.into());
        self
    }

    /// Binds it, and gives where it really is.
    ///
    /// # Panics
    /// When it can't be bound.
    #[track_caller]
    pub fn bind(&self, endpoint: &str) -> String {
        string(&self.ask(json!({ "do": "bind", "endpoint": endpoint })))
    }

    /// Connects it.
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
    /// When it is no SUB.
    #[track_caller]
    pub fn subscribe<T: AsRef<[u8]>>(&self, topic: T) {
        self.set("subscribe", topic.as_ref().into());
    }

    /// Takes a subscription back.
    ///
    /// # Panics
    /// When it is no SUB.
    #[track_caller]
    pub fn unsubscribe<T: AsRef<[u8]>>(&self, topic: T) {
        self.set("unsubscribe", topic.as_ref().into());
    }

    /// Sends a message.
    ///
    /// # Panics
    /// When nobody takes it in time.
    #[track_caller]
    pub fn send<T: AsRef<[u8]>>(&self, frames: &[T]) {
        let frames: Vec<_> = frames.iter().map(|frame| digits(frame.as_ref())).collect();
        self.ask(json!({ "do": "send", "frames": frames }));
    }

    /// The frames of the next message.
    ///
    /// # Panics
    /// When none comes in time.
    #[must_use]
    #[track_caller]
    pub fn recv(&self) -> Vec<Vec<u8>> {
        bytes(&self.ask(json!({ "do": "recv" })))
    }

    /// Waits at most so long for a message, and tells whether there is one.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn poll(&self, timeout: Duration) -> bool {
        self.ask(json!({ "do": "poll", "timeout": millis(timeout) })) == true
    }

    /// Returns what libzmq knows of the sender of the last message: `User-Id`, `Socket-Type`, `Peer-Address` or any
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

    /// The next event of its connections within a time, from its making on: libzmq's name of it, without
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

    /// Waits for an event, such as `HANDSHAKE_SUCCEEDED`, and gives its value. Those before it are skipped.
    ///
    /// # Panics
    /// When it doesn't come in time.
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
        // Where it goes while a test fails, its process goes too.
        if !std::thread::panicking() {
            let _ = self.peer.try_ask(&json!({ "do": "close", "socket": self.name }));
        }
    }
}

/// The value of an option.
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
