//! Sending halves of sockets, as sinks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_sink::Sink;
use tokio_util::sync::ReusableBoxFuture;

use crate::error::SendError;

/// A socket that a [`SocketSink`] can send on.
pub trait SinkSocket: Clone + Send + 'static {
    type Item;

    /// Sends an item, however long that takes.
    fn send_item(self, item: Self::Item) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// The sending half of a socket as a [`Sink`]. It takes a message when the message before is sent, by the socket's
/// `send`. The sink shares the socket and keeps it open. Closing the sink doesn't close the socket.
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
        impl crate::socket::sink::SinkSocket for $kind {
            type Item = $item;

            async fn send_item(self, $value: $item) -> Result<(), crate::error::SendError> {
                let $socket = self;
                $send.await
            }
        }

        impl $kind {
            /// Returns the sending half of the socket, as a sink.
            #[must_use]
            pub fn sink(&self) -> crate::socket::SocketSink<Self> {
                crate::socket::SocketSink::new(self.clone())
            }
        }
    };
}
pub(super) use sinks;
