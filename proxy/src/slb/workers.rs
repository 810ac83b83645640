//! The connected workers, and the choice of the worker that gets the next requests: the least loaded worker.

use std::collections::BTreeSet;
use std::time::Instant;

use enfonet::peer::PeerId;
use slotmap::SecondaryMap;

use super::credit::{Credit, Replies, Sequence};
use crate::tuning::RAW_BURST_REQUESTS;

/// The way in which a worker replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkerKind {
    /// Replies once to each request, behind the frames before its body (REP). Its credit bounds its requests.
    Rep,
    /// Replies in any way (DEALER, ROUTER). Only its queue bounds its requests.
    Raw,
}

#[derive(Debug)]
struct Worker {
    kind: WorkerKind,
    in_flight: usize,
    /// Load of the least loaded raw worker when this worker joined. The requests of raw workers may never be answered,
    /// so that a new worker would get all further requests without it.
    handicap: usize,
    credit: Credit,
    /// Whether its queue has no room.
    is_full: bool,
    /// Number of the last pick. Of two equally loaded workers, the worker picked longer ago is first.
    last_pick: u64,
}

impl Worker {
    /// Returns the load by which workers are compared.
    const fn load(&self) -> usize {
        self.in_flight + self.handicap
    }

    /// Returns the number of requests that the worker may get now.
    const fn available(&self) -> usize {
        match self.kind {
            _ if self.is_full => 0,
            WorkerKind::Rep => self.credit.limit().saturating_sub(self.in_flight),
            WorkerKind::Raw => RAW_BURST_REQUESTS,
        }
    }
}

/// The worker that gets the next requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) worker: PeerId,
    pub(super) kind: WorkerKind,
    /// Maximum number of requests to send at once.
    pub(super) burst: usize,
    /// Position of the first of these requests among all that the worker got.
    pub(super) first_sequence: Sequence,
}

/// All connected workers.
#[derive(Debug, Default)]
pub(super) struct Workers {
    workers: SecondaryMap<PeerId, Worker>,
    /// Workers that may get a request, by load, then by last pick.
    available: BTreeSet<(usize, u64, PeerId)>,
    /// Sum of the credit of the available workers.
    credit: usize,
    in_flight: usize,
    full: Vec<PeerId>,
    picks: u64,
}

impl Workers {
    /// Returns the number of requests that may be dispatched now.
    pub(super) const fn credit(&self) -> usize {
        self.credit
    }

    pub(super) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// Returns the number of requests that the workers have.
    #[cfg(test)]
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns the workers whose queue has no room.
    pub(super) fn full_workers(&self) -> &[PeerId] {
        &self.full
    }

    /// Returns the worker's kind and a counter for its next replies, or `None` for an unknown worker.
    pub(super) fn start_replies(&self, id: PeerId) -> Option<(WorkerKind, Replies)> {
        self.workers.get(id).map(|worker| (worker.kind, worker.credit.start_replies()))
    }

    /// Adds a worker, which may have announced how many requests it serves at once.
    pub(super) fn join(&mut self, id: PeerId, kind: WorkerKind, capacity: Option<usize>) {
        self.picks += 1;
        let credit = Credit::new(capacity);
        let raw = self.workers.values().filter(|worker| worker.kind == WorkerKind::Raw);
        let handicap = if kind == WorkerKind::Raw { raw.map(Worker::load).min().unwrap_or(0) } else { 0 };
        let worker = Worker { kind, in_flight: 0, handicap, credit, is_full: false, last_pick: self.picks };
        self.workers.insert(id, worker);
        self.add_available(id);
    }

    /// Returns the least loaded worker, if any may get a request.
    pub(super) fn pick(&self) -> Option<Assignment> {
        let (_, _, id) = self.available.first()?;
        let worker = &self.workers[*id];
        let burst = worker.available().min(worker.credit.burst());
        Some(Assignment {
            worker: *id,
            kind: worker.kind,
            burst,
            first_sequence: worker.credit.next_sequence(),
        })
    }

