//! Reasons why a proxy didn't connect to the peer.

use std::io;

use enfonet_zmtp::ErrorOrigin;

/// Reason why a proxy didn't connect to the peer: see [`Options::socks_proxy`](crate::Options::socks_proxy).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocksError {
    /// The connection to the proxy was lost, or the proxy took too long.
    #[error("the proxy: {0}")]
    Io(#[from] io::Error),
    /// The server isn't a SOCKS 5 proxy, or breaks the protocol.
    #[error("the proxy doesn't speak SOCKS 5")]
    Malformed,
    /// The proxy demands a login and none is set, or a login is set and the proxy takes none.
    #[error(
        "the proxy doesn't take the method of authentication: set a login if it wants one, and none if not"
    )]
    Method,
    /// The name or password is wrong.
    #[error("the proxy doesn't take the login")]
    Login,
    /// The proxy couldn't connect to the peer, or wasn't allowed to.
    #[error("the proxy didn't connect to the peer: {}", reply(*code))]
    ConnectFailed {
        /// The reply code of RFC 1928, section 6.
        code: u8,
    },
    /// The name of the host has more than 255 bytes.
    #[error("the name of the host has more than 255 bytes, too many for a proxy")]
    Target,
}

impl SocksError {
    /// Returns the origin of the error: the proxy, the configuration, the caller, or circumstances.
    #[must_use]
    pub const fn origin(&self) -> ErrorOrigin {
        match self {
            Self::Io(_) | Self::ConnectFailed { .. } => ErrorOrigin::Transient,
            Self::Malformed => ErrorOrigin::Peer,
            Self::Method | Self::Login => ErrorOrigin::Configuration,
            Self::Target => ErrorOrigin::Caller,
        }
    }

    /// Returns whether the proxy works, and may reach the peer at the next attempt.
    pub(super) const fn is_transient(&self) -> bool {
        matches!(self, Self::Io(_) | Self::ConnectFailed { .. })
    }
}

/// Returns the meaning of a reply code.
const fn reply(code: u8) -> &'static str {
    match code {
        2 => "it isn't allowed to",
        3 => "the network can't be reached",
        4 => "the host can't be reached",
        5 => "the connection was refused",
        6 => "the packets lived too short",
        8 => "it doesn't know this kind of address",
        _ => "it failed",
    }
}
