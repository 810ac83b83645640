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
use enfonet::{Message, Options, XPub, XSub};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::config::{Config, Endpoints, Side, attach, stop_time};
use crate::error::StartError;
use crate::peers::Peers;
use crate::tuning::{PUBLISHER_QUEUE_BYTES, SUBSCRIBER_QUEUE_BYTES};

/// The sides of a broker, with any number of sockets each. Every message of a frontend goes to every backend.
#[derive(Clone, Debug)]
pub struct Sides {
    /// A socket for publishers each.
    pub frontends: Vec<Side>,
    /// A socket for subscribers each.
    pub backends: Vec<Side>,
    /// Maximum time of a stop, as in [`Config::grace`].
    pub grace: Duration,
}

impl From<Config> for Sides {
    fn from(config: Config) -> Self {
        Self { frontends: vec![config.frontend], backends: vec![config.backend], grace: config.grace }
    }
}

/// A broker that listens. It forwards once it [runs](Self::run).
#[derive(Debug)]
pub struct Broker {
    frontends: Vec<XSub>,
    backends: Vec<XPub>,
    endpoints: Endpoints,
    grace: Duration,
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
    config: impl Into<Sides>,
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
    pub async fn bind(config: impl Into<Sides>) -> Result<Self, StartError> {
        let sides = config.into();
        let mut endpoints = Endpoints::default();
        let (mut frontends, mut backends) = (vec![], vec![]);
        for side in &sides.frontends {
            let frontend = XSub::with_options(options(side));
            endpoints.frontend.extend(attach!(frontend, side));
            frontends.push(frontend);
        }
        for side in &sides.backends {
            let backend = XPub::with_options(options(side));
            endpoints.backend.extend(attach!(backend, side));
            backends.push(backend);
        }
        Ok(Self { frontends, backends, endpoints, grace: stop_time(sides.grace) })
    }

    /// Returns the endpoints, with hosts and ports resolved.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Returns a handle to the broker's peers.
    #[must_use]
    pub fn peers(&self) -> Peers {
        Peers::new(&self.frontends, &self.backends)
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
        let mut messages = vec![0; self.frontends.len()];
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
            let end = Instant::now() + self.grace;
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
            () = abort, if !is_aborted => self.close_backends(Duration::ZERO).await,
            unsent = self.close_backends(linger) => unsent,
        };
        // Messages on their way from publishers that haven't closed are lost.
        let publishers: usize = self.frontends.iter().map(|frontend| frontend.totals().connections).sum();
        join_all(self.frontends.iter().map(|frontend| frontend.close(Duration::ZERO))).await;
        if unsent + publishers > 0 {
            warn!(
                unsent,
                publishers,
                "stopped before all was done: messages to subscribers, or of publishers, are lost"
            );
        }
        Summary { messages: messages.iter().sum(), unsent }
    }

    /// Closes the backends, and returns the number of messages that were not sent.
    async fn close_backends(&self, linger: Duration) -> usize {
        let closings = join_all(self.backends.iter().map(|backend| backend.close(linger))).await;
        closings.iter().map(|closing| closing.dropped).sum()
    }

    /// Reads publishers until all have closed, for at most half of the grace. Then leaves a quarter of the grace for
    /// forwarding their last messages.
    async fn stop_publishers(&self, end: Instant, stopping: &CancellationToken) {
        self.backends.iter().for_each(XPub::stop_admitting_peers);
        let drained = join_all(self.frontends.iter().map(XSub::drain));
        let _ = timeout_at(end - self.grace / 2, drained).await;
        self.frontends.iter().for_each(XSub::stop_receiving);
        stopping.cancel();
        sleep_until(end - self.grace / 4).await;
    }

    /// Forwards messages until a socket is closed, or, when stopping, until all received messages are in the
    /// subscribers' queues. Counts the messages of each frontend.
    async fn forward_messages(&self, stopping: &CancellationToken, messages: &mut [u64]) {
        let frontends = self.frontends.iter().zip(messages);
        join_all(frontends.map(|(frontend, count)| self.forward_from(frontend, stopping, count))).await;
    }

    async fn forward_from(&self, frontend: &XSub, stopping: &CancellationToken, messages: &mut u64) {
        let Some((last, others)) = self.backends.split_last() else { return };
        loop {
            let received = tokio::select! {
                biased;
                received = frontend.recv_batch(usize::MAX) => received.ok(),
                () = stopping.cancelled() => frontend.try_recv_batch(usize::MAX).ok(),
            };
            let Some((_, mut batch)) = received else { return };
            *messages += batch.len() as u64;
            for backend in others {
                if backend.send_batch(&mut batch.clone()).await.is_err() {
                    return;
                }
            }
            if last.send_batch(&mut batch).await.is_err() {
                return;
            }
        }
    }

    /// Forwards subscriptions, and messages of subscribers, until a socket is closed.
    async fn forward_subscriptions(&self) {
        join_all(self.backends.iter().map(|backend| self.subscribe_for(backend))).await;
    }

    /// Forwards the subscriptions and messages from a backend. Each frontend counts the backends with a topic.
    async fn subscribe_for(&self, backend: &XPub) {
        while let Ok(received) = backend.recv().await {
            match received {
                XPubEvent::Subscription { subscription: Subscription::Subscribe(topic), .. } => {
                    debug!(topic = %Escaped(&topic), "first subscriber");
                    self.frontends.iter().for_each(|frontend| frontend.subscribe(topic.clone()));
                }
                XPubEvent::Subscription { subscription: Subscription::Cancel(topic), .. } => {
                    debug!(topic = %Escaped(&topic), "last subscriber gone");
                    self.frontends.iter().for_each(|frontend| frontend.unsubscribe(topic.clone()));
                }
                XPubEvent::Message { message, .. } => {
                    if !self.send_upstream(message) {
                        return;
                    }
                }
            }
        }
    }

    /// Sends a subscriber's message to all publishers. Returns false if a socket is closed.
    fn send_upstream(&self, message: Message) -> bool {
        let Some((last, others)) = self.frontends.split_last() else { return true };
        others.iter().all(|frontend| frontend.send(message.clone()).is_ok()) && last.send(message).is_ok()
    }
}

/// Returns the options of a socket. Queues are bounded in bytes only: the number of messages says little about their
/// memory.
fn options(side: &Side) -> Options {
    let options = side.socket_options(None).send_hwm(0).recv_hwm(0);
    options
        .send_bytes(side.queue_bytes.unwrap_or(SUBSCRIBER_QUEUE_BYTES))
        .recv_bytes(side.queue_bytes.unwrap_or(PUBLISHER_QUEUE_BYTES))
}
