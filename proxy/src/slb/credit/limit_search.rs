//! Search for the smallest number in flight that gives all of a worker's throughput.
//!
//! ```text
//!   Hold ──pause over───► Trial of twice the number ──gain────► Hold there, or the next trial at once
//!    ▲  └─rate dropped──► Trial of half the number ───no loss──► Hold there
//!    └──────────────── no gain, or a loss: back, and a longer pause, then the other direction
//! ```

use std::time::Duration;

use super::rate_meter::{Sample, SamplePlan};
use crate::tuning::{
    KNEE_MARGIN_DOWN, KNEE_MARGIN_UP, MAX_CREDIT_REQUESTS, MAX_HOLD_SAMPLES, MAX_QUEUE_ALLOWANCE_REQUESTS,
    MIN_SAMPLE_REPLIES, MIN_SAMPLE_TIMEOUT, MIN_TRIAL_GAIN, QUEUE_ALLOWANCE_TIME, RATE_DROP,
};

/// Direction of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    const fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// Phase of the search.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Stays at the limit that was found, for `pause` samples.
    Hold { pause: u32 },
    /// Tries another limit, to compare it with the sample before.
    Trial { direction: Direction, limit: usize, base: Sample },
}

/// State of the search for one worker.
#[derive(Debug)]
pub(super) struct LimitSearch {
    /// Lower bound of the limit: the announced capacity, or 1.
    min_limit: usize,
    /// Whether the worker announced its capacity. If so, it gets no requests beyond its capacity without proof.
    is_announced: bool,
    /// Limit that trials have shown to be worthwhile.
    proven: usize,
    /// Number of requests that take the worker [`QUEUE_ALLOWANCE_TIME`].
    queue_allowance: usize,
    phase: Phase,
    /// The last sample at the held limit.
    reference: Option<Sample>,
    /// Whether the last sample was far slower than the reference.
    has_dropped: bool,
    /// Length of the last pause.
    pause: u32,
    /// Direction of the next trial.
    next: Direction,
    /// Whether no trial has failed yet. Samples are short until then, so that a new worker soon has all that it can
    /// serve.
    is_first: bool,
}

impl LimitSearch {
    pub(super) fn new(capacity: Option<usize>) -> Self {
        let min_limit = capacity.unwrap_or(1).clamp(1, MAX_CREDIT_REQUESTS);
        Self {
            min_limit,
            is_announced: capacity.is_some(),
            proven: min_limit,
            queue_allowance: 0,
            phase: Phase::Hold { pause: 1 },
            reference: None,
            has_dropped: false,
            pause: 1,
            next: Direction::Up,
            is_first: true,
        }
    }

    /// Returns the maximum number of requests in flight now.
    pub(super) const fn limit(&self) -> usize {
        match self.phase {
            Phase::Trial { limit, .. } => limit,
            Phase::Hold { .. } => self.held_limit(),
        }
    }

    /// Returns the limit outside of trials.
    const fn held_limit(&self) -> usize {
        if self.queue_allowance > self.proven { self.queue_allowance } else { self.proven }
    }

    /// Returns the plan of the next sample. It begins once the worker has replied to `settle` older requests.
    pub(super) fn plan(&self, settle: usize) -> SamplePlan {
        let limit = self.limit();
        // Concurrent workers reply in bursts of all requests in flight, so a sample of two rounds has a smaller error.
        let replies = if self.is_first { limit.max(2) } else { (limit * 2).max(MIN_SAMPLE_REPLIES) };
        let expected = self.reference.map_or(Duration::MAX, |reference| {
            Duration::try_from_secs_f64((settle + replies) as f64 / reference.rate).unwrap_or(Duration::MAX)
        });
        SamplePlan { settle, replies, timeout: expected.saturating_mul(4).max(MIN_SAMPLE_TIMEOUT) }
    }

    /// Adapts the limit to a sample, or starts or ends a trial.
    pub(super) fn handle_sample(&mut self, sample: &Sample) {
        match self.phase {
            Phase::Trial { direction, limit, base } => self.finish_trial(direction, limit, &base, sample),
            // A worker with fewer requests than the limit shows nothing about the limit.
            Phase::Hold { .. } if !sample.is_limited => {}
            Phase::Hold { pause } => self.handle_hold(pause, sample),
        }
    }

    /// Handles a sample at the held limit.
    fn handle_hold(&mut self, pause: u32, sample: &Sample) {
        let before = self.held_limit();
        let has_dropped = self.reference.is_some_and(|reference| sample.rate < reference.rate * RATE_DROP);
        let is_first_drop = has_dropped && !std::mem::replace(&mut self.has_dropped, has_dropped);
        self.update_queue_allowance(sample.rate, has_dropped && !is_first_drop);
        if is_first_drop {
            return;
        }
        self.has_dropped = false;
        self.reference = Some(*sample);
        if sample.proves_concurrency(before) {
            self.start_trial(Direction::Up, sample);
        } else if self.held_limit() > before {
            // The allowance still grows: the next sample decides.
        } else if has_dropped {
            self.pause = 1;
            self.start_trial(Direction::Down, sample);
        } else if pause > 1 {
            self.phase = Phase::Hold { pause: pause - 1 };
        } else {
            self.start_trial(self.next, sample);
        }
    }

