//! SUB: receives the messages that it has subscribed to.

use bytes::Bytes;
use enfonet_zmtp::SocketType;

use super::common::socket_methods;
use super::receiving::receiving_methods;
use super::xsub::{cancel, subscribe};
use crate::core::SocketHandle;
use crate::options::{ConflateOptions, HasOptions, TopicOptions};
use crate::routing::SubscriptionSet;

/// Receives the messages of all connected publishers whose first frame begins with one of its subscriptions
/// (RFC 29). Partners: [`Pub`](crate::Pub), [`XPub`](crate::XPub).
///
/// | when … | then … |
/// |---|---|
/// | the socket has no subscription | no message arrives; to get all messages, subscribe to the empty topic |
/// | a publisher connects later | the socket sends it all subscriptions |
/// | the inbox of a publisher is at its high-water mark | the socket doesn't read that connection until there is room, so the publisher drops messages when its own queue is full |
///
/// ```
/// use enfonet::{Pub, Sub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let subscriber = Sub::new();
/// let endpoint = subscriber.bind("tcp://127.0.0.1:*").await?;
/// subscriber.subscribe("a");
/// let publisher = Pub::new();
/// publisher.connect(&endpoint)?;
///
/// publisher.wait_subscribers(1).await;
/// publisher.send("b is not for me").await?;
/// publisher.send("a is").await?;
/// assert_eq!(subscriber.recv().await?, "a is");
/// # Ok(())
/// # }
/// ```
///
/// A SUB can't send messages:
///
/// ```compile_fail,E0599
/// # async fn send(subscriber: enfonet::Sub) {
/// subscriber.send("a").await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sub {
    pub(super) core: SocketHandle<SubscriptionSet>,
}

socket_methods!(Sub, |settings| SubscriptionSet::new(&settings.pub_sub));

impl HasOptions<ConflateOptions> for Sub {}
impl HasOptions<TopicOptions> for Sub {}

receiving_methods!(Sub);

impl Sub {
    /// Subscribes to messages that begin with the topic, at all present and future publishers. Subscriptions are
    /// counted: a topic that is subscribed to twice has to be unsubscribed from twice.
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) {
        subscribe(&self.core, Bytes::copy_from_slice(topic.as_ref()));
    }

    /// Removes one subscription to the topic. Messages that have arrived and no longer match a subscription aren't
    /// received.
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) {
        cancel(&self.core, Bytes::copy_from_slice(topic.as_ref()));
    }

    /// Returns the number of topics that the socket has subscribed to. Each topic counts once, however often it was
    /// subscribed to, and even if another topic begins with it.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.core.out().routing.topics()
    }
}
