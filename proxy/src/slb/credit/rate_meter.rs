//! Measurement of a worker's rate while a given number of requests is in flight.

use std::time::{Duration, Instant};

use super::concurrency::Replies;

/// Plan of a sample: its begin and its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct SamplePlan {
    /// Replies to requests sent under another limit, which aren't measured.
    pub(super) settle: usize,
    /// Replies to measure.
    pub(super) replies: usize,
    /// Busy time after which the sample ends with the replies that have arrived: the worker is slower than expected.
    pub(super) timeout: Duration,
}

/// A measurement of a worker at one number in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Mean number of requests in flight.
    pub(super) in_flight: f64,
    /// Replies per second while the worker had anything in flight.
    pub(super) rate: f64,
    /// Whether the limit was reached at most of the replies. Otherwise the clients asked for less.
    pub(super) is_limited: bool,
    /// Number of requests that the worker provably served at the same time.
    pub(super) concurrency: usize,
}

/// A worker's rate and mean number in flight. It integrates the number in flight over time, so that no request needs
/// a time stamp.
#[derive(Debug)]
pub(super) struct RateMeter {
    plan: SamplePlan,
    in_flight: usize,
    /// Time of the last change of `in_flight`.
    changed: Option<Instant>,
    /// Integral of the number in flight over time.
    in_flight_seconds: f64,
    /// Time with at least one request in flight.
    busy: Duration,
    /// Busy time since the last replies.
    busy_since_reply: Duration,
    replies: Replies,
    /// Number of replies that arrived while the limit was reached.
    limited_replies: usize,
}

impl RateMeter {
    pub(super) const fn new(plan: SamplePlan) -> Self {
        Self {
            plan,
            in_flight: 0,
            changed: None,
            in_flight_seconds: 0.0,
            busy: Duration::ZERO,
            busy_since_reply: Duration::ZERO,
            replies: Replies::after(0),
            limited_replies: 0,
        }
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Starts another sample.
    pub(super) fn restart(&mut self, plan: SamplePlan) {
        *self = Self { in_flight: self.in_flight, changed: self.changed, ..Self::new(plan) };
    }

    /// Counts requests sent to the worker.
    pub(super) fn record_sent(&mut self, requests: usize, now: Instant) {
        self.advance(now);
        self.in_flight += requests;
    }

    /// Counts replies, and returns the busy time since the replies before.
    pub(super) fn record_replies(&mut self, replies: &Replies, limit: usize, now: Instant) -> Duration {
        self.advance(now);
        let busy = std::mem::take(&mut self.busy_since_reply);
        let was_limited = self.in_flight >= limit;
        self.in_flight = self.in_flight.saturating_sub(replies.count());
        self.replies.add(replies);
        self.limited_replies += if was_limited { replies.count() } else { 0 };
        // A worker that has become slow is measured at once, without waiting for its older replies.
        let settle = self.plan.settle;
        if settle > 0 && (self.replies.count() >= settle || self.busy > self.plan.timeout) {
            self.restart(SamplePlan { settle: 0, ..self.plan });
        }
        busy
    }

    /// Returns the sample, once it is complete.
    pub(super) fn sample(&self) -> Option<Sample> {
        let (replies, seconds) = (self.replies.count(), self.busy.as_secs_f64());
        let is_complete = self.plan.settle == 0 && replies >= self.plan.replies;
        let has_timed_out = !is_complete && self.busy > self.plan.timeout;
        (replies > 0 && seconds > 0.0 && (is_complete || has_timed_out)).then(|| Sample {
            in_flight: self.in_flight_seconds / seconds,
            rate: replies as f64 / seconds,
            is_limited: self.limited_replies * 4 >= replies * 3,
            concurrency: self.replies.concurrency(),
        })
    }

    /// Adds the time since the last change to the sums.
    fn advance(&mut self, now: Instant) {
        let since = self.changed.replace(now).map_or(Duration::ZERO, |before| now - before);
        if self.in_flight > 0 {
            self.in_flight_seconds += self.in_flight as f64 * since.as_secs_f64();
            self.busy += since;
            self.busy_since_reply += since;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Returns a meter with a timeout of 100 ms. Its worker got ten requests at `start`.
    fn meter(settle: usize, replies: usize, start: Instant) -> RateMeter {
        let mut meter = RateMeter::new(SamplePlan { settle, replies, timeout: ms(100) });
        meter.record_sent(10, start);
        meter
    }

    /// Lets the worker reply to one request.
    fn reply(meter: &mut RateMeter, now: Instant) {
        reply_with_limit(meter, 10, now);
    }

    fn reply_with_limit(meter: &mut RateMeter, limit: usize, now: Instant) {
        let mut replies = Replies::after(0);
        replies.push_unattributed();
        meter.record_replies(&replies, limit, now);
    }

    #[test]
    fn a_sample_that_times_out_has_the_replies_so_far() {
        let start = Instant::now();
        let mut meter = meter(0, 10, start);
        for at in [50, 100] {
            reply(&mut meter, start + ms(at));
            assert!(meter.sample().is_none(), "after {at} ms");
        }
        reply(&mut meter, start + ms(150));
        assert!((meter.sample().unwrap().rate - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_slowed_worker_is_measured_before_it_has_answered_its_requests() {
        let start = Instant::now();
        let mut meter = meter(10, 1, start);
        for at in [50, 100] {
            reply(&mut meter, start + ms(at));
        }
        assert!(meter.sample().is_none(), "replies to older requests do not count");
        reply(&mut meter, start + ms(150));
        reply(&mut meter, start + ms(350));
        // One reply in 200 ms: earlier replies don't count.
        assert!((meter.sample().unwrap().rate - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_sample_begins_once_the_older_requests_are_answered() {
        let start = Instant::now();
        let mut meter = meter(2, 2, start);
        for at in [1, 2, 12] {
            reply(&mut meter, start + ms(at));
            assert!(meter.sample().is_none(), "after {at} ms");
        }
        reply(&mut meter, start + ms(22));
        let sample = meter.sample().unwrap();
        assert!((sample.rate - 100.0).abs() < 1e-9);
        assert!((sample.in_flight - 7.5).abs() < 1e-9);
        assert!(!sample.is_limited, "eight and seven of ten were in flight");
    }

    #[test]
    fn replies_within_no_measurable_time_complete_no_sample() {
        let start = Instant::now();
        let mut meter = meter(0, 1, start);
        reply(&mut meter, start);
        assert!(meter.sample().is_none());
        reply(&mut meter, start + ms(1));
        assert!((meter.sample().unwrap().rate - 2000.0).abs() < 1e-9);
    }

    #[test]
    fn a_sample_is_limited_if_three_quarters_of_its_replies_came_at_the_limit() {
        for (at_limit, is_limited) in [(3, true), (2, false)] {
            let start = Instant::now();
            let mut meter = meter(0, 4, start);
            for n in 0..4 {
                let limit = if n < at_limit { 1 } else { 100 };
                reply_with_limit(&mut meter, limit, start + ms(1 + n));
            }
            assert_eq!(meter.sample().unwrap().is_limited, is_limited, "{at_limit} of four");
        }
    }
}
