//! Publishing, as PUB and XPUB do it.

use std::pin::pin;
use std::task::Waker;

use enfonet_zmtp::{Batch, IntoMessage, Message};
use smallvec::SmallVec;

use super::next_peer::wait_room;
use crate::core::{Out, SocketCore, out_of_line};
use crate::error::{Closed, SendError, give_back};
use crate::queue::{Outbox, Outgoing};
use crate::routing::{FanOut, Published, Unplaced};

/// Publishes a message to all subscribers that want it. A queue at its mark is waited for as long as its connection is
/// writing, which it does until the kernel takes no more; then the peer loses the messages that it has no room for. A
/// socket that drops nothing waits until all have room, for the time of its options.
#[inline]
pub(super) async fn send(core: &SocketCore<FanOut>, message: impl IntoMessage) -> Result<(), SendError> {
    let (message, mut unplaced) = (Outgoing::new(message), UnplacedRuns::none(core));
    let sent = if core.charge_message() { None } else { try_publish(core, &message, &mut unplaced.rest) };
    if matches!(sent, Some(Ok(()))) && unplaced.rest.is_empty() {
        return Ok(());
    }
    out_of_line(pin!(send_slowly(message, sent, unplaced))).await
}

/// Goes on with a message that no subscriber has got yet, or not all that are to get it.
async fn send_slowly(
    message: Outgoing<impl IntoMessage>,
    mut sent: Option<Result<(), SendError<()>>>,
    mut unplaced: UnplacedRuns<'_>,
) -> Result<(), SendError> {
    let core = unplaced.core;
    if sent.is_none() {
        core.yield_if_exhausted().await;
        sent = try_publish(core, &message, &mut unplaced.rest);
    }
    match give_back(sent.unwrap_or(Err(SendError::Full(()))), message) {
        Err(SendError::Full(message)) => {
            wait_room(core, message, |message| try_publish(core, message, &mut unplaced.rest)).await?;
        }
        sent => sent?,
    }
    let Some(message) = unplaced.message() else { return Ok(()) };
    unplaced.try_again().await.map_err(|Closed| SendError::Closed(message))
}

/// Publishes a message to the subscribers that have room; if the socket drops nothing, to all or none.
pub(super) fn try_send(core: &SocketCore<FanOut>, message: impl IntoMessage) -> Result<(), SendError> {
    let (message, mut unplaced) = (Outgoing::new(message), UnplacedRuns::none(core));
    let sent = try_publish(core, &message, &mut unplaced.rest);
    give_back(sent.unwrap_or(Err(SendError::Full(()))), message)
}

/// Publishes a batch as if message by message; a socket that drops nothing takes as long as that takes.
pub(super) async fn send_batch(core: &SocketCore<FanOut>, batch: &Batch) -> Result<(), Closed> {
    core.charge_and_yield().await;
    let mut unplaced = UnplacedRuns::none(core);
    let mut rest = batch.clone();
    while !rest.is_empty() {
        let try_publish = || try_publish_batch(core, &rest, &mut unplaced.rest);
        let taken = core.try_until(try_publish).await?;
        core.charge_bytes(rest.split_to(taken).wire_len());
    }
    unplaced.try_again().await
}

/// A callback for each queue that got something.
type Touch<'a> = &'a mut dyn FnMut(&mut Outbox);

/// Connections to be woken once the lock is released.
type Wakers = SmallVec<[Waker; 8]>;

/// Messages that found no room yet. When this is dropped, the peers that were still to get messages have lost them.
struct UnplacedRuns<'a> {
    core: &'a SocketCore<FanOut>,
    rest: Vec<Unplaced>,
}

impl<'a> UnplacedRuns<'a> {
    #[inline]
    const fn none(core: &'a SocketCore<FanOut>) -> Self {
        Self { core, rest: Vec::new() }
    }

    /// Puts the messages into queues that have room, until none are left, or no queue is about to have room.
    async fn try_again(&mut self) -> Result<(), Closed> {
        let core = self.core;
        let retry = || match retry(core, &mut self.rest) {
            Ok(()) if !self.rest.is_empty() => None,
            outcome => Some(outcome),
        };
        core.try_until(retry).await
    }

    /// The first message, if there is any.
    fn message(&self) -> Option<Message> {
        self.rest.first()?.run.clone().pop_front()
    }
}

impl Drop for UnplacedRuns<'_> {
    fn drop(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        let mut guard = self.core.out();
        let out = &mut *guard;
        for Unplaced { id, run } in self.rest.drain(..) {
            if let Some(outbox) = out.outboxes.get_mut(id) {
                out.routing.lost.add(id, outbox, run.len());
            }
        }
        let lost = std::mem::take(&mut out.routing.lost);
        drop(guard);
        self.core.tell_of_drops(lost.peer, lost.messages);
    }
}

/// Puts a message into the queues of the subscribers that want it and have room. Returns `None` if the socket drops
/// nothing, and a subscriber has no room.
#[inline]
fn try_publish(
    core: &SocketCore<FanOut>,
    message: &Outgoing<impl IntoMessage>,
    unplaced: &mut Vec<Unplaced>,
) -> Option<Result<(), SendError<()>>> {
    let publish = |out: &mut Out<FanOut>, wake: Touch<'_>| {
        out.routing.publish(&mut out.outboxes, message, unplaced, wake)
    };
    match with_queues(core, publish) {
        Ok(Published::NoRoom) => return None,
        Ok(Published::Taken) => {}
        // Connections, which would make room, have more use for the time.
        Ok(Published::Lost) => core.yield_soon(),
        Err(Closed) => return Some(Err(SendError::Closed(()))),
    }
    core.charge_bytes(message.wire_len());
    Some(Ok(()))
}

/// Puts a batch into queues as `try_publish` does a message. Returns how many messages were taken: all, unless the
/// socket drops nothing.
fn try_publish_batch(
    core: &SocketCore<FanOut>,
    run: &Batch,
    unplaced: &mut Vec<Unplaced>,
) -> Option<Result<usize, Closed>> {
    let publish = |out: &mut Out<FanOut>, wake: Touch<'_>| {
        out.routing.publish_batch(&mut out.outboxes, run, unplaced, wake)
    };
    match with_queues(core, publish) {
        Ok(0) => None,
        taken => Some(taken),
    }
}

fn retry(core: &SocketCore<FanOut>, unplaced: &mut Vec<Unplaced>) -> Result<(), Closed> {
    with_queues(core, |out, wake| out.routing.retry(&mut out.outboxes, unplaced, wake))
}

/// Has `put` fill queues, and wakes the connections of the queues that got something once the lock is released.
#[inline]
fn with_queues<T>(
    core: &SocketCore<FanOut>,
    put: impl FnOnce(&mut Out<FanOut>, Touch<'_>) -> T,
) -> Result<T, Closed> {
    let mut wakers = Wakers::new();
    let mut out = core.out();
    if out.closed {
        return Err(Closed);
    }
    let outcome = put(&mut out, &mut |outbox| {
        if let Some(waker) = outbox.wake() {
            wakers.push(waker);
        }
    });
    let lost = std::mem::take(&mut out.routing.lost);
    drop(out);
    wakers.into_iter().for_each(Waker::wake);
    if lost.messages > 0 {
        core.tell_of_drops(lost.peer, lost.messages);
    }
    Ok(outcome)
}
