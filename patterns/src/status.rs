//! How it goes with each peer, in numbers, and how it went at the end.

use std::sync::Arc;

use crate::PeerInfo;
use crate::queue::Load;

/// A connected peer, and what went to it and came from it since it got its id: for one that this side connects to
/// that is since `connect`, however often the connection was made anew, where its queue outlives connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Who it is.
    pub info: Arc<PeerInfo>,
    /// Handed to the system whole; within the process, to the peer's inbox.
    pub sent: Amount,
    /// Read from it, whether the application has received that yet or not.
    pub received: Amount,
    /// Messages that it doesn't get, since its queue was at the mark and such messages don't wait: those published by
    /// PUB and XPUB, those of XSUB, replies of REP, what a ROUTER is to drop. With `conflate`, those that newer ones
    /// took the place of.
    pub dropped: u64,
    /// What waits to be sent to it: in its queue, or with its connection until the system has it whole.
    pub unsent: Amount,
    /// What waits to be received by the application.
    pub unreceived: Amount,
}

/// So many messages, and what they measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Amount {
    /// Whole ones. (libzmq counts frames.)
    pub messages: u64,
    /// All their frames, with headers, as they are on a wire without encryption.
    pub octets: u64,
}

impl Amount {
    #[inline]
    pub(crate) const fn add(&mut self, load: Load) {
        self.messages += load.messages as u64;
        self.octets += load.octets as u64;
    }
}

impl From<Load> for Amount {
    fn from(Load { messages, octets }: Load) -> Self {
        Self { messages: messages as u64, octets: octets as u64 }
    }
}

/// What became of the messages that waited when a socket was closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closing {
    /// So many were handed to the system, or to the socket at the other end of the process.
    pub flushed: usize,
    /// So many were not, within the linger: their peers weren't there, or didn't take them.
    pub dropped: usize,
}
