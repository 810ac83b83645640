//! Ending connections of a socket that stays open.

use tokio_util::sync::CancellationToken;

use super::SocketCore;
use crate::peer::PeerId;
use crate::queue::{EndMode, IdleEnd, Outbox, ReadPosition};
use crate::routing::Routing;

impl<R: Routing> SocketCore<R> {
    /// Stops listening and reconnecting at all endpoints. Established connections go on.
    pub(crate) fn stop_admitting_peers(&self) {
        let admitting = self.endpoints().stop_admitting_peers();
        // Tasks that wait for a token are woken when no lock is held.
        admitting.iter().for_each(CancellationToken::cancel);
        self.context.sweep();
    }

    /// Ends a peer's connection when its task runs next, unless messages of the peer wait to be received or arrive
    /// before that. Returns whether the peer is connected and none of its messages wait.
    pub(crate) fn disconnect_idle(&self, id: PeerId) -> bool {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let Some(outbox) = out.outboxes.get_mut(id).filter(|outbox| outbox.is_connected()) else {
            return false;
        };
        if !self.inbound().end_when_idle(id) {
            return false;
        }
        wakers.extend(outbox.end(EndMode::WhenIdle));
        true
    }

    /// Decides whether the connection of an idle peer ends now. Its task calls this when it has written all that it
    /// took. If the connection ends, the peer gets no new messages.
    pub(super) fn end_if_idle(&self, id: PeerId, position: ReadPosition) -> IdleEnd {
        let mut out = self.out();
        let outcome = match self.inbound().idle_end(id, position) {
            IdleEnd::Now if out.outboxes[id].unsent().messages > 0 => IdleEnd::Later,
            outcome => outcome,
        };
        match outcome {
            IdleEnd::Now => out.retire(id),
            IdleEnd::Later => {}
            IdleEnd::CalledOff => out.outboxes[id].call_off_end(),
        }
        outcome
    }

    /// Admits no new connections, closes this side's half of the others, and waits until no peer is connected.
    pub(crate) async fn drain(&self) {
        self.stop_admitting_peers();
        self.close_halves();
        self.wait_disconnected().await;
    }

    fn close_halves(&self) {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let connected = |(id, outbox): (PeerId, &Outbox)| outbox.is_connected().then_some(id);
        let peers: Vec<PeerId> = out.outboxes.iter().filter_map(connected).collect();
        for id in peers {
            out.retire(id);
            wakers.extend(out.outboxes[id].end(EndMode::HalfClose));
        }
    }

    /// Waits until no peer is connected.
    pub(crate) async fn wait_disconnected(&self) {
        self.until(|out| (out.joined == 0).then_some(())).await;
    }
}
