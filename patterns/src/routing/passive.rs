//! To nobody of the socket's choice.

use super::Routing;

/// REP answers who asked (RFC 28), and PULL says nothing (RFC 30).
#[derive(Debug, Default)]
pub(crate) struct Passive;

impl Routing for Passive {
    const KEEPS_QUEUE: bool = false;
}
