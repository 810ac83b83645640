//! The right to send one message later.

use std::fmt;

use enfonet_zmtp::{Envelope, IntoMessage, Message};

use crate::core::{PeerTarget, SocketCore};
use crate::error::SendError;
use crate::peer::PeerId;
use crate::queue::{Outbox, Outgoing};
use crate::routing::Routing;

/// The right to send one message at once: its place in the queue of a peer is reserved. A permit that is dropped frees
/// the place.
#[must_use = "the place is given back when this is dropped"]
pub struct Permit<'a> {
    core: &'a dyn Places,
    peer: PeerId,
    is_open: bool,
}

impl<'a> Permit<'a> {
    /// Reserves a place, as soon as the target has room.
    pub(super) async fn reserve<R: Routing>(
        core: &'a SocketCore<R>,
        target: impl PeerTarget<R>,
    ) -> Result<Self, SendError<()>> {
        let peer = core.reserve(target).await?;
        Ok(Self { core, peer, is_open: true })
    }

    /// Sends the message. Never waits.
    ///
    /// # Errors
    /// With the message: [`SendError::UnknownPeer`] if the peer has disconnected and no other peer has room, or
    /// [`SendError::Closed`].
    pub fn send(mut self, message: impl IntoMessage) -> Result<(), SendError> {
        self.is_open = false;
        self.core.fill(self.peer, message.into_message())
    }

    /// Returns the peer that will get the message, unless it disconnects.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.core.give_back(self.peer);
        }
    }
}

/// Reserved places in the queues of a socket.
trait Places: Sync {
    fn fill(&self, peer: PeerId, message: Message) -> Result<(), SendError>;
    fn give_back(&self, peer: PeerId);
}

impl<R: Routing> Places for SocketCore<R> {
    fn fill(&self, peer: PeerId, message: Message) -> Result<(), SendError> {
        let mut guard = self.out();
        let (out, _) = guard.split();
        if let Some(outbox) = out.outboxes.get_mut(peer) {
            outbox.unreserve();
        }
        if out.closed {
            return Err(SendError::Closed(message));
        }
        let is_open = out.outboxes.get(peer).is_some_and(Outbox::is_open);
        let peer = if is_open { Some(peer) } else { out.routing.instead(&out.outboxes) };
        let Some(peer) = peer else { return Err(SendError::UnknownPeer(message)) };
        let message = Outgoing::new(message);
        self.charge_bytes(message.wire_len());
        guard.push(peer, &Envelope::none(), &message);
        Ok(())
    }

    fn give_back(&self, peer: PeerId) {
        let mut guard = self.out();
        let out = &mut *guard;
        if let Some(outbox) = out.outboxes.get_mut(peer) {
            outbox.unreserve();
            out.routing.room(peer);
        }
        guard.changed();
    }
}
