//! Why a broker doesn't start.

use enfonet::{BindError, ConnectError, EndpointError};

/// A broker that couldn't be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An endpoint can't be listened at.
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
