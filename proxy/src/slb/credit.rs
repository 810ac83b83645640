//! How many requests a worker may have at a time.
//!
//! Enough that it is never idle for want of the next one, and no more: what a slow worker has, a fast one
//! can't take. So the credit follows the service time, which is the gap between replies of a worker that is
//! busy (the time from request to reply would include the queue that the credit itself makes, and feed back).
//!
//! It starts at 1, doubles with every round that used it up, and is held where credit × worst recent service
//! time stays within a few milliseconds. A stall halves it.

use std::time::{Duration, Instant};

/// What a worker may have in its queue, in time.
const TARGET: Duration = Duration::from_millis(4);
const MAX: usize = 1024;
/// A worker gets in a row, and in one write, what takes it so long. To wake another for a part of that would cost more
/// than it saves, and the replies would come back in as many parts.
const RUN: Duration = Duration::from_micros(150);

#[derive(Debug)]
pub(super) struct Credit {
    limit: usize,
    /// The worst service time lately.
    service: Duration,
    pace: Pace,
    /// When the request that the worker is busy with began to be served.
    busy_since: Option<Instant>,
}

impl Credit {
    pub(super) const fn new() -> Self {
        Self { limit: 1, service: Duration::ZERO, pace: Pace::new(), busy_since: None }
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many requests the worker gets in a row, if it may have as many.
    pub(super) fn run(&self) -> usize {
        self.pace.requests_in(RUN).clamp(1, MAX)
    }

    /// Requests have gone to the worker.
    pub(super) const fn sent(&mut self, now: Instant) {
        if self.busy_since.is_none() {
            self.busy_since = Some(now);
        }
    }

    /// So many replies have come at once, and so many requests are still with the worker.
    pub(super) fn replied(&mut self, replies: usize, in_flight: usize, now: Instant) {
        let was_used_up = in_flight + replies >= self.limit;
        if let Some(since) = self.busy_since {
            let replies = u32::try_from(replies.max(1)).unwrap_or(u32::MAX);
            self.observe((now - since) / replies);
            self.pace.observe(replies, now - since);
        }
        self.busy_since = (in_flight > 0).then_some(now);
        let bound = self.bound();
        if self.limit > bound {
            self.limit = bound.max(self.limit / 2);
        } else if was_used_up {
            self.limit = (self.limit + replies).min(bound);
        }
    }

    /// A worse service time counts at once, a better one by and by.
    fn observe(&mut self, service: Duration) {
        self.service = service.max(self.service - self.service.saturating_sub(service) / 8);
    }

    fn bound(&self) -> usize {
        let fitting = TARGET.as_nanos() / self.service.as_nanos().max(1);
        usize::try_from(fitting).unwrap_or(MAX).clamp(1, MAX)
    }
}

/// How many requests a worker served lately, and how long it was busy with them: a stall counts for what it is here.
#[derive(Debug)]
struct Pace {
    served: u32,
    busy: Duration,
}

impl Pace {
    /// It forgets half when it knows more than so many.
    const LATELY: u32 = 256;

    const fn new() -> Self {
        Self { served: 0, busy: Duration::ZERO }
    }

    fn observe(&mut self, replies: u32, time: Duration) {
        if self.served > Self::LATELY {
            self.served /= 2;
            self.busy /= 2;
        }
        self.served = self.served.saturating_add(replies);
        self.busy += time;
    }

    fn requests_in(&self, time: Duration) -> usize {
        let requests = time.as_nanos() * u128::from(self.served) / self.busy.as_nanos().max(1);
        usize::try_from(requests).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker that serves one request after the other; the broker keeps its credit used up.
    fn simulate(service: impl Fn(usize) -> Duration, requests: usize) -> Vec<usize> {
        let (mut credit, mut now, mut in_flight) = (Credit::new(), Instant::now(), 0);
        let mut limits = Vec::new();
        for n in 0..requests {
            while in_flight < credit.limit() {
                credit.sent(now);
                in_flight += 1;
            }
            now += service(n);
            in_flight -= 1;
            credit.replied(1, in_flight, now);
            limits.push(credit.limit());
        }
        limits
    }

    #[test]
    fn a_fast_worker_gets_hundreds_and_a_slow_one_a_single_request() {
        assert_eq!(simulate(|_| Duration::from_micros(10), 2000).last(), Some(&400));
        assert_eq!(simulate(|_| Duration::from_millis(1), 100).last(), Some(&4));
        assert!(simulate(|_| Duration::from_millis(100), 20).iter().all(|limit| *limit == 1));
    }

    #[test]
    fn credit_starts_at_one_and_doubles_each_round() {
        let limits = simulate(|_| Duration::from_micros(10), 15);
        assert_eq!(Credit::new().limit(), 1);
        assert_eq!([limits[0], limits[2], limits[6], limits[14]], [2, 4, 8, 16]);
    }

    /// A worker that has served 500 batches, so many microseconds a request.
    fn served(micros: u64) -> Credit {
        let (mut credit, now) = (Credit::new(), Instant::now());
        for _ in 0..500 {
            let requests = credit.limit();
            credit.sent(now);
            credit.replied(requests, 0, now + Duration::from_micros(micros * requests as u64));
        }
        credit
    }

    #[test]
    fn what_a_worker_gets_in_a_row_takes_it_150_us_or_is_one_request() {
        assert_eq!(Credit::new().run(), 1);
        for (micros, runs) in [(1, 140..=150), (5, 28..=30), (10, 14..=15), (100, 1..=1), (100_000, 1..=1)] {
            let run = served(micros).run();
            assert!(runs.contains(&run), "{run} of {micros} us");
        }
    }

    #[test]
    fn a_stall_costs_credit_but_the_pace_stays() {
        let mut credit = served(2);
        let (limit, run, now) = (credit.limit(), credit.run(), Instant::now());
        credit.sent(now);
        credit.replied(8, limit - 8, now + Duration::from_micros(400));
        assert!(credit.limit() <= limit / 2, "{} of {limit}", credit.limit());
        assert!(credit.run() >= run * 3 / 4, "{} of {run}", credit.run());
    }

    #[test]
    fn a_worker_that_turns_slow_soon_has_little() {
        let service = |n| {
            if n < 1000 { Duration::from_micros(10) } else { Duration::from_millis(50) }
        };
        let limits = simulate(service, 1020);
        assert!(limits[999] >= 400);
        assert_eq!(limits[1015], 1);
    }

    #[test]
    fn one_long_request_among_many_short_ones_costs_credit_only_for_a_while() {
        let service = |n| Duration::from_micros(if n == 1000 { 8000 } else { 10 });
        let limits = simulate(service, 3000);
        assert!(limits[1000] < limits[999]);
        assert!(limits[2999] > 390);
    }

    #[test]
    fn the_time_a_worker_has_nothing_to_do_is_not_its_service_time() {
        let (mut credit, start) = (Credit::new(), Instant::now());
        for n in 0..100 {
            let now = start + Duration::from_secs(n);
            credit.sent(now);
            credit.replied(1, 0, now + Duration::from_micros(10));
        }
        assert_eq!(credit.service, Duration::from_micros(10));
    }

    #[test]
    fn replies_that_come_together_share_the_time_that_they_took() {
        let (mut credit, start) = (Credit::new(), Instant::now());
        (0..64).for_each(|_| credit.sent(start));
        credit.replied(64, 0, start + Duration::from_micros(640));
        assert_eq!(credit.service, Duration::from_micros(10));
    }
}
