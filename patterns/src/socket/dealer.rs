//! DEALER: sends to and receives from any number of peers, without waiting for replies.

use enfonet_zmtp::{Batch, Envelope, IntoMessage, Message, SocketType};

use super::common::socket_methods;
use super::events::event_methods;
use super::next_peer::sending_methods;
use super::one_peer::OnePeer;
use super::receiving::receiving_methods;
use super::sink::sinks;
use crate::core::{Out, SocketHandle};
use crate::error::SendError;
use crate::options::{ConflateOptions, HasOptions, Narrow, Options, PeerOptions, ProbeOptions};
use crate::peer::PeerId;
use crate::routing::RoundRobin;
use crate::settings::Parting;

/// Sends to its peers in rotation, and receives from its peers in rotation (RFC 28). Frames are passed on unchanged.
/// Partners: [`Rep`](crate::Rep), [`Router`](crate::Router), other dealers.
///
/// | when … | then `send` … |
/// |---|---|
/// | no peer is connected yet | waits |
/// | the outbox of a peer is at its high-water mark | skips the peer |
/// | all outboxes are at their marks | waits |
///
/// For [`Rep`](crate::Rep), begin messages with an empty frame: `["", "request"]`. Messages to an endpoint that this
/// socket connects to wait for the connection.
///
/// ```
/// use enfonet::{Dealer, Rep};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Rep::new();
/// let dealer = Dealer::new();
/// dealer.connect(server.bind("tcp://127.0.0.1:*").await?)?;
///
/// // Any number of requests may be in flight.
/// dealer.send(["", "1"]).await?;
/// dealer.send(["", "2"]).await?;
/// for text in ["1", "2"] {
///     let request = server.recv().await?;
///     assert_eq!(request.message().text(0), text);
///     request.reply("done")?;
/// }
/// assert_eq!(dealer.recv().await?, ["", "done"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Dealer {
    pub(super) core: SocketHandle<RoundRobin>,
}

socket_methods!(Dealer, |_settings| RoundRobin::default());

impl HasOptions<PeerOptions> for Dealer {}
impl HasOptions<ProbeOptions> for Dealer {}
impl HasOptions<ConflateOptions> for Dealer {}

impl<K: Narrow<Dealer>> Options<K> {
    /// Sets a message that this socket receives whenever it loses the connection to a peer that it had connected to
    /// (libzmq's `HICCUP_MSG`). The application may have to send its requests to that peer again. Default none.
    #[must_use]
    pub fn hiccup_message(mut self, message: impl IntoMessage) -> Options<K::Narrowed> {
        self.settings.peer.parting = Some(Parting { message: message.into_message(), of_accepted: false });
        self.retyped()
    }
}
sending_methods!(Dealer);
sinks!(Dealer, Message, |socket, message| socket.send(message));
receiving_methods!(Dealer);
event_methods!(Dealer);

impl Dealer {
    /// Sends to a peer of the caller's choice, with `envelope` before the message. Cancel safe: a call that is dropped
    /// early has sent nothing.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`], [`SendError::Timeout`] or [`SendError::Closed`], with the message.
    pub async fn send_to(
        &self,
        peer: PeerId,
        envelope: &Envelope,
        message: impl IntoMessage,
    ) -> Result<(), SendError> {
        self.core.send(OnePeer::connected(peer).with_envelope(envelope), message).await
    }

    /// Sends to a peer of the caller's choice, if it has room.
    ///
    /// # Errors
    /// [`SendError`], with the message.
    pub fn try_send_to(
        &self,
        peer: PeerId,
        envelope: &Envelope,
        message: impl IntoMessage,
    ) -> Result<(), SendError> {
        self.core.try_send(OnePeer::connected(peer).with_envelope(envelope), message)
    }

    /// Sends all messages of a batch to a peer of the caller's choice, as the peer has room, and removes them from the
    /// batch. Cancel safe: messages that are left in the batch aren't sent.
    ///
    /// # Errors
    /// [`SendError`]; messages that aren't sent stay in the batch.
    pub async fn send_batch_to(&self, peer: PeerId, batch: &mut Batch) -> Result<(), SendError<()>> {
        self.core.send_batch(OnePeer::connected(peer), batch).await
    }

    /// Sends as many messages of a batch to a peer of the caller's choice as the peer has room for, and removes them
    /// from the batch. Never waits.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`] or [`SendError::Closed`].
    pub fn try_send_batch_to(&self, peer: PeerId, batch: &mut Batch) -> Result<(), SendError<()>> {
        self.core.try_send_batch(OnePeer::connected(peer), batch)
    }

    /// Returns the first of these peers that is connected and has room.
    #[must_use]
    pub fn find_room(&self, peers: &[PeerId]) -> Option<PeerId> {
        let out = self.core.out();
        if out.closed {
            return None;
        }
        let has_room = |id: &PeerId| out.outboxes.get(*id).is_some_and(|o| o.is_connected() && o.has_room());
        peers.iter().copied().find(has_room)
    }

    /// Waits until one of these peers has room, or isn't connected any more, and returns it. Cancel safe.
    pub async fn wait_room(&self, peers: &[PeerId]) -> PeerId {
        let look = |out: &mut Out<RoundRobin>| {
            peers
                .iter()
                .copied()
                .find(|id| out.outboxes.get(*id).is_none_or(|o| o.has_room() || !o.is_connected()))
        };
        self.core.until(look).await
    }
}
