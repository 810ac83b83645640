//! Routing of a socket that only receives.

use super::Routing;

/// Routing of PULL, which sends nothing (RFC 30).
#[derive(Debug, Default)]
pub(crate) struct ReceiveOnly;

impl Routing for ReceiveOnly {
    const KEEPS_QUEUE: bool = false;
}
