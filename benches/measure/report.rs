//! Report that a load program prints: one line of `name=value`. Keys that load programs share.

pub mod keys;

use std::time::{Duration, Instant};

/// Prints the rate of a number of messages of a size in a time.
pub fn rate(messages: usize, size: usize, time: Duration) {
    let rate = messages as f64 / time.as_secs_f64();
    println!("rate={rate:.0} mb={:.1} n={messages} s={:.3}", rate * size as f64 / 1e6, time.as_secs_f64());
}

/// The durations of many operations.
#[derive(Debug)]
pub struct Latencies {
    nanos: Vec<u64>,
    begun: Instant,
}

impl Latencies {
    /// Starts the clock, with room for `count` durations.
    #[must_use]
    pub fn of(count: usize) -> Self {
        Self { nanos: Vec::with_capacity(count), begun: Instant::now() }
    }

    /// Adds a duration.
    pub fn add(&mut self, time: Duration) {
        self.nanos.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Prints how long half, 99 and 99.9 of a hundred took at most, in microseconds.
    pub fn report(mut self) {
        let rate = self.nanos.len() as f64 / self.begun.elapsed().as_secs_f64();
        self.nanos.sort_unstable();
        let at = |share: f64| {
            let place = ((self.nanos.len().saturating_sub(1)) as f64 * share) as usize;
            self.nanos.get(place).map_or(0.0, |nanos| *nanos as f64 / 1e3)
        };
        println!("rtt_us p50={:.1} p99={:.1} p999={:.1} rate={rate:.0}", at(0.5), at(0.99), at(0.999));
    }
}

/// Counts messages for a time; looks at the clock now and then.
#[derive(Debug)]
pub struct Window {
    begun: Instant,
    messages: usize,
    unlooked: usize,
    time: Duration,
}

/// Messages between two looks at the clock.
const CLOCK_CHECK_MESSAGES: usize = 256;

impl Window {
    /// Opens a window that lasts for `time`. Call when the first message is there.
    #[must_use]
    pub fn new(time: Duration) -> Self {
        Self { begun: Instant::now(), messages: 0, unlooked: 0, time }
    }

    /// Counts messages, and returns whether to go on.
    pub fn count(&mut self, messages: usize) -> bool {
        self.messages += messages;
        self.unlooked += messages;
        if self.unlooked < CLOCK_CHECK_MESSAGES {
            return true;
        }
        self.unlooked = 0;
        self.begun.elapsed() < self.time
    }

    /// Prints the rate of the counted messages.
    pub fn report(&self, size: usize) {
        rate(self.messages, size, self.begun.elapsed());
    }
}
