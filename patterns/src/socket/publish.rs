//! Publishing: PUB and XPUB.

use std::mem::take;
use std::pin::pin;

use enfonet_zmtp::{Batch, IntoMessage};

use crate::core::{BatchTarget, OutGuard, SocketCore, Target, out_of_line};
use crate::error::{Closed, SendError};
use crate::queue::{Outbox, Outgoing};
use crate::routing::{FanOut, Published, Remainder, Unplaced};

/// Publishes a message to all subscribers that want it. It waits for a full queue while the connection is writing. When
/// the kernel takes no more bytes of that connection, the peer loses the message. A socket with `nodrop` waits until
/// all subscribers have room, within the options' `send_timeout`.
#[inline]
pub(super) async fn send(core: &SocketCore<FanOut>, message: impl IntoMessage) -> Result<(), SendError> {
    let mut publication = Publication::new(core);
    core.send(&mut publication, message).await?;
    if publication.is_complete() {
        return Ok(());
    }
    out_of_line(pin!(complete(publication))).await
}

/// Completes the publication of a message.
async fn complete(mut publication: Publication<'_>) -> Result<(), SendError> {
    let message = publication.remainder.unplaced.first().and_then(|unplaced| unplaced.run.clone().next());
    let completed = publication.complete().await;
    completed.map_err(|error| error.map(|()| message.expect("only a publication with unplaced runs fails")))
}

/// Publishes a message to the subscribers that have room; with `nodrop`, to all or none.
pub(super) fn try_send(core: &SocketCore<FanOut>, message: impl IntoMessage) -> Result<(), SendError> {
    core.try_send(&mut Publication::new(core), message)
}

/// Publishes a batch as if message by message, and takes the messages off the batch. With `nodrop`, it waits for room,
/// within the options' `send_timeout`.
pub(super) async fn send_batch(core: &SocketCore<FanOut>, batch: &mut Batch) -> Result<(), SendError<()>> {
    let mut publication = Publication::new(core);
    core.send_batch(&mut publication, batch).await?;
    publication.complete().await
}

/// Publishes a batch to the subscribers that have room, and takes the messages off the batch. With `nodrop`, messages
/// are left from the first for which a subscriber has no room.
pub(super) fn try_send_batch(core: &SocketCore<FanOut>, batch: &mut Batch) -> Result<(), Closed> {
    core.try_send_batch(&mut Publication::new(core), batch).map_err(|_| Closed)
}

/// A publication in progress. If it is dropped, peers lose the messages that they haven't got yet.
struct Publication<'a> {
    core: &'a SocketCore<FanOut>,
    remainder: Remainder,
}

impl<'a> Publication<'a> {
    #[inline]
    fn new(core: &'a SocketCore<FanOut>) -> Self {
        Self { core, remainder: Remainder::default() }
    }

    #[inline]
    const fn is_complete(&self) -> bool {
        self.remainder.is_empty()
    }

    /// Pushes the unplaced runs into queues that have room, until no run is left, or no queue is about to have room.
    async fn complete(&mut self) -> Result<(), SendError<()>> {
        self.log_losses();
        if self.remainder.unplaced.is_empty() {
            return Ok(());
        }
        let core = self.core;
        let retry = || {
            let placed = core.attempt(|out| self.retry(out));
            self.log_losses();
            placed
        };
        core.wait_for_room(None, retry).await
    }

    fn retry(&mut self, out: &mut OutGuard<'_, FanOut>) -> Result<(), SendError<()>> {
        let (out, wakers) = out.split();
        let wake = |outbox: &mut Outbox| wakers.extend(outbox.wake());
        out.routing.retry(&mut out.outboxes, &mut self.remainder, wake);
        if self.remainder.unplaced.is_empty() { Ok(()) } else { Err(SendError::Full(())) }
    }

    fn log_losses(&mut self) {
        let lost = take(&mut self.remainder.lost);
        self.core.warn_of_drops(lost.peer, lost.messages);
    }

    #[cold]
    fn give_up(&mut self) {
        if !self.remainder.unplaced.is_empty() {
            let mut out = self.core.out();
            for Unplaced { id, run } in self.remainder.unplaced.drain(..) {
                if let Some(outbox) = out.outboxes.get_mut(id) {
                    self.remainder.lost.add(id, outbox, run.len());
                }
            }
        }
        self.log_losses();
    }
}

impl Target<FanOut> for &mut Publication<'_> {
    type Pushed = ();

    /// Pushes a message into the queues of the subscribers that want it and have room. With `nodrop`, all of them must
    /// have room.
    #[inline]
    fn push(
        &mut self,
        out: &mut OutGuard<'_, FanOut>,
        message: &Outgoing<impl IntoMessage>,
    ) -> Result<(), SendError<()>> {
        let (out, wakers) = out.split();
        let wake = |outbox: &mut Outbox| wakers.extend(outbox.wake());
        let published = out.routing.publish(&mut out.outboxes, message, &mut self.remainder, wake);
        match published {
            Published::NoRoom => return Err(SendError::Full(())),
            Published::Taken => {}
            // Connections, which would make room, have more use for the time.
            Published::Lost => self.core.yield_soon(),
        }
        Ok(())
    }
}

impl BatchTarget<FanOut> for &mut Publication<'_> {
    /// Pushes a batch into queues as a message is pushed. Messages are left only with `nodrop`.
    fn push_batch(&mut self, out: &mut OutGuard<'_, FanOut>, batch: &mut Batch) -> Result<(), SendError<()>> {
        let (out, wakers) = out.split();
        let wake = |outbox: &mut Outbox| wakers.extend(outbox.wake());
        let taken = out.routing.publish_batch(&mut out.outboxes, batch, &mut self.remainder, wake);
        let _ = batch.split_to(taken);
        if batch.is_empty() { Ok(()) } else { Err(SendError::Full(())) }
    }
}

impl Drop for Publication<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_complete() {
            self.give_up();
        }
    }
}
