//! Names of commands, as errors show them.

use std::fmt;

/// The name of a command: of the handshake, of CURVE's traffic, or behind the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CommandName {
    /// HELLO, the first command of a client (RFC 24, RFC 26).
    Hello,
    /// WELCOME, the server's answer to HELLO (RFC 24, RFC 26).
    Welcome,
    /// INITIATE, with the client's metadata (RFC 24, RFC 26).
    Initiate,
    /// READY, with metadata (RFC 37; RFC 24, RFC 26).
    Ready,
    /// ERROR, which ends a handshake (RFC 37).
    Error,
    /// MESSAGE, a frame in a box (RFC 26).
    Message,
    /// SUBSCRIBE (RFC 37).
    Subscribe,
    /// CANCEL (RFC 37).
    Cancel,
    /// PING (RFC 37).
    Ping,
    /// PONG (RFC 37).
    Pong,
    /// Any other name.
    Unknown(UnknownName),
}

impl CommandName {
    /// The commands that ZMTP knows.
    const KNOWN: [Self; 10] = [
        Self::Hello,
        Self::Welcome,
        Self::Initiate,
        Self::Ready,
        Self::Error,
        Self::Message,
        Self::Subscribe,
        Self::Cancel,
        Self::Ping,
        Self::Pong,
    ];

    /// Returns the command of this name on the wire.
    #[must_use]
    pub fn from_wire(name: &[u8]) -> Self {
        let known = Self::KNOWN.into_iter().find(|known| known.as_bytes() == name);
        known.unwrap_or_else(|| Self::Unknown(UnknownName::new(name)))
    }

    /// Returns the name on the wire. An unknown name is cut where [`UnknownName`] ends.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Hello => b"HELLO",
            Self::Welcome => b"WELCOME",
            Self::Initiate => b"INITIATE",
            Self::Ready => b"READY",
            Self::Error => b"ERROR",
            Self::Message => b"MESSAGE",
            Self::Subscribe => b"SUBSCRIBE",
            Self::Cancel => b"CANCEL",
            Self::Ping => b"PING",
            Self::Pong => b"PONG",
            Self::Unknown(name) => name.as_bytes(),
        }
    }
}

/// Shows an unknown name escaped and in quotes, since a peer may send any bytes.
impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.as_bytes().escape_ascii();
        if let Self::Unknown(_) = self { write!(f, "\"{text}\"") } else { write!(f, "{text}") }
    }
}

/// The first bytes of a name that ZMTP doesn't know. Their number is bounded, so that a peer, which chooses the name,
/// can't make errors large.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownName {
    bytes: [u8; Self::MAX_BYTES],
    len: u8,
}

impl UnknownName {
    /// Maximum bytes that are kept of a name. Names of ZMTP have at most 9.
    pub const MAX_BYTES: usize = 31;

    fn new(name: &[u8]) -> Self {
        let kept = &name[..name.len().min(Self::MAX_BYTES)];
        let mut bytes = [0; Self::MAX_BYTES];
        bytes[..kept.len()].copy_from_slice(kept);
        Self { bytes, len: kept.len() as u8 }
    }

    /// Returns the bytes of the name, at most [`MAX_BYTES`](Self::MAX_BYTES).
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.bytes.split_at(self.len as usize).0
    }
}

impl fmt::Debug for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_survives_a_round_trip_and_is_shown_unchanged() {
        for name in CommandName::KNOWN {
            assert_eq!(CommandName::from_wire(name.as_bytes()), name);
            assert_eq!(name.to_string().as_bytes(), name.as_bytes());
        }
    }

    #[test]
    fn an_unknown_name_is_cut_and_escaped() {
        let name = CommandName::from_wire(b"ready\n");
        assert_eq!((name.as_bytes(), name.to_string()), (&b"ready\n"[..], r#""ready\n""#.into()));
        assert_eq!(format!("{name:?}"), r#"Unknown("ready\n")"#);
        assert_eq!(CommandName::from_wire(&[b'x'; 255]).as_bytes(), [b'x'; UnknownName::MAX_BYTES]);
    }
}
