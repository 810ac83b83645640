//! An authenticator with a table of names and passwords.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use enfonet_zmtp::{Credentials, DenyReason, Secret, User, Verdict};
use subtle::{Choice, ConstantTimeEq};

use super::{AuthRequest, Authenticator, Decision};

/// Authenticator that admits the clients that know the password of their name (PLAIN). The user id of a client is its
/// name.
///
/// ```
/// use enfonet::{Options, Rep};
/// use enfonet::auth::{PlainUsers, Security};
///
/// let users = PlainUsers::new().user("admin", "secret").user("guest", "");
/// let server = Rep::with_options(Options::default().security(Security::PlainServer).authenticator(users));
/// ```
///
/// The time that a decision takes reveals nothing about a password.
#[derive(Clone, Debug, Default)]
pub struct PlainUsers(HashMap<Bytes, Secret>);

impl PlainUsers {
    /// Returns an empty table, which admits no client.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a name with its password. A name that the table has already gets the new password.
    #[must_use]
    pub fn user(mut self, username: impl Into<Bytes>, password: impl Into<Secret>) -> Self {
        self.0.insert(username.into(), password.into());
        self
    }

    /// Returns the user ids of all clients that may be admitted.
    pub fn user_ids(&self) -> impl Iterator<Item = &Bytes> {
        self.0.keys()
    }

    /// Returns the names that `next` doesn't have, or has with another password.
    #[must_use]
    pub fn revoked_by(&self, next: &Self) -> HashSet<Bytes> {
        let is_kept =
            |name: &Bytes, password| next.0.get(name).is_some_and(|next| is_same(password, next).into());
        let revoked = self.0.iter().filter(|(name, password)| !is_kept(name, password));
        revoked.map(|(name, _)| name.clone()).collect()
    }

    fn decide(&self, credentials: &Credentials) -> Verdict {
        let Credentials::Plain(login) = credentials else {
            return Verdict::Deny(DenyReason::Credentials);
        };
        let known = self.0.get(login.username());
        let nobody = Secret::from([]);
        let same = is_same(known.unwrap_or(&nobody), login.password());
        match known {
            Some(_) if same.into() => Verdict::Allow(User::named(login.username().clone())),
            _ => Verdict::Deny(DenyReason::Credentials),
        }
    }
}

/// Returns whether two passwords are equal, in a time that depends neither on their bytes nor on their lengths. A shown
/// password has at most 255 bytes, so a longer password never equals it.
fn is_same(password: &Secret, shown: &Secret) -> Choice {
    let padded = |secret: &Secret| {
        let mut bytes = [0; 256];
        let len = secret.expose().len().min(255);
        bytes[..len].copy_from_slice(&secret.expose()[..len]);
        bytes
    };
    let same_len = password.expose().len().ct_eq(&shown.expose().len());
    same_len & padded(password).ct_eq(&padded(shown))
}

impl Authenticator for PlainUsers {
    fn authenticate(&self, request: AuthRequest) -> Decision<'_> {
        Box::pin(std::future::ready(self.decide(&request.credentials)))
    }
}

#[cfg(test)]
mod tests {
    use enfonet_zmtp::{PlainCredentials, PublicKey};

    use super::*;

    #[test]
    fn a_user_is_admitted_with_its_password_only() {
        let users = PlainUsers::new().user("admin", "secret").user("guest", "").user("", "anonymous");
        let decide = |username: &'static str, password: &str| {
            users.decide(&Credentials::Plain(PlainCredentials::new(username, password).unwrap()))
        };
        for (username, password) in [("admin", "secret"), ("guest", ""), ("", "anonymous")] {
            assert_eq!(decide(username, password), Verdict::Allow(User::named(username)));
        }
        for (username, password) in [
            ("admin", ""),
            ("admin", "secre"),
            ("admin", "secret\0"),
            ("admin", "Secret"),
            ("Admin", "secret"),
            ("guest", "secret"),
            ("nobody", ""),
        ] {
            assert_eq!(
                decide(username, password),
                Verdict::Deny(DenyReason::Credentials),
                "{username} {password}"
            );
        }
    }

    #[test]
    fn a_password_that_is_too_long_for_plain_admits_no_user() {
        let users = PlainUsers::new().user("long", "x".repeat(256));
        let shown = PlainCredentials::new("long", "x".repeat(255)).unwrap();
        assert_eq!(users.decide(&Credentials::Plain(shown)), Verdict::Deny(DenyReason::Credentials));
    }

    #[test]
    fn a_removed_user_and_a_user_with_another_password_are_revoked() {
        let users = PlainUsers::new().user("ada", "a").user("bob", "b").user("eve", "e");
        let next = PlainUsers::new().user("ada", "a").user("bob", "other").user("new", "n");
        assert_eq!(users.revoked_by(&next), HashSet::from(["bob".into(), "eve".into()]));
        assert_eq!(users.user_ids().count(), 3);
    }

    #[test]
    fn credentials_of_other_mechanisms_are_rejected() {
        let users = PlainUsers::new().user("admin", "secret");
        for credentials in [Credentials::Null, Credentials::Curve(PublicKey::from_bytes([1; 32]))] {
            assert_eq!(users.decide(&credentials), Verdict::Deny(DenyReason::Credentials));
        }
    }
}
