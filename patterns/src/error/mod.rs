//! Errors, an enum for each operation.

mod connection;
mod detach;
mod reject_reason;
mod request;
mod send;
mod socks;

use std::io;
use std::sync::Arc;

pub use connection::ConnectionError;
pub use detach::{DisconnectError, UnbindError};
pub use enfonet_zmtp::{
    CommandError, CommandName, CurveError, ErrorOrigin, FrameError, GreetingError, HandshakeError,
    MetadataError, TrafficError, UnknownName,
};
pub use reject_reason::RejectReason;
pub use request::RequestError;
pub use send::SendError;
pub(crate) use send::give_back;
pub use socks::SocksError;

use crate::endpoint::{Endpoint, EndpointError};

/// Error returned by `bind`.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The text isn't an endpoint: the caller's fault.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Another socket listens at the endpoint, in this program or in another. Trying again helps once it stops.
    #[error("can't bind {0}: it is in use")]
    InUse(Endpoint),
    /// A file, a folder or a symbolic link is at the path, and is left alone: the caller's fault (ipc). Trying again
    /// helps once it is removed.
    #[error("can't bind {0}: a file that isn't a socket is there; remove it, or choose another path")]
    NotASocket(Endpoint),
    /// The name of the host isn't known, or has no address.
    #[error("can't bind {endpoint}: the host has no address")]
    NoAddress {
        /// Where.
        endpoint: Endpoint,
    },
    /// The system's error.
    #[error("can't bind {endpoint}: {source}")]
    Io {
        /// Where.
        endpoint: Endpoint,
        /// The system's error.
        source: Arc<io::Error>,
    },
    /// The socket has been closed.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl BindError {
    pub(crate) fn io(endpoint: &Endpoint, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(endpoint.clone()),
            io::ErrorKind::AlreadyExists => Self::NotASocket(endpoint.clone()),
            _ => Self::Io { endpoint: endpoint.clone(), source: Arc::new(source) },
        }
    }
}

impl From<std::convert::Infallible> for BindError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Error returned by `connect`. A peer that can't be reached yet is no error: the socket goes on trying.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The text isn't an endpoint, or the endpoint can only be bound: the caller's fault.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Another peer has the routing id that was to be assigned: the caller's fault (ROUTER).
    #[error("another peer has this routing id")]
    RoutingIdInUse,
    /// The socket has been closed.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl From<std::convert::Infallible> for ConnectError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Error of an operation on a closed socket, which can't send or receive any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the socket is closed")]
pub struct Closed;

/// Error returned by the operations that receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
// As wide as the messages that are returned without an error: the compiler then moves results by whole words
// (docs/performance.md).
#[repr(usize)]
pub enum RecvError {
    /// The socket has been closed, and all messages that arrived before have been received.
    #[error("the socket is closed")]
    Closed,
    /// No message arrived within the socket's time limit: trying again may help.
    #[error("nothing was received in time")]
    Timeout,
    /// No request is pending, so there is no reply to receive: the caller's fault (REQ).
    #[error("a request has to be sent before a reply is received")]
    NoRequest,
    /// Another request was sent before the reply to this request arrived, as a relaxed socket may do (REQ).
    #[error("another request was sent in the place of this request")]
    Abandoned,
    /// The peer disconnected before it replied (REQ). It may have carried out the request, so that sending it again can
    /// carry it out twice.
    #[error("the peer disconnected before it replied")]
    PeerGone,
}

/// Error returned by the operations that receive without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
// As wide as the messages that are returned without an error: see `RecvError`.
#[repr(usize)]
pub enum TryRecvError {
    /// Nothing has arrived: try again later, or wait with `recv`.
    #[error("there is nothing to receive")]
    Empty,
    /// The socket has been closed, and all messages that arrived before have been received: trying again doesn't help.
    #[error("the socket is closed")]
    Closed,
    /// No request is pending whose reply could be received: the caller's fault (REQ).
    #[error("a request has to be sent before a reply is received")]
    NoRequest,
    /// Another request was sent before the reply to this request arrived, as a relaxed socket may do (REQ).
    #[error("another request was sent in the place of this request")]
    Abandoned,
    /// The peer disconnected before it replied (REQ). It may have carried out the request, so that sending it again can
    /// carry it out twice.
    #[error("the peer disconnected before it replied")]
    PeerGone,
}

/// Error of a reply that wasn't sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The client has disconnected.
    #[error("the client has disconnected")]
    ClientGone,
    /// The queue to the client is full, since the client doesn't receive its replies: this reply was dropped.
    #[error("the client doesn't receive its replies, and its queue is full")]
    Full,
}
