//! Properties that each end announces to the other, as metadata (RFC 37, "The Socket-Type Property" and following).

use bytes::Bytes;

use crate::greeting::Version;
use crate::handshake::error::HandshakeError;
use crate::metadata::Metadata;
use crate::security::verdict::User;
use crate::socket_type::SocketType;

const SOCKET_TYPE: &str = "Socket-Type";
const IDENTITY: &str = "Identity";
const MAX_IDENTITY: usize = 255;

/// The properties that this end announces.
#[derive(Clone, Debug)]
pub struct LocalProperties {
    /// The type of the socket.
    pub socket_type: SocketType,
    /// The identity (routing id), 0 to 255 bytes. Only REQ, DEALER and ROUTER announce it.
    pub identity: Bytes,
    /// Further properties, which follow the socket type and the identity. Names for applications begin with `X-`.
    pub metadata: Metadata,
}

impl LocalProperties {
    /// Returns the properties of a socket of this type, without an identity.
    #[must_use]
    pub fn new(socket_type: SocketType) -> Self {
        Self { socket_type, identity: Bytes::new(), metadata: Metadata::default() }
    }

    /// Returns all properties in the form that the peer receives.
    #[must_use]
    pub fn to_metadata(&self) -> Metadata {
        let mut metadata = Metadata::default();
        metadata.push(SOCKET_TYPE, self.socket_type.name().as_bytes());
        if self.socket_type.announces_identity() {
            metadata.push(IDENTITY, &self.identity);
        }
        metadata.append(&self.metadata);
        metadata
    }
}

/// The peer's properties, once the handshake is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerProperties {
    /// The version of ZMTP that the peer speaks.
    pub version: Version,
    /// The peer's socket type, compatible with that of this end. `None` when the peer announced none, which is allowed.
    pub socket_type: Option<SocketType>,
    /// The peer's identity. Empty when the peer announced none, or an identity with a leading zero, which is reserved
    /// to ROUTER itself.
    pub identity: Bytes,
    /// All properties that the peer announced.
    pub metadata: Metadata,
    /// The user as which this end authenticated the peer.
    pub user: User,
}

impl PeerProperties {
    /// Reads the metadata of the peer, and checks that the peer's socket type is compatible with `ours`.
    pub(super) fn introduced(
        ours: SocketType,
        version: Version,
        user: User,
        metadata: Metadata,
    ) -> Result<Self, HandshakeError> {
        let socket_type = metadata.get(SOCKET_TYPE).map(|name| compatible(ours, name)).transpose()?;
        let identity = checked_identity(metadata.get(IDENTITY).unwrap_or_default())?;
        Ok(Self { version, socket_type, identity, metadata, user })
    }
}

fn compatible(ours: SocketType, name: &[u8]) -> Result<SocketType, HandshakeError> {
    match SocketType::try_from(name) {
        Ok(theirs) if theirs.is_compatible(ours) => Ok(theirs),
        _ => {
            let theirs = name[..name.len().min(32)].escape_ascii().to_string();
            Err(HandshakeError::SocketType { theirs, ours })
        }
    }
}

/// Returns the identity. It is empty if it began with zero: such identities are reserved for ROUTER itself.
pub(super) fn checked_identity(identity: &[u8]) -> Result<Bytes, HandshakeError> {
    match identity {
        long if long.len() > MAX_IDENTITY => Err(HandshakeError::Identity { len: long.len() }),
        [0, ..] => Ok(Bytes::new()),
        identity => Ok(Bytes::copy_from_slice(identity)),
    }
}
