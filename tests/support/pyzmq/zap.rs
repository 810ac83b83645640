//! pyzmq's ZAP handlers.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::peer::{Peer, bytes, digits};

/// A ZAP handler (RFC 27) with pyzmq's decisions, until it is given a fixed answer. It lives as long as its
/// process, unless it is stopped.
#[derive(Debug)]
pub struct PyZap {
    peer: Arc<Peer>,
    name: Value,
    endpoint: String,
}

impl PyZap {
    /// Placeholder of the request id in a fixed answer.
    pub const ID: &str = "{id}";

    pub(super) fn new(peer: Arc<Peer>, name: Value, endpoint: String) -> Self {
        Self { peer, name, endpoint }
    }

    /// Returns the endpoint of the handler.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Admits these PLAIN users with their passwords, and no others, to this domain. `*` is the domain of sockets
    /// without one.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn users(self, domain: &str, users: &[(&str, &str)]) -> Self {
        let users: HashMap<_, _> = users.iter().copied().collect();
        self.ask(json!({ "do": "users", "domain": domain, "users": users }));
        self
    }

    /// Admits clients with these public keys, in Z85, and no others to this domain. `*` is the domain of sockets
    /// without one.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn keys(self, domain: &str, keys: &[&str]) -> Self {
        self.ask(json!({ "do": "keys", "domain": domain, "keys": keys }));
        self
    }

    /// Admits all clients with CURVE, to all domains.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn any_key(self) -> Self {
        self.ask(json!({ "do": "any_key" }));
        self
    }

    /// Denies all peers of an address, with NULL, too.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn denied(self, address: &str) -> Self {
        self.ask(json!({ "do": "deny", "address": address }));
        self
    }

    /// Answers all further requests with these frames, with [`ID`](Self::ID) replaced, and sends nothing if there
    /// are none.
    ///
    /// # Panics
    /// When the process has ended.
    #[track_caller]
    pub fn answer<T: AsRef<[u8]>>(&self, frames: &[T]) {
        let frames: Vec<_> = frames.iter().map(|frame| digits(frame.as_ref())).collect();
        self.ask(json!({ "do": "answer", "frames": frames }));
    }

    /// Returns the frames of the next received request, without its envelope.
    ///
    /// # Panics
    /// When none arrives in time.
    #[must_use]
    #[track_caller]
    pub fn request(&self) -> Vec<Vec<u8>> {
        bytes(&self.ask(json!({ "do": "request" })))
    }

    /// Returns the number of received requests that [`request`](Self::request) hasn't returned.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    #[track_caller]
    pub fn requests(&self) -> u64 {
        self.ask(json!({ "do": "requests" })).as_u64().expect("a number")
    }

    /// Stops the handler.
    ///
    /// # Panics
    /// When the process has ended.
    #[track_caller]
    pub fn stop(self) {
        self.ask(json!({ "do": "stop" }));
    }

    #[track_caller]
    fn ask(&self, mut request: Value) -> Value {
        request["zap"] = self.name.clone();
        self.peer.ask(request)
    }
}
