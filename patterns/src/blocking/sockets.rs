//! The blocking sockets, each around the async socket of the same name.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use enfonet_zmtp::{Batch, IntoMessage, Message};

use super::runtime::{enter, wait};
use crate::close_summary::CloseSummary;
use crate::endpoint::Endpoint;
use crate::error::{
    BindError, ConnectError, DisconnectError, RecvError, RequestError, SendError, TryRecvError, UnbindError,
};
use crate::options::Options;
use crate::peer::{PeerId, PeerInfo};
use crate::socket::{Request, XPubEvent};

/// The async socket that all clones share. Its drop, with the last clone, waits as `close` does.
#[derive(Debug)]
struct Owned<S: Linger>(S);

/// A socket that can be closed with the linger of its options.
trait Linger {
    fn linger(&self) -> impl Future<Output = CloseSummary>;
}

impl<S: Linger> Drop for Owned<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The background thread goes on sending until the process ends.
            return;
        }
        wait(self.0.linger());
    }
}

/// Defines blocking sockets, with the methods of all kinds and the listed methods. Each calls the method of the same
/// name of the async socket; `wait` marks the methods that are async there.
macro_rules! blocking {
    ($(
        $kind:ident($options:ty, |$socket:ident| $core:expr) {
            $( $how:ident fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty; )*
        }
    )*) => {$(
        #[doc = concat!("[`", stringify!($kind), "`](crate::", stringify!($kind), ") whose methods block.")]
        #[derive(Clone, Debug)]
        pub struct $kind(Arc<Owned<crate::$kind>>);

        impl Linger for crate::$kind {
            async fn linger(&self) -> CloseSummary {
                let $socket = self;
                self.close($core.linger()).await
            }
        }

        impl $kind {
            /// Makes a socket with the default [`Options`].
            #[must_use]
            pub fn new() -> Self {
                Self::with_options(Options::default())
            }

            /// Makes a socket with these options.
            #[must_use]
            pub fn with_options(options: impl Into<$options>) -> Self {
                let _guard = enter();
                Self(Arc::new(Owned(crate::$kind::with_options(options))))
            }

            /// Returns the async socket that this socket calls, with all its methods.
            #[must_use]
            pub fn as_async(&self) -> &crate::$kind {
                &self.0.0
            }

            /// Listens on an endpoint, and returns it with the address and port that the system has chosen: see
            /// [`Pair::bind`](crate::Pair::bind).
            ///
            /// # Errors
            /// [`BindError`]: the endpoint is invalid, in use, or can't be bound by the system.
            pub fn bind<E>(&self, endpoint: E) -> Result<Endpoint, BindError>
            where
                E: TryInto<Endpoint>,
                BindError: From<E::Error>,
            {
                let $socket = self.as_async();
                wait($core.bind(endpoint))
            }

            /// Connects to an endpoint, in the background: see [`Pair::connect`](crate::Pair::connect).
            ///
            /// # Errors
            /// [`ConnectError`]: the endpoint is invalid, or can only be bound.
            pub fn connect<E>(&self, endpoint: E) -> Result<(), ConnectError>
            where
                E: TryInto<Endpoint>,
                ConnectError: From<E::Error>,
            {
                let _guard = enter();
                self.as_async().connect(endpoint)
            }

            /// Ends listening on an endpoint: see [`Pair::unbind`](crate::Pair::unbind).
            ///
            /// # Errors
            /// [`UnbindError`]: the endpoint is invalid, or the socket isn't bound to it.
            pub fn unbind<E>(&self, endpoint: E) -> Result<(), UnbindError>
            where
                E: TryInto<Endpoint>,
                UnbindError: From<E::Error>,
            {
                let _guard = enter();
                let $socket = self.as_async();
                $core.unbind(endpoint)
            }

            /// Ends connecting to an endpoint: see [`Pair::disconnect`](crate::Pair::disconnect).
            ///
            /// # Errors
            /// [`DisconnectError`]: the endpoint is invalid, or the socket isn't connected to it.
            pub fn disconnect<E>(&self, endpoint: E) -> Result<(), DisconnectError>
            where
                E: TryInto<Endpoint>,
                DisconnectError: From<E::Error>,
            {
                let _guard = enter();
                let $socket = self.as_async();
                $core.disconnect(endpoint)
            }

            /// Waits until at least `peers` peers are connected, or the socket is closed.
            pub fn wait_connected(&self, peers: usize) {
                let $socket = self.as_async();
                wait($core.wait_connected(peers));
            }

            /// Closes the socket: messages that wait are still sent, for at most `linger`. See
            /// [`Pair::close`](crate::Pair::close).
            pub fn close(&self, linger: Duration) -> CloseSummary {
                wait(self.as_async().close(linger))
            }

            $(
                #[doc = concat!("See [`", stringify!($kind), "::", stringify!($name), "`](crate::",
                    stringify!($kind), "::", stringify!($name), ").")]
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = "As there, if it has any."]
                pub fn $name(&self, $($arg: $type),*) -> $result {
                    blocking!(@$how self.as_async().$name($($arg),*))
                }
            )*
        }

        impl Default for $kind {
            fn default() -> Self {
                Self::new()
            }
        }
    )*};
    (@wait $future:expr) => { wait($future) };
    (@call $call:expr) => {{
        let _guard = enter();
        $call
    }};
}

