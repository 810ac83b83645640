//! An authenticator with a list of public keys.

use std::collections::HashMap;

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
