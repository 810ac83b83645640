//! ROUTER: to and from peers by name.

use bytes::Bytes;
use enfonet_zmtp::{Envelope, Message, SocketType};

use super::common::{self, PeerEvent, recv_event, recv_message, socket_methods, try_recv_message};
use super::hub::Owned;
use crate::PeerId;
use crate::error::{RecvError, SendError, TrySendError};
use crate::routing::Directory;

/// Receives from all peers in turn, and knows from whom; sends to the peer of the caller's choice (RFC 28).
/// Partners: [`Req`](crate::Req), [`Dealer`](crate::Dealer), other routers.
///
/// | when … | then a message to it … |
/// |---|---|
/// | the peer isn't connected | comes back with an error |
/// | its queue is at its mark | waits (`send_to`), or comes back with an error (`try_send_to`) |
///
/// A peer is addressed by the [`PeerId`] that came with its message: it never means a later peer of the same
/// name. [`find`](Self::find) and [`identity`](Self::identity) lead from names to ids and back.
#[derive(Clone, Debug)]
pub struct Router {
    hub: Owned<Directory>,
}

socket_methods!(Router, |_settings| Directory::new(fastrand::u32(..)));

impl Router {
    /// Sends to a peer, as soon as it has room. Cancel safe: dropped before it is ready, it has sent nothing.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`] or [`SendError::Closed`], with the message.
    pub async fn send_to(&self, peer: PeerId, message: impl Into<Message>) -> Result<(), SendError> {
        common::send_to(&self.hub, peer, &Envelope::none(), message.into()).await
    }

    /// Sends to a peer, if it has room.
    ///
    /// # Errors
    /// [`TrySendError`], with the message.
    pub fn try_send_to(&self, peer: PeerId, message: impl Into<Message>) -> Result<(), TrySendError> {
        common::try_send_to(&self.hub, peer, &Envelope::none(), message.into())
    }

    /// The next message, of each peer in turn, and whose it is. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`].
    pub async fn recv(&self) -> Result<(PeerId, Message), RecvError> {
        recv_message(&self.hub).await
    }

    /// The next message, if there is one, and whose it is.
    pub fn try_recv(&self) -> Option<(PeerId, Message)> {
        try_recv_message(&self.hub)
    }

    /// What happens next at any peer, each in turn: at most so many messages, as they came; and, with
    /// [`Options::peer_events`], its coming and going. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`].
    pub async fn recv_event(&self, messages: usize) -> Result<PeerEvent, RecvError> {
        recv_event(&self.hub, messages).await
    }

    /// The connected peer of this identity (routing id).
    #[must_use]
    pub fn find(&self, identity: &[u8]) -> Option<PeerId> {
        self.hub.out().routing.find(identity)
    }

    /// The identity (routing id) of a connected peer: its own, or the one made up for it, of five octets
    /// with a leading zero.
    #[must_use]
    pub fn identity(&self, peer: PeerId) -> Option<Bytes> {
        self.hub.out().routing.identity(peer).cloned()
    }

    /// Reads peers no more. What has been read can still be received: for a shutdown that answers all that
    /// was accepted.
    pub fn stop_receiving(&self) {
        self.hub.stop_receiving();
    }
}
