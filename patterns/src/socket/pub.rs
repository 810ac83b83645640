//! PUB: sends to all subscribers.

use enfonet_zmtp::{Batch, IntoMessage, Message, SocketType};

use super::common::socket_methods;
use super::publish;
use super::sink::sinks;
use crate::core::SocketHandle;
use crate::error::{Closed, SendError};
use crate::options::{ConflateOptions, HasOptions, PublishOptions, TopicOptions};
use crate::routing::FanOut;

/// Sends each message to all subscribers with a matching subscription: the first frame of the message begins with the
/// topic (RFC 29). Partners: [`Sub`](crate::Sub), [`XSub`](crate::XSub).
///
/// | when … | then a message … |
/// |---|---|
/// | no subscription matches it | is dropped |
/// | the outbox of a subscriber is at its high-water mark, and the connection is writing | waits a moment (`send`), or is dropped for the subscriber (`try_send`) |
/// | the outbox is at its mark, and the subscriber doesn't read | is dropped for the subscriber; other subscribers get it |
/// | a subscriber has no room, with [`nodrop`](crate::Options::nodrop) | waits until all have room (`send`), or is returned (`try_send`): all subscribers get it, or none |
///
/// ```
/// use enfonet::{Pub, Sub};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = Pub::new();
/// let endpoint = publisher.bind("tcp://127.0.0.1:*").await?;
/// let subscriber = Sub::new();
/// subscriber.subscribe("weather.");
/// subscriber.connect(&endpoint)?;
///
/// publisher.wait_subscribers(1).await;
/// publisher.send(["weather.lisbon", "21.5"]).await?;
/// assert_eq!(subscriber.recv().await?, ["weather.lisbon", "21.5"]);
/// # publisher.close(std::time::Duration::ZERO).await;
/// # Ok(())
/// # }
/// ```
///
/// A PUB has no `recv`. It receives subscriptions only:
///
/// ```compile_fail,E0599
/// # async fn receive(publisher: enfonet::Pub) {
/// publisher.recv().await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pub {
    pub(super) core: SocketHandle<FanOut>,
}

socket_methods!(Pub, |settings| FanOut::new(&settings.pub_sub));

impl HasOptions<ConflateOptions> for Pub {}
impl HasOptions<PublishOptions> for Pub {}
impl HasOptions<TopicOptions> for Pub {}

sinks!(Pub, Message, |socket, message| socket.send(message));

impl Pub {
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

    /// Waits until at least `peers` peers have a subscription, or the socket is closed. Cancel safe.
    pub async fn wait_subscribers(&self, peers: usize) {
        self.core.until(|out| (out.routing.subscribers.len() >= peers || out.closed).then_some(())).await;
    }

    /// Returns the number of topics that peers have subscribed to. Each topic counts once, even if another topic begins
    /// with it.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.core.out().routing.subscribers.topics()
    }
}
