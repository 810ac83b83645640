//! Main loop of a broker. It handles all events that are ready before it waits.

use std::time::Instant;

use enfonet::socket::PeerEvent;

use super::broker::Broker;
use crate::tuning::MAX_WORKER_EVENTS;

impl Broker {
    /// Forwards until a socket is closed.
    pub(super) async fn forward(&mut self) {
        while self.step().await {}
    }

    /// Handles some ready events, or waits for one. Returns false if a socket is closed.
    ///
    /// Cancel safe: it holds no received event while it waits.
    pub(super) async fn step(&mut self) -> bool {
        let has_more = self.process_ready();
        // Yields now and then although the broker never waits: the connections share its thread.
        tokio::task::coop::consume_budget().await;
        has_more || self.wait_ready().await
    }

    /// Waits until an event is ready. Returns false if a socket is closed.
    pub(super) async fn wait_ready(&self) -> bool {
        tokio::select! {
            biased;
            outcome = self.backend.wait_event() => outcome.is_ok(),
            outcome = self.frontend.wait_event(), if self.workers.credit() > 0 => outcome.is_ok(),
            _ = self.backend.wait_room(self.workers.full_workers()), if !self.workers.full_workers().is_empty() => true,
        }
    }

    /// Handles up to [`MAX_WORKER_EVENTS`] events of workers and one of clients, so that neither side keeps the other
    /// waiting. Returns whether more may be ready.
    pub(super) fn process_ready(&mut self) -> bool {
        if !self.workers.full_workers().is_empty()
            && let Some(worker) = self.backend.find_room(self.workers.full_workers())
        {
            self.workers.clear_full(worker);
        }
        let mut events = 0;
        while events < MAX_WORKER_EVENTS
            && let Ok(event) = self.backend.try_recv_event(usize::MAX)
        {
            self.handle_worker_event(event);
            events += 1;
        }
        self.dispatch_next() || events == MAX_WORKER_EVENTS
    }

    /// Dispatches the next requests, requeued ones first, if a worker has credit. Returns whether there were any.
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
            Ok(PeerEvent::Messages { peer, batch }) => {
                self.dispatch(peer, batch, Instant::now());
                true
            }
            event => event.is_ok(),
        }
    }
}
