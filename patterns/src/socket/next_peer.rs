//! Sending to a peer of the socket's choice: DEALER, PUSH, PAIR.

use std::pin::pin;
use std::task::Waker;

use enfonet_zmtp::{Batch, Envelope, IntoMessage, Message};

use super::permit::Permit;
use crate::core::{SocketCore, out_of_line};
use crate::error::{Closed, SendError, give_back};
use crate::queue::Outgoing;
use crate::routing::{Choose, Routing};

/// Sends to the next peer with room; `None` if nobody has any.
#[inline]
fn put<R: Choose>(
    core: &SocketCore<R>,
    message: &Outgoing<impl IntoMessage>,
) -> Option<Result<(), SendError<()>>> {
    let mut guard = core.out();
    let out = &mut *guard;
    if out.closed {
        return Some(Err(SendError::Closed(())));
    }
    let peer = out.routing.choose(&out.outboxes)?;
    core.charge_bytes(message.wire_len());
    guard.push(peer, &Envelope::none(), message);
    Some(Ok(()))
}

/// Sends to the next peer with room, if there is one.
#[inline]
pub(super) fn try_send<R: Choose>(core: &SocketCore<R>, message: impl IntoMessage) -> Result<(), SendError> {
    try_put(core, Outgoing::new(message))
}

#[inline]
fn try_put<R: Choose>(core: &SocketCore<R>, message: Outgoing<impl IntoMessage>) -> Result<(), SendError> {
    give_back(put(core, &message).unwrap_or(Err(SendError::Full(()))), message)
}

/// Sends to the next peer with room, as soon as there is one. Cancel safe: dropped before it is ready, it has sent
/// nothing.
#[inline]
pub(super) async fn send<R: Choose>(
    core: &SocketCore<R>,
    message: impl IntoMessage,
) -> Result<(), SendError> {
    let message = Outgoing::new(message);
    if !core.charge_message() && matches!(put(core, &message), Some(Ok(()))) {
        return Ok(());
    }
    out_of_line(pin!(send_slowly(core, message))).await
}

async fn send_slowly<R: Choose>(
    core: &SocketCore<R>,
    message: Outgoing<impl IntoMessage>,
) -> Result<(), SendError> {
    core.yield_if_exhausted().await;
    match try_put(core, message) {
        Err(SendError::Full(message)) => wait_room(core, message, |message| put(core, message)).await,
        sent => sent,
    }
}

/// Sends what found no room, as soon as there is some, in the time that the options have for it.
pub(super) async fn wait_room<R: Routing>(
    core: &SocketCore<R>,
    message: Message,
    mut put: impl FnMut(&Outgoing<Message>) -> Option<Result<(), SendError<()>>>,
) -> Result<(), SendError> {
    let message = Outgoing::new(message);
    let sent = core.in_send_time(|| put(&message)).await;
    give_back(sent.unwrap_or(Err(SendError::Timeout(()))), message)
}

/// Sends as many of the messages as there is room for; those are taken off the batch. Whether it is empty then.
pub(super) fn try_send_batch<R: Choose>(core: &SocketCore<R>, batch: &mut Batch) -> Result<bool, Closed> {
    let mut wakers = smallvec::SmallVec::<[Waker; 8]>::new();
    let mut guard = core.out();
    let out = &mut *guard;
    if out.closed {
        return Err(Closed);
    }
    let source = batch.wire_len();
    while !batch.is_empty() {
        let Some(peer) = out.routing.choose(&out.outboxes) else { break };
        let outbox = &mut out.outboxes[peer];
        if out.routing.has_alternatives() {
            outbox.push_run(&batch.split_to(1), source);
        } else {
            let admitted = outbox.push_run(batch, source);
            let _ = batch.split_to(admitted);
        }
        wakers.extend(outbox.wake());
    }
    drop(guard);
    core.charge_bytes(source - batch.wire_len());
    wakers.into_iter().for_each(Waker::wake);
    Ok(batch.is_empty())
}