    /// Adapts the queue allowance to the worker's rate. It doubles at most. It halves at most, unless the worker is
    /// known to be slow: a single low rate may be a stall of the broker.
    fn update_queue_allowance(&mut self, rate: f64, is_slow: bool) {
        if !self.is_announced {
            let fitting = (rate * QUEUE_ALLOWANCE_TIME.as_secs_f64()) as usize;
            let least = if is_slow { 0 } else { self.queue_allowance / 2 };
            self.queue_allowance =
                fitting.max(least).min(self.held_limit() * 2).min(MAX_QUEUE_ALLOWANCE_REQUESTS);
        }
    }

    /// Starts a trial of twice or half the held limit, unless a bound is in the way.
    fn start_trial(&mut self, direction: Direction, base: &Sample) {
        let held = self.held_limit();
        let limit = match direction {
            Direction::Up => (held * 2).min(MAX_CREDIT_REQUESTS),
            Direction::Down => {
                (held / 2).max(self.queue_allowance).max(self.min_limit).max(base.concurrency).min(held)
            }
        };
        self.phase = if limit == held {
            // The limit is at its bound.
            self.next = direction.opposite();
            Phase::Hold { pause: self.pause }
        } else {
            Phase::Trial { direction, limit, base: *base }
        };
    }

    /// Compares the sample of a trial with the sample before, and chooses the limit to hold.
    fn finish_trial(&mut self, direction: Direction, limit: usize, base: &Sample, tried: &Sample) {
        self.phase = Phase::Hold { pause: 1 };
        let held = self.held_limit();
        let proven = base.concurrency.max(tried.concurrency).max(self.min_limit);
        let found = match direction {
            Direction::Up if tried.proves_concurrency(limit) => limit,
            Direction::Up => knee(base, tried, KNEE_MARGIN_UP).max(proven).min(limit),
            Direction::Down => knee(tried, base, KNEE_MARGIN_DOWN).max(proven).min(held),
        };
        let has_gained = match direction {
            Direction::Up => found > held,
            Direction::Down => found < held,
        };
        if has_gained {
            (self.proven, self.pause, self.next) = (found, 1, direction);
            if direction == Direction::Up && found == limit {
                // The whole trial was worthwhile, so twice the number may be, too.
                self.reference = Some(*tried);
                self.start_trial(direction, tried);
            }
        } else {
            self.is_first = false;
            self.pause = (self.pause * 2).min(MAX_HOLD_SAMPLES);
            self.phase = Phase::Hold { pause: self.pause };
            self.next = direction.opposite();
        }
    }
}

impl Sample {
    /// Returns whether the worker provably served at least three quarters of the limit at the same time.
    const fn proves_concurrency(&self, limit: usize) -> bool {
        limit > 1 && self.concurrency * 4 >= limit * 3
    }
}

/// Returns the number in flight at which the worker is just busy, from samples at two numbers.
fn knee(low: &Sample, high: &Sample, margin: f64) -> usize {
    let gain = high.rate / low.rate;
    let number =
        if gain < MIN_TRIAL_GAIN { low.in_flight.round() } else { (low.in_flight * gain * margin).ceil() };
    (number as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(in_flight: f64, rate: f64) -> Sample {
        Sample { in_flight, rate, is_limited: true, concurrency: 1 }
    }

    #[test]
    fn a_trial_with_the_full_gain_is_followed_by_the_next_at_once() {
        let mut search = LimitSearch::new(None);
        // Too slow for a second request without proof.
        search.handle_sample(&sample(1.0, 100.0));
        let mut limits = vec![search.limit()];
        for number in [2, 4, 8] {
            search.handle_sample(&Sample {
                concurrency: number,
                ..sample(number as f64, 100.0 * number as f64)
            });
            limits.push(search.limit());
        }
        assert_eq!(limits, [2, 4, 8, 16]);
    }

    #[test]
    fn a_trial_that_proves_its_limit_is_followed_by_the_next_even_without_a_gain() {
        let mut search = LimitSearch::new(None);
        for (concurrency, limit) in [(1, 2), (2, 4), (3, 8)] {
            search.handle_sample(&Sample { concurrency, ..sample(limit as f64 / 2.0, 100.0) });
            assert_eq!(search.limit(), limit, "{concurrency} requests were served at the same time");
        }
    }

    #[test]
    fn the_knee_is_the_number_of_requests_at_which_the_lower_rate_reaches_the_higher() {
        assert_eq!(knee(&sample(10.0, 1000.0), &sample(20.0, 1500.0), 1.2), 18);
        assert_eq!(knee(&sample(10.4, 1000.0), &sample(20.0, 1010.0), 1.2), 10);
        assert_eq!(knee(&sample(0.2, 1000.0), &sample(0.4, 1010.0), 1.2), 1);
    }

    #[test]
    fn three_quarters_of_the_limit_in_service_prove_it_and_one_request_proves_no_limit() {
        let proves = |concurrency, limit| {
            Sample { in_flight: 1.0, rate: 1.0, is_limited: true, concurrency }.proves_concurrency(limit)
        };
        assert!(!proves(1, 1) && !proves(9, 1));
        assert!(proves(2, 2) && !proves(1, 2));
        assert!(proves(3, 4) && !proves(2, 4));
        assert!(proves(75, 100) && !proves(74, 100));
    }
}
