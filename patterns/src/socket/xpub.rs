//! XPUB: a publisher that receives the subscriptions.

use enfonet_zmtp::{Batch, IntoMessage, Message, SocketType, Subscription};

use super::common::socket_methods;
use super::one_peer::OnePeer;
use super::publish;
use super::receiving::streams;
use super::sink::sinks;
use crate::core::SocketHandle;
use crate::error::{Closed, RecvError, SendError, TryRecvError};
use crate::options::{HasOptions, Narrow, Options, PublishOptions, TopicOptions};
use crate::peer::PeerId;
use crate::queue::{Arrival, Inbound};
use crate::routing::{FanOut, Subscribers};
use crate::settings::XPubVerbosity;

/// Sends messages as [`Pub`](crate::Pub) does, and receives messages and subscriptions from its subscribers: of each
/// topic the first subscription, and the end of the last (RFC 29). For brokers, and for publishers that have to know
/// their subscribers. Partners: [`Sub`](crate::Sub), [`XSub`](crate::XSub).
///
/// | when … | then a message … |
/// |---|---|
/// | no subscription matches it | is dropped |
/// | the outbox of a subscriber is at its high-water mark, and the connection is writing | waits a moment (`send`), or is dropped for the subscriber (`try_send`) |
/// | the outbox is at its mark, and the subscriber doesn't read | is dropped for the subscriber; other subscribers get it |
/// | a subscriber has no room, with [`nodrop`](crate::Options::nodrop) | waits until all have room (`send`), or is returned (`try_send`): all subscribers get it, or none |
/// | it is for one peer, and the outbox of the peer is at its mark | waits (`send_to`), or is returned (`try_send_to`) |
///
/// ```
/// use enfonet::{Sub, XPub};
/// use enfonet::message::Subscription;
/// use enfonet::socket::XPubEvent;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = XPub::builder().verbose(true).build();
/// let endpoint = publisher.bind("tcp://127.0.0.1:*").await?;
/// let subscriber = Sub::new();
/// subscriber.subscribe("weather.");
/// subscriber.connect(&endpoint)?;
///
/// // A new subscriber gets the last value at once; others have had it.
/// if let XPubEvent::Subscription { peer, subscription: Subscription::Subscribe(topic) } = publisher.recv().await? {
///     assert_eq!(topic, "weather.");
///     publisher.send_to(peer, ["weather.lisbon", "21.5"]).await?;
/// }
/// assert_eq!(subscriber.recv().await?, ["weather.lisbon", "21.5"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct XPub {
    pub(super) core: SocketHandle<FanOut>,
}

/// An item that an [`XPub`] receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XPubEvent {
    /// The first subscription to a topic, or the end of the last subscription, by a cancel or by the connection's end.
    /// Other changes are reported with [`verbose`](crate::Options::verbose), [`verboser`](crate::Options::verboser) and
    /// [`manual`](crate::Options::manual).
    Subscription {
        /// Id of the subscriber.
        peer: PeerId,
        /// The subscription or cancel.
        subscription: Subscription,
    },
    /// A message that a subscriber sent.
    Message {
        /// Id of the subscriber.
        peer: PeerId,
        /// Its message.
        message: Message,
    },
}

socket_methods!(XPub, |settings| FanOut::new(&settings.pub_sub));

impl HasOptions<PublishOptions> for XPub {}
impl HasOptions<TopicOptions> for XPub {}

impl<K: Narrow<XPub>> Options<K> {
    /// Sets a message that each subscriber gets first when it connects, whatever its subscriptions are. A SUB delivers
    /// the message only if it has subscribed to its topic. Default none.
    #[must_use]
    pub fn welcome(mut self, message: impl IntoMessage) -> Options<K::Narrowed> {
        self.settings.peer.hello = Some(message.into_message());
        self.retyped()
    }

    /// Reports every subscribe of every peer to the application, not just the first to a topic. A subscriber still gets
    /// each message once. Default off. If both this and [`verboser`](Self::verboser) are set, the last setting counts.
    #[must_use]
    pub fn verbose(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.pub_sub.xpub_verbosity =
            if on { XPubVerbosity::Subscribes } else { XPubVerbosity::Changes };
        self.retyped()
    }

    /// Reports every subscribe and every cancel of every peer to the application. When a peer disconnects, a cancel for
    /// each of its topics is reported. Default off.
    #[must_use]
    pub fn verboser(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.pub_sub.xpub_verbosity = if on { XPubVerbosity::All } else { XPubVerbosity::Changes };
        self.retyped()
    }

    /// Leaves the subscriptions in force to the application: every change that a subscriber requests is only reported,
    /// and [`XPub::subscribe`] and [`XPub::unsubscribe`] decide. When a peer disconnects, a cancel is reported for each
    /// topic that it had requested, and its granted topics are revoked. Default off.
    #[must_use]
    pub fn manual(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.pub_sub.manual = on;
        self.retyped()
    }
}
streams!(XPub, XPubEvent);
sinks!(XPub, Message, |socket, message| socket.send(message));

