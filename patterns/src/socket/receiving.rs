//! Receive methods that most kinds of sockets share, and streams.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use enfonet_zmtp::{Batch, Message};
use futures_core::Stream;
use tokio_util::sync::ReusableBoxFuture;

use crate::error::RecvError;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::{Arrival, Inbound, Run};

/// Pops the next message, and information about its peer. Peers are served in rotation.
pub(super) fn known_message(inbound: &mut Inbound) -> Option<(Arc<PeerInfo>, Message)> {
    loop {
        if let (Arrival::Messages(_, message), Some(peer)) = inbound.pop_one_known()? {
            return Some((peer, message));
        }
    }
}

/// Returns a popped run as a batch. A large message from a socket of the same process is copied, so no lock is held.
pub(super) fn batch((peer, run): (PeerId, Run)) -> (PeerId, Batch) {
    (peer, run.into_batch())
}

/// Pops the next run, or its first `limit` messages; a limit of 0 counts as 1. Peers are served in rotation.
pub(super) fn run(inbound: &mut Inbound, limit: usize) -> Option<(PeerId, Run)> {
    loop {
        if let Arrival::Messages(id, run) = inbound.pop(limit.max(1))? {
            return Some((id, run));
        }
    }
}

/// A socket that a [`SocketStream`] can receive from.
pub trait StreamSocket: Clone + Send + 'static {
    type Item: 'static;

    /// Returns the next item that the socket receives, as `recv` does.
    fn next(self) -> impl Future<Output = Result<Self::Item, RecvError>> + Send;
}

/// A [`Stream`] of the items that a socket's `recv` returns. It ends when the socket is closed, and continues after a
/// [`RecvError::Timeout`]. The stream shares the socket and keeps it open. The socket's other methods can be used
/// meanwhile. Dropping the stream loses no message.
#[derive(Debug)]
pub struct SocketStream<S, T> {
    socket: S,
    next: ReusableBoxFuture<'static, Result<T, RecvError>>,
}

impl<S: StreamSocket> SocketStream<S, S::Item> {
    pub(crate) fn new(socket: S) -> Self {
        Self { next: ReusableBoxFuture::new(socket.clone().next()), socket }
    }
}

impl<S: StreamSocket + Unpin> Stream for SocketStream<S, S::Item> {
    type Item = Result<S::Item, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let received = ready!(self.next.poll(cx));
        let next = self.socket.clone().next();
        self.next.set(next);
        Poll::Ready(Some(received).filter(|received| !matches!(received, Err(RecvError::Closed))))
    }
}

/// Methods of sockets that receive messages as they are.
macro_rules! receiving_methods {
    ($kind:ident) => {
        impl $kind {
            /// Receives the next message. Peers are served in rotation. Cancel safe.
            ///
            /// # Errors
            /// [`RecvError::Closed`](crate::error::RecvError), after all messages that arrived before, or
            /// [`RecvError::Timeout`](crate::error::RecvError).
            pub async fn recv(&self) -> Result<enfonet_zmtp::Message, crate::error::RecvError> {
                self.core.recv_in_time(crate::queue::Inbound::pop_message).await
            }

            /// Receives the next message, and information about the peer that sent it: its address, its routing id, the
            /// user that it was authenticated as. Cancel safe.
            ///
            /// # Errors
            /// As of [`recv`](Self::recv).
            pub async fn recv_from(
                &self,
            ) -> Result<(std::sync::Arc<crate::peer::PeerInfo>, enfonet_zmtp::Message), crate::error::RecvError> {
                self.core.recv_in_time(crate::socket::receiving::known_message).await
            }

            /// Receives the next message, if a message has arrived. Never waits.
            ///
            /// # Errors
            /// [`TryRecvError::Empty`](crate::error::TryRecvError), or, once all earlier messages are received,
            /// [`TryRecvError::Closed`](crate::error::TryRecvError).
            pub fn try_recv(&self) -> Result<enfonet_zmtp::Message, crate::error::TryRecvError> {
                self.core.try_recv_by(crate::queue::Inbound::pop_message)
            }

            /// Receives the next messages of a peer, at most `limit`, and the id of the peer. Peers are served in
            /// rotation. Cancel safe.
            ///
            /// The batch is a run of messages that arrived together, or the first messages of the run; with
            /// `usize::MAX` it is the whole run. A limit of 0 counts as 1.
            ///
            /// # Errors
            /// As of [`recv`](Self::recv).
            pub async fn recv_batch(
                &self,
                limit: usize,
            ) -> Result<(crate::peer::PeerId, enfonet_zmtp::Batch), crate::error::RecvError> {
                let run = |inbound: &mut _| crate::socket::receiving::run(inbound, limit);
                self.core.recv_in_time(run).await.map(crate::socket::receiving::batch)
            }

            /// Receives the next messages of a peer, at most `limit`, as [`recv_batch`](Self::recv_batch) does, if
            /// messages have arrived. Never waits.
            ///
            /// # Errors
            /// As of [`try_recv`](Self::try_recv).
            pub fn try_recv_batch(
                &self,
                limit: usize,
            ) -> Result<(crate::peer::PeerId, enfonet_zmtp::Batch), crate::error::TryRecvError> {
                let run = |inbound: &mut _| crate::socket::receiving::run(inbound, limit);
                self.core.try_recv_by(run).map(crate::socket::receiving::batch)
            }
        }

        crate::socket::receiving::streams!($kind, enfonet_zmtp::Message);
    };
}
pub(super) use receiving_methods;

/// Makes a stream of the items that `recv` of a socket returns.
macro_rules! streams {
    ($kind:ident, $item:ty) => {
        impl crate::socket::receiving::StreamSocket for $kind {
            type Item = $item;

            async fn next(self) -> Result<$item, crate::error::RecvError> {
                self.recv().await
            }
        }

        impl $kind {
            /// Returns a stream of the items that [`recv`](Self::recv) returns. It ends when the socket is closed.
            #[must_use]
            pub fn stream(&self) -> crate::socket::SocketStream<Self, $item> {
                crate::socket::SocketStream::new(self.clone())
            }
        }
    };
}
pub(super) use streams;
