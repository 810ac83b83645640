//! Options of some kinds of sockets only.

use enfonet_zmtp::IntoMessage;

use super::{Kind, Options};

/// Kinds that know their peers one by one.
pub trait KnowsPeers: Kind {}

impl<K: KnowsPeers> Options<K> {
    /// Makes the socket report peers that come and go: see `recv_event` there. A peer that has gone, and sent nothing,
    /// before its coming was received isn't reported at all. Default off.
    #[must_use]
    pub fn peer_events(mut self, on: bool) -> Self {
        self.settings.peer_events = on;
        self
    }

    /// A message that each peer gets first, whenever it comes (libzmq's `HELLO_MSG`); only a [`probe`](Self::probe) goes
    /// before it. Default none.
    #[must_use]
    pub fn hello(mut self, message: impl IntoMessage) -> Self {
        self.settings.hello = Some(message.into_message());
        self
    }
}

/// Kinds that can make themselves known to a ROUTER.
pub trait Probes: Kind {}

impl<K: Probes> Options<K> {
    /// Sends every peer that comes an empty message first, so that a ROUTER knows who is there and can speak first
    /// (libzmq's `PROBE_ROUTER`). Not for peers of other kinds, which don't expect it. Default off.
    ///
    /// It is sent again when a connection was lost: the ROUTER then doesn't know us any more. (libzmq sends it once.)
    #[must_use]
    pub fn probe(mut self, on: bool) -> Self {
        self.settings.probe = on;
        self
    }
}

/// Kinds that can do with the last message only.
pub trait Conflates: Kind {}

impl<K: Conflates> Options<K> {
    /// Keeps only the last message to each peer, and only the last of each: for values that are out of date once there
    /// is a newer one. High-water marks don't count then. Default off.
    ///
    /// It is whole messages that replace each other, of any number of frames. (libzmq has room for one frame only.)
    #[must_use]
    pub fn conflate(mut self, on: bool) -> Self {
        self.settings.conflate = on;
        self
    }
}
