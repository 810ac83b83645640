//! Options of some kinds of sockets only.

use enfonet_zmtp::IntoMessage;

use super::{Kind, Options};

/// Kinds of sockets that know which peer sent a message.
pub trait KnowsPeers: Kind {}

impl<K: KnowsPeers> Options<K> {
    /// Makes the socket report peers that connect and disconnect: see its `recv_event`. A peer that disconnects,
    /// without a message, before the application receives that it connected isn't reported at all. Default off.
    #[must_use]
    pub fn peer_events(mut self, on: bool) -> Self {
        self.settings.peer.reports_events = on;
        self
    }

    /// Sets a message that each peer is sent first at each connection (libzmq's `HELLO_MSG`); only a
    /// [`probe`](Self::probe) precedes it. Default none.
    #[must_use]
    pub fn hello(mut self, message: impl IntoMessage) -> Self {
        self.settings.peer.hello = Some(message.into_message());
        self
    }
}

/// Kinds of sockets that can announce themselves to a ROUTER.
pub trait Probes: Kind {}

impl<K: Probes> Options<K> {
    /// Makes the socket send an empty message first to every peer that connects, so that a ROUTER knows this socket and
    /// can send before it receives (libzmq's `PROBE_ROUTER`). Not for peers of other kinds, which don't expect the
    /// message. Default off.
    ///
    /// The message is sent again after a lost connection, since the ROUTER doesn't know this socket any more. (libzmq
    /// sends it once.)
    #[must_use]
    pub fn probe(mut self, on: bool) -> Self {
        self.settings.peer.probe = on;
        self
    }
}

/// Kinds of sockets that can keep the last message only.
pub trait Conflates: Kind {}

impl<K: Conflates> Options<K> {
    /// Keeps only the last message to each peer, and only the last message from each peer: for values that a newer
    /// value makes useless. High-water marks then have no effect. Default off.
    ///
    /// Messages replace each other whole, whatever their number of frames. (libzmq has room for one frame only.)
    #[must_use]
    pub fn conflate(mut self, on: bool) -> Self {
        self.settings.queue.conflate = on;
        self
    }
}
