//! Options of some kinds of sockets only.

use enfonet_zmtp::IntoMessage;

use super::{ConflateOptions, Narrow, Options, PeerOptions, ProbeOptions};

impl<K: Narrow<PeerOptions>> Options<K> {
    /// Makes the socket report peers that connect and disconnect: see its `recv_event`. A peer that disconnects,
    /// without a message, before the application receives that it connected isn't reported at all. Default off.
    #[must_use]
    pub fn peer_events(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.peer.reports_events = on;
        self.retyped()
    }

    /// Sets a message that each peer is sent first at each connection (libzmq's `HELLO_MSG`); only a
    /// [`probe`](Self::probe) precedes it. Default none.
    #[must_use]
    pub fn hello(mut self, message: impl IntoMessage) -> Options<K::Narrowed> {
        self.settings.peer.hello = Some(message.into_message());
        self.retyped()
    }
}

impl<K: Narrow<ProbeOptions>> Options<K> {
    /// Makes the socket send an empty message first to every peer that connects, so that a ROUTER knows this socket and
    /// can send before it receives (libzmq's `PROBE_ROUTER`). Not for peers of other kinds, which don't expect the
    /// message. Default off.
    ///
    /// The message is sent again after a lost connection, since the ROUTER doesn't know this socket any more. (libzmq
    /// sends it once.)
    #[must_use]
    pub fn probe(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.peer.probe = on;
        self.retyped()
    }
}

impl<K: Narrow<ConflateOptions>> Options<K> {
    /// Keeps only the last message to each peer, and only the last message from each peer: for values that a newer
    /// value makes useless. High-water marks then have no effect. Default off.
    ///
    /// Messages replace each other whole, whatever their number of frames. (libzmq has room for one frame only.)
    #[must_use]
    pub fn conflate(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.queue.conflate = on;
        self.retyped()
    }
}
