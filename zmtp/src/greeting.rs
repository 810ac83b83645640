//! The greeting: the 64 bytes that open a connection (RFC 37, "Version Negotiation").

use std::fmt;

/// A security mechanism. The greeting has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// No authentication, no encryption (RFC 37, "The NULL Security Mechanism").
    Null,
    /// A name and a password in clear (RFC 24).
    Plain,
    /// Keys on both ends, and all traffic encrypted (RFC 26).
    Curve,
}

impl Mechanism {
    /// Returns the name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain => "PLAIN",
            Self::Curve => "CURVE",
        }
    }

    /// Returns the field of the greeting: the name, padded with zeros to 20 bytes.
    fn field(self) -> [u8; 20] {
        let mut field = [0; 20];
        field[..self.name().len()].copy_from_slice(self.name().as_bytes());
        field
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A version of ZMTP. Later versions are served as 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The major version: 2 or 3.
    pub major: u8,
    /// The minor version. 3.0 has no commands for subscriptions.
    pub minor: u8,
}

impl Version {
    /// The version of libzmq 3.x: no mechanisms, no commands.
    pub const V2_0: Self = Self { major: 2, minor: 0 };
    /// The version of libzmq 4.0 to 4.3.2: subscriptions are messages.
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// The version of this crate.
    pub const V3_1: Self = Self { major: 3, minor: 1 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The greeting that each end sends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The version of the protocol.
    pub version: Version,
    /// The mechanism of the end. The ends don't negotiate: both must have the same mechanism.
    pub mechanism: Mechanism,
    /// Whether the end has the server's role in the mechanism. libzmq never sets it.
    pub as_server: bool,
}

impl Greeting {
    /// Bytes of a greeting on the wire.
    pub const LEN: usize = 64;

    /// Returns a greeting of version 3.1.
    #[must_use]
    pub const fn new(mechanism: Mechanism, as_server: bool) -> Self {
        Self { version: Version::V3_1, mechanism, as_server }
    }

    /// Returns the wire form. Padding and filler are zero, and as-server is for NULL, as RFC 37 has it.
    #[must_use]
    pub fn to_wire(&self) -> [u8; Self::LEN] {
        let mut wire = [0; Self::LEN];
        wire[0] = 0xff;
        wire[SIGNATURE_END] = 0x7f;
        (wire[MAJOR], wire[MINOR]) = (self.version.major, self.version.minor);
        wire[MECHANISM..AS_SERVER].copy_from_slice(&self.mechanism.field());
        wire[AS_SERVER] = u8::from(self.as_server && self.mechanism != Mechanism::Null);
        wire
    }

    /// Reads the greeting that `bytes` begins with; `Ok(None)` when it isn't whole yet.
    ///
    /// Fails as early as the bytes allow. Padding and filler are ignored, since libzmq doesn't zero them. A major
    /// version above 3 counts as 3.1, since a later peer has to speak the version of this end.
    ///
    /// # Errors
    /// [`GreetingError`]: the peer speaks an older ZMTP, another protocol, or another mechanism.
    pub fn parse(bytes: &[u8], mechanism: Mechanism) -> Result<Option<Self>, GreetingError> {
        if let Some(major) = peer_major(bytes)?.filter(|major| *major < 3) {
            return Err(GreetingError::Version { major });
        }
        let Some(wire) = bytes.first_chunk::<{ Self::LEN }>() else {
            return Ok(None);
        };
        let field = &wire[MECHANISM..AS_SERVER];
        if *field != mechanism.field() {
            let end = field.iter().position(|c| *c == 0).unwrap_or(field.len());
            let theirs = field[..end].escape_ascii().to_string();
            return Err(GreetingError::Mechanism { theirs, ours: mechanism });
        }
        let version = match wire[MAJOR] {
            3 => Version { major: 3, minor: wire[MINOR] },
            _ => Version::V3_1,
        };
        Ok(Some(Self { version, mechanism, as_server: wire[AS_SERVER] & 1 != 0 }))
    }
}

/// Returns the major version of the peer whose greeting begins with `bytes`; `Ok(None)` if too few bytes have arrived.
///
/// Byte 9 has its lowest bit set in every version from 2.0 on. Otherwise the peer speaks ZMTP 1.0 or another protocol.
pub(crate) fn peer_major(bytes: &[u8]) -> Result<Option<u8>, GreetingError> {
    let byte = |at: usize| bytes.get(at).copied();
    if byte(0).is_some_and(|first| first != 0xff) || byte(SIGNATURE_END).is_some_and(|last| last & 1 == 0) {
        return Err(GreetingError::Unversioned);
    }
    Ok(byte(MAJOR))
}

/// Bytes of a greeting up to and with the major version, by which the versions differ.
pub(crate) const VERSIONED: usize = MAJOR + 1;
const SIGNATURE_END: usize = 9;
const MAJOR: usize = 10;
const MINOR: usize = 11;
const MECHANISM: usize = 12;
const AS_SERVER: usize = 32;

/// Error of a greeting with which the handshake can't go on. Another attempt fails likewise until one end is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GreetingError {
    /// First bytes of ZMTP 1.0 or of another protocol.
    #[error("peer doesn't speak ZMTP 3: its first bytes aren't a greeting")]
    Unversioned,
    /// A version of ZMTP below 3, as libzmq before 4.0 spoke it.
    #[error("peer speaks ZMTP {}", older(*major))]
    Version {
        /// The major version in the peer's greeting.
        major: u8,
    },
    /// A mechanism other than the configured mechanism of this end.
    #[error("peer wants security mechanism {theirs:?}, this socket {ours}")]
    Mechanism {
        /// The name in the peer's greeting, printable.
        theirs: String,
        /// The mechanism configured here.
        ours: Mechanism,
    },
}

