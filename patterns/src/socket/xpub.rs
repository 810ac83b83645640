//! XPUB: PUB that sees who subscribes.

use enfonet_zmtp::{Batch, Message, SocketType, Subscription};

use super::common::socket_methods;
use super::hub::Owned;
use super::publish::{self, Publication};
use crate::PeerId;
use crate::error::{RecvError, SendError, TrySendError};
use crate::queue::Arrival;
use crate::routing::FanOut;

/// Like [`Pub`](crate::Pub), and receives what comes from the subscribers: which topics are wanted, by
/// anybody at all, and messages that they send (RFC 29). Partners: [`Sub`](crate::Sub), [`XSub`](crate::XSub).
/// When queues are at their mark, it does as [`Pub`](crate::Pub) does.
#[derive(Clone, Debug)]
pub struct XPub {
    pub(super) hub: Owned<FanOut>,
}

/// What an [`XPub`] receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSubscriber {
    /// A topic's first subscriber came, or its last one went: by a cancel, or by its connection's end.
    Subscription {
        /// Whose doing it was.
        peer: PeerId,
        /// What is wanted, or no longer wanted, by the socket's peers as a whole.
        subscription: Subscription,
    },
    /// A message that a subscriber sent.
    Message {
        /// Who.
        peer: PeerId,
        /// Its message.
        message: Message,
    },
}

socket_methods!(XPub, |settings| FanOut::new(settings.subscriptions, settings.subscription_octets));

impl XPub {
    /// Publishes a message. Dropped before it is ready, it may have reached some subscribers and not others.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        publish::send(&self.hub, message.into()).await
    }

    /// Publishes a message without waiting for queues at their mark.
    ///
    /// # Errors
    /// [`TrySendError::Closed`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        publish::try_send(&self.hub, message.into())
    }

    /// Publishes a batch as it came: subscribers share its octets where they want many of its messages.
    /// Dropped before it is ready, it may have reached some subscribers and not others.
    ///
    /// # Errors
    /// [`Closed`](crate::Closed).
    pub async fn send_batch(&self, batch: &Batch) -> Result<(), crate::Closed> {
        publish::publish(&self.hub, Publication::Run(batch)).await
    }

    /// The next subscription or message. Changes of subscriptions come in the order in which they were
    /// made, and before messages. Not receiving them holds up the subscribers that make more. Cancel safe.
    ///
    /// # Errors
    /// [`RecvError::Closed`].
    pub async fn recv(&self) -> Result<FromSubscriber, RecvError> {
        loop {
            let arrival = self.hub.recv(1).await?;
            if let Some(received) = from_subscriber(arrival) {
                return Ok(received);
            }
        }
    }

    /// The next subscription or message, if there is one.
    pub fn try_recv(&self) -> Option<FromSubscriber> {
        std::iter::from_fn(|| self.hub.try_recv(1)).find_map(from_subscriber)
    }

    /// Waits until so many peers have subscribed to something, or the socket is closed. Cancel safe.
    pub async fn wait_subscribers(&self, peers: usize) {
        self.hub.until(|out| (out.routing.subscribers() >= peers || out.closed).then_some(())).await;
    }
}

pub(super) fn from_subscriber(arrival: Arrival) -> Option<FromSubscriber> {
    match arrival {
        Arrival::Subscription(peer, subscription) => {
            Some(FromSubscriber::Subscription { peer, subscription })
        }
        Arrival::Run(peer, mut run) => {
            run.pop_front().map(|message| FromSubscriber::Message { peer, message })
        }
        Arrival::Joined(..) | Arrival::Left(..) => None,
    }
}
