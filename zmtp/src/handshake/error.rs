//! Errors of the handshake: their causes, their origins, and whether a later attempt may succeed.

use crate::command::error::CommandError;
use crate::command::name::CommandName;
use crate::curve::error::CurveError;
use crate::error_origin::ErrorOrigin;
use crate::frame::header::FrameError;
use crate::greeting::GreetingError;
use crate::metadata::MetadataError;
use crate::security::verdict::DenyReason;
use crate::socket_type::SocketType;

/// An error that ends a handshake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// A greeting of another protocol, version or mechanism.
    #[error(transparent)]
    Greeting(#[from] GreetingError),
    /// A frame that can't be accepted.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A command that can't be read.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Properties that can't be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// An error of CURVE.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// A command larger than [`HandshakeConfig::max_metadata`](crate::HandshakeConfig) allows.
    #[error("peer sent a handshake command of {announced} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes of the frame.
        announced: usize,
        /// The limit in force.
        limit: usize,
    },
    /// A message before the handshake was over.
    #[error("peer sent a message before the handshake was over")]
    Message,
    /// A command other than the expected one.
    #[error("peer sent {got} in the handshake instead of {wanted}")]
    Unexpected {
        /// The expected command.
        wanted: CommandName,
        /// The received command.
        got: CommandName,
    },
    /// Bytes that the peer sent before an answer that it has to wait for.
    #[error("peer went on with the handshake without waiting for the answer")]
    OutOfTurn,
    /// Socket types of the two ends that aren't compatible (RFC 37).
    #[error("peer is a {theirs} socket, which doesn't talk to {ours}")]
    SocketType {
        /// The socket type that the peer announced, printable.
        theirs: String,
        /// The type of this end's socket.
        ours: SocketType,
    },
    /// An identity of more than 255 bytes.
    #[error("peer announced an identity of {len} bytes, at most 255 are allowed")]
    Identity {
        /// The identity's length.
        len: usize,
    },
    /// An ERROR command, by which the peer rejected this end.
    #[error("peer rejected the connection: {reason}")]
    RejectedByPeer {
        /// The peer's reason, printable.
        reason: String,
        /// The reason as a status of ZAP, if its text is that of a status.
        deny_reason: Option<DenyReason>,
    },
    /// A peer that the verdict of this end denied.
    #[error("peer is denied access: {0}")]
    Denied(DenyReason),
    /// A call after the end of the handshake, or a verdict when no verdict was due. The caller is at fault.
    #[error("the handshake is over, or isn't waiting for a verdict")]
    Over,
}

impl HandshakeError {
    /// Returns the origin of the error.
    #[must_use]
    pub fn origin(&self) -> ErrorOrigin {
        match self {
            Self::Greeting(_)
            | Self::SocketType { .. }
            | Self::RejectedByPeer { .. }
            | Self::Denied(DenyReason::Credentials)
            | Self::Curve(
                CurveError::Box { command: CommandName::Hello | CommandName::Welcome } | CurveError::WeakKey,
            ) => ErrorOrigin::Configuration,
            // Both ends are clients.
            Self::Unexpected { wanted: CommandName::Welcome, got: CommandName::Hello } => {
                ErrorOrigin::Configuration
            }
            Self::Denied(_) => ErrorOrigin::Transient,
            Self::TooLarge { .. } => ErrorOrigin::Limit,
            Self::Over => ErrorOrigin::Caller,
            Self::Frame(_)
            | Self::Command(_)
            | Self::Metadata(_)
            | Self::Curve(_)
            | Self::Message
            | Self::Unexpected { .. }
            | Self::OutOfTurn
            | Self::Identity { .. } => ErrorOrigin::Peer,
        }
    }

    /// Returns whether another attempt may succeed soon, without a change on either end.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Denied(DenyReason::TryLater | DenyReason::Internal)
                | Self::RejectedByPeer { deny_reason: Some(DenyReason::TryLater | DenyReason::Internal), .. }
        )
    }
}
