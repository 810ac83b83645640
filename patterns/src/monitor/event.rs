//! Events at a socket's endpoints.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::error::{BindError, ConnectionError};
use crate::peer::PeerInfo;

/// An event at an endpoint of a socket.
///
/// `endpoint` is the endpoint at which the socket listens, or to which it connects. `address` is the address of the
/// peer: an IP address and a port, or `:uid:gid:pid` of a process on this machine.
///
/// ```text
///   bind     Listening | BindFailed
///            ( Accepted  (HandshakeSucceeded  Disconnected | HandshakeFailed) | AcceptFailed )*  Closed
///   connect  ( Connecting  ( Connected  (HandshakeSucceeded  Disconnected | HandshakeFailed) | ConnectFailed )
///              ConnectRetried )*  Closed
/// ```
///
/// A bound endpoint has many connections at a time, so their events mix, and `Closed` may precede the last
/// `Disconnected`. Over inproc there is neither `Accepted` nor `Connected`, since there is no transport.
///
/// | libzmq has `ZMQ_EVENT_…` | here |
/// |---|---|
/// | `LISTENING`, `BIND_FAILED` | `Listening`, `BindFailed` |
/// | `ACCEPTED`, `ACCEPT_FAILED` | `Accepted`, `AcceptFailed` |
/// | `CONNECT_DELAYED` | `Connecting` |
/// | `CONNECTED` | `Connected` |
/// | `CONNECT_RETRIED` | `ConnectRetried` |
/// | `HANDSHAKE_SUCCEEDED` | `HandshakeSucceeded`, with all that is known of the peer |
/// | `HANDSHAKE_FAILED_NO_DETAIL`, `…_PROTOCOL`, `…_AUTH` | `HandshakeFailed`, with the reason |
/// | `DISCONNECTED` after a handshake | `Disconnected`, with the reason |
/// | `DISCONNECTED` before that | `HandshakeFailed` says it all |
/// | `CLOSED` of a listener | `Closed` |
/// | `CLOSED` of a connection that failed | `ConnectFailed`; `Closed` is the end of all attempts |
/// | `CLOSE_FAILED` | nothing: closing doesn't fail |
/// | `MONITOR_STOPPED` | the end of the stream |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MonitorEvent {
    /// The socket listens.
    Listening {
        /// The endpoint, with host and port filled in.
        endpoint: Endpoint,
    },
    /// The socket couldn't be bound; `bind` returns the same error.
    BindFailed {
        /// The endpoint that was to be bound.
        endpoint: Endpoint,
        /// The reason.
        error: BindError,
    },
    /// A peer has connected. The handshake follows.
    Accepted {
        /// The endpoint where the socket listens.
        endpoint: Endpoint,
        /// The address of the peer.
        address: String,
    },
    /// A connection couldn't be accepted: the peer had closed it, or the system has no descriptor or memory for it. The
    /// socket goes on listening.
    AcceptFailed {
        /// The endpoint where the socket listens.
        endpoint: Endpoint,
        /// The error that the system reported.
        error: Arc<io::Error>,
    },
    /// The socket tries to connect.
    Connecting {
        /// The endpoint that it connects to.
        endpoint: Endpoint,
    },
    /// The socket has connected to a peer. The handshake follows.
    Connected {
        /// The endpoint that the socket has connected to.
        endpoint: Endpoint,
        /// The address of the peer.
        address: String,
    },
    /// The socket couldn't connect to a peer. It tries again, unless the endpoint is given up.
    ConnectFailed {
        /// The endpoint that couldn't be connected to.
        endpoint: Endpoint,
        /// The reason.
        error: Arc<ConnectionError>,
    },
    /// The socket waits before it connects again, since the connection ended or couldn't be established.
    ConnectRetried {
        /// The endpoint that the socket connects to.
        endpoint: Endpoint,
        /// The time until the next attempt.
        after: Duration,
    },
    /// The handshake with a peer has succeeded: from now on messages are exchanged with it.
    HandshakeSucceeded {
        /// Information about the peer.
        peer: Arc<PeerInfo>,
    },
    /// The handshake failed, and its connection has ended. The [`ConnectionError`] shows whether the peer broke the
    /// protocol, doesn't fit, was denied access, or was too slow, and whether the next attempt is expected to fail
    /// likewise.
    HandshakeFailed {
        /// The endpoint at which the peer was accepted, or to which the socket connected.
        endpoint: Endpoint,
        /// The address of the peer; empty within the process.
        address: String,
        /// The reason.
        error: Arc<ConnectionError>,
    },
    /// The connection to a peer has ended.
    Disconnected {
        /// Information about the peer, as of its handshake.
        peer: Arc<PeerInfo>,
        /// The reason.
        reason: Arc<ConnectionError>,
    },
    /// The socket no longer listens at the endpoint, or no longer connects to it.
    Closed {
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// The application received too slowly, and the monitor has dropped the next events.
    Missed {
        /// The number of dropped events.
        events: u64,
    },
}

