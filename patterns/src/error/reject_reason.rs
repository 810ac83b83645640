//! Reasons for which a socket rejects a peer.

/// Reason why a socket rejects a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// A peer of that identity (routing id) is connected to the ROUTER: it stays, and the second is rejected.
    #[error("another peer with the same identity is connected")]
    IdentityInUse,
    /// A PAIR has its one peer.
    #[error("there is a peer already, and this socket talks with one at a time")]
    PeerThere,
    /// More topics, or longer ones, than the publisher's options allow.
    #[error("peer passed the limit of subscriptions")]
    Subscriptions,
}
