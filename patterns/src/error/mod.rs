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
    /// The text is no endpoint: the caller's fault.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Somebody listens there already: another program, or another socket. Trying again helps once it stops.
    #[error("can't bind {0}: it is in use")]
    InUse(Endpoint),
    /// A file, a folder or a symbolic link is at the path, and is left alone: the caller's fault (ipc). Trying again helps
    /// once it is removed.
    #[error("can't bind {0}: something that isn't a socket is there; remove it, or choose another path")]
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

/// A connection that can't even be tried: the caller's fault. (A peer that isn't there yet is no error.)
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The text is no endpoint, or one that can only be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Another peer has the routing id that was to be given: the caller's fault (ROUTER).
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

/// The socket has been closed: nothing can be sent or received by it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the socket is closed")]
pub struct Closed;

/// Nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
// As wide as the messages it is returned in place of: results are moved by whole words then (docs/performance.md).
#[repr(usize)]
pub enum RecvError {
    /// The socket has been closed, and all that came before has been received.
    #[error("the socket is closed")]
    Closed,
    /// Nothing came within the socket's time for receiving: trying again may help.
    #[error("nothing was received in time")]
    Timeout,
    /// There is no request to be replied to: the caller's fault (REQ).
    #[error("a request has to be sent before a reply is received")]
    NoRequest,
    /// Another request was sent before the reply to this one came, as a relaxed socket may do (REQ).
    #[error("another request was sent in the place of this one")]
    Abandoned,
    /// The peer went away with the request (REQ). It may or may not have been carried out: sending it again can
    /// do it twice.
    #[error("the peer went away before it replied")]
    PeerGone,
}

/// A reply that wasn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The client has gone: there is nobody to get the reply.
    #[error("the client has gone")]
    ClientGone,
    /// The client doesn't take its replies; so many wait that this one was dropped.
    #[error("the client doesn't take its replies")]
    Full,
}
