//! Sending: attempts under the lock, until there is room.

use std::pin::pin;
use std::time::Duration;

use enfonet_zmtp::{Batch, IntoMessage};

use super::{Out, OutGuard, SocketCore, out_of_line, with_timeout};
use crate::error::{SendError, give_back};
use crate::peer::PeerId;
use crate::queue::{Outgoing, Recipients};
use crate::routing::Routing;

/// A choice among the queues of a socket, for a message.
pub(crate) trait Target<R: Routing> {
    /// Result of a push: `()`, but for a request, which has an id.
    type Pushed;

    /// Pushes a message into the queues that it is for. The socket is open.
    ///
    /// # Errors
    /// [`SendError::Full`] if there is no room: a later attempt may succeed. With any error, no message is pushed.
    fn push(
        &mut self,
        out: &mut OutGuard<'_, R>,
        message: &Outgoing<impl IntoMessage>,
    ) -> Result<Self::Pushed, SendError<()>>;
}

/// A choice among the queues of a socket, for the messages of a batch.
pub(crate) trait BatchTarget<R: Routing> {
    /// Pushes as many messages of a batch as there is room for, and takes them off the batch. The socket is open.
    ///
    /// # Errors
    /// [`SendError::Full`] if there was no room for the messages that are left.
    fn push_batch(&mut self, out: &mut OutGuard<'_, R>, batch: &mut Batch) -> Result<(), SendError<()>>;
}

/// A choice of one peer. A place in the peer's queue can be reserved.
pub(crate) trait PeerTarget<R: Routing> {
    /// Returns the peer. Its queue has room.
    ///
    /// # Errors
    /// [`SendError::Full`] if there is no room.
    fn peer(&mut self, out: &mut Out<R>) -> Result<PeerId, SendError<()>>;
}

impl<R: Routing> SocketCore<R> {
    /// Sends a message, as soon as the target has room, within the socket's `send_timeout`. Cancel safe: dropped before
    /// it is ready, it has sent nothing.
    #[inline]
    pub(crate) async fn send<T: Target<R>>(
        &self,
        mut target: T,
        message: impl IntoMessage,
    ) -> Result<T::Pushed, SendError> {
        let message = Outgoing::to(R::RECIPIENTS, message);
        if !self.send_budget.charge_message()
            && let Ok(pushed) = self.push(&mut target, &message)
        {
            return Ok(pushed);
        }
        out_of_line(pin!(self.send_slowly(target, message))).await
    }

    async fn send_slowly<T: Target<R>>(
        &self,
        target: T,
        message: Outgoing<impl IntoMessage>,
    ) -> Result<T::Pushed, SendError> {
        self.yield_if_exhausted().await;
        self.send_within(self.settings.send_timeout, target, message).await
    }

    /// Sends a message, as soon as the target has room, for at most `limit`. It never yields while there is room.
    /// Cancel safe.
    pub(crate) async fn send_within<T: Target<R>>(
        &self,
        limit: Option<Duration>,
        mut target: T,
        message: Outgoing<impl IntoMessage>,
    ) -> Result<T::Pushed, SendError> {
        match give_back(self.push(&mut target, &message), message) {
            Err(SendError::Full(message)) => {
                let message = Outgoing::new(message);
                let pushed = self.wait_for_room(limit, || self.push(&mut target, &message)).await;
                give_back(pushed, message)
            }
            sent => sent,
        }
    }

    /// Sends a message, if the target has room.
    #[inline]
    pub(crate) fn try_send<T: Target<R>>(
        &self,
        mut target: T,
        message: impl IntoMessage,
    ) -> Result<T::Pushed, SendError> {
        let message = Outgoing::to(R::RECIPIENTS, message);
        give_back(self.push(&mut target, &message), message)
    }

    /// Sends all messages of a batch, as the target has room, and takes them off the batch; the socket's `send_timeout`
    /// bounds the whole. Cancel safe: a message that is left in the batch isn't sent.
    pub(crate) async fn send_batch(
        &self,
        mut target: impl BatchTarget<R>,
        batch: &mut Batch,
    ) -> Result<(), SendError<()>> {
        self.charge_and_yield().await;
        self.wait_for_room(self.settings.send_timeout, || self.push_batch(&mut target, batch)).await
    }

