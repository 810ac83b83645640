//! How the ends of a connection make sure of each other: the mechanism, the credentials, and the verdict.

mod keys;

use std::fmt;

use bytes::Bytes;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use keys::{KeyError, KeyPair, PublicKey, SecretKey};

use crate::{Mechanism, Metadata};

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

/// Bytes that are wiped from memory when dropped, compared in a time that tells nothing about them but their
/// length, and not printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Into<Vec<u8>>> From<T> for Secret {
    fn from(bytes: T) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A name and a password, as PLAIN shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainCredentials {
    username: Bytes,
    password: Secret,
}

impl PlainCredentials {
    /// A name and a password of 0 to 255 bytes each.
    ///
    /// # Errors
    /// [`CredentialsTooLong`].
    pub fn new(username: impl Into<Bytes>, password: impl Into<Secret>) -> Result<Self, CredentialsTooLong> {
        let (username, password) = (username.into(), password.into());
        if username.len().max(password.0.len()) > u8::MAX.into() {
            return Err(CredentialsTooLong);
        }
        Ok(Self { username, password })
    }

    /// The name.
    #[must_use]
    pub const fn username(&self) -> &Bytes {
        &self.username
    }

    /// The password.
    #[must_use]
    pub const fn password(&self) -> &Secret {
        &self.password
    }
}

/// A name or password that PLAIN can't carry: the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name and a password have at most 255 bytes each")]
pub struct CredentialsTooLong;

/// The credentials that a peer has shown, to be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nothing: the mechanism is NULL.
    Null,
    /// PLAIN.
    Plain(PlainCredentials),
    /// CURVE: its public key. That it has the secret key too is proven.
    Curve(PublicKey),
}

impl Credentials {
    /// Returns the mechanism of the credentials.
    #[must_use]
    pub const fn mechanism(&self) -> Mechanism {
        match self {
            Self::Null => Mechanism::Null,
            Self::Plain(_) => Mechanism::Plain,
            Self::Curve(_) => Mechanism::Curve,
        }
    }
}

/// The user that a peer turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name by which the authenticator knows the user; may be empty.
    pub id: Bytes,
    /// Properties of the user, from the authenticator.
    pub metadata: Metadata,
}

impl User {
    /// Returns a user of this name.
    #[must_use]
    pub fn named(id: impl Into<Bytes>) -> Self {
        Self { id: id.into(), metadata: Metadata::default() }
    }
}

/// The decision about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer may come in.
    Allow(User),
    /// The peer may not come in.
    Deny(DenyReason),
}

impl Verdict {
    /// Lets the peer in, as a user without a name.
    #[must_use]
    pub fn allow() -> Self {
        Self::Allow(User::default())
    }
}

/// The reason why a peer may not come in, with its status in ZAP (RFC 27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DenyReason {
    /// Not now: the peer isn't told anything, and tries again. Status 300.
    #[error("300: try again later")]
    TryLater,
    /// Not with these credentials. Status 400.
    #[error("400: the credentials aren't accepted")]
    Credentials,
    /// Nobody could decide. Status 500.
    #[error("500: the authentication doesn't work")]
    Internal,
}

impl DenyReason {
    /// Returns the text in the ERROR to the peer, if the peer is told.
    pub(crate) const fn reason(self) -> Option<&'static str> {
        match self {
            Self::TryLater => None,
            Self::Credentials => Some("400"),
            Self::Internal => Some("500"),
        }
    }

    /// Returns the reason that the text of an ERROR stands for.
    pub(crate) fn from_reason(reason: &[u8]) -> Option<Self> {
        match reason {
            b"300" => Some(Self::TryLater),
            b"400" => Some(Self::Credentials),
            b"500" => Some(Self::Internal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_what_plain_can_carry() {
        assert!(PlainCredentials::new("u".repeat(255), "p".repeat(255)).is_ok());
        assert_eq!(PlainCredentials::new("u".repeat(256), ""), Err(CredentialsTooLong));
        assert_eq!(PlainCredentials::new("", "p".repeat(256)), Err(CredentialsTooLong));
    }

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

    #[test]
    fn a_denial_comes_back_from_its_reason() {
        for (reason, deny_reason) in [
            (&b"300"[..], Some(DenyReason::TryLater)),
            (b"400", Some(DenyReason::Credentials)),
            (b"500", Some(DenyReason::Internal)),
            (b"200", None),
            (b"4000", None),
            (b"", None),
        ] {
            assert_eq!(DenyReason::from_reason(reason), deny_reason);
        }
    }

    #[test]
    fn secrets_are_equal_when_their_bytes_are() {
        assert_eq!(Secret::from("one"), Secret::from("one"));
        for other in ["two", "on", "one ", ""] {
            assert_ne!(Secret::from("one"), Secret::from(other));
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(…)");
        let login = PlainCredentials::new("admin", "hunter2").unwrap();
        let text = format!("{login:?} {:?}", Credentials::Plain(login.clone()));
        assert!(text.contains("admin") && !text.contains("hunter2"));
    }
}
