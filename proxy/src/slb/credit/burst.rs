//! Size of a burst: the number of requests that a worker gets in one write.

use std::time::Duration;

use crate::tuning::{BURST_HISTORY_REPLIES, BURST_TIME, MAX_BURST_REQUESTS};

/// Recent history of a worker, from which the size of its bursts follows. It is a mean: a stall counts only for its
/// length.
#[derive(Debug)]
pub(super) struct Burst {
    /// Requests served.
    served: usize,
    /// Time with at least one request in flight.
    busy: Duration,
}

impl Burst {
    pub(super) const fn new() -> Self {
        Self { served: 0, busy: Duration::ZERO }
    }

    /// Counts replies, and the worker's busy time since the replies before.
    pub(super) fn observe(&mut self, replies: usize, busy: Duration) {
        if self.served > BURST_HISTORY_REPLIES {
            self.served /= 2;
            self.busy /= 2;
        }
        self.served += replies;
        self.busy += busy;
    }

    /// Returns the number of requests that take the worker [`BURST_TIME`]; at least one.
    pub(super) fn limit(&self) -> usize {
        let requests = BURST_TIME.as_nanos() * self.served as u128 / self.busy.as_nanos().max(1);
        usize::try_from(requests).unwrap_or(MAX_BURST_REQUESTS).clamp(1, MAX_BURST_REQUESTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_follow_a_worker_that_becomes_slow_within_a_few_hundred_replies() {
        let mut burst = Burst::new();
        (0..1000).for_each(|_| burst.observe(100, Duration::from_micros(100)));
        assert!((145..=150).contains(&burst.limit()), "{}", burst.limit());
        (0..6).for_each(|_| burst.observe(100, BURST_TIME * 100));
        assert!(burst.limit() <= 2, "{}", burst.limit());
    }
}