impl XPub {
    /// Publishes a message. If the call is dropped early, some subscribers may have the message; with
    /// [`nodrop`](crate::Options::nodrop) none has.
    ///
    /// # Errors
    /// [`SendError::Closed`], or [`SendError::Timeout`] with [`nodrop`](crate::Options::nodrop).
    pub async fn send(&self, message: impl IntoMessage) -> Result<(), SendError> {
        publish::send(&self.core, message).await
    }

    /// Publishes a message without waiting for queues at their high-water mark.
    ///
    /// # Errors
    /// [`SendError::Closed`], or [`SendError::Full`] with [`nodrop`](crate::Options::nodrop).
    pub fn try_send(&self, message: impl IntoMessage) -> Result<(), SendError> {
        publish::try_send(&self.core, message)
    }

    /// Publishes all messages of a batch, and takes them off the batch. Subscribers that want many of its messages share
    /// its bytes. If the call is dropped early, some subscribers may have messages that others haven't. With
    /// [`nodrop`](crate::Options::nodrop), all subscribers get the messages that are taken off, and none the rest.
    ///
    /// # Errors
    /// [`SendError::Closed`], or [`SendError::Timeout`] with [`nodrop`](crate::Options::nodrop). Messages that weren't
    /// sent stay in the batch.
    pub async fn send_batch(&self, batch: &mut Batch) -> Result<(), SendError<()>> {
        publish::send_batch(&self.core, batch).await
    }

    /// Publishes a batch without waiting for queues at their high-water mark, and takes the messages off the batch.
    /// With [`nodrop`](crate::Options::nodrop), the messages from the first without room stay in the batch.
    ///
    /// # Errors
    /// [`Closed`].
    pub fn try_send_batch(&self, batch: &mut Batch) -> Result<(), Closed> {
        publish::try_send_batch(&self.core, batch)
    }

    /// Sends a message to one peer, whatever it has subscribed to, as soon as the peer has room: for instance the last
    /// value to a new subscriber. A [`Sub`](crate::Sub) drops a message that it hasn't subscribed to. Cancel safe: a
    /// call that is dropped early has sent nothing.
    ///
    /// # Errors
    /// [`SendError::UnknownPeer`], [`SendError::Timeout`] or [`SendError::Closed`], with the message.
    pub async fn send_to(&self, peer: PeerId, message: impl IntoMessage) -> Result<(), SendError> {
        self.core.send(OnePeer::connected(peer), message).await
    }

    /// Sends a message to one peer, whatever it has subscribed to, if the peer has room.
    ///
    /// # Errors
    /// [`SendError`], with the message.
    pub fn try_send_to(&self, peer: PeerId, message: impl IntoMessage) -> Result<(), SendError> {
        self.core.try_send(OnePeer::connected(peer), message)
    }

    /// Grants a topic to a peer, as if it had subscribed: for an application that decides the subscriptions itself
    /// ([`manual`](crate::Options::manual)). Does nothing if the peer isn't connected any more.
    pub fn subscribe(&self, peer: PeerId, topic: impl AsRef<[u8]>) {
        // Read before the lock is taken: it is the caller's code.
        let topic = topic.as_ref();
        self.decide(peer, |subscribers| subscribers.grant(peer, topic));
    }

    /// Revokes a topic from a peer: exactly this topic, not other topics that begin with it.
    pub fn unsubscribe(&self, peer: PeerId, topic: impl AsRef<[u8]>) {
        let topic = topic.as_ref();
        self.decide(peer, |subscribers| subscribers.revoke(peer, topic));
    }

    fn decide(&self, peer: PeerId, decision: impl FnOnce(&mut Subscribers)) {
        let mut out = self.core.out();
        if out.outboxes.contains_key(peer) {
            decision(&mut out.routing.subscribers);
            out.changed();
        }
    }

    /// Receives the next subscription or message. Changes of subscriptions keep their order, and come before messages.
    /// While many changes wait, the subscribers that could send more aren't read. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`], after everything that arrived before, or [`RecvError::Timeout`].
    pub async fn recv(&self) -> Result<XPubEvent, RecvError> {
        self.core.recv_in_time(next).await
    }

    /// Receives the next subscription or message, if either has arrived. Never waits.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`], or, once all earlier messages are received, [`TryRecvError::Closed`].
    pub fn try_recv(&self) -> Result<XPubEvent, TryRecvError> {
        self.core.try_recv_by(next)
    }

    /// Waits until at least `peers` peers have a subscription, or the socket is closed. Cancel safe.
    pub async fn wait_subscribers(&self, peers: usize) {
        self.core.until(|out| (out.routing.subscribers.len() >= peers || out.closed).then_some(())).await;
    }

    /// Returns the number of topics that are granted to subscribers. Each topic counts once, even if another topic
    /// begins with it.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.core.out().routing.subscribers.topics()
    }
}

/// Pops the next subscription or message.
pub(super) fn next(inbound: &mut Inbound) -> Option<XPubEvent> {
    loop {
        if let Some(received) = to_event(inbound.pop_one()?) {
            return Some(received);
        }
    }
}

fn to_event(arrival: Arrival<Message>) -> Option<XPubEvent> {
    match arrival {
        Arrival::Subscription(peer, subscription) => Some(XPubEvent::Subscription { peer, subscription }),
        Arrival::Messages(peer, message) => Some(XPubEvent::Message { peer, message }),
        Arrival::Joined(..) | Arrival::Left(..) => None,
    }
}
