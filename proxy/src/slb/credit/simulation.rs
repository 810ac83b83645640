//! Workers in virtual time with a known optimum, and a broker that uses all of their credit.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::{Credit, Sequence};

/// A worker with a number of concurrent handlers, at a distance.
pub(super) struct Worker {
    handlers: usize,
    /// Round trip time.
    distance: Duration,
    service: Box<dyn FnMut(Duration) -> Duration>,
}

impl Worker {
    /// Creates a worker whose requests all take the same time.
    pub(super) fn new(handlers: usize, distance: Duration, service: Duration) -> Self {
        Self::varying(handlers, distance, move |_| service)
    }

    /// Creates a worker whose service time is a function of the virtual time.
    pub(super) fn varying(
        handlers: usize,
        distance: Duration,
        service: impl FnMut(Duration) -> Duration + 'static,
    ) -> Self {
        Self { handlers, distance, service: Box::new(service) }
    }
}

/// Number of replies in a span of time, and the time that each number was in flight.
pub(super) struct Outcome {
    replies: usize,
    time: Duration,
    /// Nanoseconds by number of requests in flight.
    in_flight: Vec<u64>,
}

impl Outcome {
    /// Returns the replies per second.
    pub(super) fn rate(&self) -> f64 {
        self.replies as f64 / self.time.as_secs_f64()
    }

    /// Returns the mean number of requests in flight.
    pub(super) fn mean_in_flight(&self) -> f64 {
        let weighted: f64 = self.in_flight.iter().enumerate().map(|(n, time)| n as f64 * *time as f64).sum();
        weighted / self.in_flight.iter().sum::<u64>() as f64
    }

    /// Returns the share of the time with at most `most` requests in flight.
    pub(super) fn share_within(&self, most: usize) -> f64 {
        let within: u64 = self.in_flight.iter().take(most + 1).sum();
        within as f64 / self.in_flight.iter().sum::<u64>() as f64
    }
}

/// A broker, the credit of its only worker, and clients with `demand` requests pending together.
pub(super) struct Simulation {
    credit: Credit,
    worker: Worker,
    demand: usize,
    start: Instant,
    now: Duration,
    in_flight: usize,
    /// Time at which each handler is idle.
    idle_at: BinaryHeap<Reverse<Duration>>,
    /// Time at which each reply reaches the broker, and the request that it answers.
    replies: BinaryHeap<Reverse<(Duration, Sequence)>>,
    /// Times during which the broker is stalled.
    stalls: VecDeque<Range<Duration>>,
}

impl Simulation {
    pub(super) fn new(worker: Worker, demand: usize, capacity: Option<usize>) -> Self {
        let idle_at = (0..worker.handlers).map(|_| Reverse(Duration::ZERO)).collect();
        Self {
            credit: Credit::new(capacity),
            worker,
            demand,
            start: Instant::now(),
            now: Duration::ZERO,
            in_flight: 0,
            idle_at,
            replies: BinaryHeap::new(),
            stalls: VecDeque::new(),
        }
    }

    /// Stalls the broker at these times.
    pub(super) fn stalled(mut self, stalls: impl IntoIterator<Item = Range<Duration>>) -> Self {
        self.stalls.extend(stalls);
        self
    }

    pub(super) fn limit(&self) -> usize {
        self.credit.limit()
    }

    pub(super) fn set_demand(&mut self, demand: usize) {
        self.demand = demand;
    }

    /// Gives the worker another number of handlers, all idle.
    pub(super) fn set_handlers(&mut self, handlers: usize) {
        self.idle_at = (0..handlers).map(|_| Reverse(self.now)).collect();
    }

    /// Lets `time` pass.
    pub(super) fn run(&mut self, time: Duration) -> Outcome {
        let end = self.now + time;
        let mut outcome = Outcome { replies: 0, time, in_flight: Vec::new() };
        self.send();
        while let Some(Reverse((next, _))) = self.replies.peek().copied() {
            let at = self.awake(next.max(self.now));
            if at >= end {
                break;
            }
            self.account(&mut outcome, at);
            let mut replies = self.credit.start_replies();
            while self.replies.peek().is_some_and(|Reverse((next, _))| *next <= at) {
                let Reverse((_, request)) = self.replies.pop().expect("a reply");
                replies.push(request);
            }
            self.in_flight -= replies.count();
            outcome.replies += replies.count();
            self.credit.record_replies(&replies, self.start + at);
            self.send();
        }
        self.account(&mut outcome, end);
        outcome
    }

    /// Returns the first time from `at` on at which the broker isn't stalled.
    fn awake(&mut self, at: Duration) -> Duration {
        while self.stalls.front().is_some_and(|stall| stall.end <= at) {
            self.stalls.pop_front();
        }
        self.stalls.front().filter(|stall| stall.contains(&at)).map_or(at, |stall| stall.end)
    }

    fn account(&mut self, outcome: &mut Outcome, at: Duration) {
        if outcome.in_flight.len() <= self.in_flight {
            outcome.in_flight.resize(self.in_flight + 1, 0);
        }
        outcome.in_flight[self.in_flight] += (at - self.now).as_nanos() as u64;
        self.now = at;
    }

    fn send(&mut self) {
        let requests = self.credit.limit().min(self.demand).saturating_sub(self.in_flight);
        let first = self.credit.next_sequence();
        for request in 0..requests {
            let arrives = self.now + self.worker.distance / 2;
            let Reverse(idle) = self.idle_at.pop().expect("a handler");
            let done = idle.max(arrives) + (self.worker.service)(self.now);
            self.idle_at.push(Reverse(done));
            let request = first.wrapping_add(request as Sequence);
            self.replies.push(Reverse((done + self.worker.distance / 2, request)));
        }
        if requests > 0 {
            self.credit.record_sent(requests, self.start + self.now);
        }
        self.in_flight += requests;
    }
}
