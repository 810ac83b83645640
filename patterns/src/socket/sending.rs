//! Sending to a peer of the socket's choice: DEALER, PUSH, PAIR.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use enfonet_zmtp::{Batch, Envelope, IntoMessage, Message};
use futures_sink::Sink;
use tokio_util::sync::ReusableBoxFuture;

use crate::core::{SocketCore, out_of_line};
use crate::error::{Closed, SendError, give_back};
use crate::peer::PeerId;
use crate::queue::{Outbox, Outgoing};
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
    core.stage(guard, peer, &Envelope::none(), message);
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

/// The right to send one message, at once: its place in the queue of a peer is kept. Dropped, it gives the place back.
#[must_use = "the place is given back when this is dropped"]
pub struct Permit<'a> {
    core: &'a dyn Places,
    peer: PeerId,
    is_open: bool,
}

impl<'a> Permit<'a> {
    /// For a place that is reserved.
    pub(super) fn new<R: Routing>(core: &'a SocketCore<R>, peer: PeerId) -> Self {
        Self { core, peer, is_open: true }
    }

    /// Sends the message. Never waits.
    ///
    /// # Errors
    /// With the message: [`SendError::UnknownPeer`] when the peer has gone meanwhile and no other has room,
    /// [`SendError::Closed`].
    pub fn send(mut self, message: impl IntoMessage) -> Result<(), SendError> {
        self.is_open = false;
        self.core.fill(self.peer, message.into_message())
    }

    /// The peer that the message will go to, if it stays.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.core.give_back(self.peer);
        }
    }
}

/// Reserved places in the queues of a socket.
trait Places: Sync {
    fn fill(&self, peer: PeerId, message: Message) -> Result<(), SendError>;
    fn give_back(&self, peer: PeerId);
}

impl<R: Routing> Places for SocketCore<R> {
    fn fill(&self, peer: PeerId, message: Message) -> Result<(), SendError> {
        let mut guard = self.out();
        let out = &mut *guard;
        if let Some(outbox) = out.outboxes.get_mut(peer) {
            outbox.unreserve();
        }
        if out.closed {
            return Err(SendError::Closed(message));
        }
        let is_open = out.outboxes.get(peer).is_some_and(Outbox::is_open);
        let peer = if is_open { Some(peer) } else { out.routing.instead(&out.outboxes) };
        let Some(peer) = peer else { return Err(SendError::UnknownPeer(message)) };
        self.stage(guard, peer, &Envelope::none(), &Outgoing::new(message));
        Ok(())
    }

    fn give_back(&self, peer: PeerId) {
        let mut guard = self.out();
        let out = &mut *guard;
        if let Some(outbox) = out.outboxes.get_mut(peer) {
            outbox.unreserve();
            out.routing.room(peer);
        }
        drop(guard);
        self.changed();
    }
}

/// A socket that a [`SocketSink`] can send on.
pub trait SinkSocket: Clone + Send + 'static {
    type Item;

    /// Sends an item, however long that takes.
    fn send_item(self, item: Self::Item) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// The sending half of a socket as a [`Sink`]: it takes a message when the one before is sent, as the socket's `send`
/// sends it. It shares the socket, and keeps it open. Closing the sink doesn't close the socket.
#[derive(Debug)]
pub struct SocketSink<S> {
    socket: S,
    under_way: Option<ReusableBoxFuture<'static, Result<(), SendError>>>,
    is_busy: bool,
}

impl<S: SinkSocket> SocketSink<S> {
    pub(crate) const fn new(socket: S) -> Self {
        Self { socket, under_way: None, is_busy: false }
    }
}

impl<S: SinkSocket + Unpin, T: Into<S::Item>> Sink<T> for SocketSink<S> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<T>::poll_flush(self, cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> Result<(), SendError> {
        let sending = self.socket.clone().send_item(item.into());
        match &mut self.under_way {
            Some(under_way) => under_way.set(sending),
            under_way => *under_way = Some(ReusableBoxFuture::new(sending)),
        }
        self.is_busy = true;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.is_busy
            && let Some(under_way) = &mut self.under_way
        {
            let sent = ready!(under_way.poll(cx));
            self.is_busy = false;
            return Poll::Ready(sent);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<T>::poll_flush(self, cx)
    }
}

/// Makes a sink of a socket's `send`.
macro_rules! sinks {
    ($kind:ident, $item:ty, |$socket:ident, $value:ident| $send:expr) => {
        impl crate::socket::sending::SinkSocket for $kind {
            type Item = $item;

            async fn send_item(self, $value: $item) -> Result<(), crate::error::SendError> {
                let $socket = self;
                $send.await
            }
        }

        impl $kind {
            /// Its sending half, as a sink.
            #[must_use]
            pub fn sink(&self) -> crate::socket::SocketSink<Self> {
                crate::socket::SocketSink::new(self.clone())
            }
        }
    };
}
pub(super) use sinks;

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
                crate::socket::sending::send(&self.core, message).await
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
                crate::socket::sending::try_send(&self.core, message)
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
                crate::socket::sending::send_batch(&self.core, batch).await
            }

            /// Sends as many messages of a batch as there is room for, and takes them off it.
            ///
            /// # Errors
            /// [`Closed`](crate::error::Closed).
            pub fn try_send_batch(
                &self,
                batch: &mut enfonet_zmtp::Batch,
            ) -> Result<(), crate::error::Closed> {
                crate::socket::sending::try_send_batch(&self.core, batch).map(drop)
            }

            /// Waits for room for one message, and keeps it: for those who can't take a message back, or make it
            /// only when it can be sent. Cancel safe.
            ///
            /// # Errors
            /// [`SendError`](crate::error::SendError).
            pub async fn reserve(&self) -> Result<crate::socket::Permit<'_>, crate::error::SendError<()>> {
                crate::socket::sending::reserve(&self.core).await
            }
        }
    };
}
pub(super) use sending_methods;
