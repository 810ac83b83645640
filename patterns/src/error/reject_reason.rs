//! Reasons for which a socket rejects a peer.

/// Reason why a socket rejects a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// Another peer with the same identity (routing id) is connected to the ROUTER, and stays connected.
    #[error("another peer with the same identity is connected")]
    IdentityInUse,
    /// The PAIR is connected to another peer.
    #[error("another peer is connected, and this socket has one peer at a time")]
    PeerThere,
    /// The peer has subscribed to more or longer topics than [`max_subscriptions`](crate::Options::max_subscriptions)
    /// allows.
    #[error("peer passed the limit of subscriptions")]
    Subscriptions,
}
