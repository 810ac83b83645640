//! Status of a socket's peers, and monitors of the socket.

use std::ops::Bound;

use tracing::warn;

use super::SocketCore;
use crate::escaped::Escaped;
use crate::monitor::{DropReason, Monitor, Totals};
use crate::peer::{PeerId, PeerInfo, PeerStatus};
use crate::queue::Outbox;
use crate::routing::Routing;

/// Maximum number of peers in a page. Both locks of the socket are held while a page is made, and the messages wait.
const MAX_PAGE_PEERS: usize = 256;

impl<R: Routing> SocketCore<R> {
    pub(crate) fn monitor(&self) -> Monitor {
        self.monitors.listen()
    }

    /// Returns the totals of the socket.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = self.counters.totals();
        let out = self.out();
        totals.connections = out.connected.len();
        totals.sent = out.sent;
        totals.dropped[DropReason::PeerGone as usize] = out.departed;
        totals.dropped[DropReason::Unmatched as usize] = out.routing.unmatched();
        totals.dropped[DropReason::Unroutable as usize] = out.unroutable;
        (totals.received, totals.forbidden) = self.inbound().totals();
        totals
    }

    /// Returns the status of each connected peer. No lock is held for longer than a page takes.
    pub(crate) fn peers(&self) -> Vec<PeerStatus> {
        let mut peers = Vec::new();
        loop {
            let page = self.peers_after(peers.last().map(|last: &PeerStatus| last.info.id), MAX_PAGE_PEERS);
            let is_last = page.len() < MAX_PAGE_PEERS;
            peers.extend(page);
            if is_last {
                return peers;
            }
        }
    }

    /// Returns the status of the connected peers that follow `after` in the order of their ids, at most `limit` and
    /// [`MAX_PAGE_PEERS`]. An id belongs to one connected peer, so a peer that stays is in one page.
    pub(crate) fn peers_after(&self, after: Option<PeerId>, limit: usize) -> Vec<PeerStatus> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut peers = Vec::with_capacity(limit.min(MAX_PAGE_PEERS));
        let out = self.out();
        let inbound = self.inbound();
        let status = |id: PeerId| {
            let outbox = out.outboxes.get(id)?;
            let (received, unreceived) = inbound.sizes(id)?;
            Some(PeerStatus {
                info: inbound.peer(id)?.clone(),
                sent: outbox.sent(),
                received,
                dropped: outbox.dropped(),
                forbidden: inbound.forbidden(id),
                unsent: outbox.unsent(),
                unreceived,
            })
        };
        let following = out.connected.range((begin, Bound::Unbounded)).copied();
        peers.extend(following.filter_map(status).take(limit.min(MAX_PAGE_PEERS)));
        drop(inbound);
        drop(out);
        peers
    }

    /// Counts messages that were dropped because a queue was full.
    pub(crate) fn count_queue_full(&self, messages: u64) {
        self.counters.count_queue_full(messages);
    }

    /// Counts, and logs at a limited rate, that messages to a peer were dropped because its queue was full. Call it
    /// without a lock.
    #[cold]
    pub(crate) fn warn_of_drops(&self, id: PeerId, messages: usize) {
        if messages == 0 {
            return;
        }
        self.count_queue_full(messages as u64);
        let Some(messages) = self.drops.count(messages as u64) else { return };
        let dropped = self.out().outboxes.get(id).map_or(0, Outbox::dropped);
        let peer = self.inbound().peer(id).cloned();
        let Some(PeerInfo { endpoint, address, user, routing_id, .. }) = peer.as_deref() else {
            warn!(
                messages,
                "dropped messages to peers whose queues are full; the last of these peers has gone"
            );
            return;
        };
        let (user, identity) = (Escaped(&user.id), Escaped(routing_id));
        warn!(
            %endpoint,
            address,
            %user,
            %identity,
            dropped,
            messages,
            "dropped messages to peers whose queues are full; this peer lost the last of them, and `dropped` in all"
        );
    }
}