impl MonitorEvent {
    /// Returns the endpoint of the event; `None` for [`Missed`](Self::Missed).
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Listening { endpoint }
            | Self::BindFailed { endpoint, .. }
            | Self::Accepted { endpoint, .. }
            | Self::AcceptFailed { endpoint, .. }
            | Self::Connecting { endpoint }
            | Self::Connected { endpoint, .. }
            | Self::ConnectFailed { endpoint, .. }
            | Self::ConnectRetried { endpoint, .. }
            | Self::HandshakeFailed { endpoint, .. }
            | Self::Closed { endpoint } => Some(endpoint),
            Self::HandshakeSucceeded { peer } | Self::Disconnected { peer, .. } => Some(&peer.endpoint),
            Self::Missed { .. } => None,
        }
    }
}

/// One line in lower case: the event, the endpoint, the address of the peer, and the reason.
impl fmt::Display for MonitorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { endpoint } => write!(f, "listening on {endpoint}"),
            // The error names the endpoint.
            Self::BindFailed { error, .. } => write!(f, "{error}"),
            Self::Accepted { endpoint, address } => write!(f, "accepted {address} on {endpoint}"),
            Self::AcceptFailed { endpoint, error } => write!(f, "can't accept on {endpoint}: {error}"),
            Self::Connecting { endpoint } => write!(f, "connecting to {endpoint}"),
            Self::Connected { endpoint, address } => write!(f, "connected to {endpoint} at {address}"),
            Self::ConnectFailed { endpoint, error } => write!(f, "can't connect to {endpoint}: {error}"),
            Self::ConnectRetried { endpoint, after } => {
                write!(f, "connecting to {endpoint} again in {after:?}")
            }
            Self::HandshakeSucceeded { peer } => write!(f, "handshake with {} succeeded", Place::of(peer)),
            Self::HandshakeFailed { endpoint, address, error } => {
                write!(f, "handshake with {} failed: {error}", Place { endpoint, address })
            }
            Self::Disconnected { peer, reason } => {
                write!(f, "disconnected from {}: {reason}", Place::of(peer))
            }
            Self::Closed { endpoint } => write!(f, "closed {endpoint}"),
            Self::Missed { events } => write!(f, "missed {events} events"),
        }
    }
}

/// Address of a peer, which is empty within the process, and the endpoint of this socket.
struct Place<'a> {
    endpoint: &'a Endpoint,
    address: &'a str,
}

impl<'a> Place<'a> {
    fn of(peer: &'a PeerInfo) -> Self {
        Self { endpoint: &peer.endpoint, address: &peer.address }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            "" => write!(f, "the peer at {}", self.endpoint),
            address => write!(f, "{address} at {}", self.endpoint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_shows_as_one_short_line() {
        let endpoint = || "tcp://127.0.0.1:5555".parse::<Endpoint>().unwrap();
        let address = || "127.0.0.1:40000".to_owned();
        let error = || Arc::new(ConnectionError::HandshakeTimeout);
        let failure = || Arc::new(io::Error::other("no descriptors are left"));
        for (event, line) in [
            (MonitorEvent::Listening { endpoint: endpoint() }, "listening on tcp://127.0.0.1:5555"),
            (
                MonitorEvent::BindFailed { endpoint: endpoint(), error: BindError::InUse(endpoint()) },
                "can't bind tcp://127.0.0.1:5555: it is in use",
            ),
            (
                MonitorEvent::Accepted { endpoint: endpoint(), address: address() },
                "accepted 127.0.0.1:40000 on tcp://127.0.0.1:5555",
            ),
            (
                MonitorEvent::AcceptFailed { endpoint: endpoint(), error: failure() },
                "can't accept on tcp://127.0.0.1:5555: no descriptors are left",
            ),
            (
                MonitorEvent::ConnectRetried { endpoint: endpoint(), after: Duration::from_millis(150) },
                "connecting to tcp://127.0.0.1:5555 again in 150ms",
            ),
            (
                MonitorEvent::HandshakeFailed { endpoint: endpoint(), address: address(), error: error() },
                &format!("handshake with 127.0.0.1:40000 at tcp://127.0.0.1:5555 failed: {}", error()),
            ),
            (
                MonitorEvent::HandshakeFailed {
                    endpoint: Endpoint::Inproc("a".into()),
                    address: String::new(),
                    error: error(),
                },
                &format!("handshake with the peer at inproc://a failed: {}", error()),
            ),
            (MonitorEvent::Missed { events: 5 }, "missed 5 events"),
        ] {
            assert_eq!(event.to_string(), line);
        }
    }
}
