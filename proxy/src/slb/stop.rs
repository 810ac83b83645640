//! Stopping: each client is served until nothing of it is under way, and is let go at that moment.
//!
//! Requests that a client's kernel has taken are never sent again. So a client is read and answered as before until
//! it has nothing under way. Then it sees the end of its connection directly behind the last reply, and keeps later
//! requests for the broker's successor. New peers are refused from the beginning; the workers are let go at the end.

use std::collections::HashSet;
use std::pin::Pin;
use std::time::Duration;

use enfonet::{PeerEvent, PeerId};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::broker::{Broker, Summary};
use crate::tuning::STEPS_BETWEEN_IDLE_CHECKS;

impl Broker {
    /// Lets the clients go, then the workers; at once when `abort` is ready. Tells what was lost.
    pub(super) async fn stop(mut self, mut abort: Pin<&mut impl Future<Output = ()>>) -> Summary {
        let end = Instant::now() + self.config.stop_time();
        self.frontend.refuse_new_peers();
        self.backend.refuse_new_peers();
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
        if unanswered + unserved + undelivered > 0 {
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

    /// Serves clients until none is connected. From half of the time on none is read any more; after three quarters what is
    /// under way is given up.
    async fn drain_clients(&mut self, end: Instant) {
        let grace = self.config.stop_time();
        if timeout_at(end - grace / 2, self.serve_until_drained(true)).await.is_err() {
            debug!(
                clients = self.frontend.peers().len(),
                "clients that always have something under way are read no more"
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
            // With credit to spare, all requests that have come were handed over, also those of clients that have gone.
            let is_all_dispatched = !has_more && self.workers.credit() > 0;
            if self.workers.is_empty() || (clients.is_empty() && is_all_dispatched) {
                return;
            }
            // There may be much, and the connections want to go on meanwhile.
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

    /// Disconnects the clients that nothing is under way for, and forgets those that have gone.
    fn disconnect_idle(&self, clients: &mut Vec<PeerId>, reads: bool) {
        let mut busy: HashSet<PeerId> = self.rep.clients().collect();
        busy.extend(self.requeued.iter().map(|(client, _)| *client));
        // Where no raw worker has ever answered, a client would be waited for in vain.
        if reads || self.raw.any_answered {
            busy.extend(self.raw.clients());
        }
        clients.retain(|client| {
            busy.contains(client)
                || self.frontend.disconnect_idle(*client)
                || self.frontend.peer(*client).is_some()
        });
    }

    /// Requests that workers haven't answered, and requests that no worker has.
    fn count_pending(&self) -> (u64, u64) {
        let unanswered = self.rep.len() + self.raw.unanswered();
        // Also those of clients that have gone: nobody receives them any more.
        let unread: usize = std::iter::from_fn(|| self.frontend.try_recv_event(usize::MAX))
            .map(|event| if let PeerEvent::Messages { batch, .. } = event { batch.len() } else { 0 })
            .sum();
        (unanswered as u64, (self.requeued.len() + unread) as u64)
    }
}
