//! Errors of CURVE, in the handshake and behind it.

use crate::command::name::CommandName;

/// An error of CURVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// A command of a length that it can't have. The peer is at fault.
    #[error("peer sent a {command} of {len} bytes, which is no length of that command")]
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
    /// A box that doesn't open. In HELLO or WELCOME the client has the key of another server; later the command was
    /// changed on the way.
    #[error("the box in the peer's {command} doesn't open: it has other keys, or was changed on the way")]
    Box {
        /// The command's name.
        command: CommandName,
    },
    /// A cookie other than the server gave to this client.
    #[error("the client sent another cookie than it was given")]
    Cookie,
    /// A vouch of another client or for another server: the client doesn't own the key that it shows.
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
    #[error("the server's public key is none that can keep a secret")]
    WeakKey,
    /// A public key of the peer with which no secret can be agreed on.
    #[error("peer shows a public key that can keep no secret")]
    WeakPeerKey,
    /// Traffic other than a MESSAGE.
    #[error("peer sent something else than an encrypted message")]
    Unencrypted,
    /// All 2^64 nonces are used: sending more needs a new connection.
    #[error("the connection's nonces are used up")]
    Exhausted,
}
