//! Settings of REQ.

use std::time::Duration;

/// Settings of REQ.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestSettings {
    /// Whether a request may be sent before the reply to the request before it.
    pub(crate) relaxed: bool,
    /// Whether each request carries a number, by which its reply is recognized.
    pub(crate) correlate: bool,
    /// Maximum number of times that a request is sent again.
    pub(crate) retries: usize,
    /// Time after which a request without a reply is sent again, or fails.
    pub(crate) reply_timeout: Option<Duration>,
}
