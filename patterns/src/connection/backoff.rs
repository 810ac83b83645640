//! Time between two attempts to connect.

use std::time::Duration;

use crate::error::ConnectionError;
use crate::settings::{ReconnectSettings, Settings};

/// The next wait of one endpoint: it grows with every failure in a row if a maximum is set.
#[derive(Debug)]
pub(super) struct Backoff {
    settings: ReconnectSettings,
    next: Duration,
}

/// Kind of a failure: whether the next attempt may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The peer can't be reached, or disconnected.
    Passing,
    /// The next attempt would fail likewise.
    Lasting,
}

impl Failure {
    /// Returns the kind of an error.
    pub(super) const fn of(error: &ConnectionError) -> Self {
        if error.is_lasting() { Self::Lasting } else { Self::Passing }
    }
}

impl Backoff {
    pub(super) const fn new(settings: &Settings) -> Self {
        Self { settings: settings.reconnect, next: settings.reconnect.interval }
    }

    /// Returns the wait after a failure; `random` is from 0 to 1.
    ///
    /// A random share is added, so that the clients of a restarted server don't all reconnect at the same instant.
    /// After a lasting failure the wait is at least `rejected_reconnect_interval`: the next attempt would fail
    /// likewise.
    pub(super) fn wait(&mut self, failure: Failure, random: f64) -> Duration {
        let ReconnectSettings { interval, max, jitter, rejected_interval, .. } = self.settings;
        let base = match failure {
            Failure::Lasting => self.next.max(rejected_interval),
            Failure::Passing => self.next,
        };
        if let Some(max) = max {
            self.next = (self.next * 2).min(max).max(interval);
        }
        base + base.mul_f64(jitter * random.clamp(0.0, 1.0))
    }

    /// Starts again with the shortest wait, since a connection was established.
    pub(super) const fn reset(&mut self) {
        self.next = self.settings.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    fn waits(settings: &Settings, random: f64) -> Vec<u128> {
        let mut backoff = Backoff::new(settings);
        (0..5).map(|_| backoff.wait(Failure::Passing, random).as_millis()).collect()
    }

    #[test]
    fn without_a_maximum_the_wait_is_constant() {
        let options = Options::default().settings;
        assert_eq!(waits(&options, 0.0), [100; 5]);
        assert_eq!(waits(&options, 0.5), [150; 5]);
    }

    #[test]
    fn with_a_maximum_the_wait_doubles_up_to_it_and_restarts_after_success() {
        let options = Options::default().reconnect_interval_max(Duration::from_millis(500)).settings;
        assert_eq!(waits(&options, 0.0), [100, 200, 400, 500, 500]);
        let mut backoff = Backoff::new(&options);
        let _ = (backoff.wait(Failure::Passing, 0.0), backoff.wait(Failure::Passing, 0.0));
        backoff.reset();
        assert_eq!(backoff.wait(Failure::Passing, 0.0).as_millis(), 100);
    }

    #[test]
    fn the_jitter_can_be_reduced_or_switched_off() {
        let options = |share| Options::default().reconnect_jitter(share).settings;
        assert_eq!(waits(&options(0.5), 1.0), [150; 5]);
        assert_eq!(waits(&options(0.0), 1.0), [100; 5]);
    }

    #[test]
    #[should_panic(expected = "from 0 to 1")]
    fn a_jitter_above_one_panics() {
        let _ = Options::default().reconnect_jitter(1.5);
    }

    #[test]
    fn an_interval_of_zero_is_one_millisecond() {
        let options = Options::default().reconnect_interval(Duration::ZERO).settings;
        assert_eq!(waits(&options, 0.0), [1; 5]);
    }

    #[test]
    fn a_maximum_below_the_interval_has_no_effect() {
        let options = Options::default().reconnect_interval_max(Duration::from_millis(10)).settings;
        assert_eq!(waits(&options, 0.0), [100; 5]);
    }

    #[test]
    fn a_peer_with_a_lasting_failure_is_retried_less_often() {
        let options = Options::default().rejected_reconnect_interval(Duration::from_secs(3)).settings;
        let mut backoff = Backoff::new(&options);
        assert_eq!(backoff.wait(Failure::Lasting, 0.0).as_millis(), 3000);
        assert_eq!(backoff.wait(Failure::Lasting, 0.5).as_millis(), 4500);
        assert_eq!(backoff.wait(Failure::Passing, 0.0).as_millis(), 100);
        let mut slow = Backoff::new(&Options::default().reconnect_interval(Duration::from_secs(9)).settings);
        assert_eq!(slow.wait(Failure::Lasting, 0.0).as_millis(), 9000, "never faster than usual");
    }
}
