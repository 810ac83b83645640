//! Stop of a broker: each client is served until it has no request pending, and disconnected at that moment.
//!
//! A client never resends a request that its kernel has taken. So the broker reads and answers a client until no
//! request of it is pending. The client then sees the end of its connection directly behind the last reply, and keeps
//! later requests for the broker's successor. New peers are rejected from the beginning. Workers are disconnected at
//! the end.

use std::collections::HashSet;
use std::pin::Pin;
use std::time::Duration;

use enfonet::peer::PeerId;
use enfonet::socket::PeerEvent;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::broker::{Broker, Summary};
use crate::tuning::STEPS_BETWEEN_IDLE_CHECKS;

impl Broker {
    /// Disconnects the clients, then the workers; when `abort` is ready, all at once. Logs the losses.
    pub(super) async fn stop(mut self, mut abort: Pin<&mut impl Future<Output = ()>>) -> Summary {
        let end = Instant::now() + self.config.stop_time();
        self.frontend.stop_admitting_peers();
        self.backend.stop_admitting_peers();
        let is_aborted = tokio::select! {
            biased;
            () = &mut abort => true,
            () = self.drain_clients(end) => false,
        };
        let (unanswered, unserved) = self.count_pending();
        let (frontend, backend) = (self.frontend.clone(), self.backend.clone());
        let close = |linger| async move { tokio::join!(frontend.close(linger), backend.close(linger)).0 };
        let linger = if is_aborted { Duration::ZERO } else { end.saturating_duration_since(Instant::now()) };
        let closing = tokio::select! {
            biased;
            () = abort, if !is_aborted => close.clone()(Duration::ZERO).await,
            closing = close.clone()(linger) => closing,
        };
        let undelivered = closing.dropped as u64;
        if [unanswered, unserved, undelivered] != [0; 3] {
            warn!(
                unanswered,
                unserved, undelivered, "stopped before all was done: requests or replies are lost"
            );
        }
        self.summary.unanswered = unanswered;
        self.summary.unserved = unserved;
        self.summary.undeliverable += undelivered;
        debug!(summary = ?self.summary, "stopped");
        self.summary
    }

    /// Serves clients until none is connected. Stops reading them after half of the time, and gives up pending requests
    /// after three quarters.
    async fn drain_clients(&mut self, end: Instant) {
        let grace = self.config.stop_time();
        if timeout_at(end - grace / 2, self.serve_until_drained(true)).await.is_err() {
            debug!(
                clients = self.frontend.peers().len(),
                "stopped reading clients that always have a request pending"
            );
        }
        self.frontend.stop_receiving();
        let _ = timeout_at(end - grace / 4, self.serve_until_drained(false)).await;
    }

    /// Serves clients until none is connected and all that they sent is with workers, or until no worker is connected.
    async fn serve_until_drained(&mut self, reads: bool) {
        let mut clients: Vec<PeerId> = self.frontend.peers().iter().map(|client| client.info.id).collect();
        for step in 0.. {
            let has_more = self.process_ready();
            if !has_more || step % STEPS_BETWEEN_IDLE_CHECKS == 0 {
                self.disconnect_idle(&mut clients, reads);
            }
            // Credit is left, so every request that arrived is dispatched, even from clients that have disconnected.
            let is_all_dispatched = !has_more && self.workers.credit() > 0;
            if self.workers.is_empty() || (clients.is_empty() && is_all_dispatched) {
                return;
            }
            // Yields now and then although the broker never waits: the connections share its thread.
            tokio::task::coop::consume_budget().await;
            if has_more {
                continue;
            }
            tokio::select! {
                biased;
                has_more = self.wait_ready() => if !has_more { return },
                () = self.frontend.wait_disconnected(), if is_all_dispatched => return,
            }
        }
    }

    /// Disconnects the clients without a pending request. Removes clients that have disconnected from the list.
    fn disconnect_idle(&self, clients: &mut Vec<PeerId>, reads: bool) {
        let busy = self.busy_clients(reads);
        clients.retain(|client| {
            busy.contains(client)
                || self.frontend.disconnect_idle(*client)
                || self.frontend.peer(*client).is_some()
        });
    }

    /// Returns the clients with a pending request.
    pub(super) fn busy_clients(&self, reads: bool) -> HashSet<PeerId> {
        let mut busy: HashSet<PeerId> = self.rep.clients().collect();
        busy.extend(self.requeued.iter().map(|(client, _)| *client));
        // If no raw worker has ever answered, no reply is to be expected.
        if reads || self.raw.any_answered {
            busy.extend(self.raw.clients());
        }
        busy
    }

    /// Counts the requests that workers haven't answered, and the requests that no worker has.
    pub(super) fn count_pending(&self) -> (u64, u64) {
        let unanswered = self.rep.len() + self.raw.unanswered();
        // Includes requests from clients that have disconnected, which aren't received any more.
        let unread: usize = std::iter::from_fn(|| self.frontend.try_recv_event(usize::MAX).ok())
            .map(|event| if let PeerEvent::Messages { batch, .. } = event { batch.len() } else { 0 })
            .sum();
        (unanswered as u64, (self.requeued.len() + unread) as u64)
    }
}
