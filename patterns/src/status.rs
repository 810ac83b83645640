//! Status of each peer's traffic, and summary of a close.

use std::sync::Arc;

use crate::PeerInfo;
use crate::size::Size;

/// The status of a connected peer: the traffic to it and from it since it got its id. A peer that this side connects
/// to, and that has a queue which outlives connections, got its id at `connect`, however often the connection was made
/// anew.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Information about the peer.
    pub info: Arc<PeerInfo>,
    /// Messages handed to the system whole; within the process, to the peer's inbox.
    pub sent: Size,
    /// Messages read from the peer, whether the application has received them yet or not.
    pub received: Size,
    /// Messages that the peer doesn't get, since its queue was at the mark and they don't wait: messages published by
    /// PUB and XPUB, messages of XSUB, replies of REP, messages that a ROUTER is to drop. With `conflate`, messages
    /// that newer ones took the place of.
    pub dropped: u64,
    /// Messages that wait to be sent to the peer: in its queue, or with its connection until the system has them whole.
    pub unsent: Size,
    /// Messages of the peer that wait to be received by the application.
    pub unreceived: Size,
}

/// Summary of a close: the fate of the messages that waited to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseSummary {
    /// Messages that were handed to the system, or to another socket in the process.
    pub flushed: usize,
    /// Messages that weren't sent within the linger: their peers weren't connected, or didn't read them.
    pub dropped: usize,
}
