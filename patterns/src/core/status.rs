//! Status of a socket's peers, and monitors of the socket.

use tracing::warn;

use super::SocketCore;
use crate::monitor::Monitor;
use crate::peer::{PeerId, PeerStatus};
use crate::routing::Routing;

impl<R: Routing> SocketCore<R> {
    pub(crate) fn monitor(&self) -> Monitor {
        self.monitors.listen()
    }

    /// Returns the status of each connected peer, in no particular order.
    pub(crate) fn peers(&self) -> Vec<PeerStatus> {
        let out = self.out();
        let inbound = self.inbound();
        let connected = out.outboxes.iter().filter(|(_, outbox)| outbox.has_peer());
        let status = |(id, outbox): (PeerId, &crate::queue::Outbox)| {
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
        connected.filter_map(status).collect()
    }

    /// Logs, at a limited rate, that messages to a peer were dropped because its queue was full.
    #[cold]
    pub(crate) fn warn_of_drops(&self, id: PeerId, messages: usize) {
        if messages == 0 {
            return;
        }
        let Some(messages) = self.drops.count(messages as u64) else { return };
        let peer = self.inbound().peer(id).cloned();
        let (endpoint, address) = peer.as_ref().map(|peer| (&peer.endpoint, &peer.address)).unzip();
        let endpoint = endpoint.map(tracing::field::display);
        warn!(
            endpoint,
            address,
            messages,
            "dropped messages to peers whose queues are full; this peer lost the last of them"
        );
    }
}
