//! Sending to a peer of the socket's choice: DEALER, PUSH, PAIR.

use enfonet_zmtp::{Batch, Envelope, IntoMessage};

use crate::core::{BatchTarget, Out, OutGuard, PeerTarget, Target};
use crate::error::SendError;
use crate::peer::PeerId;
use crate::queue::Outgoing;
use crate::routing::Choose;

/// The next peer with room.
pub(super) struct NextPeer;

impl<R: Choose> PeerTarget<R> for NextPeer {
    #[inline]
    fn peer(&mut self, out: &mut Out<R>) -> Result<PeerId, SendError<()>> {
        out.routing.choose(&out.outboxes).ok_or(SendError::Full(()))
    }
}

impl<R: Choose> Target<R> for NextPeer {
    type Pushed = ();

    #[inline]
    fn push(
        &mut self,
        out: &mut OutGuard<'_, R>,
        message: &Outgoing<impl IntoMessage>,
    ) -> Result<(), SendError<()>> {
        let peer = self.peer(out)?;
        out.push(peer, &Envelope::none(), message);
        Ok(())
    }
}

impl<R: Choose> BatchTarget<R> for NextPeer {
    fn push_batch(&mut self, out: &mut OutGuard<'_, R>, batch: &mut Batch) -> Result<(), SendError<()>> {
        let (out, wakers) = out.split();
        let source = batch.wire_len();
        while !batch.is_empty() {
            let peer = self.peer(out)?;
            let outbox = &mut out.outboxes[peer];
            if out.routing.has_alternatives() {
                outbox.push_batch(&mut batch.split_to(1), source);
            } else {
                outbox.push_batch(batch, source);
            }
            wakers.extend(outbox.wake());
        }
        Ok(())
    }
}

/// Methods of sockets that choose the peer for a message.
macro_rules! sending_methods {
    ($kind:ident) => {
        impl $kind {
            /// Sends to the next peer with room, as soon as a peer has room. Cancel safe: a call that is dropped early
            /// has sent nothing.
            ///
            /// # Errors
            /// [`SendError::Timeout`](crate::error::SendError) or [`SendError::Closed`](crate::error::SendError), with
            /// the message.
            pub async fn send(
                &self,
                message: impl enfonet_zmtp::IntoMessage,
            ) -> Result<(), crate::error::SendError> {
                self.core.send(crate::socket::next_peer::NextPeer, message).await
            }

            /// Sends to the next peer with room, if a peer has room. Never waits.
            ///
            /// # Errors
            /// [`SendError::Full`](crate::error::SendError) or [`SendError::Closed`](crate::error::SendError), with the
            /// message.
            pub fn try_send(
                &self,
                message: impl enfonet_zmtp::IntoMessage,
            ) -> Result<(), crate::error::SendError> {
                self.core.try_send(crate::socket::next_peer::NextPeer, message)
            }

            /// Sends all messages of a batch, as if one by one, and removes them from the batch. Cancel safe: messages
            /// that are left in the batch aren't sent.
            ///
            /// # Errors
            /// [`SendError`](crate::error::SendError); messages that aren't sent stay in the batch.
            pub async fn send_batch(
                &self,
                batch: &mut enfonet_zmtp::Batch,
            ) -> Result<(), crate::error::SendError<()>> {
                self.core.send_batch(crate::socket::next_peer::NextPeer, batch).await
            }

            /// Sends as many messages of a batch as there is room for, and removes them from the batch. Never waits.
            ///
            /// # Errors
            /// [`Closed`](crate::error::Closed).
            pub fn try_send_batch(
                &self,
                batch: &mut enfonet_zmtp::Batch,
            ) -> Result<(), crate::error::Closed> {
                let sent = self.core.try_send_batch(crate::socket::next_peer::NextPeer, batch);
                // Nothing else fails: there is no certain peer that could be missing.
                sent.map_err(|_| crate::error::Closed)
            }

            /// Waits for room for one message, and reserves it: for callers that can't take back a message, or that
            /// make it only when it can be sent. Cancel safe.
            ///
            /// # Errors
            /// [`SendError`](crate::error::SendError).
            pub async fn reserve(&self) -> Result<crate::socket::Permit<'_>, crate::error::SendError<()>> {
                crate::socket::Permit::reserve(&self.core, crate::socket::next_peer::NextPeer).await
            }
        }
    };
}
pub(super) use sending_methods;
