//! Sending to a peer of the caller's choice: ROUTER, and what brokers need of DEALER and XPUB.

use std::pin::pin;
use std::task::Waker;

use enfonet_zmtp::{Batch, Envelope, IntoMessage};

use super::next_peer::wait_room;
use super::permit::Permit;
use crate::core::{SocketCore, out_of_line};
use crate::error::{SendError, give_back};
use crate::peer::PeerId;
use crate::queue::{Outbox, Outgoing};
use crate::routing::Routing;
use crate::tuning::BATCH_SOURCE_BYTES;

/// Sends to one peer if `is_there`; `None` if it has no room.
fn put<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: &Outgoing<impl IntoMessage>,
    is_there: fn(&Outbox) -> bool,
) -> Option<Result<(), SendError<()>>> {
    let mut out = core.out();
    if out.closed {
        return Some(Err(SendError::Closed(())));
    }
    let outbox = out.outboxes.get(peer).filter(|outbox| is_there(outbox));
    let Some(outbox) = outbox else { return Some(Err(SendError::UnknownPeer(()))) };
    outbox.has_room().then(|| {
        core.charge_bytes(message.wire_len());
        out.push(peer, envelope, message);
        Ok(())
    })
}

/// Sends to one peer if it has room and `is_there`.
pub(super) fn try_send<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: impl IntoMessage,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), SendError> {
    try_put(core, peer, envelope, Outgoing::new(message), is_there)
}

fn try_put<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: Outgoing<impl IntoMessage>,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), SendError> {
    let sent = put(core, peer, envelope, &message, is_there);
    give_back(sent.unwrap_or(Err(SendError::Full(()))), message)
}

/// Sends to one peer, as soon as it has room. Cancel safe: dropped before it is ready, it has sent nothing.
pub(super) async fn send<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: impl IntoMessage,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), SendError> {
    let message = Outgoing::new(message);
    if !core.charge_message() && matches!(put(core, peer, envelope, &message, is_there), Some(Ok(()))) {
        return Ok(());
    }
    out_of_line(pin!(send_slowly(core, peer, envelope, message, is_there))).await
}

async fn send_slowly<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: Outgoing<impl IntoMessage>,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), SendError> {
    core.yield_if_exhausted().await;
    match try_put(core, peer, envelope, message, is_there) {
        Err(SendError::Full(message)) => {
            wait_room(core, message, |message| put(core, peer, envelope, message, is_there)).await
        }
        sent => sent,
    }
}

/// Takes a place in the queue of a peer.
pub(super) async fn reserve<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
) -> Result<Permit<'_>, SendError<()>> {
    let place = || {
        let mut out = core.out();
        if out.closed {
            return Some(Err(SendError::Closed(())));
        }
        let outbox = out.outboxes.get_mut(peer).filter(|outbox| outbox.is_open());
        let Some(outbox) = outbox else { return Some(Err(SendError::UnknownPeer(()))) };
        outbox.has_room().then(|| {
            outbox.reserve();
            Ok(Permit::new(core, peer))
        })
    };
    core.charge_and_yield().await;
    core.in_send_time(place).await.unwrap_or(Err(SendError::Timeout(())))
}

/// Sends as many of the messages as the peer has room for, if it `is_there`, and takes them off the batch. Returns
/// `None` when some are left.
fn put_batch<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    batch: &mut Batch,
    is_there: fn(&Outbox) -> bool,
) -> Option<Result<(), SendError<()>>> {
    let mut out = core.out();
    if out.closed {
        return Some(Err(SendError::Closed(())));
    }
    let outbox = out.outboxes.get_mut(peer).filter(|outbox| is_there(outbox));
    let Some(outbox) = outbox else { return Some(Err(SendError::UnknownPeer(()))) };
    let bytes = batch.wire_len();
    let admitted = outbox.push_run(batch, bytes.max(BATCH_SOURCE_BYTES));
    let _ = batch.split_to(admitted);
    let waker = outbox.wake();
    drop(out);
    core.charge_bytes(bytes - batch.wire_len());
    waker.into_iter().for_each(Waker::wake);
    batch.is_empty().then_some(Ok(()))
}

/// Sends as many of the messages as the peer has room for, and takes them off the batch.
pub(super) fn try_send_batch<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    batch: &mut Batch,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), SendError<()>> {
    put_batch(core, peer, batch, is_there).unwrap_or(Ok(()))
}

/// Sends all of the messages to one peer, as it has room. Cancel safe: what is sent is taken off the batch.
pub(super) async fn send_batch<R: Routing>(
    core: &SocketCore<R>,
    peer: PeerId,
    batch: &mut Batch,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), SendError<()>> {
    core.charge_and_yield().await;
    let sent = core.in_send_time(|| put_batch(core, peer, batch, is_there)).await;
    sent.unwrap_or(Err(SendError::Timeout(())))
}
