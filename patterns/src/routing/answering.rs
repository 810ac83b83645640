//! To the peer that asked (RFC 28, "The REP Socket").

use super::Routing;

/// Nothing to choose: a request knows whose it is.
#[derive(Debug, Default)]
pub(crate) struct Answering;

impl Routing for Answering {
    const KEEPS_QUEUE: bool = false;
}
