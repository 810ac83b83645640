//! Publishing, as PUB and XPUB do it.

use std::task::Waker;

use enfonet_zmtp::{Batch, Message};
use smallvec::SmallVec;

use super::hub::Hub;
use crate::error::{Closed, SendError, TrySendError};
use crate::routing::{FanOut, Leftover};

/// Publishes a message, as [`publish`].
pub(super) async fn send(hub: &Hub<FanOut>, message: Message) -> Result<(), SendError> {
    match publish(hub, Publication::One(&message)).await {
        Ok(()) => Ok(()),
        Err(Closed) => Err(SendError::Closed(message)),
    }
}

/// Publishes a message to those who have room.
pub(super) fn try_send(hub: &Hub<FanOut>, message: Message) -> Result<(), TrySendError> {
    let published = publish_now(hub, Publication::One(&message), &mut Vec::new());
    published.map_err(|Closed| TrySendError::Closed(message))
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub(super) enum Publication<'a> {
    One(&'a Message),
    Run(&'a Batch),
}

/// Connections to be woken once the lock is released.
type Wakers = SmallVec<[Waker; 8]>;

/// Puts it into the queues of those who want it. A queue at its mark is waited for as long as its connection
/// is writing, which it does until the kernel takes no more; then the peer loses what it has no room for.
pub(super) async fn publish(hub: &Hub<FanOut>, what: Publication<'_>) -> Result<(), Closed> {
    // Connections get their turn to write, also where they share a thread with a publisher that never waits.
    tokio::task::coop::consume_budget().await;
    let mut leftovers = Vec::new();
    let mut changed = hub.changes();
    publish_now(hub, what, &mut leftovers)?;
    while !leftovers.is_empty() {
        changed.await;
        changed = hub.changes();
        retry(hub, &mut leftovers)?;
    }
    Ok(())
}

/// Puts it into the queues of those who want it and have room.
fn publish_now(
    hub: &Hub<FanOut>,
    what: Publication<'_>,
    leftovers: &mut Vec<Leftover>,
) -> Result<(), Closed> {
    let mut wakers = Wakers::new();
    let mut guard = hub.out();
    let out = &mut *guard;
    if out.closed {
        return Err(Closed);
    }
    match what {
        Publication::One(message) => {
            out.routing.publish(&mut out.outboxes, message, leftovers, |outbox| wakers.extend(outbox.wake()));
        }
        Publication::Run(batch) => {
            out.routing
                .publish_batch(&mut out.outboxes, batch, leftovers, |outbox| wakers.extend(outbox.wake()));
        }
    }
    drop(guard);
    wakers.into_iter().for_each(Waker::wake);
    Ok(())
}

fn retry(hub: &Hub<FanOut>, leftovers: &mut Vec<Leftover>) -> Result<(), Closed> {
    let mut wakers = Wakers::new();
    let mut guard = hub.out();
    let out = &mut *guard;
    if out.closed {
        return Err(Closed);
    }
    out.routing.retry(&mut out.outboxes, leftovers, |outbox| wakers.extend(outbox.wake()));
    drop(guard);
    wakers.into_iter().for_each(Waker::wake);
    Ok(())
}
