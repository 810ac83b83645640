//! The outgoing side of a socket.

use crate::peer::PeerId;
use crate::queue::Outbox;
use crate::routing::{Outboxes, Routing};
use crate::size::Size;

/// The outgoing side of a socket: the queues to its peers, and the routing policy.
#[derive(Debug)]
pub(crate) struct Out<R> {
    pub(crate) outboxes: Outboxes,
    pub(crate) routing: R,
    /// High-water marks of new queues.
    pub(super) limit: Size,
    /// Whether a task is removing the subscriptions that departed peers have left.
    pub(super) sweeping: bool,
    /// Number of connected peers.
    pub(super) joined: usize,
    /// Number of messages whose queues ended before they were sent.
    pub(super) lost: usize,
    /// Number of messages whose connections ended with their runtime, while the socket was open.
    pub(super) stranded: usize,
    pub(crate) closed: bool,
    /// Whether the caller of `close` has been told how many messages weren't sent.
    pub(super) is_reported: bool,
}

impl<R> Out<R> {
    /// Returns the number of messages that a closed socket hasn't sent: once all tasks have ended, they are lost.
    pub(super) fn unsent(&self) -> usize {
        self.lost + self.outboxes.values().map(Outbox::queued).sum::<usize>()
    }
}

impl<R: Routing> Out<R> {
    /// Retires the queue to a peer: the peer gets no new messages.
    pub(super) fn retire(&mut self, id: PeerId) {
        if let Some(outbox) = self.outboxes.get_mut(id).filter(|outbox| outbox.is_open()) {
            outbox.retire();
            self.routing.retire(id);
        }
    }
}
