//! Sending to a peer of the caller's choice: ROUTER, and DEALER and XPUB for brokers.

use enfonet_zmtp::{Batch, Envelope, IntoMessage};

use crate::core::{BatchTarget, Out, OutGuard, PeerTarget, Target};
use crate::error::SendError;
use crate::peer::PeerId;
use crate::queue::{Outbox, Outgoing};
use crate::routing::{Outboxes, Routing};
use crate::tuning::BATCH_SOURCE_BYTES;

/// A peer of the caller's choice.
pub(super) struct OnePeer<'a> {
    id: PeerId,
    envelope: Option<&'a Envelope>,
    /// Whether the queue is that of a peer that can be sent to.
    is_there: fn(&Outbox) -> bool,
}

impl<'a> OnePeer<'a> {
    /// Returns the peer, which may be sent to while its queue is open.
    pub(super) const fn open(id: PeerId) -> Self {
        Self { id, envelope: None, is_there: Outbox::is_open }
    }

    /// Returns the peer, which may be sent to while it is connected.
    pub(super) const fn connected(id: PeerId) -> Self {
        Self { id, envelope: None, is_there: Outbox::is_connected }
    }

    /// Puts an envelope before each message.
    pub(super) const fn with_envelope(self, envelope: &'a Envelope) -> Self {
        Self { envelope: Some(envelope), ..self }
    }

    fn outbox<'o>(&self, outboxes: &'o mut Outboxes) -> Result<&'o mut Outbox, SendError<()>> {
        outboxes.get_mut(self.id).filter(|outbox| (self.is_there)(outbox)).ok_or(SendError::UnknownPeer(()))
    }
}

impl<R: Routing> PeerTarget<R> for OnePeer<'_> {
    fn peer(&mut self, out: &mut Out<R>) -> Result<PeerId, SendError<()>> {
        let outbox = self.outbox(&mut out.outboxes)?;
        if outbox.has_room() { Ok(self.id) } else { Err(SendError::Full(())) }
    }
}

impl<R: Routing> Target<R> for OnePeer<'_> {
    type Pushed = ();

    fn push(
        &mut self,
        out: &mut OutGuard<'_, R>,
        message: &Outgoing<impl IntoMessage>,
    ) -> Result<(), SendError<()>> {
        let peer = self.peer(out)?;
        let none = Envelope::none();
        out.push(peer, self.envelope.unwrap_or(&none), message);
        Ok(())
    }
}

impl<R: Routing> BatchTarget<R> for OnePeer<'_> {
    fn push_batch(&mut self, out: &mut OutGuard<'_, R>, batch: &mut Batch) -> Result<(), SendError<()>> {
        let (out, wakers) = out.split();
        let outbox = self.outbox(&mut out.outboxes)?;
        outbox.push_batch(batch, batch.wire_len().max(BATCH_SOURCE_BYTES));
        wakers.extend(outbox.wake());
        if batch.is_empty() { Ok(()) } else { Err(SendError::Full(())) }
    }
}