/// Sends all of the messages, each to the next peer with room. Cancel safe: what is sent is taken off the batch.
pub(super) async fn send_batch<R: Choose>(
    core: &SocketCore<R>,
    batch: &mut Batch,
) -> Result<(), SendError<()>> {
    core.charge_and_yield().await;
    let sent = core.in_send_time(|| put_all(core, batch)).await;
    sent.ok_or(SendError::Timeout(()))?.map_err(Into::into)
}

/// Sends all of the messages, or as many as there is room for: then `None`.
pub(super) fn put_all<R: Choose>(core: &SocketCore<R>, batch: &mut Batch) -> Option<Result<(), Closed>> {
    match try_send_batch(core, batch) {
        Ok(is_sent) => is_sent.then_some(Ok(())),
        Err(closed) => Some(Err(closed)),
    }
}

/// Takes a place in the queue of the next peer with room.
pub(super) async fn reserve<R: Choose>(core: &SocketCore<R>) -> Result<Permit<'_>, SendError<()>> {
    let place = || {
        let mut guard = core.out();
        let out = &mut *guard;
        if out.closed {
            return Some(Err(SendError::Closed(())));
        }
        let peer = out.routing.choose(&out.outboxes)?;
        out.outboxes[peer].reserve();
        Some(Ok(Permit::new(core, peer)))
    };
    core.charge_and_yield().await;
    core.in_send_time(place).await.unwrap_or(Err(SendError::Timeout(())))
}

/// Methods of sockets that choose whom they send to.
macro_rules! sending_methods {
    ($kind:ident) => {
        impl $kind {
            /// Sends to the next peer with room, as soon as there is one. Cancel safe: dropped before it is ready, it
            /// has sent nothing.
            ///
            /// # Errors
            /// [`SendError::Timeout`](crate::error::SendError) or [`SendError::Closed`](crate::error::SendError), with the message.
            pub async fn send(
                &self,
                message: impl enfonet_zmtp::IntoMessage,
            ) -> Result<(), crate::error::SendError> {
                crate::socket::next_peer::send(&self.core, message).await
            }

            /// Sends to the next peer with room, if there is one.
            ///
            /// # Errors
            /// [`SendError::Full`](crate::error::SendError) or [`SendError::Closed`](crate::error::SendError), with the
            /// message.
            pub fn try_send(
                &self,
                message: impl enfonet_zmtp::IntoMessage,
            ) -> Result<(), crate::error::SendError> {
                crate::socket::next_peer::try_send(&self.core, message)
            }

            /// Sends all messages of a batch, as if one by one, and takes them off it. Cancel safe: what is left in
            /// the batch isn't sent.
            ///
            /// # Errors
            /// [`SendError`](crate::error::SendError); what wasn't sent stays in the batch.
            pub async fn send_batch(
                &self,
                batch: &mut enfonet_zmtp::Batch,
            ) -> Result<(), crate::error::SendError<()>> {
                crate::socket::next_peer::send_batch(&self.core, batch).await
            }

            /// Sends as many messages of a batch as there is room for, and takes them off it.
            ///
            /// # Errors
            /// [`Closed`](crate::error::Closed).
            pub fn try_send_batch(
                &self,
                batch: &mut enfonet_zmtp::Batch,
            ) -> Result<(), crate::error::Closed> {
                crate::socket::next_peer::try_send_batch(&self.core, batch).map(drop)
            }

            /// Waits for room for one message, and keeps it: for those who can't take a message back, or make it
            /// only when it can be sent. Cancel safe.
            ///
            /// # Errors
            /// [`SendError`](crate::error::SendError).
            pub async fn reserve(&self) -> Result<crate::socket::Permit<'_>, crate::error::SendError<()>> {
                crate::socket::next_peer::reserve(&self.core).await
            }
        }
    };
}
pub(super) use sending_methods;
