//! ROUTER: sends to and receives from peers by identity.

use std::sync::Arc;

use bytes::Bytes;
use enfonet_zmtp::{Batch, IntoMessage, Message, SocketType};

use super::common::socket_methods;
use super::events::event_methods;
use super::one_peer::OnePeer;
use super::permit::Permit;
use super::receiving::{batch, known_message, run, streams};
use super::sink::sinks;
use crate::core::SocketHandle;
use crate::endpoint::Endpoint;
use crate::error::{ConnectError, RecvError, SendError, TryRecvError};
use crate::options::{HasOptions, Narrow, Options, PeerOptions, ProbeOptions};
use crate::peer::{PeerId, PeerInfo};
use crate::queue::Inbound;
use crate::routing::IdentityTable;
use crate::session::{CloseCause, Session};
use crate::settings::{Handover, Parting};

/// Receives from all peers in rotation, with the sender of each message, and sends to the peer of the caller's choice
/// (RFC 28). Partners: [`Req`](crate::Req), [`Dealer`](crate::Dealer), other routers.
///
/// | when … | then a message to it … |
/// |---|---|
/// | the peer isn't connected | is returned with an error; [`send_routed`](Self::send_routed) drops it, unless [`mandatory`](crate::Options::mandatory) is on |
/// | the outbox of the peer is at its high-water mark | waits (`send_to`), or is returned with an error (`try_send_to`); `send_routed` drops it, unless `mandatory` is on |
///
/// A message is addressed by the [`PeerId`] that came with the peer's message. The id never stands for a later peer
/// with the same identity. [`find`](Self::find) and [`identity`](Self::identity) convert identities to ids and back.
/// The messages of `recv_routed` and `send_routed` are as in libzmq: their first frame is the routing id.
///
/// ```
/// use enfonet::{Dealer, Router};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let router = Router::new();
/// let endpoint = router.bind("tcp://127.0.0.1:*").await?;
/// let dealer = Dealer::builder().identity("ada").build();
/// dealer.connect(endpoint)?;
///
/// dealer.send("hello").await?;
/// let (peer, message) = router.recv().await?;
/// assert_eq!((message, router.identity(peer)), ("hello".into(), Some("ada".into())));
/// router.send_to(peer, "hello, ada").await?;
/// assert_eq!(dealer.recv().await?, "hello, ada");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Router {
    pub(super) core: SocketHandle<IdentityTable>,
}

socket_methods!(Router, |settings| IdentityTable::new(fastrand::u32(..), settings.router.handover));

impl HasOptions<PeerOptions> for Router {}
impl HasOptions<ProbeOptions> for Router {}

impl<K: Narrow<Router>> Options<K> {
    /// Sets whether a new peer takes over the identity of a connected peer, which is then disconnected. Default off:
    /// the new peer is rejected until the other peer has disconnected.
    #[must_use]
    pub fn handover(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.router.handover = if on { Handover::Any } else { Handover::Off };
        self.retyped()
    }

    /// Sets whether a new peer takes over the identity of a connected peer if both were authenticated as the same user,
    /// as [`handover`](Self::handover) does for all peers. So a client that comes back before its old connection has
    /// ended is served at once, and no other user can take its identity away. A user without a name takes over no
    /// identity. Default off. The later call of the two holds.
    #[must_use]
    pub fn handover_to_same_user(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.router.handover = if on { Handover::SameUser } else { Handover::Off };
        self.retyped()
    }

    /// Sets how [`send_routed`](Router::send_routed) treats a message that can't be sent. If on, it fails if the peer
    /// isn't connected, and waits if the peer has no room. If off, which is the default, it drops the message.
    #[must_use]
    pub fn mandatory(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.router.mandatory = on;
        self.retyped()
    }

    /// Sets a message that this socket receives as the last message of each peer that connected to it and disconnected
    /// (libzmq's `DISCONNECT_MSG`). Default none.
    #[must_use]
    pub fn disconnect_message(mut self, message: impl IntoMessage) -> Options<K::Narrowed> {
        self.settings.peer.parting = Some(Parting { message: message.into_message(), of_accepted: true });
        self.retyped()
    }
}
streams!(Router, (PeerId, Message));
sinks!(Router, (PeerId, Message), |socket, to| socket.send_to(to.0, to.1));
event_methods!(Router);

