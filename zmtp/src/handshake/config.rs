//! The configuration of a handshake.

use crate::handshake::properties::LocalProperties;
use crate::security::config::Security;
use crate::socket_type::SocketType;

/// The configuration of a socket's handshakes.
#[derive(Clone, Debug)]
pub struct HandshakeConfig {
    /// The properties that the socket announces.
    pub local: LocalProperties,
    /// The mechanism, with its keys or credentials.
    pub security: Security,
    /// Maximum bytes of metadata that a peer may announce; its commands may have 512 more, for their other data.
    /// Default 64 KiB.
    pub max_metadata: usize,
    /// Whether peers of ZMTP 2.0 (libzmq 3.x) are served. Default no. Only with NULL: ZMTP 2.0 has no mechanisms.
    pub zmtp2: bool,
    /// Whether this end accepted the connection. An accepting end waits for the peer's version before it names its
    /// mechanism. With NULL it also waits for the peer's READY before it sends its own, and with ZMTP 2.0 for the
    /// peer's socket type. PLAIN and CURVE have an order of their own. A connecting end never waits, so the two ends
    /// can't wait for each other. Default no.
    pub is_acceptor: bool,
}

impl HandshakeConfig {
    /// Returns the defaults, with NULL, for a socket of this type.
    #[must_use]
    pub fn new(socket_type: SocketType) -> Self {
        Self {
            local: LocalProperties::new(socket_type),
            security: Security::Null,
            max_metadata: 64 << 10,
            zmtp2: false,
            is_acceptor: false,
        }
    }
}
