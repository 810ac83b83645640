//! The 64 octets that open a connection (RFC 37, "Version Negotiation").

use std::fmt;

/// A security mechanism, by its name in the greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// No authentication, no encryption (RFC 37, "The NULL Security Mechanism").
    Null,
}

impl Mechanism {
    /// The 20 octets of the greeting: the name, padded with zeros.
    const fn field(self) -> [u8; 20] {
        match self {
            Self::Null => *b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
        }
    }
}

/// What both ends tell each other first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Minor version of ZMTP 3: 0 knows no commands after the handshake, so subscriptions to it are messages.
    pub minor: u8,
    /// The one mechanism that the end speaks: there is no negotiation.
    pub mechanism: Mechanism,
}

impl Greeting {
    /// Octets of a greeting on the wire.
    pub const LEN: usize = 64;

    /// Ours: version 3.1.
    #[must_use]
    pub const fn new(mechanism: Mechanism) -> Self {
        Self { minor: 1, mechanism }
    }

    /// The wire form. Padding, filler and as-server are zero, as RFC 37 has it for NULL.
    #[must_use]
    pub fn to_wire(&self) -> [u8; Self::LEN] {
        let mut wire = [0; Self::LEN];
        wire[0] = 0xff;
        wire[SIGNATURE_END] = 0x7f;
        wire[MAJOR] = 3;
        wire[MINOR] = self.minor;
        wire[MECHANISM..MECHANISM + 20].copy_from_slice(&self.mechanism.field());
        wire
    }

    /// Reads the greeting that `bytes` begins with; `Ok(None)` when it isn't whole yet.
    ///
    /// Fails as early as the octets allow. The padding, the as-server flag and the filler are not looked
    /// at: libzmq fills them its own way, and the role follows from configuration. A major version above
    /// 3 is taken for 3.1, since such a peer has to speak our version with us.
    ///
    /// # Errors
    /// [`GreetingError`]: the peer is of an older ZMTP, no ZMTP peer at all, or wants another mechanism.
    pub fn parse(bytes: &[u8], mechanism: Mechanism) -> Result<Option<Self>, GreetingError> {
        let octet = |at: usize| bytes.get(at).copied();
        if octet(0).is_some_and(|first| first != 0xff)
            || octet(SIGNATURE_END).is_some_and(|last| last & 1 == 0)
        {
            return Err(GreetingError::Unversioned);
        }
        if let Some(major) = octet(MAJOR).filter(|major| *major < 3) {
            return Err(GreetingError::Version { major });
        }
        let Some(wire) = bytes.first_chunk::<{ Self::LEN }>() else {
            return Ok(None);
        };
        let field = &wire[MECHANISM..MECHANISM + 20];
        if *field != mechanism.field() {
            let end = field.iter().position(|c| *c == 0).unwrap_or(field.len());
            let theirs = field[..end].escape_ascii().to_string();
            return Err(GreetingError::Mechanism { theirs, ours: mechanism });
        }
        let minor = if wire[MAJOR] > 3 { 1 } else { wire[MINOR] };
        Ok(Some(Self { minor, mechanism }))
    }
}

const SIGNATURE_END: usize = 9;
const MAJOR: usize = 10;
const MINOR: usize = 11;
const MECHANISM: usize = 12;

/// A greeting that we can't go on from. Trying again doesn't help until one end is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GreetingError {
    /// The first octets are those of ZMTP 1.0 or of another protocol.
    #[error("peer doesn't speak ZMTP 3: its first octets are no greeting")]
    Unversioned,
    /// ZMTP 2.0 or older, as libzmq before 4.0 spoke it.
    #[error("peer speaks ZMTP {major}, at least 3 is needed (libzmq 4.0 or later)")]
    Version {
        /// The major version in the peer's greeting.
        major: u8,
    },
    /// The ends are configured for different mechanisms.
    #[error("peer wants security mechanism {theirs:?}, this socket {ours}")]
    Mechanism {
        /// The name in the peer's greeting, printable.
        theirs: String,
        /// The mechanism configured here.
        ours: Mechanism,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Option<Greeting>, GreetingError> {
        Greeting::parse(bytes, Mechanism::Null)
    }

    #[test]
    fn the_layout_is_that_of_the_rfc() {
        let wire = Greeting::new(Mechanism::Null).to_wire();
        let mut expected = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL".to_vec();
        expected.resize(64, 0);
        assert_eq!(wire[..], expected[..]);
    }

    #[test]
    fn padding_as_server_and_filler_are_not_looked_at() {
        let mut wire = Greeting::new(Mechanism::Null).to_wire();
        wire[1..9].fill(0xaa);
        wire[32..].fill(0x55);
        assert_eq!(parse(&wire), Ok(Some(Greeting::new(Mechanism::Null))));
    }

    #[test]
    fn later_versions_are_served_as_ours() {
        for (major, minor, taken) in [(3, 0, 0), (3, 1, 1), (3, 9, 9), (4, 0, 1), (0xff, 0, 1)] {
            let mut wire = Greeting::new(Mechanism::Null).to_wire();
            (wire[10], wire[11]) = (major, minor);
            assert_eq!(parse(&wire).unwrap().unwrap().minor, taken);
        }
    }

    #[test]
    fn older_peers_are_refused_at_the_first_octet_that_tells() {
        assert_eq!(parse(b""), Ok(None));
        assert_eq!(parse(b"\x01\x00"), Err(GreetingError::Unversioned));
        assert_eq!(parse(b"\xff\0\0\0\0\0\0\0\x08\x00"), Err(GreetingError::Unversioned));
        for major in 0..3 {
            let wire = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, major];
            assert_eq!(parse(&wire), Err(GreetingError::Version { major }));
        }
    }

    #[test]
    fn the_mechanism_is_compared_to_its_last_octet() {
        let mut wire = Greeting::new(Mechanism::Null).to_wire();
        wire[12 + 19] = b'x';
        assert!(matches!(parse(&wire), Err(GreetingError::Mechanism { .. })));
        wire[12..32].copy_from_slice(b"PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert!(matches!(parse(&wire), Err(GreetingError::Mechanism { theirs, .. }) if theirs == "PLAIN"));
    }
}
