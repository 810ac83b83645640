//! Errors of CURVE, in the handshake and behind it.

use crate::command::name::CommandName;

/// An error of CURVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// A command whose length isn't valid. The peer is at fault.
    #[error("peer sent a {command} of {len} bytes, which isn't a valid length")]
    Length {
        /// The command's name.
        command: CommandName,
        /// Bytes of its body.
        len: usize,
    },
    /// A version of CurveZMQ other than 1.0.
    #[error("peer speaks CurveZMQ {major}.{minor}, 1.0 is needed")]
    Version {
        /// The major version in its HELLO.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// A box that doesn't open. In HELLO or WELCOME, the client has the key of another server. In a later command, the
    /// bytes were changed on the way.
    #[error("the box in the peer's {command} doesn't open: it has other keys, or was changed on the way")]
    Box {
        /// The command's name.
        command: CommandName,
    },
    /// A cookie that differs from the cookie that the server sent to this client.
    #[error("the client sent a cookie that differs from the server's")]
    Cookie,
    /// A vouch of another client or for another server: the client doesn't own the public key that it claims.
    #[error("the client's vouch isn't of this connection")]
    Vouch,
    /// A nonce that isn't greater than the last: a command was repeated.
    #[error("peer sent the nonce {nonce} after {last}: a replay")]
    Replay {
        /// The nonce of the command.
        nonce: u64,
        /// The nonce of the command before.
        last: u64,
    },
    /// A configured server key with which no secret can be agreed on: all zeros, for instance.
    #[error("the server's public key is weak: no secret can be agreed on with it")]
    WeakKey,
    /// A public key of the peer with which no secret can be agreed on.
    #[error("peer has a weak public key: no secret can be agreed on with it")]
    WeakPeerKey,
    /// Traffic other than a MESSAGE.
    #[error("peer sent something else than an encrypted message")]
    Unencrypted,
    /// All 2^64 nonces are used: sending more needs a new connection.
    #[error("the connection's nonces are used up")]
    Exhausted,
}
