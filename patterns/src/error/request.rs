//! Errors of a request that waits for its reply.

use super::{RecvError, SendError};

/// Error of a request that wasn't sent, or has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request wasn't sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// There is no reply.
    #[error(transparent)]
    Recv(#[from] RecvError),
    /// All attempts failed: no peer had room, replied in time, or stayed connected. Peers may have carried out the
    /// request.
    #[error("no reply came (attempts: {attempts})")]
    NoReply {
        /// Number of attempts.
        attempts: usize,
    },
}
