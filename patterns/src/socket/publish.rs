//! Publishing, as PUB and XPUB do it.

use std::task::Waker;
use std::time::Duration;

use enfonet_zmtp::{Batch, Message};
use smallvec::SmallVec;

use super::hub::{Hub, within};
use crate::error::{Closed, SendBatchError, SendError, TrySendError};
use crate::queue::Outbox;
use crate::routing::{FanOut, Leftover};

/// Publishes a message, as [`publish`]; a socket that drops nothing has the time of its options for it.
pub(super) async fn send(hub: &Hub<FanOut>, message: Message) -> Result<(), SendError> {
    match publish_in_time(hub, Publication::One(&message), hub.settings().send_timeout).await {
        Ok(()) => Ok(()),
        Err(SendBatchError::Timeout) => Err(SendError::Timeout(message)),
        Err(SendBatchError::Closed) => Err(SendError::Closed(message)),
    }
}

/// Publishes a message to those who have room; if the socket drops nothing, to all or nobody.
pub(super) fn try_send(hub: &Hub<FanOut>, message: Message) -> Result<(), TrySendError> {
    match publish_now(hub, Publication::One(&message), &mut Leftovers::none(hub).rest) {
        Ok(0) => Err(TrySendError::Full(message)),
        Ok(_) => Ok(()),
        Err(Closed) => Err(TrySendError::Closed(message)),
    }
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub(super) enum Publication<'a> {
    One(&'a Message),
    Run(&'a Batch),
}

impl Publication<'_> {
    fn len(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Run(batch) => batch.len(),
        }
    }

    fn wire_len(self) -> usize {
        match self {
            Self::One(message) => message.wire_len(),
            Self::Run(batch) => batch.wire_len(),
        }
    }

    /// What is left of it without so many messages.
    fn without(self, taken: usize) -> Batch {
        let mut rest = match self {
            Self::One(message) => message.clone().into(),
            Self::Run(batch) => batch.clone(),
        };
        let _ = rest.split_to(taken);
        rest
    }
}

/// Connections to be woken once the lock is released.
type Wakers = SmallVec<[Waker; 8]>;

/// Puts it into the queues of those who want it. A queue at its mark is waited for as long as its connection
/// is writing, which it does until the kernel takes no more; then the peer loses what it has no room for.
/// A socket that drops nothing waits until all have room.
pub(super) async fn publish(hub: &Hub<FanOut>, what: Publication<'_>) -> Result<(), Closed> {
    publish_in_time(hub, what, None).await.map_err(|_| Closed)
}

async fn publish_in_time(
    hub: &Hub<FanOut>,
    what: Publication<'_>,
    time: Option<Duration>,
) -> Result<(), SendBatchError> {
    hub.give_way(what.wire_len()).await;
    let mut leftovers = Leftovers::none(hub);
    let mut changed = hub.changes();
    let taken = publish_now(hub, what, &mut leftovers.rest)?;
    if taken < what.len() {
        return within(time, publish_rest(hub, what.without(taken)))
            .await
            .unwrap_or(Err(SendBatchError::Timeout));
    }
    while !leftovers.rest.is_empty() {
        changed.await;
        changed = hub.changes();
        retry(hub, &mut leftovers.rest)?;
    }
    Ok(())
}

/// Publishes what a socket that drops nothing had no room for.
async fn publish_rest(hub: &Hub<FanOut>, mut rest: Batch) -> Result<(), SendBatchError> {
    while !rest.is_empty() {
        let taken = hub.try_until(|| match publish_now(hub, Publication::Run(&rest), &mut Vec::new()) {
            Ok(0) => None,
            taken => Some(taken),
        });
        let _ = rest.split_to(taken.await?);
    }
    Ok(())
}

/// What found no room yet. Whoever has to get something when this is dropped has lost it.
struct Leftovers<'a> {
    hub: &'a Hub<FanOut>,
    rest: Vec<Leftover>,
}

impl<'a> Leftovers<'a> {
    const fn none(hub: &'a Hub<FanOut>) -> Self {
        Self { hub, rest: Vec::new() }
    }
}

impl Drop for Leftovers<'_> {
    fn drop(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        let mut out = self.hub.out();
        for Leftover { id, run } in self.rest.drain(..) {
            if let Some(outbox) = out.outboxes.get_mut(id) {
                outbox.lose(run.len());
            }
        }
    }
}

/// Puts it into the queues of those who want it and have room. How many messages were taken: all, unless the socket
/// drops nothing.
fn publish_now(
    hub: &Hub<FanOut>,
    what: Publication<'_>,
    leftovers: &mut Vec<Leftover>,
) -> Result<usize, Closed> {
    let mut wakers = Wakers::new();
    let mut guard = hub.out();
    let out = &mut *guard;
    if out.closed {
        return Err(Closed);
    }
    let wake = |outbox: &mut Outbox| wakers.extend(outbox.wake());
    let taken = match what {
        Publication::One(message) => {
            usize::from(out.routing.publish(&mut out.outboxes, message, leftovers, wake))
        }
        Publication::Run(batch) => out.routing.publish_batch(&mut out.outboxes, batch, leftovers, wake),
    };
    drop(guard);
    wakers.into_iter().for_each(Waker::wake);
    Ok(taken)
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
