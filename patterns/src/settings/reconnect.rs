//! Settings of reconnecting.

use std::time::Duration;

use crate::error::ConnectionError;

/// Settings of reconnecting: whether a connection that failed or was lost is tried again, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReconnectSettings {
    pub(crate) interval: Duration,
    pub(crate) max: Option<Duration>,
    /// The maximum share of the wait that is added at random.
    pub(crate) jitter: f64,
    /// The least wait after a handshake that would fail again.
    pub(crate) rejected_interval: Duration,
    pub(crate) ever: bool,
    pub(crate) if_connection_refused: bool,
    pub(crate) if_handshake_fails: bool,
}

impl Default for ReconnectSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
            max: None,
            jitter: 1.0,
            rejected_interval: Duration::from_secs(5),
            ever: true,
            if_connection_refused: true,
            if_handshake_fails: true,
        }
    }
}

impl ReconnectSettings {
    /// Returns whether the peer is tried again after it couldn't be reached.
    pub(crate) fn retries_after_connect_error(&self, error: &ConnectionError) -> bool {
        self.ever && (self.if_connection_refused || !error.is_connection_refused())
    }

    /// Returns whether the peer is tried again after its handshake failed, or after either side rejected the other.
    pub(crate) const fn retries_after_handshake_error(&self) -> bool {
        self.ever && self.if_handshake_fails
    }
}
