//! What a socket knows of its peers, for those who watch it.

use tracing::warn;

use super::Hub;
use crate::monitor::Monitor;
use crate::routing::Routing;
use crate::{PeerId, PeerStatus};

impl<R: Routing> Hub<R> {
    pub(crate) fn monitor(&self) -> Monitor {
        self.monitors.listen()
    }

    /// Those who are there, in no order.
    pub(crate) fn peers(&self) -> Vec<PeerStatus> {
        let out = self.out();
        let inbound = self.inbound();
        let connected = out.outboxes.iter().filter(|(_, outbox)| outbox.has_peer());
        let status = |(id, outbox): (PeerId, &crate::queue::Outbox)| {
            let (received, unreceived) = inbound.amounts(id)?;
            Some(PeerStatus {
                info: inbound.peer(id)?.clone(),
                sent: outbox.sent(),
                received,
                dropped: outbox.dropped(),
                unsent: outbox.unsent().into(),
                unreceived,
            })
        };
        connected.filter_map(status).collect()
    }

    /// A peer had no room for so many messages, which didn't wait.
    #[cold]
    pub(crate) fn tell_of_drops(&self, id: PeerId, messages: usize) {
        if messages == 0 {
            return;
        }
        let Some(messages) = self.drops.count(messages as u64) else { return };
        let peer = self.inbound().peer(id).cloned();
        let (endpoint, address) = peer.as_ref().map(|peer| (&peer.endpoint, &peer.address)).unzip();
        let endpoint = endpoint.map(tracing::field::display);
        warn!(
            endpoint,
            address, messages, "dropped messages to peers whose queues are full: the last was this one's"
        );
    }
}
