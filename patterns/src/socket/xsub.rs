//! XSUB: a subscriber for brokers.

use bytes::Bytes;
use enfonet_zmtp::{Envelope, IntoMessage, Message, SocketType, Subscription};

use super::common::socket_methods;
use super::receiving::receiving_methods;
use super::sink::sinks;
use crate::core::{SocketCore, SocketHandle};
use crate::error::SendError;
use crate::options::{Narrow, Options};
use crate::routing::{Lost, SubscriptionSet};

/// Subscribes as [`Sub`](crate::Sub) does, for programs that forward the messages: it doesn't check that a received
/// message matches a subscription, and it can send messages to the publishers (RFC 29). Partners: [`Pub`](crate::Pub),
/// [`XPub`](crate::XPub).
///
/// | when … | then … |
/// |---|---|
/// | the socket has no subscription | publishers should send no message |
/// | a publisher connects later | the socket sends it all subscriptions; earlier messages to it are dropped |
/// | the outbox of a publisher is at its high-water mark | messages to it are dropped; subscriptions never are |
/// | the inbox of a publisher is at its high-water mark | the socket doesn't read that connection until there is room |
///
/// ```
/// use enfonet::{XPub, XSub};
/// use enfonet::socket::XPubEvent;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = XPub::new();
/// let subscriber = XSub::new();
/// subscriber.connect(publisher.bind("tcp://127.0.0.1:*").await?)?;
///
/// subscriber.subscribe("a");
/// let XPubEvent::Subscription { peer, .. } = publisher.recv().await? else { panic!("the topic is new") };
/// subscriber.send("a question")?;
/// assert_eq!(publisher.recv().await?, XPubEvent::Message { peer, message: "a question".into() });
/// publisher.send("an answer").await?;
/// assert_eq!(subscriber.recv().await?, "an answer");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct XSub {
    pub(super) core: SocketHandle<SubscriptionSet>,
}

socket_methods!(XSub, |settings| SubscriptionSet::new(&settings.pub_sub));

impl<K: Narrow<XSub>> Options<K> {
    /// Sends every unsubscribe to the publishers, also of topics that are still wanted or never were. The first
    /// unsubscribe of a topic ends all subscriptions of this socket to it at the publisher. Default off: only the last
    /// unsubscribe is sent.
    #[must_use]
    pub fn verbose_unsubscribe(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.pub_sub.verbose_unsubscribe = on;
        self.retyped()
    }
}
receiving_methods!(XSub);
sinks!(XSub, Message, |socket, message| std::future::ready(socket.send(message)));

impl XSub {
    /// Subscribes to messages that begin with the topic, at all present and future publishers. Subscriptions are
    /// counted, as by [`Sub::subscribe`](crate::Sub::subscribe).
    pub fn subscribe(&self, topic: impl Into<Bytes>) {
        subscribe(&self.core, topic.into());
    }

    /// Removes one subscription to the topic.
    pub fn unsubscribe(&self, topic: impl Into<Bytes>) {
        cancel(&self.core, topic.into());
    }

    /// Returns the number of topics that the socket has subscribed to. Each topic counts once, however often it was
    /// subscribed to, and even if another topic begins with it.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.core.out().routing.topics()
    }

    /// Sends a message to every connected publisher that has room. Publishers without room lose it. Never waits.
    ///
    /// A message whose first frame begins with 01 or 00 subscribes to or unsubscribes from the rest of that frame, as
    /// in libzmq, and no other part of the message is sent. Later frames are never interpreted, as in libzmq with
    /// `ONLY_FIRST_SUBSCRIBE`.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub fn send(&self, message: impl IntoMessage) -> Result<(), SendError> {
        let message = message.into_message();
        match Subscription::from_message(&message) {
            Some(Subscription::Subscribe(topic)) => self.subscribe(topic),
            Some(Subscription::Cancel(topic)) => self.unsubscribe(topic),
            None => {
                let mut guard = self.core.out();
                let (out, wakers) = guard.split();
                if out.closed {
                    return Err(SendError::Closed(message));
                }
                let mut lost = Lost::default();
                for (id, outbox) in out.outboxes.iter_mut().filter(|(_, o)| o.is_connected()) {
                    if !outbox.has_room() {
                        lost.add(id, outbox, 1);
                        continue;
                    }
                    outbox.push(&Envelope::none(), &message);
                    wakers.extend(outbox.wake());
                }
                drop(guard);
                self.core.warn_of_drops(lost.peer, lost.messages);
            }
        }
        Ok(())
    }

    /// Ends all connections without a loss, and waits until no publisher is connected. Each publisher sees the end of
    /// the stream. Its connection is read until the publisher closes its own half, or sends nothing for a second: so
    /// all messages arrive that its kernel has taken. [`recv`](Self::recv) returns them, meanwhile and afterwards.
    /// Later messages wait at the publisher for the successor of this socket.
    ///
    /// The socket [has stopped admitting peers](Self::stop_admitting_peers) from now on, and sends publishers no more
    /// subscriptions. Cancel safe, but a begun drain isn't undone. The caller limits the time for which publishers go
    /// on sending, by [`stop_receiving`](Self::stop_receiving) or [`close`](Self::close).
    pub async fn drain(&self) {
        self.core.drain().await;
    }

    /// Stops reading from publishers. Messages that have been read can still be received, so that a shutdown loses no
    /// accepted message.
    pub fn stop_receiving(&self) {
        self.core.stop_receiving();
    }
}

pub(super) fn subscribe(core: &SocketCore<SubscriptionSet>, topic: Bytes) {
    apply(core, &Subscription::Subscribe(topic));
}

pub(super) fn cancel(core: &SocketCore<SubscriptionSet>, topic: Bytes) {
    apply(core, &Subscription::Cancel(topic));
}

fn apply(core: &SocketCore<SubscriptionSet>, subscription: &Subscription) {
    let mut guard = core.out();
    let (out, wakers) = guard.split();
    if out.routing.apply(subscription, &mut out.outboxes) && core.filters() {
        core.inbound().is_doubtful = true;
    }
    wakers.extend(out.outboxes.values_mut().filter_map(|outbox| outbox.wake()));
}
