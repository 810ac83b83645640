//! Credentials of a peer, and the secrets in them.

use std::fmt;

use bytes::Bytes;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::greeting::Mechanism;
use crate::security::keys::PublicKey;

/// Bytes that are wiped from memory when dropped, compared in a time that depends only on their length, and never
/// printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Returns the bytes.
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

/// A name and a password, for PLAIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainCredentials {
    username: Bytes,
    password: Secret,
}

impl PlainCredentials {
    /// Returns a name and a password of 0 to 255 bytes each.
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

    /// Returns the name.
    #[must_use]
    pub const fn username(&self) -> &Bytes {
        &self.username
    }

    /// Returns the password.
    #[must_use]
    pub const fn password(&self) -> &Secret {
        &self.password
    }
}

/// Error of a name or password that PLAIN can't carry. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name and a password have at most 255 bytes each")]
pub struct CredentialsTooLong;

/// The credentials of a peer, for the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// No credentials: the mechanism is NULL.
    Null,
    /// The name and password of PLAIN.
    Plain(PlainCredentials),
    /// The public key of CURVE. The peer has proven that it has the secret key.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_credentials_are_limited_to_255_bytes_each() {
        assert!(PlainCredentials::new("u".repeat(255), "p".repeat(255)).is_ok());
        assert_eq!(PlainCredentials::new("u".repeat(256), ""), Err(CredentialsTooLong));
        assert_eq!(PlainCredentials::new("", "p".repeat(256)), Err(CredentialsTooLong));
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