impl Router {
    /// Connects to an endpoint, and assigns a routing id to the peer there, whatever identity it announces (libzmq's
    /// `CONNECT_ROUTING_ID`). The returned id can be used at once: messages wait for the connection and, if it is lost,
    /// for the next connection.
    ///
    /// # Errors
    /// [`ConnectError`]: the endpoint is invalid or can only be bound, or another peer has the routing id.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect_as<E>(&self, routing_id: impl Into<Bytes>, endpoint: E) -> Result<PeerId, ConnectError>
    where
        E: TryInto<Endpoint>,
        ConnectError: From<E::Error>,
    {
        let (endpoint, name) = (endpoint.try_into()?, routing_id.into());
        let mut peer = None;
        self.core.connect_as(endpoint, || {
            let id = self.core.open();
            if !self.core.out().routing.assign(id, name) {
                Session::close(&**self.core, id, CloseCause::GivenUp);
                return Err(ConnectError::RoutingIdInUse);
            }
            peer = Some(id);
            Ok(peer)
        })?;
        Ok(peer.expect("it was opened, or connecting failed"))
    }

    /// Sends to a peer, as soon as the peer has room. Cancel safe: a call that is dropped early has sent nothing.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`], [`SendError::Timeout`] or [`SendError::Closed`], with the message.
    pub async fn send_to(&self, peer: PeerId, message: impl IntoMessage) -> Result<(), SendError> {
        self.core.send(OnePeer::open(peer), message).await
    }

    /// Sends to a peer, if it has room.
    ///
    /// # Errors
    /// [`SendError`], with the message.
    pub fn try_send_to(&self, peer: PeerId, message: impl IntoMessage) -> Result<(), SendError> {
        self.core.try_send(OnePeer::open(peer), message)
    }

    /// Sends all messages of a batch to a peer, as the peer has room, and removes them from the batch. Cancel safe:
    /// messages that are left in the batch aren't sent.
    ///
    /// # Errors
    /// [`SendError`]; messages that aren't sent stay in the batch.
    pub async fn send_batch_to(&self, peer: PeerId, batch: &mut Batch) -> Result<(), SendError<()>> {
        self.core.send_batch(OnePeer::open(peer), batch).await
    }

    /// Sends as many messages of a batch to a peer as the peer has room for, and removes them from the batch. Never
    /// waits.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`] or [`SendError::Closed`].
    pub fn try_send_batch_to(&self, peer: PeerId, batch: &mut Batch) -> Result<(), SendError<()>> {
        self.core.try_send_batch(OnePeer::open(peer), batch)
    }

