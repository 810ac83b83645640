//! Authentication: the decision which peers a socket admits.

mod curve;
mod permissions;
mod plain;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

pub use curve::CurveClients;
pub use enfonet_zmtp::{
    Credentials, CredentialsTooLong, DenyReason, KeyError, KeyPair, Mechanism, PlainCredentials, PublicKey,
    Secret, SecretKey, Security, User, Verdict,
};
pub(crate) use permissions::PermissionPolicy;
pub use permissions::Permissions;
pub use plain::PlainUsers;

/// The credentials and the address of a peer, which an [`Authenticator`] decides on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthRequest {
    /// Credentials that the peer has shown.
    pub credentials: Credentials,
    /// The domain of our socket: see [`Options::domain`](crate::Options::domain).
    pub domain: String,
    /// Address of the peer, as ZAP has it: a numeric IP address, or `:uid:gid:pid` of a process on this machine.
    pub address: String,
    /// The identity of our socket.
    pub identity: Bytes,
}

/// The future of an [`Authenticator`]'s verdict.
pub type Decision<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// A component that decides which peers a socket admits.
///
/// The socket asks it in each handshake over tcp and ipc: with PLAIN and CURVE on the server's side, with NULL on both
/// sides. The decision may take as long as the [handshake timeout](crate::Options::handshake_timeout), and other
/// connections go on meanwhile. If the peer disconnects before the decision, the future is dropped.
///
/// Closures are authenticators:
///
/// ```
/// use enfonet::Options;
/// use enfonet::auth::{AuthRequest, Credentials, DenyReason, Security, User, Verdict};
///
/// let options = Options::default().security(Security::PlainServer).authenticator(async |request: AuthRequest| {
///     match &request.credentials {
///         Credentials::Plain(login) if login.username() == "guest" => Verdict::Allow(User::named("guest")),
///         _ => Verdict::Deny(DenyReason::Credentials),
///     }
/// });
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the verdict about one peer.
    fn authenticate(&self, request: AuthRequest) -> Decision<'_>;
}

impl<D, F> Authenticator for D
where
    D: Fn(AuthRequest) -> F + Send + Sync + 'static,
    F: Future<Output = Verdict> + Send + 'static,
{
    fn authenticate(&self, request: AuthRequest) -> Decision<'_> {
        Box::pin(self(request))
    }
}

/// The authenticator of a socket, if it has one.
#[derive(Clone, Default)]
pub(crate) struct AuthPolicy(Option<Arc<dyn Authenticator>>);

impl AuthPolicy {
    pub(crate) fn with(authenticator: impl Authenticator) -> Self {
        Self(Some(Arc::new(authenticator)))
    }

    /// Returns whether there is an authenticator.
    pub(crate) const fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the verdict about a peer. Without an authenticator, NULL and CURVE admit every peer, and PLAIN admits
    /// none.
    pub(crate) async fn decide(
        &self,
        credentials: Credentials,
        request: impl FnOnce(Credentials) -> AuthRequest,
    ) -> Verdict {
        match (&self.0, &credentials) {
            (Some(authenticator), _) => authenticator.authenticate(request(credentials)).await,
            (None, Credentials::Plain(_)) => Verdict::Deny(DenyReason::Internal),
            (None, _) => Verdict::allow(),
        }
    }
}

impl fmt::Debug for AuthPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set() { "AuthPolicy(set)" } else { "AuthPolicy(none)" })
    }
}

/// Returns a new key pair for CURVE, from the system's random generator.
///
/// ```
/// let keys = enfonet::auth::new_key_pair();
/// println!("public key, for everybody: {}", keys.public());
/// println!("secret key, for nobody else: {}", *keys.secret().to_z85());
/// ```
///
/// # Panics
/// When the system has no random generator.
#[must_use]
pub fn new_key_pair() -> KeyPair {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random).expect("the system has a random generator");
    KeyPair::new(SecretKey::from_bytes(*random))
}
