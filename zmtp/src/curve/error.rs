//! Errors of CURVE, in the handshake and behind it.

use crate::command::name::CommandName;

/// An error of CURVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// A command of a length that it can't have: the peer's fault.
    #[error("peer sent a {command} of {len} bytes, which none can have")]
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
    /// The box doesn't open. In HELLO or WELCOME the client has another server's key; later the command was changed on
    /// the way.
    #[error("the box in the peer's {command} doesn't open: it has other keys, or was changed on the way")]
    Box {
        /// The command's name.
        command: CommandName,
    },
    /// The cookie isn't the one that this connection's client was given.
    #[error("the client sent another cookie than it was given")]
    Cookie,
    /// The vouch is of another client or for another server: the client doesn't own the key that it shows.
    #[error("the client's vouch isn't of this connection")]
    Vouch,
    /// A nonce that isn't greater than the last: a command was repeated.
    #[error("peer sent the nonce {nonce} after {last}: a replay")]
    Replay {
        /// The nonce that came.
        nonce: u64,
        /// The nonce before it.
        last: u64,
    },
    /// The server's key, as it is configured here, makes no secret possible: it is all zeros, say.
    #[error("the server's public key is none that can keep a secret")]
    WeakKey,
    /// The peer shows a public key that makes no secret possible.
    #[error("peer shows a public key that can keep no secret")]
    WeakPeerKey,
    /// Traffic that is no MESSAGE.
    #[error("peer sent something else than an encrypted message")]
    Unencrypted,
    /// 2^64 commands have been sent: a new connection is needed for more.
    #[error("the connection's nonces are used up")]
    Exhausted,
}