    /// Waits for room for a message to the peer, and reserves it. Cancel safe.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn reserve_to(&self, peer: PeerId) -> Result<Permit<'_>, SendError<()>> {
        Permit::reserve(&self.core, OnePeer::open(peer)).await
    }

    /// Sends a message to the peer with the routing id in the first frame. The peer gets the message without that
    /// frame. If [`mandatory`](crate::Options::mandatory) is off, the call never waits, and drops a message that can't
    /// be sent. Cancel safe.
    ///
    /// # Errors
    /// With the message: [`SendError::Closed`]; [`SendError::NoRecipient`] if no frame follows the routing id; with
    /// `mandatory`, [`SendError::UnknownPeer`] or [`SendError::Timeout`].
    pub async fn send_routed(&self, message: impl IntoMessage) -> Result<(), SendError> {
        let whole = message.into_message();
        let (routing_id, Some(message)) = whole.clone().split_first() else {
            return Err(SendError::NoRecipient(whole));
        };
        let peer = self.find(&routing_id);
        if !self.core.settings().router.mandatory {
            let Some(peer) = peer else {
                self.core.out().unroutable += 1;
                return Ok(());
            };
            return match self.try_send_to(peer, message) {
                Err(SendError::Closed(_)) => Err(SendError::Closed(whole)),
                Err(SendError::Full(_)) => {
                    self.core.out().outboxes.get_mut(peer).into_iter().for_each(|outbox| outbox.lose(1));
                    self.core.warn_of_drops(peer, 1);
                    Ok(())
                }
                Err(_) => {
                    self.core.out().unroutable += 1;
                    Ok(())
                }
                Ok(()) => Ok(()),
            };
        }
        let Some(peer) = peer else { return Err(SendError::UnknownPeer(whole)) };
        self.send_to(peer, message).await.map_err(|error| error.map(|_| whole))
    }

    /// Receives the next message and the id of its peer. Peers are served in rotation. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`] or [`RecvError::Timeout`].
    pub async fn recv(&self) -> Result<(PeerId, Message), RecvError> {
        self.core.recv_in_time(Inbound::pop_message_of).await
    }

    /// Receives the next message, and information about the peer that sent it. Cancel safe.
    ///
    /// # Errors
    /// As of [`recv`](Self::recv).
    pub async fn recv_from(&self) -> Result<(Arc<PeerInfo>, Message), RecvError> {
        self.core.recv_in_time(known_message).await
    }

    /// Receives the next message, with the routing id of the peer before its frames. Cancel safe.
    ///
    /// # Errors
    /// As of [`recv`](Self::recv).
    pub async fn recv_routed(&self) -> Result<Message, RecvError> {
        let (peer, message) = self.recv_from().await?;
        Ok(message.with_first(peer.routing_id.clone()))
    }

    /// Receives the next message and the id of its peer, if a message has arrived. Never waits.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`], or, once all earlier messages are received, [`TryRecvError::Closed`].
    pub fn try_recv(&self) -> Result<(PeerId, Message), TryRecvError> {
        self.core.try_recv_by(Inbound::pop_message_of)
    }

    /// Receives the next messages of a peer, at most `limit`, and the id of the peer. Peers are served in rotation.
    /// Cancel safe.
    ///
    /// The batch is a run of messages that arrived together, or the first messages of the run; with `usize::MAX` it is
    /// the whole run. A limit of 0 counts as 1.
    ///
    /// # Errors
    /// As of [`recv`](Self::recv).
    pub async fn recv_batch(&self, limit: usize) -> Result<(PeerId, Batch), RecvError> {
        self.core.recv_in_time(|inbound| run(inbound, limit)).await.map(batch)
    }

    /// Returns the connected peer with this identity (routing id), or the peer that [`connect_as`](Self::connect_as)
    /// assigned it to.
    #[must_use]
    pub fn find(&self, identity: &[u8]) -> Option<PeerId> {
        self.core.out().routing.find(identity)
    }

    /// Returns the identity (routing id) of a connected peer: its own identity, or a generated identity of five bytes
    /// with a leading zero.
    #[must_use]
    pub fn identity(&self, peer: PeerId) -> Option<Bytes> {
        self.core.out().routing.identity(peer).cloned()
    }

    /// Ends the connection of a peer, if the peer is idle. If messages of the peer have arrived and aren't received, or
    /// arrive before the connection is about to end, the connection goes on.
    ///
    /// A server in an orderly shutdown calls this for each client without requests in flight, and again after each
    /// answer. So all clients are disconnected between two requests.
    ///
    /// Messages queued for the peer are written first. Then the peer sees the end of the stream, and has a second to
    /// close its own half. Messages that the peer sends meanwhile are lost: its connection is then aborted, so that it
    /// notices. A peer that this side connects to is connected to again, unless the socket [has stopped admitting
    /// peers](Self::stop_admitting_peers).
    ///
    /// Returns whether the peer is connected and none of its messages waits to be received.
    pub fn disconnect_idle(&self, peer: PeerId) -> bool {
        self.core.disconnect_idle(peer)
    }

    /// Stops reading from peers. Messages that have been read can still be received, so that a shutdown can answer all
    /// accepted requests.
    pub fn stop_receiving(&self) {
        self.core.stop_receiving();
    }
}