/// Describes the version that a major version below 3 stands for, and when it is served.
fn older(major: u8) -> String {
    match major {
        1 | 2 => "2.0, as libzmq 3.x does: it is served only with NULL, without an authenticator, and if that is asked for".into(),
        other => format!("{other}, at least 3.0 is needed (libzmq 4.0 or later)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Option<Greeting>, GreetingError> {
        Greeting::parse(bytes, Mechanism::Null)
    }

    fn null() -> Greeting {
        Greeting::new(Mechanism::Null, false)
    }

    #[test]
    fn the_greeting_has_the_layout_of_the_rfc() {
        let wire = null().to_wire();
        let mut expected = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL".to_vec();
        expected.resize(64, 0);
        assert_eq!(wire[..], expected[..]);
    }

    #[test]
    fn the_greeting_announces_the_role_if_the_mechanism_has_roles() {
        for (mechanism, as_server) in [(Mechanism::Null, 0), (Mechanism::Plain, 1), (Mechanism::Curve, 1)] {
            let wire = Greeting::new(mechanism, true).to_wire();
            assert_eq!(wire[32], as_server);
            assert_eq!(wire[12..32].split(|c| *c == 0).next(), Some(mechanism.name().as_bytes()));
            assert_eq!(Greeting::new(mechanism, false).to_wire()[32], 0);
        }
    }

    #[test]
    fn padding_and_filler_are_ignored_and_any_role_is_accepted() {
        for as_server in [false, true] {
            let mut wire = null().to_wire();
            wire[1..9].fill(0xaa);
            wire[32] = u8::from(as_server);
            wire[33..].fill(0x55);
            assert_eq!(parse(&wire), Ok(Some(Greeting { as_server, ..null() })));
        }
    }

    #[test]
    fn later_versions_are_treated_as_our_version() {
        for (major, minor, taken) in [(3, 0, 0), (3, 1, 1), (3, 9, 9), (4, 0, 1), (0x7f, 3, 1), (0xff, 0, 1)]
        {
            let mut wire = null().to_wire();
            (wire[10], wire[11]) = (major, minor);
            assert_eq!(parse(&wire).unwrap().unwrap().version, Version { major: 3, minor: taken });
        }
        assert_eq!((Version::V3_1.to_string(), Mechanism::Curve.to_string()), ("3.1".into(), "CURVE".into()));
        assert!(Version::V2_0 < Version::V3_0 && Version::V3_0 < Version::V3_1);
    }

    #[test]
    fn older_peers_are_rejected_at_the_first_byte_that_shows_their_version() {
        assert_eq!(parse(b""), Ok(None));
        assert_eq!(parse(b"\x01\x00"), Err(GreetingError::Unversioned));
        assert_eq!(parse(b"\xff\0\0\0\0\0\0\0\x08\x00"), Err(GreetingError::Unversioned));
        for major in 0..3 {
            let wire = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, major];
            assert_eq!(parse(&wire), Err(GreetingError::Version { major }));
        }
    }

    #[test]
    fn the_mechanism_is_compared_to_its_last_byte() {
        let mut wire = null().to_wire();
        wire[12 + 19] = b'x';
        assert!(matches!(parse(&wire), Err(GreetingError::Mechanism { .. })));
        wire[12..32].copy_from_slice(b"PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert!(matches!(parse(&wire), Err(GreetingError::Mechanism { theirs, .. }) if theirs == "PLAIN"));
    }
}
