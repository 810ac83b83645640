//! Peers: the other ends of connections.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
pub use enfonet_zmtp::{Metadata, SocketType, Version};
use enfonet_zmtp::{PeerProperties, User};

use crate::auth::Permissions;
use crate::endpoint::Endpoint;
pub use crate::size::Size;

slotmap::new_key_type! {
    /// The id of a peer at one socket. It never stands for a later peer of the socket, even if that peer has the same
    /// identity.
    pub struct PeerId;
}

/// Information about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// The peer's id at the socket.
    pub id: PeerId,
    /// The endpoint at which the peer was accepted, or to which this side connected.
    pub endpoint: Endpoint,
    /// Whether the peer was accepted at a bound endpoint; otherwise this side connected.
    pub is_accepted: bool,
    /// The time of day at which the peer joined the socket, with its present connection. The age of the connection is
    /// `joined_at.elapsed()`, unless the clock was set meanwhile.
    pub joined_at: SystemTime,
    /// The peer's address, as ZAP has it (RFC 27): a numeric IP address, or `:uid:gid:pid` of a process on this
    /// machine. Empty within the process.
    pub address: String,
    /// The peer's routing id. At a ROUTER, the id by which the ROUTER addresses the peer: announced by the peer,
    /// assigned by the application, or generated (five bytes with a leading zero). At other sockets, the id that the
    /// peer announced, which may be empty.
    pub routing_id: Bytes,
    /// The version of ZMTP that the peer speaks.
    pub version: Version,
    /// The peer's socket type; `None` when it announced none.
    pub socket_type: Option<SocketType>,
    /// All properties that the peer announced in the handshake.
    pub metadata: Metadata,
    /// The user that the peer was authenticated as.
    pub user: User,
    /// The topics that the peer may use, as they were decided when it joined.
    pub permissions: Permissions,
}

impl PeerInfo {
    /// Returns the property of this name: `Socket-Type`, `Routing-Id` (or `Identity`), `User-Id`, `Peer-Address`, a
    /// property that the authenticator added, or a property that the peer announced, in this order. Names are compared
    /// without regard to case.
    ///
    /// ```
    /// # use enfonet::peer::PeerInfo;
    /// fn greeting(peer: &PeerInfo) -> String {
    ///     let name = peer.property("X-Name").or(peer.property("User-Id")).unwrap_or(b"unknown");
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

/// The status of a connected peer: the traffic to it and from it since it got its id.
///
/// An accepted peer gets its id with its connection. A peer that this side connects to gets its id at `connect` if its
/// queue outlives connections, and then keeps the id over reconnects.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Information about the peer.
    pub info: Arc<PeerInfo>,
    /// Messages handed to the system whole; within the process, to the peer's inbox.
    pub sent: Size,
    /// Messages read from the peer, whether the application has received them yet or not.
    pub received: Size,
    /// Messages that were dropped because the peer's queue was at its high-water mark: messages of PUB, XPUB and XSUB,
    /// replies of REP, messages of a ROUTER that isn't `mandatory`. With `conflate`, messages that newer messages
    /// replaced.
    pub dropped: u64,
    /// Subscriptions of the peer that were ignored, and messages of it that were dropped, because its
    /// [permissions](PeerInfo::permissions) don't allow them.
    pub forbidden: u64,
    /// Messages that wait to be sent to the peer: in its queue, or with its connection until the system has taken them
    /// whole.
    pub unsent: Size,
    /// Messages of the peer that wait to be received by the application.
    pub unreceived: Size,
}

/// A peer whose handshake is finished, and that hasn't joined the socket.
#[derive(Clone, Debug)]
pub(crate) struct HandshakenPeer {
    pub(crate) peer: PeerProperties,
    pub(crate) endpoint: Endpoint,
    pub(crate) address: String,
    /// Whether the peer was accepted; otherwise this side connected.
    pub(crate) is_accepted: bool,
    /// Limit of the inbox of a peer within the process: it counts as room in this socket's queue.
    pub(crate) room: Size,
}

impl HandshakenPeer {
    /// Creates a peer that is connected by a stream.
    pub(crate) fn new(peer: PeerProperties, endpoint: Endpoint, address: String, is_accepted: bool) -> Self {
        Self { peer, endpoint, address, is_accepted, room: Size::default() }
    }

    /// Returns the information about the peer, with its id at the socket.
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
            joined_at: SystemTime::now(),
            address,
            routing_id: identity,
            version,
            socket_type,
            metadata,
            user,
            permissions: Permissions::all(),
        }
    }
}
