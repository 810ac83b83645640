//! Peers: the other ends of connections.

use std::sync::Arc;

use bytes::Bytes;
pub use enfonet_zmtp::{Metadata, SocketType, Version};
use enfonet_zmtp::{PeerProperties, User};

use crate::endpoint::Endpoint;
pub use crate::size::Size;

slotmap::new_key_type! {
    /// The id of a peer of one socket. It names this peer for as long as the socket lives, and never a later peer, even
    /// under the same identity.
    pub struct PeerId;
}

/// Information about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// The peer's id at the socket.
    pub id: PeerId,
    /// The endpoint of ours that the peer came to, or was found at.
    pub endpoint: Endpoint,
    /// Whether the peer came to an endpoint that is bound here; otherwise this side connected.
    pub is_accepted: bool,
    /// The peer's address, as ZAP has it (RFC 27): a numeric IP address, or `:uid:gid:pid` of a process on this
    /// machine. Empty within the process.
    pub address: String,
    /// The peer's routing id. At a ROUTER, its id there: its own, or a generated id of five bytes with a leading zero.
    /// Elsewhere the id that it announced, which may be empty.
    pub routing_id: Bytes,
    /// The version of ZMTP that the peer speaks.
    pub version: Version,
    /// The peer's socket type; `None` when it announced none.
    pub socket_type: Option<SocketType>,
    /// All properties that the peer announced in the handshake.
    pub metadata: Metadata,
    /// The user that the peer was authenticated as.
    pub user: User,
}

impl PeerInfo {
    /// A property by its name: `Socket-Type`, `Routing-Id` (or `Identity`), `User-Id`, `Peer-Address`, what the
    /// authenticator said of the peer, or what it announced, in this order. Names don't mind upper and lower case.
    ///
    /// ```
    /// # use enfonet::peer::PeerInfo;
    /// fn greeting(peer: &PeerInfo) -> String {
    ///     let name = peer.property("X-Name").or(peer.property("User-Id")).unwrap_or(b"stranger");
    ///     format!("hello, {}", name.escape_ascii())
    /// }
    /// ```
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        match name.to_ascii_lowercase().as_str() {
            "routing-id" | "identity" => Some(&self.routing_id),
            "user-id" => Some(&self.user.id),
            "peer-address" => Some(self.address.as_bytes()),
            _ => self.user.metadata.get(name).or_else(|| self.metadata.get(name)),
        }
    }
}

/// The status of a connected peer: the traffic to it and from it since it got its id. A peer that this side connects
/// to, and that has a queue which outlives connections, got its id at `connect`, however often the connection was made
/// anew.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Information about the peer.
    pub info: Arc<PeerInfo>,
    /// Messages handed to the system whole; within the process, to the peer's inbox.
    pub sent: Size,
    /// Messages read from the peer, whether the application has received them yet or not.
    pub received: Size,
    /// Messages that the peer doesn't get, since its queue was at the mark and they don't wait: messages published by
    /// PUB and XPUB, messages of XSUB, replies of REP, messages that a ROUTER is to drop. With `conflate`, messages
    /// that newer ones took the place of.
    pub dropped: u64,
    /// Messages that wait to be sent to the peer: in its queue, or with its connection until the system has them whole.
    pub unsent: Size,
    /// Messages of the peer that wait to be received by the application.
    pub unreceived: Size,
}

/// A peer that has come through the handshake.
#[derive(Clone, Debug)]
pub(crate) struct HandshakenPeer {
    pub(crate) peer: PeerProperties,
    pub(crate) endpoint: Endpoint,
    pub(crate) address: String,
    /// Whether it came to us; otherwise this side connected.
    pub(crate) is_accepted: bool,
    /// Within the process: how much the peer's inbox takes. It counts as room here.
    pub(crate) room: Size,
}

impl HandshakenPeer {
    /// Creates a peer behind a stream.
    pub(crate) fn new(peer: PeerProperties, endpoint: Endpoint, address: String, is_accepted: bool) -> Self {
        Self { peer, endpoint, address, is_accepted, room: Size::default() }
    }

    /// Gives the peer its place in a socket.
    pub(crate) fn placed(self, id: PeerId) -> PeerInfo {
        let Self {
            peer: PeerProperties { version, socket_type, identity, metadata, user },
            endpoint,
            address,
            is_accepted,
            ..
        } = self;
        PeerInfo {
            id,
            endpoint,
            is_accepted,
            address,
            routing_id: identity,
            version,
            socket_type,
            metadata,
            user,
        }
    }
}
