//! How the ends of a connection make sure of each other: the mechanism, what is shown, and what is decided.

mod keys;

use std::fmt;

use bytes::Bytes;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use keys::{KeyError, KeyPair, PublicKey, SecretKey};

use crate::{Mechanism, Metadata};

/// The mechanism of a socket, its role in it, and what it needs for that. Configuration decides on the role:
/// libzmq says nothing about it in its greeting.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Security {
    /// Neither authentication nor encryption, and no roles.
    #[default]
    Null,
    /// Shows a name and a password, both in clear (RFC 24).
    PlainClient(Login),
    /// Has every client's name and password decided on.
    PlainServer,
    /// Encrypts, knows the server by its key, and shows its own (RFC 26).
    CurveClient {
        /// Who we are.
        keys: KeyPair,
        /// Who the server has to be.
        server: PublicKey,
    },
    /// Encrypts, and has every client's key decided on.
    CurveServer {
        /// Who we are.
        keys: KeyPair,
    },
}

impl Security {
    /// Its name in the greeting.
    #[must_use]
    pub const fn mechanism(&self) -> Mechanism {
        match self {
            Self::Null => Mechanism::Null,
            Self::PlainClient(_) | Self::PlainServer => Mechanism::Plain,
            Self::CurveClient { .. } | Self::CurveServer { .. } => Mechanism::Curve,
        }
    }

    /// Whether it has the server's role.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        matches!(self, Self::PlainServer | Self::CurveServer { .. })
    }
}

/// Octets that are wiped from memory when dropped, compared in a time that tells nothing about them but their
/// length, and not printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The octets.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Into<Vec<u8>>> From<T> for Secret {
    fn from(octets: T) -> Self {
        Self(Zeroizing::new(octets.into()))
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
pub struct Login {
    username: Bytes,
    password: Secret,
}

impl Login {
    /// A name and a password of 0 to 255 octets each.
    ///
    /// # Errors
    /// [`LoginTooLong`].
    pub fn new(username: impl Into<Bytes>, password: impl Into<Secret>) -> Result<Self, LoginTooLong> {
        let (username, password) = (username.into(), password.into());
        if username.len().max(password.0.len()) > u8::MAX.into() {
            return Err(LoginTooLong);
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
#[error("a name and a password have at most 255 octets each")]
pub struct LoginTooLong;

/// What a peer has shown of itself, to be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nothing: the mechanism is NULL.
    Null,
    /// PLAIN.
    Plain(Login),
    /// CURVE: its public key. That it has the secret key too is proven.
    Curve(PublicKey),
}

impl Credentials {
    /// The mechanism that they are of.
    #[must_use]
    pub const fn mechanism(&self) -> Mechanism {
        match self {
            Self::Null => Mechanism::Null,
            Self::Plain(_) => Mechanism::Plain,
            Self::Curve(_) => Mechanism::Curve,
        }
    }
}

/// Who a peer turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// A name that the authenticator knows it by; may be empty.
    pub id: Bytes,
    /// What the authenticator says about it.
    pub metadata: Metadata,
}

impl User {
    /// Of this name.
    #[must_use]
    pub fn named(id: impl Into<Bytes>) -> Self {
        Self { id: id.into(), metadata: Metadata::default() }
    }
}

/// The decision about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may come in.
    Allow(User),
    /// It may not.
    Deny(Denial),
}

impl Verdict {
    /// It may come in, as nobody in particular.
    #[must_use]
    pub fn allow() -> Self {
        Self::Allow(User::default())
    }
}

/// Why a peer may not come in, with the status of ZAP (RFC 27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denial {
    /// Not now: it isn't told anything, and tries again. Status 300.
    #[error("300: try again later")]
    TryLater,
    /// Not with these credentials. Status 400.
    #[error("400: the credentials aren't accepted")]
    Credentials,
    /// Nobody could decide. Status 500.
    #[error("500: the authentication doesn't work")]
    Internal,
}

impl Denial {
    /// The ERROR that tells it to the peer, if it is told.
    pub(crate) const fn reason(self) -> Option<&'static str> {
        match self {
            Self::TryLater => None,
            Self::Credentials => Some("400"),
            Self::Internal => Some("500"),
        }
    }

    /// What an ERROR of that reason stands for.
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
        assert!(Login::new("u".repeat(255), "p".repeat(255)).is_ok());
        assert_eq!(Login::new("u".repeat(256), ""), Err(LoginTooLong));
        assert_eq!(Login::new("", "p".repeat(256)), Err(LoginTooLong));
    }

    #[test]
    fn roles_are_told_apart() {
        let keys = KeyPair::new(SecretKey::from_bytes([1; 32]));
        let server = *keys.public();
        let login = Login::new("", "").unwrap();
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
        for (reason, denial) in [
            (&b"300"[..], Some(Denial::TryLater)),
            (b"400", Some(Denial::Credentials)),
            (b"500", Some(Denial::Internal)),
            (b"200", None),
            (b"4000", None),
            (b"", None),
        ] {
            assert_eq!(Denial::from_reason(reason), denial);
        }
    }

    #[test]
    fn secrets_are_equal_when_their_octets_are() {
        assert_eq!(Secret::from("one"), Secret::from("one"));
        for other in ["two", "on", "one ", ""] {
            assert_ne!(Secret::from("one"), Secret::from(other));
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(…)");
        let login = Login::new("admin", "hunter2").unwrap();
        let text = format!("{login:?} {:?}", Credentials::Plain(login.clone()));
        assert!(text.contains("admin") && !text.contains("hunter2"));
    }
}
