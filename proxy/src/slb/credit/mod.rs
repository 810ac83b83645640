//! Number of requests that one worker may have in flight.
//!
//! The controller searches for the smallest number that gives all of the worker's throughput. Requests in flight beyond
//! it only wait at the worker, where no other worker can take them. Replies alone don't distinguish service time from
//! distance, or a serial worker from a concurrent worker. So the controller makes trials: it doubles or halves the
//! number for a while and compares the rates (`limit_search`). The rate at the higher number times the round trip at
//! the lower number, where fewer requests wait, is the number in flight at which the worker is just busy (the
//! bandwidth-delay product, as in BBR, by Little's law).
//!
//! ```text
//!   rate         ┌───────── more in flight only waits
//!               ╱
//!             ╱     knee = rate at the higher number × round trip at the lower number
//!           ╱
//!         ╱──────────────── in flight
//! ```
//!
//! A short queue at the worker is worth what it costs: it saves wake-ups, and no other worker could start so soon. So
//! up to [`QUEUE_ALLOWANCE_TIME`](crate::tuning::QUEUE_ALLOWANCE_TIME) of work may always be in flight, without a
//! trial.
//!
//! Replies that overtake older requests prove how many requests the worker serves at once (`concurrency`). Up to that
//! number the limit rises without comparing rates, which varying service times make unsure.
//!
//! A worker that announces its capacity starts there and never gets less. Beyond it, it gets only what a trial proves.

mod burst;
mod concurrency;
mod limit_search;
mod rate_meter;

use std::time::Instant;

use burst::Burst;
use limit_search::LimitSearch;
use rate_meter::RateMeter;

pub(super) use concurrency::{Replies, Sequence};

/// Credit of a worker: the number of requests that it may have in flight, and that it gets in one burst.
#[derive(Debug)]
pub(super) struct Credit {
    search: LimitSearch,
    meter: RateMeter,
    burst: Burst,
    /// Position of the next request.
    next_request: Sequence,
    /// Position of the request whose reply is next, if all replies arrive in order.
    next_reply: Sequence,
}

impl Credit {
    /// Creates the credit of a new worker, which may have announced how many requests it serves at once.
    pub(super) fn new(capacity: Option<usize>) -> Self {
        let search = LimitSearch::new(capacity);
        let meter = RateMeter::new(search.plan(0));
        Self { search, meter, burst: Burst::new(), next_request: 0, next_reply: 0 }
    }

    /// Returns the number of requests that may be in flight.
    pub(super) const fn limit(&self) -> usize {
        self.search.limit()
    }

    /// Returns the number of requests that the worker gets in one burst, if its limit allows.
    pub(super) fn burst(&self) -> usize {
        self.burst.limit()
    }

    /// Returns the position of the next request.
    pub(super) const fn next_sequence(&self) -> Sequence {
        self.next_request
    }

    /// Returns a counter for the worker's next replies.
    pub(super) const fn start_replies(&self) -> Replies {
        Replies::after(self.next_reply)
    }

    /// Counts requests sent to the worker.
    pub(super) fn record_sent(&mut self, requests: usize, now: Instant) {
        self.next_request = self.next_request.wrapping_add(requests as Sequence);
        self.meter.record_sent(requests, now);
    }

    /// Counts replies that arrived together.
    pub(super) fn record_replies(&mut self, replies: &Replies, now: Instant) {
        self.next_reply = replies.next_reply();
        let busy = self.meter.record_replies(replies, self.limit(), now);
        self.burst.observe(replies.count(), busy);
        if let Some(sample) = self.meter.sample() {
            let before = self.limit();
            self.search.handle_sample(&sample);
            // The requests in flight were sent under the old limit: their replies show nothing about the new limit.
            let settle = if self.limit() == before { 0 } else { self.meter.in_flight() };
            self.meter.restart(self.search.plan(settle));
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
