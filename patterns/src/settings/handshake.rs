//! Settings of handshakes, and of the security that they set up.

use std::time::Duration;

use enfonet_zmtp::Security;

use crate::auth::AuthPolicy;

/// Settings of handshakes.
#[derive(Clone, Debug)]
pub(crate) struct HandshakeSettings {
    pub(crate) timeout: Duration,
    /// Maximum number of handshakes in progress at one bound endpoint.
    pub(crate) slots: usize,
    /// Maximum bytes of the peer's metadata.
    pub(crate) max_metadata: usize,
    pub(crate) security: Security,
    pub(crate) auth_policy: AuthPolicy,
    /// The domain that authenticators are given (ZAP).
    pub(crate) domain: String,
    /// Whether peers that speak ZMTP 2.0 are admitted.
    pub(crate) zmtp2: bool,
}

impl Default for HandshakeSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            slots: 10_000,
            max_metadata: 64 << 10,
            security: Security::Null,
            auth_policy: AuthPolicy::default(),
            domain: String::new(),
            zmtp2: false,
        }
    }
}
