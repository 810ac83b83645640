//! Number of requests that one worker may have in flight.
//!
//! The controller looks for the smallest number that gives all of the worker's throughput: whatever is in flight beyond
//! it only waits at the worker, where no other worker can take it. Replies alone can't tell service time from distance,
//! nor a serial worker from a concurrent one. So the controller tries: it doubles or halves the number for a while and
//! compares the rates (`search`). With the rate at the higher number and the round trip at the lower one, where less is
//! waiting, their product is the number in flight at which the worker is just busy (the bandwidth-delay product, as in
//! BBR, by Little's law).
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
//! up to [`QUEUE_ALLOWANCE_TIME`](crate::tuning::QUEUE_ALLOWANCE_TIME) of work may always be in flight, without a trial.
//!
//! Replies that overtake older requests prove that the worker serves several at once, and how many (`concurrency`): so far the
//! number rises without a comparison, which service times that vary would make unsure.
//!
//! A worker that announces its capacity starts there and never gets less; beyond it only what a trial proves.

mod burst;
mod concurrency;
mod limit_search;
mod rate_meter;

use std::time::Instant;

use burst::Burst;
use limit_search::LimitSearch;
use rate_meter::RateMeter;

pub(super) use concurrency::{Replies, Sequence};

/// Credit of a worker: how much it may have in flight, and how much of that it gets in a row.
#[derive(Debug)]
pub(super) struct Credit {
    search: LimitSearch,
    meter: RateMeter,
    burst: Burst,
    sent: Sequence,
    answered: Sequence,
}

impl Credit {
    /// Creates the credit of a new worker, which may have announced how many requests it serves at once.
    pub(super) fn new(capacity: Option<usize>) -> Self {
        let search = LimitSearch::new(capacity);
        let meter = RateMeter::new(search.plan(0));
        Self { search, meter, burst: Burst::new(), sent: 0, answered: 0 }
    }

    /// Returns the number of requests that may be in flight.
    pub(super) const fn limit(&self) -> usize {
        self.search.limit()
    }

    /// Returns the number of requests that the worker gets in a row, if it may have as many.
    pub(super) fn burst(&self) -> usize {
        self.burst.limit()
    }

    /// Returns the position of the next request.
    pub(super) const fn next_sequence(&self) -> Sequence {
        self.sent
    }

    /// Returns where the worker's next replies are counted.
    pub(super) const fn start_replies(&self) -> Replies {
        Replies::after(self.answered)
    }

    /// Counts requests that have gone to the worker.
    pub(super) fn record_sent(&mut self, requests: usize, now: Instant) {
        self.sent = self.sent.wrapping_add(requests as Sequence);
        self.meter.record_sent(requests, now);
    }

    /// Counts replies that have come together.
    pub(super) fn record_replies(&mut self, replies: &Replies, now: Instant) {
        self.answered = replies.answered();
        let busy = self.meter.record_replies(replies, self.limit(), now);
        self.burst.observe(replies.count(), busy);
        if let Some(sample) = self.meter.sample() {
            let before = self.limit();
            self.search.handle_sample(&sample);
            // Requests in flight went there under another limit.
            let settle = if self.limit() == before { 0 } else { self.meter.in_flight() };
            self.meter.restart(self.search.plan(settle));
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
