//! A limiter of log lines that peers cause.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// A limiter of equal log lines, to a line a second, so that peers can't fill a log. Each line reports the number of
/// events since the line before.
///
/// ```
/// use enfonet::monitor::LogLimiter;
///
/// let dropped = LogLimiter::default();
/// assert_eq!(dropped.count(1), Some(1)); // a line: one was dropped
/// assert_eq!(dropped.count(2), None);
/// assert_eq!(dropped.rest(), Some(2)); // the last line: two more
/// ```
#[derive(Debug, Default)]
pub struct LogLimiter(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    logged: Option<Instant>,
    /// Events that no line has reported yet.
    untold: u64,
}

impl LogLimiter {
    /// Counts events. If a line is due, returns the number of events that no line has reported yet, including these.
    pub fn count(&self, events: u64) -> Option<u64> {
        self.count_at(events, Instant::now())
    }

    fn count_at(&self, events: u64, now: Instant) -> Option<u64> {
        let mut past = self.past();
        past.untold += events;
        if past.logged.is_some_and(|logged| now < logged + INTERVAL) {
            return None;
        }
        past.logged = Some(now);
        Some(std::mem::take(&mut past.untold))
    }

    /// Returns the number of events that no line has reported yet, if there are any: for a last line.
    pub fn rest(&self) -> Option<u64> {
        let rest = std::mem::take(&mut self.past().untold);
        (rest > 0).then_some(rest)
    }

    fn past(&self) -> std::sync::MutexGuard<'_, Past> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_a_second_counts_all_events() {
        let (limiter, start) = (LogLimiter::default(), Instant::now());
        assert_eq!(limiter.count_at(1, start), Some(1));
        for _ in 0..5 {
            assert_eq!(limiter.count_at(2, start + INTERVAL / 2), None);
        }
        assert_eq!(limiter.count_at(1, start + INTERVAL), Some(11));
        assert_eq!(limiter.rest(), None);
        assert_eq!(limiter.count_at(3, start + INTERVAL), None);
        assert_eq!(limiter.rest(), Some(3));
        assert_eq!(limiter.count_at(1, start + 3 * INTERVAL), Some(1));
    }
}
