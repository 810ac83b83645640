//! Sending to a peer of the caller's choice: ROUTER, and what brokers need of DEALER and XPUB.

use enfonet_zmtp::{Envelope, IntoMessage};

use super::hub::Hub;
use super::sending::{Permit, wait_room};
use crate::PeerId;
use crate::error::{ReserveError, SendError, Unsendable, Unsent};
use crate::queue::{Outbox, Outgoing};
use crate::routing::Routing;

/// Sends to one peer if `is_there`; `None` if it has no room.
fn put<R: Routing>(
    hub: &Hub<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: &Outgoing<impl IntoMessage>,
    is_there: fn(&Outbox) -> bool,
) -> Option<Result<(), Unsendable>> {
    let out = hub.out();
    if out.closed {
        return Some(Err(Unsendable::Closed));
    }
    let outbox = out.outboxes.get(peer).filter(|outbox| is_there(outbox));
    let Some(outbox) = outbox else { return Some(Err(Unsendable::UnknownPeer)) };
    outbox.has_room().then(|| {
        hub.stage(out, peer, envelope, message);
        Ok(())
    })
}

/// Sends to one peer if it has room and `is_there`.
pub(super) fn try_send<R: Routing>(
    hub: &Hub<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: impl IntoMessage,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), Unsent> {
    let message = Outgoing::new(message);
    Unsent::unless(put(hub, peer, envelope, &message, is_there), message)
}

/// Sends to one peer, as soon as it has room. Cancel safe: dropped before it is ready, it has sent nothing.
pub(super) async fn send<R: Routing>(
    hub: &Hub<R>,
    peer: PeerId,
    envelope: &Envelope,
    message: impl IntoMessage,
    is_there: fn(&Outbox) -> bool,
) -> Result<(), SendError> {
    hub.give_way().await;
    match try_send(hub, peer, envelope, message, is_there) {
        Err(Unsent { why: None, message }) => {
            wait_room(hub, message, |message| put(hub, peer, envelope, message, is_there)).await
        }
        sent => Ok(sent?),
    }
}

/// Takes a place in the queue of a peer.
pub(super) async fn reserve<R: Routing>(hub: &Hub<R>, peer: PeerId) -> Result<Permit<'_>, ReserveError> {
    let place = || {
        let mut out = hub.out();
        if out.closed {
            return Some(Err(ReserveError::Closed));
        }
        let outbox = out.outboxes.get_mut(peer).filter(|outbox| outbox.is_open());
        let Some(outbox) = outbox else { return Some(Err(ReserveError::UnknownPeer)) };
        outbox.has_room().then(|| {
            outbox.reserve();
            Ok(Permit::new(hub, peer))
        })
    };
    hub.give_way().await;
    hub.in_send_time(place).await.unwrap_or(Err(ReserveError::Timeout))
}