    /// Sends as many messages of a batch as the target has room for, and takes them off the batch.
    pub(crate) fn try_send_batch(
        &self,
        mut target: impl BatchTarget<R>,
        batch: &mut Batch,
    ) -> Result<(), SendError<()>> {
        match self.push_batch(&mut target, batch) {
            Err(SendError::Full(())) => Ok(()),
            pushed => pushed,
        }
    }

    /// Reserves a place for a message, as soon as the target has room, within the socket's `send_timeout`. Returns the
    /// peer that the place is in the queue of.
    pub(crate) async fn reserve(&self, mut target: impl PeerTarget<R>) -> Result<PeerId, SendError<()>> {
        self.charge_and_yield().await;
        let mut reserve = |out: &mut OutGuard<'_, R>| {
            let peer = target.peer(out)?;
            out.outboxes[peer].reserve();
            Ok(peer)
        };
        self.wait_for_room(self.settings.send_timeout, || self.attempt(&mut reserve)).await
    }

    /// Calls `attempt` until it finds room: at once, and whenever room or peers have changed, for at most `limit`.
    /// Cancel safe if the attempt is.
    pub(crate) async fn wait_for_room<T>(
        &self,
        limit: Option<Duration>,
        mut attempt: impl FnMut() -> Result<T, SendError<()>>,
    ) -> Result<T, SendError<()>> {
        let mut attempt = || match attempt() {
            Err(SendError::Full(())) => None,
            outcome => Some(outcome),
        };
        // Mostly there is room, and no timer is needed.
        if let Some(outcome) = attempt() {
            return outcome;
        }
        with_timeout(limit, self.try_until(attempt)).await.unwrap_or(Err(SendError::Timeout(())))
    }

    /// Calls `attempt` with the outgoing side of the socket, unless the socket is closed.
    #[inline]
    pub(crate) fn attempt<T>(
        &self,
        attempt: impl FnOnce(&mut OutGuard<'_, R>) -> Result<T, SendError<()>>,
    ) -> Result<T, SendError<()>> {
        let mut out = self.out();
        if out.closed {
            return Err(SendError::Closed(()));
        }
        attempt(&mut out)
    }

    /// Calls `attempt` as [`attempt`](Self::attempt) does, and counts the connections that it wakes as a part of the
    /// task's turn.
    #[inline]
    fn attempt_to_push<T>(
        &self,
        attempt: impl FnOnce(&mut OutGuard<'_, R>) -> Result<T, SendError<()>>,
    ) -> Result<T, SendError<()>> {
        self.attempt(|out| {
            let pushed = attempt(out);
            if R::RECIPIENTS == Recipients::One && out.woken() > 0 {
                self.send_budget.add_connections(out.woken(), out.connected.len());
            }
            pushed
        })
    }

    #[inline]
    fn push<T: Target<R>>(
        &self,
        target: &mut T,
        message: &Outgoing<impl IntoMessage>,
    ) -> Result<T::Pushed, SendError<()>> {
        let pushed = self.attempt_to_push(|out| target.push(out, message))?;
        self.charge_bytes(message.wire_len());
        Ok(pushed)
    }

    /// Pushes as many messages of a batch as there is room for, and takes them off the batch.
    pub(crate) fn push_batch(
        &self,
        target: &mut impl BatchTarget<R>,
        batch: &mut Batch,
    ) -> Result<(), SendError<()>> {
        let before = batch.wire_len();
        let pushed = self.attempt_to_push(|out| target.push_batch(out, batch));
        self.charge_bytes(before - batch.wire_len());
        pushed
    }

    /// Yields if the send budget is exhausted, so that connections write even if they share a thread with a sender that
    /// never blocks.
    async fn yield_if_exhausted(&self) {
        if self.send_budget.is_exhausted() {
            self.send_budget.yield_now().await;
            self.pacer.step().await;
        }
    }

    /// Charges one message to the send budget, and yields if it is exhausted. Await it once before a batch is sent.
    #[inline]
    pub(crate) async fn charge_and_yield(&self) {
        if self.send_budget.charge_message() {
            out_of_line(pin!(self.yield_if_exhausted())).await;
        }
    }

    /// Charges sent bytes to the send budget.
    #[inline]
    pub(crate) fn charge_bytes(&self, bytes: usize) {
        self.send_budget.charge_bytes(bytes);
    }

    /// Has the sender yield soon: more sends are of no use before connections have written.
    pub(crate) fn yield_soon(&self) {
        self.send_budget.charge_eighth();
    }
}
