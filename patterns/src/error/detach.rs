//! Errors of giving up an endpoint.

use std::convert::Infallible;

use crate::endpoint::{Endpoint, EndpointError};

/// Error returned by `unbind`: the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnbindError {
    /// The text isn't an endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The socket isn't bound to the endpoint, or has been unbound from it. Pass the endpoint that `bind` returned.
    #[error("the socket isn't bound to {0}")]
    NotBound(Endpoint),
}

/// Error returned by `disconnect`: the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisconnectError {
    /// The text isn't an endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The socket isn't connected to the endpoint, or has given it up: see
    /// [`Options::reconnect`](crate::Options::reconnect).
    #[error("the socket isn't connected to {0}")]
    NotConnected(Endpoint),
}

impl From<Infallible> for UnbindError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<Infallible> for DisconnectError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
