//! Errors at the start of a broker.

use enfonet::endpoint::EndpointError;
use enfonet::error::{BindError, ConnectError};

/// Error returned when a broker is bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An endpoint can't be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An endpoint can't be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl From<EndpointError> for StartError {
    fn from(error: EndpointError) -> Self {
        BindError::from(error).into()
    }
}
