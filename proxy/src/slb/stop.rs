//! Stopping: each client is served until nothing of it is under way, and is let go at that moment.
//!
//! Requests that a client's kernel has taken are never sent again. So a client is read and answered as before until
//! it has nothing under way. Then it sees the end of its connection directly behind the last reply, and keeps later
//! requests for the broker's successor. New peers are refused from the beginning; the workers are let go at the end.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::time::Duration;

use enfonet::{PeerEvent, PeerId};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::{Broker, Summary};

/// Steps between two looks at what is under way, if the broker never has to wait.
const STEPS_BETWEEN_LOOKS: usize = 32;
/// Entries of plain requests that are kept without a look at whether their clients have gone.
const MIN_ENTRIES: usize = 1024;

/// Requests that plain workers haven't answered, by worker and client. Such workers may answer as they like: one reply each
/// is assumed.
#[derive(Debug, Default)]
pub(super) struct PlainRequests {
    requests: HashMap<(PeerId, PeerId), usize>,
    /// Any was ever answered.
    has_replies: bool,
    /// Entries at which those of departed clients are looked for.
    enough: usize,
}

impl PlainRequests {
    /// A worker has got a request of the client.
    pub(super) fn sent(&mut self, worker: PeerId, client: PeerId) {
        *self.requests.entry((worker, client)).or_default() += 1;
    }

    /// A reply of the worker to the client has come.
    pub(super) fn answered(&mut self, worker: PeerId, client: PeerId) {
        self.has_replies = true;
        self.taken_back(worker, client);
    }

    /// The worker hasn't got a request of the client after all.
    pub(super) fn taken_back(&mut self, worker: PeerId, client: PeerId) {
        if let Entry::Occupied(mut requests) = self.requests.entry((worker, client)) {
            *requests.get_mut() -= 1;
            if *requests.get() == 0 {
                requests.remove();
            }
        }
    }

    /// Forgets the requests of clients that have gone, whenever there are twice as many entries as after the last time. Workers
    /// that never answer would have them grow for ever.
    pub(super) fn forget_departed(&mut self, is_connected: impl Fn(PeerId) -> bool) {
        if self.requests.len() >= self.enough.max(MIN_ENTRIES) {
            self.requests.retain(|(_, client), _| is_connected(*client));
            self.enough = self.requests.len() * 2;
        }
    }

    /// The worker has gone, and what it had is lost. Returns how many requests that were.
    pub(super) fn leave(&mut self, worker: PeerId) -> usize {
        let lost = self.requests.extract_if(|(at, _), _| *at == worker).map(|(_, requests)| requests).sum();
        if self.has_replies { lost } else { 0 }
    }

    fn clients(&self) -> impl Iterator<Item = PeerId> {
        self.requests.keys().map(|(_, client)| *client)
    }

    /// Requests that a reply is expected to.
    fn unanswered(&self) -> usize {
        if self.has_replies { self.requests.values().sum() } else { 0 }
    }
}

