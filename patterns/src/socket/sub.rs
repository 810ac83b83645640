//! SUB: receives what it has subscribed to.

use std::sync::Arc;

use bytes::Bytes;
use enfonet_zmtp::{Batch, Message, SocketType};

use super::common::socket_methods;
use super::hub::Owned;
use super::receiving::{known_message, run, streams};
use super::xsub::{cancel, subscribe};
use crate::error::RecvError;
use crate::queue::Inbound;
use crate::routing::Upstream;
use crate::{PeerId, PeerInfo};

/// Receives the messages of all connected publishers whose first frame begins with one of its subscriptions
/// (RFC 29). Partners: [`Pub`](crate::Pub), [`XPub`](crate::XPub).
///
/// | when … | then … |
/// |---|---|
/// | it has subscribed to nothing | nothing comes; the empty topic stands for all messages |
/// | a publisher isn't there, or not yet | it is told all subscriptions when it comes |
/// | the queue of a publisher is at its mark | that connection isn't read until there is room: then the queue at the publisher fills, and messages are dropped there, whole |
///
/// ```
/// use enfonet_patterns::{Pub, Sub};
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
/// assert_eq!(subscriber.recv().await?, "a is".into());
/// # Ok(())
/// # }
/// ```
///
/// It sends nothing but subscriptions:
///
/// ```compile_fail,E0599
/// # async fn send(subscriber: enfonet_patterns::Sub) {
/// subscriber.send("a").await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sub {
    pub(super) hub: Owned<Upstream>,
}

socket_methods!(Sub, |settings| Upstream::new(&settings));
streams!(Sub, Message, |socket| async move { socket.next_message().await });

impl Sub {
    /// Asks all publishers, now and later, for messages that begin with the topic. A topic may be subscribed
    /// to more than once: it is wanted until it has been unsubscribed from as often.
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) {
        subscribe(&self.hub, Bytes::copy_from_slice(topic.as_ref()));
    }

    /// Takes one subscription to the topic back.
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) {
        cancel(&self.hub, Bytes::copy_from_slice(topic.as_ref()));
    }

    /// How many topics it has subscribed to: each counts once, however often, and also where another begins with it.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.hub.out().routing.topics()
    }

    /// The next message, of each publisher in turn. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`], when all that came before is received, or [`RecvError::Timeout`].
    pub async fn recv(&self) -> Result<Message, RecvError> {
        self.hub.in_recv_time(self.next_message()).await
    }

    /// The next message, and what is known of the publisher. Cancel safe.
    ///
    /// # Errors
    /// As of [`recv`](Self::recv).
    pub async fn recv_from(&self) -> Result<(Arc<PeerInfo>, Message), RecvError> {
        let next = async {
            loop {
                let (peer, message) = self.hub.recv_by(known_message).await?;
                if self.wants(&message) {
                    return Ok((peer, message));
                }
            }
        };
        self.hub.in_recv_time(next).await
    }

    pub(super) async fn next_message(&self) -> Result<Message, RecvError> {
        loop {
            let message = self.hub.recv_by(Inbound::pop_message).await?;
            if self.wants(&message) {
                return Ok(message);
            }
        }
    }

    /// The next message, if there is one.
    pub fn try_recv(&self) -> Option<Message> {
        std::iter::from_fn(|| self.hub.try_recv_by(Inbound::pop_message)).find(|m| self.wants(m))
    }

    /// The next messages of one publisher, as they came, and whose they are; of each publisher in turn. Cancel safe.
    ///
    /// # Errors
    /// As of [`recv`](Self::recv).
    pub async fn recv_batch(&self) -> Result<(PeerId, Batch), RecvError> {
        let next = async {
            loop {
                let (peer, all) = self.hub.recv_by(run).await?;
                let wanted = self.only_wanted(all);
                if !wanted.is_empty() {
                    return Ok((peer, wanted));
                }
            }
        };
        self.hub.in_recv_time(next).await
    }

    /// The next messages of one publisher, if there are any.
    pub fn try_recv_batch(&self) -> Option<(PeerId, Batch)> {
        let runs = std::iter::from_fn(|| self.hub.try_recv_by(run));
        runs.map(|(peer, all)| (peer, self.only_wanted(all))).find(|(_, wanted)| !wanted.is_empty())
    }

    /// What has arrived may have been unsubscribed from since, and a publisher may send what it likes.
    fn wants(&self, message: &Message) -> bool {
        self.hub.out().routing.wants(message.first())
    }

    fn only_wanted(&self, run: Batch) -> Batch {
        let out = self.hub.out();
        if out.routing.wants_all()
            || (run.wire().is_some() && run.spans().all(|s| out.routing.wants(s.first)))
        {
            return run;
        }
        run.into_iter().filter(|message| out.routing.wants(message.first())).collect()
    }
}
