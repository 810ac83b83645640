//! Why one connection ended. It is logged; the socket goes on, and reconnects where it was the one to connect.

use std::io;

use enfonet_zmtp::{CommandError, FrameError, HandshakeError};

use crate::routing::Refusal;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("the peer closed the connection")]
    Eof,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the host has no address")]
    NoAddress,
    #[error("the handshake failed: {0}")]
    Handshake(#[from] HandshakeError),
    #[error("the peer didn't finish the handshake in time")]
    HandshakeTimeout,
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Command(#[from] CommandError),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the peer is silent: no octet came within the heartbeat's time")]
    Silent,
    #[error("the peer doesn't take the commands sent to it")]
    Overrun,
}

impl ConnectionError {
    /// Whether this is what happens to any connection sooner or later, and not worth a warning.
    pub(crate) const fn is_ordinary(&self) -> bool {
        matches!(self, Self::Eof | Self::Io(_))
    }
}