impl Broker {
    /// Lets the clients go, then the workers; at once when `cut` is ready. Tells what was lost.
    pub(super) async fn stop(mut self, mut cut: Pin<&mut impl Future<Output = ()>>) -> Summary {
        let end = Instant::now() + self.config.stop_time();
        self.frontend.refuse_new_peers();
        self.backend.refuse_new_peers();
        let is_cut = tokio::select! {
            biased;
            () = &mut cut => true,
            () = self.let_clients_go(end) => false,
        };
        let (unanswered, unserved) = self.under_way();
        let (frontend, backend) = (self.frontend.clone(), self.backend.clone());
        let close = |linger| async move { tokio::join!(frontend.close(linger), backend.close(linger)).0 };
        let linger = if is_cut { Duration::ZERO } else { end.saturating_duration_since(Instant::now()) };
        let closing = tokio::select! {
            biased;
            () = cut, if !is_cut => close.clone()(Duration::ZERO).await,
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
    async fn let_clients_go(&mut self, end: Instant) {
        let grace = self.config.stop_time();
        if timeout_at(end - grace / 2, self.serve_out(true)).await.is_err() {
            debug!(
                clients = self.frontend.peers().len(),
                "clients that always have something under way are read no more"
            );
        }
        self.frontend.stop_receiving();
        let _ = timeout_at(end - grace / 4, self.serve_out(false)).await;
    }

    /// Serves clients until none is connected and all that they sent is with workers, or until no worker is connected.
    async fn serve_out(&mut self, reads: bool) {
        let mut clients: Vec<PeerId> = self.frontend.peers().iter().map(|client| client.info.id).collect();
        for step in 0.. {
            let goes_on = self.go_on();
            if !goes_on || step % STEPS_BETWEEN_LOOKS == 0 {
                self.disconnect_idle(&mut clients, reads);
            }
            // With credit to spare, all requests that have come were handed over, also those of clients that have gone.
            let is_handed_over = !goes_on && self.workers.credit() > 0;
            if self.workers.is_empty() || (clients.is_empty() && is_handed_over) {
                return;
            }
            // There may be much, and the connections want to go on meanwhile.
            tokio::task::coop::consume_budget().await;
            if goes_on {
                continue;
            }
            tokio::select! {
                biased;
                goes_on = self.wait() => if !goes_on { return },
                () = self.frontend.wait_disconnected(), if is_handed_over => return,
            }
        }
    }

    /// Disconnects the clients that nothing is under way for, and forgets those that have gone.
    fn disconnect_idle(&self, clients: &mut Vec<PeerId>, reads: bool) {
        let mut busy: HashSet<PeerId> = self.in_flight.values().map(|request| request.client).collect();
        busy.extend(self.returned.iter().map(|(client, _)| *client));
        // Where no plain worker has ever answered, a client would be waited for in vain.
        if reads || self.plain.has_replies {
            busy.extend(self.plain.clients());
        }
        clients.retain(|client| {
            busy.contains(client)
                || self.frontend.disconnect_idle(*client)
                || self.frontend.peer(*client).is_some()
        });
    }

    /// Requests that workers haven't answered, and requests that no worker has.
    fn under_way(&self) -> (u64, u64) {
        let unanswered = self.in_flight.len() + self.plain.unanswered();
        // Also those of clients that have gone: nobody receives them any more.
        let unread: usize = std::iter::from_fn(|| self.frontend.try_recv_event(usize::MAX))
            .map(|event| if let PeerEvent::Messages { batch, .. } = event { batch.len() } else { 0 })
            .sum();
        (unanswered as u64, (self.returned.len() + unread) as u64)
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn a_plain_worker_has_the_requests_that_it_has_not_answered_until_it_goes() {
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        let [ann, bob, one, other] = [(); 4].map(|()| ids.insert(()));
        let mut requests = PlainRequests::default();
        [(one, ann), (one, bob), (one, ann), (other, bob)].into_iter().for_each(|(w, c)| requests.sent(w, c));
        assert_eq!(requests.unanswered(), 0, "they may be of a kind that nobody answers");
        requests.taken_back(other, bob);
        requests.answered(one, bob);
        requests.answered(one, bob);
        requests.answered(one, ann);
        assert_eq!((requests.clients().collect::<Vec<_>>(), requests.unanswered()), (vec![ann], 1));
        assert_eq!((requests.leave(other), requests.leave(one), requests.unanswered()), (0, 1, 0));
    }

    #[test]
    fn requests_of_clients_that_have_gone_are_forgotten_before_they_are_many() {
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        let (worker, stays) = (ids.insert(()), ids.insert(()));
        let mut requests = PlainRequests::default();
        requests.sent(worker, stays);
        for _ in 0..MIN_ENTRIES * 4 {
            requests.sent(worker, ids.insert(()));
            requests.forget_departed(|client| client == stays);
            assert!(requests.requests.len() <= MIN_ENTRIES);
        }
        assert!(requests.clients().any(|client| client == stays));
    }
}
