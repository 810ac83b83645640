//! Queues of the peers of a publisher, each beside the marks that publications leave at it.

use slotmap::SecondaryMap;

use super::Outboxes;
use crate::peer::PeerId;
use crate::queue::Outbox;

/// Marks of all peers. A peer has its marks as long as it has its queue.
pub(super) type MarkMap = SecondaryMap<PeerId, Marks>;

/// Marks that publications leave at one peer's queue.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Serial number of the last message that was for the peer, so that a peer with two matching subscriptions gets it
    /// once.
    pub(super) last_serial: u64,
    /// Serial number of the last publication with an unplaced run: later runs of it have to wait behind that run.
    pub(super) blocked_serial: u64,
    /// The run of a batch that is being collected for the peer.
    pub(super) open_run: OpenRun,
}

/// Messages that lie behind each other in a batch, all for the same peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenRun {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) messages: usize,
}

/// The queues and the marks of all peers, during one publication.
#[derive(Debug)]
pub(super) struct MarkedQueues<'a> {
    pub(super) outboxes: &'a mut Outboxes,
    pub(super) marks: &'a mut MarkMap,
}

impl MarkedQueues<'_> {
    /// Returns the queue and the marks of a peer, unless the peer has departed.
    #[inline]
    pub(super) fn get(&mut self, id: PeerId) -> Option<(&mut Outbox, &mut Marks)> {
        Some((self.outboxes.get_mut(id)?, self.marks.get_mut(id)?))
    }
}
