//! The security of a socket: its mechanism, its role in it, and its keys or credentials.

use crate::greeting::Mechanism;
use crate::security::credentials::PlainCredentials;
use crate::security::keys::{KeyPair, PublicKey};

/// The mechanism of a socket, its role in it, and its keys or credentials. The role is configured on both ends, since
/// libzmq's greeting doesn't announce it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Security {
    /// Neither authentication nor encryption, and no roles.
    #[default]
    Null,
    /// PLAIN, as the client, with a name and a password that are sent in clear (RFC 24).
    PlainClient(PlainCredentials),
    /// PLAIN, as the server. The verdict is about each client's name and password.
    PlainServer,
    /// CURVE, as the client (RFC 26).
    CurveClient {
        /// The keys of the client.
        keys: KeyPair,
        /// The public key by which the client verifies the server.
        server: PublicKey,
    },
    /// CURVE, as the server. The verdict is about each client's key.
    CurveServer {
        /// The keys of the server.
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
    fn only_plain_and_curve_servers_have_the_server_role() {
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
