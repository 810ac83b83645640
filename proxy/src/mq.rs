//! EnfoMQ: publishers → XSUB │ XPUB → subscribers.
//!
//! Runs of messages go from one side to the other as they came; which subscriber gets which is decided by
//! one walk over them. Subscriptions go the other way: a topic is asked for upstream when its first
//! subscriber comes, and taken back when its last one has gone. Brokers can stand behind each other, in
//! chains and trees; in a circle, messages would go round for ever.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use enfonet::{Subscription, XPub, XPubEvent, XSub};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::config::{Config, Endpoints, Side, attach};
use crate::error::StartError;
use crate::tuning::{PUBLISHER_QUEUE_BYTES, SUBSCRIBER_QUEUE_BYTES};

/// A broker that listens, and doesn't forward yet.
#[derive(Debug)]
pub struct Broker {
    frontend: XSub,
    backend: XPub,
    endpoints: Endpoints,
    config: Config,
}

/// Counters of a broker's run.
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
        // A stream of small messages is measured in bytes, not in messages.
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

    /// Where it is.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Forwards until `shutdown` is ready. Then each publisher sees the end of its connection, and is read on until it has
    /// closed too or sends nothing more, for at most half of the configured [grace](Config::grace): what its kernel took
    /// is forwarded, and what it sends later waits for the broker's successor. Subscribers have the rest of the grace.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Summary {
        self.run_until(shutdown, pending()).await
    }

    /// Forwards and stops as [`run`](Self::run) does, but a stop that has begun ends at once when `abort` is ready.
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
        // Publishers that haven't closed: what is on its way from them is lost.
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

    /// Reads publishers until all have closed, for at most half of the time that is left, and has what was read forwarded
    /// for half of the rest.
    async fn stop_publishers(&self, end: Instant, stopping: &CancellationToken) {
        self.backend.refuse_new_peers();
        let grace = self.config.stop_time();
        let _ = timeout_at(end - grace / 2, self.frontend.drain()).await;
        self.frontend.stop_receiving();
        stopping.cancel();
        sleep_until(end - grace / 4).await;
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
                XPubEvent::Subscription { subscription: Subscription::Subscribe(topic), .. } => {
                    debug!(topic = %topic.escape_ascii(), "first subscriber");
                    self.frontend.subscribe(topic);
                }
                XPubEvent::Subscription { subscription: Subscription::Cancel(topic), .. } => {
                    debug!(topic = %topic.escape_ascii(), "last subscriber gone");
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
