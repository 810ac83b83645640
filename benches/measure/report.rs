//! Parts of all load programs: the result of a run, the report (one line of `name=value`), and keys.

pub mod keys;

use std::time::{Duration, Instant};

/// Result with an error that is only printed.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Prints the rate of `messages` messages of `size` bytes in `time`.
pub fn rate(messages: usize, size: usize, time: Duration) {
    let rate = messages as f64 / time.as_secs_f64();
    let (megabytes, seconds) = (rate * size as f64 / 1e6, time.as_secs_f64());
    println!("rate={rate:.0} mb={megabytes:.1} n={messages} s={seconds:.3} peak={}", peak_memory());
}

/// Prints the number of sent messages.
pub fn sent(messages: usize) {
    println!("sent={messages} peak={}", peak_memory());
}

/// Returns the peak of this process's resident memory in bytes, or 0 if the system doesn't tell.
fn peak_memory() -> u64 {
    status_bytes("self", "VmHWM:").unwrap_or_default()
}

/// Returns an amount of memory in bytes from `/proc/PROCESS/status`, where its line begins with `key`.
#[must_use]
pub fn status_bytes(process: &str, key: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

/// Durations of many operations.
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

    /// Prints the median and the 99th and 99.9th percentile in microseconds, and the rate.
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

/// Counter of messages in a span of time. It reads the clock now and then.
#[derive(Debug)]
pub struct Window {
    begun: Instant,
    messages: usize,
    /// Messages since the clock was read.
    unchecked: usize,
    time: Duration,
}

/// Messages between two readings of the clock.
const CLOCK_CHECK_MESSAGES: usize = 256;

impl Window {
    /// Opens a window that lasts for `time`. A receiver calls it when the first message has arrived.
    #[must_use]
    pub fn new(time: Duration) -> Self {
        Self { begun: Instant::now(), messages: 0, unchecked: 0, time }
    }

    /// Counts messages, and returns whether to go on.
    pub fn count(&mut self, messages: usize) -> bool {
        self.messages += messages;
        self.unchecked += messages;
        if self.unchecked < CLOCK_CHECK_MESSAGES {
            return true;
        }
        self.unchecked = 0;
        self.begun.elapsed() < self.time
    }

    /// Prints the rate of the counted messages, which were received.
    pub fn report(&self, size: usize) {
        rate(self.messages, size, self.begun.elapsed());
    }

    /// Prints the number of the counted messages, which were sent.
    pub fn report_sent(&self) {
        sent(self.messages);
    }
}
