//! How long to wait before a connection is tried again.

use std::time::Duration;

use crate::options::Settings;

/// Waits that grow, if they are to, with every failure in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    max: Option<Duration>,
    refused: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) const fn new(options: &Settings) -> Self {
        let (first, max, refused) = (options.reconnect, options.reconnect_max, options.refused);
        Self { first, max, refused, next: first }
    }

    /// The wait after a failure; `random` is from 0 to 1. Up to as much again is added, so that many clients of
    /// a restarted server don't come back at the same instant. A peer that isn't going to be any different the
    /// next time isn't tried as often.
    pub(super) fn wait(&mut self, is_lasting: bool, random: f64) -> Duration {
        let base = if is_lasting { self.next.max(self.refused) } else { self.next };
        if let Some(max) = self.max {
            self.next = (self.next * 2).min(max).max(self.first);
        }
        base + base.mul_f64(random.clamp(0.0, 1.0))
    }

    /// A connection came about: start anew.
    pub(super) const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn waits(options: &Settings, random: f64) -> Vec<u128> {
        let mut backoff = Backoff::new(options);
        (0..5).map(|_| backoff.wait(false, random).as_millis()).collect()
    }

    #[test]
    fn without_a_maximum_the_wait_is_even() {
        let options = Options::default().settings;
        assert_eq!(waits(&options, 0.0), [100; 5]);
        assert_eq!(waits(&options, 0.5), [150; 5]);
    }

    #[test]
    fn with_a_maximum_the_wait_doubles_up_to_it_and_starts_anew_after_success() {
        let options = Options::default().reconnect_interval_max(Duration::from_millis(500)).settings;
        assert_eq!(waits(&options, 0.0), [100, 200, 400, 500, 500]);
        let mut backoff = Backoff::new(&options);
        let _ = (backoff.wait(false, 0.0), backoff.wait(false, 0.0));
        backoff.reset();
        assert_eq!(backoff.wait(false, 0.0).as_millis(), 100);
    }

    #[test]
    fn a_peer_that_will_not_be_different_is_tried_less_often() {
        let options = Options::default().refused_interval(Duration::from_secs(3)).settings;
        let mut backoff = Backoff::new(&options);
        assert_eq!(backoff.wait(true, 0.0).as_millis(), 3000);
        assert_eq!(backoff.wait(true, 0.5).as_millis(), 4500);
        assert_eq!(backoff.wait(false, 0.0).as_millis(), 100);
        let mut slow = Backoff::new(&Options::default().reconnect_interval(Duration::from_secs(9)).settings);
        assert_eq!(slow.wait(true, 0.0).as_millis(), 9000, "never faster than usual");
    }
}