blocking! {
    Req(Options<crate::socket::Req>, |socket| socket) {
        wait fn request(message: impl IntoMessage) -> Result<Message, RequestError>;
        wait fn send(message: impl IntoMessage) -> Result<(), SendError>;
        call fn try_send(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn recv() -> Result<Message, RecvError>;
        call fn try_recv() -> Result<Message, TryRecvError>;
    }

    Rep(Options<crate::socket::Rep>, |socket| socket) {
        wait fn recv() -> Result<Request, RecvError>;
        call fn try_recv() -> Result<Request, TryRecvError>;
    }

    Client(Options<crate::socket::Dealer>, |socket| socket.dealer()) {
        wait fn request(message: impl IntoMessage, timeout: Duration) -> Result<Message, RequestError>;
        call fn in_flight() -> usize;
        call fn late_replies() -> u64;
    }

    Dealer(Options<crate::socket::Dealer>, |socket| socket) {
        wait fn send(message: impl IntoMessage) -> Result<(), SendError>;
        call fn try_send(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn send_batch(batch: &mut Batch) -> Result<(), SendError<()>>;
        wait fn recv() -> Result<Message, RecvError>;
        wait fn recv_from() -> Result<(Arc<PeerInfo>, Message), RecvError>;
        wait fn recv_batch(limit: usize) -> Result<(PeerId, Batch), RecvError>;
        call fn try_recv() -> Result<Message, TryRecvError>;
    }

    Router(Options<crate::socket::Router>, |socket| socket) {
        wait fn send_to(peer: PeerId, message: impl IntoMessage) -> Result<(), SendError>;
        call fn try_send_to(peer: PeerId, message: impl IntoMessage) -> Result<(), SendError>;
        wait fn send_routed(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn recv() -> Result<(PeerId, Message), RecvError>;
        wait fn recv_from() -> Result<(Arc<PeerInfo>, Message), RecvError>;
        wait fn recv_routed() -> Result<Message, RecvError>;
        wait fn recv_batch(limit: usize) -> Result<(PeerId, Batch), RecvError>;
        call fn try_recv() -> Result<(PeerId, Message), TryRecvError>;
        call fn find(identity: &[u8]) -> Option<PeerId>;
        call fn identity(peer: PeerId) -> Option<Bytes>;
    }

    Pub(Options<crate::socket::Pub>, |socket| socket) {
        wait fn send(message: impl IntoMessage) -> Result<(), SendError>;
        call fn try_send(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn send_batch(batch: &mut Batch) -> Result<(), SendError<()>>;
        wait fn wait_subscribers(peers: usize) -> ();
    }

    Sub(Options<crate::socket::Sub>, |socket| socket) {
        call fn subscribe(topic: impl AsRef<[u8]>) -> ();
        call fn unsubscribe(topic: impl AsRef<[u8]>) -> ();
        wait fn recv() -> Result<Message, RecvError>;
        wait fn recv_from() -> Result<(Arc<PeerInfo>, Message), RecvError>;
        wait fn recv_batch(limit: usize) -> Result<(PeerId, Batch), RecvError>;
        call fn try_recv() -> Result<Message, TryRecvError>;
    }

    XPub(Options<crate::socket::XPub>, |socket| socket) {
        wait fn send(message: impl IntoMessage) -> Result<(), SendError>;
        call fn try_send(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn send_batch(batch: &mut Batch) -> Result<(), SendError<()>>;
        wait fn send_to(peer: PeerId, message: impl IntoMessage) -> Result<(), SendError>;
        wait fn recv() -> Result<XPubEvent, RecvError>;
        call fn try_recv() -> Result<XPubEvent, TryRecvError>;
        wait fn wait_subscribers(peers: usize) -> ();
    }

    XSub(Options<crate::socket::XSub>, |socket| socket) {
        call fn subscribe(topic: impl Into<Bytes>) -> ();
        call fn unsubscribe(topic: impl Into<Bytes>) -> ();
        call fn send(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn recv() -> Result<Message, RecvError>;
        wait fn recv_from() -> Result<(Arc<PeerInfo>, Message), RecvError>;
        wait fn recv_batch(limit: usize) -> Result<(PeerId, Batch), RecvError>;
        call fn try_recv() -> Result<Message, TryRecvError>;
    }

    Push(Options<crate::socket::Push>, |socket| socket) {
        wait fn send(message: impl IntoMessage) -> Result<(), SendError>;
        call fn try_send(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn send_batch(batch: &mut Batch) -> Result<(), SendError<()>>;
    }

    Pull(Options<crate::socket::Pull>, |socket| socket) {
        wait fn recv() -> Result<Message, RecvError>;
        wait fn recv_from() -> Result<(Arc<PeerInfo>, Message), RecvError>;
        wait fn recv_batch(limit: usize) -> Result<(PeerId, Batch), RecvError>;
        call fn try_recv() -> Result<Message, TryRecvError>;
    }

    Pair(Options<crate::socket::Pair>, |socket| socket) {
        wait fn send(message: impl IntoMessage) -> Result<(), SendError>;
        call fn try_send(message: impl IntoMessage) -> Result<(), SendError>;
        wait fn send_batch(batch: &mut Batch) -> Result<(), SendError<()>>;
        wait fn recv() -> Result<Message, RecvError>;
        wait fn recv_from() -> Result<(Arc<PeerInfo>, Message), RecvError>;
        wait fn recv_batch(limit: usize) -> Result<(PeerId, Batch), RecvError>;
        call fn try_recv() -> Result<Message, TryRecvError>;
    }
}
