//! The security of a socket: its mechanism, its role in it, and its keys or credentials.

use crate::greeting::Mechanism;
use crate::security::credentials::PlainCredentials;
use crate::security::keys::{KeyPair, PublicKey};

/// The mechanism of a socket, its role in it, and its keys or credentials. Configuration decides on the role: libzmq
/// says nothing about it in its greeting.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Security {
    /// Neither authentication nor encryption, and no roles.
    #[default]
    Null,
    /// Shows a name and a password, both in clear (RFC 24).
    PlainClient(PlainCredentials),
    /// Has every client's name and password decided on.
    PlainServer,
    /// Encrypts, knows the server by its key, and shows its own (RFC 26).
    CurveClient {
        /// Our keys.
        keys: KeyPair,
        /// The key that the server has to have.
        server: PublicKey,
    },
    /// Encrypts, and has every client's key decided on.
    CurveServer {
        /// Our keys.
        keys: KeyPair,
    },
}

impl Security {
    /// Returns the mechanism, as the greeting names it.
    #[must_use]
    pub const fn mechanism(&self) -> Mechanism {
        match self {
            Self::Null => Mechanism::Null,
            Self::PlainClient(_) | Self::PlainServer => Mechanism::Plain,
            Self::CurveClient { .. } | Self::CurveServer { .. } => Mechanism::Curve,
        }
    }

    /// Returns whether the socket has the server's role.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        matches!(self, Self::PlainServer | Self::CurveServer { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::keys::SecretKey;

    #[test]
    fn roles_are_told_apart() {
        let keys = KeyPair::new(SecretKey::from_bytes([1; 32]));
        let server = *keys.public();
        let login = PlainCredentials::new("", "").unwrap();
        for (security, is_server) in [
            (Security::Null, false),
            (Security::PlainClient(login), false),
            (Security::PlainServer, true),
            (Security::CurveClient { keys: keys.clone(), server }, false),
            (Security::CurveServer { keys }, true),
        ] {
            assert_eq!(security.is_server(), is_server, "{security:?}");
        }
    }
}
