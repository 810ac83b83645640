//! An authenticator with a list of public keys.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use enfonet_zmtp::{Credentials, DenyReason, PublicKey, User, Verdict};

use super::{AuthRequest, Authenticator, Decision};

/// Authenticator that admits the clients with a public key on its list (CURVE).
///
/// ```
/// use enfonet::{Options, Rep};
/// use enfonet::auth::{CurveClients, Security, new_key_pair};
///
/// let (server, client) = (new_key_pair(), new_key_pair());
/// let clients = CurveClients::new().client(*client.public()).named(*server.public(), "another server");
/// let security = Security::CurveServer { keys: server };
/// let server = Rep::with_options(Options::default().security(security).authenticator(clients));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CurveClients(HashMap<PublicKey, Bytes>);

impl CurveClients {
    /// Returns an empty list, which admits no client.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the key of a client. The user id of the client is the key in Z85.
    #[must_use]
    pub fn client(self, key: PublicKey) -> Self {
        self.named(key, key.to_string())
    }

    /// Adds the key of a client, with the client's user id.
    #[must_use]
    pub fn named(mut self, key: PublicKey, user_id: impl Into<Bytes>) -> Self {
        self.0.insert(key, user_id.into());
        self
    }

    /// Returns the user ids of all clients that may be admitted.
    pub fn user_ids(&self) -> impl Iterator<Item = &Bytes> {
        self.0.values()
    }

    /// Returns the user ids of the keys that `next` doesn't have, or has with another user id.
    #[must_use]
    pub fn revoked_by(&self, next: &Self) -> HashSet<Bytes> {
        let revoked = self.0.iter().filter(|(key, id)| next.0.get(key) != Some(id));
        revoked.map(|(_, id)| id.clone()).collect()
    }

    fn decide(&self, credentials: &Credentials) -> Verdict {
        match credentials {
            Credentials::Curve(key) => self
                .0
                .get(key)
                .map_or(Verdict::Deny(DenyReason::Credentials), |id| Verdict::Allow(User::named(id.clone()))),
            _ => Verdict::Deny(DenyReason::Credentials),
        }
    }
}

impl FromIterator<PublicKey> for CurveClients {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        keys.into_iter().fold(Self::new(), Self::client)
    }
}

impl Authenticator for CurveClients {
    fn authenticate(&self, request: AuthRequest) -> Decision<'_> {
        Box::pin(std::future::ready(self.decide(&request.credentials)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_key_and_a_key_with_another_user_id_are_revoked() {
        let [ada, bob, eve] = [1, 2, 3].map(|byte| PublicKey::from_bytes([byte; 32]));
        let clients = CurveClients::new().named(ada, "Ada").named(bob, "Bob").named(eve, "Eve");
        let next = CurveClients::new().named(ada, "Ada").named(bob, "Robert");
        assert_eq!(clients.revoked_by(&next), HashSet::from(["Bob".into(), "Eve".into()]));
        assert_eq!(clients.user_ids().count(), 3);
    }

    #[test]
    fn keys_on_the_list_are_admitted_under_their_user_id_and_other_keys_are_rejected() {
        let [plain, named, other] = [1, 2, 3].map(|byte| PublicKey::from_bytes([byte; 32]));
        let clients = [plain].into_iter().collect::<CurveClients>().named(named, "Ada");
        let decide = |key| clients.decide(&Credentials::Curve(key));
        assert_eq!(decide(plain), Verdict::Allow(User::named(plain.to_string())));
        assert_eq!(decide(named), Verdict::Allow(User::named("Ada")));
        assert_eq!(decide(other), Verdict::Deny(DenyReason::Credentials));
        assert_eq!(clients.decide(&Credentials::Null), Verdict::Deny(DenyReason::Credentials));
    }
}
