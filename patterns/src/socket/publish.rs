//! Publishing, as PUB and XPUB do it.

use std::task::Waker;
use std::time::Duration;

use enfonet_zmtp::{Batch, IntoMessage, Small};
use smallvec::SmallVec;

use super::hub::{Hub, Out, within};
use crate::error::{Closed, SendBatchError, SendError, TrySendError};
use crate::queue::{Item, Outbox};
use crate::routing::{FanOut, Leftover, Published};

/// Publishes a message to all who want it. A queue at its mark is waited for as long as its connection is writing, which
/// it does until the kernel takes no more; then the peer loses what it has no room for. A socket that drops nothing waits
/// until all have room, for the time of its options.
#[inline]
pub(super) async fn send(hub: &Hub<FanOut>, message: impl IntoMessage) -> Result<(), SendError> {
    let mut leftovers = Leftovers::none(hub);
    let (message, published) = match Small::of(&message).map(|small| small.wire_len()) {
        Some(octets) => {
            hub.give_way(octets).await;
            let small = Small::of(&message).expect("it was");
            let published = publish_one(hub, &small, &mut leftovers.rest);
            if leftovers.is_done(&published) {
                return Ok(());
            }
            (message.into(), published)
        }
        None => {
            let message = message.into();
            hub.give_way(message.wire_len()).await;
            let published = publish_one(hub, &message, &mut leftovers.rest);
            (message, published)
        }
    };
    let rest = |published| match published {
        Published::Refused => message.clone().into(),
        Published::Taken | Published::Lost => Batch::default(),
    };
    match published.map(rest) {
        Ok(rest) => match leftovers.publish(rest, hub.settings().send_timeout).await {
            Ok(()) => Ok(()),
            Err(SendBatchError::Timeout) => Err(SendError::Timeout(message)),
            Err(SendBatchError::Closed) => Err(SendError::Closed(message)),
        },
        Err(Closed) => Err(SendError::Closed(message)),
    }
}

/// Publishes a message to those who have room; if the socket drops nothing, to all or nobody.
pub(super) fn try_send(hub: &Hub<FanOut>, message: impl IntoMessage) -> Result<(), TrySendError> {
    let message = message.into();
    match publish_one(hub, &message, &mut Leftovers::none(hub).rest) {
        Ok(Published::Refused) => Err(TrySendError::Full(message)),
        Ok(Published::Taken | Published::Lost) => Ok(()),
        Err(Closed) => Err(TrySendError::Closed(message)),
    }
}

/// Publishes a batch as if message by message; a socket that drops nothing takes as long as that takes.
pub(super) async fn send_batch(hub: &Hub<FanOut>, batch: &Batch) -> Result<(), Closed> {
    hub.give_way(batch.wire_len()).await;
    let mut leftovers = Leftovers::none(hub);
    let taken = publish_run(hub, batch, &mut leftovers.rest)?;
    let mut rest = batch.clone();
    let _ = rest.split_to(taken);
    leftovers.publish(rest, None).await.map_err(|_| Closed)
}

/// Connections to be woken once the lock is released.
type Wakers = SmallVec<[Waker; 8]>;

/// What found no room yet. Whoever has to get something when this is dropped has lost it.
struct Leftovers<'a> {
    hub: &'a Hub<FanOut>,
    rest: Vec<Leftover>,
}

impl<'a> Leftovers<'a> {
    #[inline]
    const fn none(hub: &'a Hub<FanOut>) -> Self {
        Self { hub, rest: Vec::new() }
    }

    /// Whether all of a message is where it has to be.
    #[inline]
    fn is_done(&self, published: &Result<Published, Closed>) -> bool {
        self.rest.is_empty() && matches!(published, Ok(Published::Taken | Published::Lost))
    }

    /// Publishes them, and the rest of what a socket that drops nothing had no room for.
    async fn publish(mut self, mut rest: Batch, time: Option<Duration>) -> Result<(), SendBatchError> {
        let hub = self.hub;
        let publish_rest = async {
            while !rest.is_empty() {
                let taken = hub.try_until(|| match publish_run(hub, &rest, &mut Vec::new()) {
                    Ok(0) => None,
                    taken => Some(taken),
                });
                let _ = rest.split_to(taken.await?);
            }
            Ok(())
        };
        within(time, publish_rest).await.unwrap_or(Err(SendBatchError::Timeout))?;
        let retry = || match retry(hub, &mut self.rest) {
            Ok(()) if !self.rest.is_empty() => None,
            outcome => Some(outcome),
        };
        Ok(hub.try_until(retry).await?)
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

/// Puts a message into the queues of those who want it and have room.
#[inline]
fn publish_one(
    hub: &Hub<FanOut>,
    message: &impl Item,
    leftovers: &mut Vec<Leftover>,
) -> Result<Published, Closed> {
    let published =
        with_queues(hub, |out, wake| out.routing.publish(&mut out.outboxes, message, leftovers, wake))?;
    if published == Published::Lost {
        // What would make room has more use for the time.
        hub.hurry();
    }
    Ok(published)
}

/// The same of a batch: how many messages were taken: all, unless the socket drops nothing.
fn publish_run(hub: &Hub<FanOut>, run: &Batch, leftovers: &mut Vec<Leftover>) -> Result<usize, Closed> {
    with_queues(hub, |out, wake| out.routing.publish_batch(&mut out.outboxes, run, leftovers, wake))
}

fn retry(hub: &Hub<FanOut>, leftovers: &mut Vec<Leftover>) -> Result<(), Closed> {
    with_queues(hub, |out, wake| out.routing.retry(&mut out.outboxes, leftovers, wake))
}

/// Has something put into queues, and wakes the connections of those that got any once the lock is released.
#[inline]
fn with_queues<T>(
    hub: &Hub<FanOut>,
    put: impl FnOnce(&mut Out<FanOut>, &mut dyn FnMut(&mut Outbox)) -> T,
) -> Result<T, Closed> {
    let mut wakers = Wakers::new();
    let mut out = hub.out();
    if out.closed {
        return Err(Closed);
    }
    let outcome = put(&mut out, &mut |outbox| {
        if let Some(waker) = outbox.wake() {
            wakers.push(waker);
        }
    });
    drop(out);
    wakers.into_iter().for_each(Waker::wake);
    Ok(outcome)
}