    /// Counts requests sent to a worker.
    pub(super) fn record_sent(&mut self, id: PeerId, requests: usize, now: Instant) {
        if requests > 0 {
            self.picks += 1;
            let last_pick = self.picks;
            self.update(id, |worker| {
                worker.in_flight += requests;
                worker.last_pick = last_pick;
                worker.credit.record_sent(requests, now);
            });
        }
    }

    /// Counts replies received from a worker.
    pub(super) fn record_replies(&mut self, id: PeerId, replies: &Replies, now: Instant) {
        if replies.count() > 0 {
            self.update(id, |worker| {
                worker.in_flight = worker.in_flight.saturating_sub(replies.count());
                worker.credit.record_replies(replies, now);
            });
        }
    }

    /// Marks a worker whose queue has no room. The worker gets no request until [`clear_full`](Self::clear_full).
    pub(super) fn mark_full(&mut self, id: PeerId) {
        if self.update(id, |worker| worker.is_full = true).is_some() {
            self.full.push(id);
        }
    }

    /// Makes a worker available again, since its queue has room.
    pub(super) fn clear_full(&mut self, id: PeerId) {
        self.full.retain(|full| *full != id);
        self.update(id, |worker| worker.is_full = false);
    }

    /// Removes a worker, and returns its kind if it was known.
    pub(super) fn leave(&mut self, id: PeerId) -> Option<WorkerKind> {
        self.remove_available(id);
        self.full.retain(|full| *full != id);
        let worker = self.workers.remove(id)?;
        self.in_flight -= worker.in_flight;
        Some(worker.kind)
    }

    /// Changes a worker, and updates the totals and the order of the available workers.
    fn update(&mut self, id: PeerId, change: impl FnOnce(&mut Worker)) -> Option<WorkerKind> {
        self.remove_available(id);
        let worker = self.workers.get_mut(id)?;
        let before = worker.in_flight;
        change(worker);
        let (kind, after) = (worker.kind, worker.in_flight);
        self.in_flight = self.in_flight + after - before;
        self.add_available(id);
        Some(kind)
    }

    fn add_available(&mut self, id: PeerId) {
        let worker = &self.workers[id];
        if worker.available() > 0 {
            self.credit += worker.available();
            self.available.insert((worker.load(), worker.last_pick, id));
        }
    }

