//! EnfoMQ: publishers → XSUB │ XPUB → subscribers.
//!
//! Runs of messages go from one side to the other as they came; which subscriber gets which is decided by
//! one walk over them. Subscriptions go the other way: a topic is asked for upstream when its first
//! subscriber comes, and taken back when its last one has gone. Brokers can stand behind each other, in
//! chains and trees; in a circle, messages would go round for ever.

use enfonet_patterns::{FromSubscriber, Subscription, XPub, XSub};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::config::attach;
use crate::{Config, Endpoints, Side, StartError};

/// Octets that may wait for one subscriber. Beyond, it loses messages, whole ones.
const SUBSCRIBER_QUEUE: usize = 16 << 20;
/// Octets of one publisher that may wait for the broker. Beyond, the publisher isn't read for a while.
const PUBLISHER_QUEUE: usize = 4 << 20;

/// A broker that listens, and doesn't forward yet.
#[derive(Debug)]
pub struct Broker {
    frontend: XSub,
    backend: XPub,
    endpoints: Endpoints,
    config: Config,
}

/// What a broker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages received from publishers.
    pub messages: u64,
    /// Messages that subscribers were still to get when time was up.
    pub unsent: usize,
}

/// Binds a broker and runs it until `shutdown` is ready; `ready` is told the endpoints when it listens.
///
/// # Errors
/// [`StartError`]: it couldn't be bound.
pub async fn run(
    config: Config,
    ready: impl FnOnce(&Endpoints),
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, StartError> {
    let broker = Broker::bind(config).await?;
    ready(broker.endpoints());
    Ok(broker.run(shutdown).await)
}

impl Broker {
    /// Listens at, and connects to, all endpoints.
    ///
    /// # Errors
    /// [`StartError`]: an endpoint is in use, or refused by the system.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        // A stream of small messages is measured in octets, not in messages.
        let options = |side: &Side| {
            let options = side.socket_options().send_hwm(0).recv_hwm(0);
            options.send_octets(SUBSCRIBER_QUEUE).recv_octets(PUBLISHER_QUEUE)
        };
        let frontend = XSub::with_options(options(&config.frontend));
        let backend = XPub::with_options(options(&config.backend));
        let endpoints = Endpoints {
            frontend: attach!(frontend, config.frontend),
            backend: attach!(backend, config.backend),
        };
        Ok(Self { frontend, backend, endpoints, config })
    }

    /// Where it is.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Forwards until `shutdown` is ready. Then publishers are read no more, and what was read is sent, for
    /// at most the configured grace.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Summary {
        let stopping = CancellationToken::new();
        let mut messages = 0;
        {
            let (down, up) = (self.forward_messages(&stopping, &mut messages), self.forward_subscriptions());
            let stop = async {
                shutdown.await;
                self.frontend.stop_receiving();
                stopping.cancel();
                tokio::time::sleep(self.config.grace / 2).await;
            };
            tokio::select! {
                () = down => {}
                () = up => {}
                () = stop => {}
            }
        }
        let linger = self.config.grace / 2;
        let unsent = self.backend.close(linger).await.dropped;
        self.frontend.close(std::time::Duration::ZERO).await;
        Summary { messages, unsent }
    }

    /// Ends when stopping, once all that was read is in the subscribers' queues.
    async fn forward_messages(&self, stopping: &CancellationToken, messages: &mut u64) {
        loop {
            let received = tokio::select! {
                biased;
                received = self.frontend.recv_batch() => received.ok(),
                () = stopping.cancelled() => self.frontend.try_recv_batch(),
            };
            let Some((_, batch)) = received else { return };
            *messages += batch.len() as u64;
            if self.backend.send_batch(&batch).await.is_err() {
                return;
            }
        }
    }

    async fn forward_subscriptions(&self) {
        while let Ok(received) = self.backend.recv().await {
            match received {
                FromSubscriber::Subscription { subscription: Subscription::Subscribe(topic), .. } => {
                    debug!(topic = %topic.escape_ascii(), "first subscriber");
                    self.frontend.subscribe(topic);
                }
                FromSubscriber::Subscription { subscription: Subscription::Cancel(topic), .. } => {
                    debug!(topic = %topic.escape_ascii(), "last subscriber gone");
                    self.frontend.unsubscribe(topic);
                }
                FromSubscriber::Message { message, .. } => {
                    if self.frontend.send(message).is_err() {
                        return;
                    }
                }
            }
        }
    }
}
