//! EnfoMQ: publishers → XSUB │ XPUB → subscribers.
//!
//! Runs of messages go from one side to the other as they arrived; one walk over a run finds the subscribers of each
//! message. Subscriptions go the other way: the broker subscribes to a topic when its first subscriber joins, and
//! unsubscribes when its last subscriber leaves. Brokers may form chains and trees. In a circle, messages would go
//! round for ever.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use enfonet::message::Subscription;
use enfonet::monitor::Escaped;
use enfonet::socket::XPubEvent;
use enfonet::{XPub, XSub};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::config::{Config, Endpoints, Side, attach};
use crate::error::StartError;
use crate::tuning::{PUBLISHER_QUEUE_BYTES, SUBSCRIBER_QUEUE_BYTES};

/// A broker that listens. It forwards once it [runs](Self::run).
#[derive(Debug)]
pub struct Broker {
    frontend: XSub,
    backend: XPub,
    endpoints: Endpoints,
    config: Config,
}

/// Counters of a broker, from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages received from publishers.
    pub messages: u64,
    /// Messages that were not sent to their subscribers before the stop ended.
    pub unsent: usize,
}

/// Binds a broker and runs it until `shutdown` is ready. Calls `ready` with the endpoints once the broker listens.
///
/// # Errors
/// [`StartError`] if an endpoint can't be bound or connected to.
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
    /// Binds and connects to all endpoints.
    ///
    /// # Errors
    /// [`StartError`] if an endpoint is in use, or the system rejects it.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        // Queues are bounded in bytes only: the number of messages says little about their memory.
        let options = |side: &Side| {
            let options = side.socket_options(None).send_hwm(0).recv_hwm(0);
            options.send_bytes(SUBSCRIBER_QUEUE_BYTES).recv_bytes(PUBLISHER_QUEUE_BYTES)
        };
        let frontend = XSub::with_options(options(&config.frontend));
        let backend = XPub::with_options(options(&config.backend));
        let endpoints = Endpoints {
            frontend: attach!(frontend, config.frontend),
            backend: attach!(backend, config.backend),
        };
        Ok(Self { frontend, backend, endpoints, config })
    }

    /// Returns the endpoints, with hosts and ports resolved.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Forwards until `shutdown` is ready, then stops.
    ///
    /// A stop half-closes the connection of each publisher, and reads on until the publisher has closed too or sends
    /// nothing more, for at most half of the configured [grace](Config::grace). So messages that the publisher's kernel
    /// has taken are forwarded, and later messages wait for the broker's successor. The rest of the grace is for
    /// sending to subscribers.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Summary {
        self.run_until(shutdown, pending()).await
    }

    /// Does the same as [`run`](Self::run), but when `abort` is ready, it ends a stop in progress at once.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        abort: impl Future<Output = ()>,
    ) -> Summary {
        let (mut abort, stopping) = (pin!(abort), CancellationToken::new());
        let mut messages = 0;
        let (end, is_aborted) = {
            let forwarding = async {
                tokio::select! {
                    () = self.forward_messages(&stopping, &mut messages) => {}
                    () = self.forward_subscriptions() => {}
                }
            };
            let mut forwarding = pin!(forwarding);
            let is_closed = tokio::select! {
                biased;
                () = &mut forwarding => true,
                () = shutdown => false,
            };
            let end = Instant::now() + self.config.stop_time();
            let is_aborted = tokio::select! {
                biased;
                () = &mut abort => true,
                () = forwarding, if !is_closed => false,
                () = self.stop_publishers(end, &stopping) => false,
            };
            (end, is_aborted)
        };
        let linger = if is_aborted { Duration::ZERO } else { end.saturating_duration_since(Instant::now()) };
        let unsent = tokio::select! {
            biased;
            () = abort, if !is_aborted => self.backend.close(Duration::ZERO).await.dropped,
            closing = self.backend.close(linger) => closing.dropped,
        };
        // Messages on their way from publishers that haven't closed are lost.
        let publishers = self.frontend.peers().len();
        self.frontend.close(Duration::ZERO).await;
        if unsent + publishers > 0 {
            warn!(
                unsent,
                publishers,
                "stopped before all was done: messages to subscribers, or of publishers, are lost"
            );
        }
        Summary { messages, unsent }
    }

    /// Reads publishers until all have closed, for at most half of the grace. Then leaves a quarter of the grace for
    /// forwarding their last messages.
    async fn stop_publishers(&self, end: Instant, stopping: &CancellationToken) {
        self.backend.stop_admitting_peers();
        let grace = self.config.stop_time();
        let _ = timeout_at(end - grace / 2, self.frontend.drain()).await;
        self.frontend.stop_receiving();
        stopping.cancel();
        sleep_until(end - grace / 4).await;
    }

    /// Forwards messages until a socket is closed, or, when stopping, until all received messages are in the
    /// subscribers' queues.
    async fn forward_messages(&self, stopping: &CancellationToken, messages: &mut u64) {
        loop {
            let received = tokio::select! {
                biased;
                received = self.frontend.recv_batch(usize::MAX) => received.ok(),
                () = stopping.cancelled() => self.frontend.try_recv_batch(usize::MAX).ok(),
            };
            let Some((_, mut batch)) = received else { return };
            *messages += batch.len() as u64;
            if self.backend.send_batch(&mut batch).await.is_err() {
                return;
            }
        }
    }

    /// Forwards subscriptions, and messages of subscribers, until a socket is closed.
    async fn forward_subscriptions(&self) {
        while let Ok(received) = self.backend.recv().await {
            match received {
                XPubEvent::Subscription { subscription: Subscription::Subscribe(topic), .. } => {
                    debug!(topic = %Escaped(&topic), "first subscriber");
                    self.frontend.subscribe(topic);
                }
                XPubEvent::Subscription { subscription: Subscription::Cancel(topic), .. } => {
                    debug!(topic = %Escaped(&topic), "last subscriber gone");
                    self.frontend.unsubscribe(topic);
                }
                XPubEvent::Message { message, .. } => {
                    if self.frontend.send(message).is_err() {
                        return;
                    }
                }
            }
        }
    }
}