    fn remove_available(&mut self, id: PeerId) {
        let Some(worker) = self.workers.get(id) else {
            return;
        };
        if self.available.remove(&(worker.load(), worker.last_pick, id)) {
            self.credit -= worker.available();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::slb::tests::unknown_peers;

    /// Lets a worker reply to its oldest requests.
    fn reply(workers: &mut Workers, id: PeerId, count: usize, now: Instant) {
        let Some((_, mut replies)) = workers.start_replies(id) else { return };
        (0..count).for_each(|_| replies.push_unattributed());
        workers.record_replies(id, &replies, now);
    }

    fn send(workers: &mut Workers) -> Option<PeerId> {
        let id = workers.pick()?.worker;
        workers.record_sent(id, 1, Instant::now());
        Some(id)
    }

    #[test]
    fn idle_workers_are_served_first_and_in_rotation() {
        let (mut workers, mut ids) = (Workers::default(), unknown_peers::<3>());
        // The order must not be that of the ids.
        ids.reverse();
        ids.iter().for_each(|id| workers.join(*id, WorkerKind::Rep, None));
        let first: Vec<_> = std::iter::from_fn(|| send(&mut workers)).collect();
        assert_eq!(first, ids, "a new worker has credit for one request");
        let now = Instant::now();
        ids.iter().rev().for_each(|id| reply(&mut workers, *id, 1, now));
        workers.record_sent(ids[0], 0, now);
        let next: Vec<_> = (0..3).filter_map(|_| send(&mut workers)).collect();
        assert_eq!(next, ids, "the longest idle worker comes first, and nothing sent is no turn");
    }

    #[test]
    fn a_later_raw_worker_gets_no_more_requests_than_raw_workers_that_never_answer() {
        let (mut workers, ids) = (Workers::default(), unknown_peers::<2>());
        workers.join(ids[0], WorkerKind::Raw, None);
        (0..1000).for_each(|_| workers.record_sent(ids[0], 1, Instant::now()));
        workers.join(ids[1], WorkerKind::Raw, None);
        let next: Vec<_> = (0..10).filter_map(|_| send(&mut workers)).collect();
        assert_eq!(next.iter().filter(|id| **id == ids[1]).count(), 5, "{next:?}");
    }

    #[test]
    fn a_fast_worker_gets_several_requests_in_a_row_but_no_more_than_its_credit() {
        let (mut workers, ids) = (Workers::default(), unknown_peers::<2>());
        workers.join(ids[0], WorkerKind::Rep, None);
        let mut now = Instant::now();
        for _ in 0..200 {
            let Assignment { worker, burst, .. } = workers.pick().unwrap();
            assert!((1..=workers.credit()).contains(&burst), "{burst} of {}", workers.credit());
            let all = workers.credit();
            workers.record_sent(worker, all, now);
            assert_eq!((workers.pick(), workers.credit(), workers.in_flight()), (None, 0, all));
            now += Duration::from_micros(all as u64);
            reply(&mut workers, worker, all, now);
        }
        assert!((140..=150).contains(&workers.pick().unwrap().burst), "what takes it 150 us");
        let almost_all = workers.credit() - 3;
        workers.record_sent(ids[0], almost_all, now);
        assert_eq!(workers.pick().map(|assignment| assignment.burst), Some(3));
        workers.join(ids[1], WorkerKind::Rep, None);
        assert_eq!(workers.pick().map(|assignment| (assignment.worker, assignment.burst)), Some((ids[1], 1)));
    }

    #[test]
    fn a_full_or_departed_worker_gets_no_request() {
        let (mut workers, ids) = (Workers::default(), unknown_peers::<2>());
        ids.iter().for_each(|id| workers.join(*id, WorkerKind::Raw, None));
        workers.mark_full(ids[0]);
        assert_eq!(send(&mut workers), Some(ids[1]));
        assert_eq!(send(&mut workers), Some(ids[1]));
        workers.clear_full(ids[0]);
        assert_eq!(send(&mut workers), Some(ids[0]));
        ids.iter().for_each(|id| workers.mark_full(*id));
        workers.clear_full(ids[0]);
        assert_eq!(workers.full_workers(), &ids[1..]);
        assert_eq!(workers.leave(ids[0]), Some(WorkerKind::Raw));
        assert_eq!(workers.leave(ids[1]), Some(WorkerKind::Raw));
        assert_eq!((send(&mut workers), workers.in_flight(), workers.credit()), (None, 0, 0));
    }

    proptest! {
        #[test]
        fn the_totals_equal_the_sums_over_the_workers(steps in prop::collection::vec((0u8..6, 0usize..4), 0..200)) {
            let (mut workers, ids) = (Workers::default(), unknown_peers::<4>());
            let mut now = Instant::now();
            for (step, at) in steps {
                now += Duration::from_micros(50);
                let id = ids[at];
                match step {
                    0 if !workers.workers.contains_key(id) => {
                        let kind = if at == 0 { WorkerKind::Raw } else { WorkerKind::Rep };
                        workers.join(id, kind, (at == 1).then_some(7));
                    }
                    1 => drop(workers.leave(id)),
                    2 => reply(&mut workers, id, 1, now),
                    3 if !workers.full.contains(&id) => workers.mark_full(id),
                    4 => workers.clear_full(id),
                    _ => drop(send(&mut workers)),
                }
                prop_assert_eq!(workers.in_flight(), workers.workers.values().map(|w| w.in_flight).sum::<usize>());
                prop_assert_eq!(workers.credit(), workers.workers.values().map(Worker::available).sum::<usize>());
                prop_assert_eq!(workers.pick().is_some(), workers.credit() > 0);
                prop_assert!(workers.workers.values().all(|w| w.kind == WorkerKind::Raw || w.in_flight <= 65_535));
            }
        }
    }
}
