//! To nobody.

use super::Routing;

/// PULL says nothing (RFC 30).
#[derive(Debug, Default)]
pub(crate) struct Passive;

impl Routing for Passive {
    const KEEPS_QUEUE: bool = false;
}
