//! How often it is worth logging what strangers do.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// One line in so long a time says enough.
const INTERVAL: Duration = Duration::from_secs(1);

/// The complaints about the peers of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Complaints(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    logged: Option<Instant>,
    /// Those that weren't logged since.
    silent: u64,
}

impl Complaints {
    /// Whether one more may be logged; if so, how many before it were not.
    pub(super) fn may_log(&self, now: Instant) -> Option<u64> {
        let mut past = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if past.logged.is_some_and(|logged| now < logged + INTERVAL) {
            past.silent += 1;
            return None;
        }
        past.logged = Some(now);
        Some(std::mem::take(&mut past.silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_complaint_a_second_is_logged_and_says_how_many_were_not() {
        let (complaints, start) = (Complaints::default(), Instant::now());
        assert_eq!(complaints.may_log(start), Some(0));
        for _ in 0..5 {
            assert_eq!(complaints.may_log(start + INTERVAL / 2), None);
        }
        assert_eq!(complaints.may_log(start + INTERVAL), Some(5));
        assert_eq!(complaints.may_log(start + 3 * INTERVAL), Some(0));
    }
}
