//! DEALER: to and from any number of peers, without waiting for replies.

use std::task::Waker;

use enfonet_zmtp::{Envelope, Message, SocketType};

use super::common::{self, PeerEvent, recv_event, recv_message, socket_methods, try_recv_message};
use super::hub::{Out, Owned};
use crate::PeerId;
use crate::error::{RecvError, SendError, TrySendError};
use crate::routing::RoundRobin;

/// Sends to its peers in turn and receives from all of them in turn, frames as they are (RFC 28). Partners:
/// [`Rep`](crate::Rep), [`Router`](crate::Router), other dealers.
///
/// | when … | then `send` … |
/// |---|---|
/// | there is no peer yet | waits |
/// | a peer's queue is at its mark | passes it over; if all are, it waits |
///
/// To talk with [`Rep`](crate::Rep), begin messages with an empty frame: `["", "request"]`. What is sent to
/// an endpoint that was connected to waits there for the connection.
#[derive(Clone, Debug)]
pub struct Dealer {
    hub: Owned<RoundRobin>,
}

socket_methods!(Dealer, |_settings| RoundRobin::default());

impl Dealer {
    /// Sends to the next peer with room. Cancel safe: dropped before it is ready, it has sent nothing.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        tokio::task::coop::consume_budget().await;
        let mut message = message.into();
        loop {
            let changed = self.hub.changes();
            message = match self.try_send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(message)) => return Err(SendError::Closed(message)),
                Err(TrySendError::Full(message) | TrySendError::UnknownPeer(message)) => message,
            };
            changed.await;
        }
    }

    /// Sends to the next peer with room, if there is one.
    ///
    /// # Errors
    /// [`TrySendError::Full`] or [`TrySendError::Closed`], with the message.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let message = message.into();
        let mut guard = self.hub.out();
        let out = &mut *guard;
        if out.closed {
            return Err(TrySendError::Closed(message));
        }
        let Some(peer) = out.routing.pick(&out.outboxes) else {
            return Err(TrySendError::Full(message));
        };
        let outbox = &mut out.outboxes[peer];
        outbox.push(&Envelope::none(), &message);
        let waker = outbox.wake();
        drop(guard);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Sends to a peer of the caller's choice, with `envelope` before the message. Cancel safe: dropped
    /// before it is ready, it has sent nothing.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`] or [`SendError::Closed`], with the message.
    pub async fn send_to(
        &self,
        peer: PeerId,
        envelope: &Envelope,
        message: impl Into<Message>,
    ) -> Result<(), SendError> {
        common::send_to(&self.hub, peer, envelope, message.into()).await
    }

    /// Sends to a peer of the caller's choice, if it has room.
    ///
    /// # Errors
    /// [`TrySendError`], with the message.
    pub fn try_send_to(
        &self,
        peer: PeerId,
        envelope: &Envelope,
        message: impl Into<Message>,
    ) -> Result<(), TrySendError> {
        common::try_send_to(&self.hub, peer, envelope, message.into())
    }

    /// Waits until one of these peers has room, or isn't connected any more, and says which. Cancel safe.
    pub async fn wait_room(&self, peers: &[PeerId]) -> PeerId {
        let look = |out: &mut Out<RoundRobin>| {
            peers
                .iter()
                .copied()
                .find(|id| out.outboxes.get(*id).is_none_or(|o| o.has_room() || !o.is_connected()))
        };
        self.hub.until(look).await
    }

    /// The next message, of each peer in turn. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`].
    pub async fn recv(&self) -> Result<Message, RecvError> {
        let (_, message) = recv_message(&self.hub).await.map_err(|_| RecvError::Closed)?;
        Ok(message)
    }

    /// The next message, if there is one.
    pub fn try_recv(&self) -> Option<Message> {
        try_recv_message(&self.hub).map(|(_, message)| message)
    }

    /// What happens next at any peer, each in turn: at most so many messages, as they came; and, with
    /// [`Options::peer_events`], its coming and going. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`].
    pub async fn recv_event(&self, messages: usize) -> Result<PeerEvent, RecvError> {
        recv_event(&self.hub, messages).await.map_err(|_| RecvError::Closed)
    }
}
