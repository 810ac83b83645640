//! Errors of a request that waits for its reply.

use super::{RecvError, SendError};

/// A request that wasn't sent, or has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request wasn't sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// There is no reply.
    #[error(transparent)]
    Recv(#[from] RecvError),
    /// There is no reply, however often it was sent: no peer had room, or replied in time, or stayed. Some may have
    /// carried it out.
    #[error("no reply came (attempts: {attempts})")]
    NoReply {
        /// Number of attempts.
        attempts: usize,
    },
}
