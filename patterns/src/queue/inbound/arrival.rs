//! Events that a socket receives.

use std::sync::Arc;

use enfonet_zmtp::Subscription;

use crate::peer::{PeerId, PeerInfo};
use crate::queue::Run;

/// An event that a socket receives. The events of one peer come in the order in which they happened, except that
/// waiting changes of subscriptions come first.
#[derive(Debug)]
pub(crate) enum Arrival<T = Run> {
    /// A peer has joined; reported to sockets that ask for it.
    Joined(Arc<PeerInfo>),
    /// Messages from a peer, or one message.
    Messages(PeerId, T),
    /// A change of a peer's subscriptions that is reported to the application (XPUB).
    Subscription(PeerId, Subscription),
    /// A peer has disconnected, with the messages that weren't sent to it. All messages of the peer come before this
    /// event.
    Left(PeerId, Vec<Run>),
}

/// Whether a peer that joins is an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joins {
    /// The application receives each join.
    Reported,
    /// The application sees messages only.
    Silent,
}
