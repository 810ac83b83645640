//! Why one connection ended. It is logged; the socket goes on, and reconnects where it was the one to connect.

use std::io;

use enfonet_zmtp::{CommandError, CurveError, HandshakeError, TrafficError};

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
    #[error("the limit of {limit} handshakes at a time is reached")]
    TooManyHandshakes { limit: usize },
    #[error("{0}")]
    Traffic(#[from] TrafficError),
    #[error("{0}")]
    Curve(#[from] CurveError),
    #[error("{0}")]
    Command(#[from] CommandError),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("another peer took over the identity")]
    Replaced,
    #[error("the peer is silent: no octet came within the heartbeat's time")]
    Silent,
    #[error("the peer doesn't take the commands sent to it")]
    Overrun,
}

impl ConnectionError {
    /// Whether the same is to be expected of the peer the next time: it broke the protocol, or doesn't fit.
    pub(crate) const fn is_lasting(&self) -> bool {
        match self {
            Self::Handshake(error) => !error.may_pass(),
            Self::Traffic(_) | Self::Command(_) => true,
            _ => false,
        }
    }

    /// Whether this is what happens to any connection sooner or later, and not worth a warning.
    pub(crate) const fn is_ordinary(&self) -> bool {
        matches!(self, Self::Eof | Self::Io(_))
    }
}
