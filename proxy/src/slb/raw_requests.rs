//! Requests that DEALER and ROUTER workers have, by worker and client.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use enfonet::peer::PeerId;

use crate::tuning::MIN_SWEPT_ENTRIES;

/// Requests that raw workers haven't answered. A raw worker may send any number of replies; one for each request is
/// assumed.
#[derive(Debug, Default)]
pub(super) struct RawRequests {
    requests: HashMap<(PeerId, PeerId), usize>,
    /// Whether any request was ever answered. If not, these workers don't reply at all.
    pub(super) any_answered: bool,
    /// Number of entries at which the entries of departed clients are removed.
    sweep_at: usize,
}

impl RawRequests {
    /// Adds a request of the client to the worker.
    pub(super) fn insert(&mut self, worker: PeerId, client: PeerId) {
        *self.requests.entry((worker, client)).or_default() += 1;
    }

    /// Counts a reply of the worker to the client.
    pub(super) fn record_reply(&mut self, worker: PeerId, client: PeerId) {
        self.any_answered = true;
        self.remove(worker, client);
    }

    /// Removes a request of the client from the worker.
    pub(super) fn remove(&mut self, worker: PeerId, client: PeerId) {
        if let Entry::Occupied(mut requests) = self.requests.entry((worker, client)) {
            *requests.get_mut() -= 1;
            if *requests.get() == 0 {
                requests.remove();
            }
        }
    }

    /// Removes the requests of departed clients once the number of entries has doubled since the last time. With
    /// workers that never answer, the entries would grow without bound.
    pub(super) fn sweep_departed(&mut self, is_connected: impl Fn(PeerId) -> bool) {
        if self.requests.len() >= self.sweep_at.max(MIN_SWEPT_ENTRIES) {
            self.requests.retain(|(_, client), _| is_connected(*client));
            self.sweep_at = self.requests.len() * 2;
        }
    }

    /// Removes a departed worker, and returns the number of its requests, which are lost.
    pub(super) fn remove_worker(&mut self, worker: PeerId) -> usize {
        let lost = self.requests.extract_if(|(at, _), _| *at == worker).map(|(_, requests)| requests).sum();
        if self.any_answered { lost } else { 0 }
    }

    /// Returns the client of each entry.
    pub(super) fn clients(&self) -> impl Iterator<Item = PeerId> {
        self.requests.keys().map(|(_, client)| *client)
    }

    /// Returns the number of requests that a reply is expected to.
    pub(super) fn unanswered(&self) -> usize {
        if self.any_answered { self.requests.values().sum() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;
    use crate::slb::tests::unknown_peers;

    #[test]
    fn a_raw_worker_holds_its_unanswered_requests_until_it_departs() {
        let [ann, bob, one, other] = unknown_peers();
        let mut requests = RawRequests::default();
        [(one, ann), (one, bob), (one, ann), (other, bob)]
            .into_iter()
            .for_each(|(w, c)| requests.insert(w, c));
        assert_eq!(requests.unanswered(), 0, "they may be of a kind that nobody answers");
        requests.remove(other, bob);
        requests.record_reply(one, bob);
        requests.record_reply(one, bob);
        requests.record_reply(one, ann);
        assert_eq!((requests.clients().collect::<Vec<_>>(), requests.unanswered()), (vec![ann], 1));
        assert_eq!(
            (requests.remove_worker(other), requests.remove_worker(one), requests.unanswered()),
            (0, 1, 0)
        );
    }

    #[test]
    fn requests_of_departed_clients_are_removed_before_they_are_many() {
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        let (worker, stays) = (ids.insert(()), ids.insert(()));
        let mut requests = RawRequests::default();
        requests.insert(worker, stays);
        for _ in 0..MIN_SWEPT_ENTRIES * 4 {
            requests.insert(worker, ids.insert(()));
            requests.sweep_departed(|client| client == stays);
            assert!(requests.requests.len() <= MIN_SWEPT_ENTRIES);
        }
        assert!(requests.clients().any(|client| client == stays));
    }

    #[test]
    fn a_sweep_costs_few_lookups_per_request_even_if_no_client_departs() {
        const REQUESTS: usize = MIN_SWEPT_ENTRIES * 16;
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        let worker = ids.insert(());
        let (mut requests, looks) = (RawRequests::default(), std::cell::Cell::new(0));
        for _ in 0..REQUESTS {
            requests.insert(worker, ids.insert(()));
            requests.sweep_departed(|_| {
                looks.set(looks.get() + 1);
                true
            });
        }
        assert!(looks.get() > 0 && looks.get() <= REQUESTS * 2, "{} looks", looks.get());
    }
}
