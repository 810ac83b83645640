//! Turns of a broker: what has happened is dealt with before anything is waited for.

use std::time::Instant;

use enfonet::PeerEvent;

use super::broker::Broker;
use crate::tuning::MAX_WORKER_EVENTS;

impl Broker {
    pub(super) async fn forward(&mut self) {
        while self.step().await {}
    }

    /// Deals with what has happened, or waits until something has; `false` when a socket is closed. Cancel safe: what has
    /// been received is dealt with before anything is waited for.
    pub(super) async fn step(&mut self) -> bool {
        let has_more = self.process_ready();
        // There may be much, and others want to go on meanwhile.
        tokio::task::coop::consume_budget().await;
        has_more || self.wait_ready().await
    }

    /// Waits until something has happened; `false` when a socket is closed.
    pub(super) async fn wait_ready(&self) -> bool {
        tokio::select! {
            biased;
            outcome = self.backend.wait_event() => outcome.is_ok(),
            outcome = self.frontend.wait_event(), if self.workers.credit() > 0 => outcome.is_ok(),
            _ = self.backend.wait_room(self.workers.full()), if !self.workers.full().is_empty() => true,
        }
    }

    /// Deals with some of what has happened at workers, and with what comes next of clients, so that neither keeps the
    /// other waiting; `false` when that was all.
    pub(super) fn process_ready(&mut self) -> bool {
        if !self.workers.full().is_empty()
            && let Some(worker) = self.backend.find_room(self.workers.full())
        {
            self.workers.clear_full(worker);
        }
        let mut events = 0;
        while events < MAX_WORKER_EVENTS
            && let Some(event) = self.backend.try_recv_event(usize::MAX)
        {
            self.handle_worker(event);
            events += 1;
        }
        self.dispatch_next() || events == MAX_WORKER_EVENTS
    }

    /// Hands over what comes first, if a worker may have it; `false` when there is nothing to hand over.
    pub(super) fn dispatch_next(&mut self) -> bool {
        let credit = self.workers.credit();
        if credit == 0 {
            return false;
        }
        if let Some((client, request)) = self.requeued.pop_front() {
            self.dispatch(client, request.into(), Instant::now());
            return true;
        }
        match self.frontend.try_recv_event(credit) {
            Some(PeerEvent::Messages { peer, batch }) => {
                self.dispatch(peer, batch, Instant::now());
                true
            }
            event => event.is_some(),
        }
    }
}
