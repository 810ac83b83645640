//! Reasons why a connection ended or couldn't be established.

use std::io;

use enfonet_zmtp::{CommandError, CurveError, DenyReason, ErrorOrigin, HandshakeError, TrafficError};

use super::SocksError;
use crate::error::RejectReason;

/// Reason why a connection ended or couldn't be established.
///
/// No operation returns it, since the socket goes on, and reconnects where this side connects. A
/// [monitor](crate::monitor::Monitor) of the socket reports it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The peer closed the connection in order.
    #[error("the peer closed the connection")]
    Eof,
    /// This side closed the connection: by `unbind`, `disconnect` or `close`, or because the socket was dropped.
    #[error("this side closed the connection")]
    Closed,
    /// An error of the system: no socket listens at the address, or the network failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The name of the host can't be looked up, or isn't known.
    #[error("the name of the host can't be resolved: {0}")]
    Unresolved(io::Error),
    /// The name of the host is known, and has no address.
    #[error("the host has no address")]
    NoAddress,
    /// Connecting took longer than [`Options::connect_timeout`](crate::Options::connect_timeout).
    #[error("the peer wasn't reached in time")]
    ConnectTimeout,
    /// The proxy doesn't connect to the peer.
    #[error("{0}")]
    Socks(#[from] SocksError),
    /// The handshake failed: the peer broke the protocol, one end denied the other access, or the socket types or
    /// mechanisms don't fit.
    #[error("the handshake failed: {0}")]
    Handshake(#[from] HandshakeError),
    /// The peer closed the connection during the handshake. It may reject this socket that way, since it has another
    /// mechanism or no place for this socket: a PAIR that has a peer already, for instance, or a ROUTER that has
    /// another peer of the same identity.
    #[error("the peer ended the handshake: it may have another mechanism, or no place for this socket")]
    Abandoned,
    /// The handshake took longer than [`Options::handshake_timeout`](crate::Options::handshake_timeout).
    #[error("the peer didn't finish the handshake in time")]
    HandshakeTimeout,
    /// The handshake was evicted for a new connection: it was the oldest of the address with the most handshakes under
    /// way.
    #[error(
        "the limit of {limit} handshakes at a time is reached, and this handshake was the oldest of the address with the most"
    )]
    TooManyHandshakes {
        /// The limit in force.
        limit: usize,
    },
    /// The endpoint has as many connections as [`Options::max_connections`](crate::Options::max_connections) allows.
    /// Either the new connection was closed, or this handshake was evicted for a new connection.
    #[error("the limit of {limit} connections at the endpoint is reached")]
    TooManyConnections {
        /// The limit in force.
        limit: usize,
    },
    /// The process has few file descriptors left, and reserves them for endpoints that have fewer connections.
    #[error("the process has few file descriptors left, and reserves them for its other endpoints")]
    OutOfDescriptors,
    /// After the handshake the peer broke the protocol, or exceeded a limit.
    #[error("{0}")]
    Traffic(#[from] TrafficError),
    /// A message can't be encrypted any more.
    #[error("{0}")]
    Curve(#[from] CurveError),
    /// The peer sent a command that can't be read.
    #[error("{0}")]
    Command(#[from] CommandError),
    /// This socket rejected the peer, in the handshake or later.
    #[error("{0}")]
    Rejected(#[from] RejectReason),
    /// A newer peer took over the identity at the ROUTER, which has [`handover`](crate::Options::handover) on.
    #[error("another peer took over the identity")]
    Replaced,
    /// The application disconnected the peer, by `disconnect_peer`. Within the process both ends report it.
    #[error("the application disconnected the peer")]
    Disconnected,
    /// No byte arrived from the peer within the heartbeat timeout.
    #[error("the peer is silent: no byte came within the heartbeat's time")]
    HeartbeatTimeout,
    /// Commands to the peer pile up, such as subscriptions or PONGs, since the peer reads nothing.
    #[error("the peer doesn't take the commands sent to it")]
    Overrun,
}

impl ConnectionError {
    /// Returns the origin of the error: the peer, the configuration, a limit, the caller, or circumstances.
    #[must_use]
    pub fn origin(&self) -> ErrorOrigin {
        match self {
            Self::Handshake(error) => error.origin(),
            Self::Socks(error) => error.origin(),
            Self::Traffic(error) => error.origin(),
            Self::Rejected(RejectReason::IdentityInUse | RejectReason::PeerThere) => {
                ErrorOrigin::Configuration
            }
            Self::TooManyHandshakes { .. }
            | Self::TooManyConnections { .. }
            | Self::OutOfDescriptors
            | Self::Rejected(RejectReason::Subscriptions) => ErrorOrigin::Limit,
            Self::Command(_) | Self::Overrun => ErrorOrigin::Peer,
            Self::Closed | Self::Disconnected => ErrorOrigin::Caller,
            Self::Eof
            | Self::Abandoned
            | Self::Replaced
            | Self::Io(_)
            | Self::Unresolved(_)
            | Self::NoAddress
            | Self::ConnectTimeout
            | Self::Curve(_)
            | Self::HandshakeTimeout
            | Self::HeartbeatTimeout => ErrorOrigin::Transient,
        }
    }

    /// Returns whether the next attempt would fail likewise: the peer, or the proxy before it, broke the protocol or
    /// doesn't fit. Such a peer is tried again after
    /// [`Options::rejected_reconnect_interval`](crate::Options::rejected_reconnect_interval).
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Handshake(error) => !error.is_transient(),
            Self::Socks(error) => !error.is_transient(),
            Self::Traffic(_) | Self::Command(_) => true,
            _ => false,
        }
    }

    /// Returns whether the system refused the connection: no socket listens there.
    pub(crate) fn is_connection_refused(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Returns whether the error happens to any connection sooner or later, and isn't worth a warning.
    #[must_use]
    pub const fn is_ordinary(&self) -> bool {
        match self {
            Self::Eof | Self::Closed | Self::Disconnected | Self::Io(_) | Self::ConnectTimeout => true,
            Self::Socks(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Returns the reason why an authenticator denied access: ours to the peer, or the peer's to us, if the peer sent
    /// the reason. The status is that of ZAP: 300, 400 or 500.
    #[must_use]
    pub const fn deny_reason(&self) -> Option<DenyReason> {
        match self {
            Self::Handshake(HandshakeError::Denied(deny_reason)) => Some(*deny_reason),
            Self::Handshake(HandshakeError::RejectedByPeer { deny_reason, .. }) => *deny_reason,
            _ => None,
        }
    }
}
