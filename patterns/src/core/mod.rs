//! The core of every socket: queues to and from its peers, a routing policy between, and the tasks that listen and
//! connect.
//!
//! Two locks, each held for a few instructions and never across a system call: `out` for outgoing messages, `inbound`
//! for arrivals. Where both are needed, `out` comes first.

mod attach;
mod close;
mod detach;
mod endpoints;
mod handle;
mod out;
mod recv;
mod send;
mod session;
mod status;
mod write_ahead_pacer;
mod yield_budget;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{self, Poll};
use std::time::Duration;

use enfonet_zmtp::{Batch, SocketType};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use endpoints::Endpoints;
pub(crate) use endpoints::Role;
pub(crate) use handle::SocketHandle;
pub(crate) use out::{Out, OutGuard};
pub(crate) use send::{BatchTarget, PeerTarget, Target};
use write_ahead_pacer::WriteAheadPacer;
use yield_budget::YieldBudget;

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::log_limiter::LogLimiter;
use crate::monitor::{EventCounters, Monitors};
use crate::queue::{Inbound, InboundConfig, Joins};
use crate::routing::Routing;
use crate::settings::Settings;

pub(crate) struct SocketCore<R> {
    /// Number of the user's handles of the socket.
    owners: AtomicUsize,
    kind: SocketType,
    settings: Settings,
    /// Space of the `inproc://` names that the socket sees.
    context: Context,
    /// Messages that each peer is sent first.
    greeting: Batch,
    out: Mutex<Out<R>>,
    inbound: Mutex<Inbound>,
    /// Notifies all waiting tasks when a queue has room, a peer came or went, or the socket closed, so that they try
    /// again.
    changes: Notify,
    endpoints: Mutex<Endpoints>,
    /// The endpoint that was bound or connected last.
    last_endpoint: Mutex<Option<Endpoint>>,
    monitors: Monitors,
    counters: EventCounters,
    /// Limiter of the log lines about messages that peers lose.
    drops: LogLimiter,
    send_budget: YieldBudget,
    pacer: WriteAheadPacer,
    recv_budget: YieldBudget,
    tasks: TaskTracker,
    /// Runtime of the first task, and so of all.
    runtime: OnceLock<Handle>,
    /// Cancelled when the socket closes: listeners end at once, connections when all is written.
    closing: CancellationToken,
    /// Cancelled when all tasks have to end at once.
    abort: CancellationToken,
}

impl<R> fmt::Debug for SocketCore<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("type", &self.kind).finish_non_exhaustive()
    }
}

impl<R: Routing> SocketCore<R> {
    pub(crate) fn new(kind: SocketType, settings: Settings, context: Context, routing: R) -> Arc<Self> {
        let out = Out::new(routing, settings.queue.send_limit);
        let inbound = Inbound::new(InboundConfig {
            limit: settings.queue.recv_limit,
            joins: if settings.peer.reports_events { Joins::Reported } else { Joins::Silent },
            conflates: settings.queue.conflate,
        });
        Arc::new(Self {
            owners: AtomicUsize::new(1),
            kind,
            greeting: settings.peer.greeting(),
            settings,
            context,
            out: Mutex::new(out),
            inbound: Mutex::new(inbound),
            changes: Notify::new(),
            endpoints: Mutex::default(),
            last_endpoint: Mutex::default(),
            monitors: Monitors::default(),
            counters: EventCounters::default(),
            drops: LogLimiter::default(),
            send_budget: YieldBudget::default(),
            pacer: WriteAheadPacer::default(),
            recv_budget: YieldBudget::default(),
            tasks: TaskTracker::new(),
            runtime: OnceLock::new(),
            closing: CancellationToken::new(),
            abort: CancellationToken::new(),
        })
    }

    /// Locks the outgoing side. Tasks that are to be woken are woken when the lock is released.
    #[inline]
    pub(crate) fn out(&self) -> OutGuard<'_, R> {
        OutGuard::new(self.out.lock().expect("no panic holds the lock"), &self.changes)
    }

    pub(crate) fn inbound(&self) -> MutexGuard<'_, Inbound> {
        self.inbound.lock().expect("no panic holds the lock")
    }

    /// Returns whether the socket receives only messages that it has subscribed to, whatever its publishers send.
    pub(crate) fn filters(&self) -> bool {
        self.kind == SocketType::Sub
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Calls `attempt` until it returns a value: at once, and whenever room or peers have changed. Cancel safe if the
    /// attempt is.
    pub(crate) async fn try_until<T>(&self, mut attempt: impl FnMut() -> Option<T>) -> T {
        loop {
            let changed = self.changes.notified();
            if let Some(outcome) = attempt() {
                return outcome;
            }
            changed.await;
        }
    }

    /// Waits as [`try_until`](Self::try_until) does, with an `attempt` that is given the outgoing side.
    pub(crate) async fn until<T>(&self, mut attempt: impl FnMut(&mut Out<R>) -> Option<T>) -> T {
        self.try_until(|| attempt(&mut self.out())).await
    }

    pub(crate) async fn wait_connected(&self, peers: usize) {
        self.until(|out| (out.connected.len() >= peers || out.closed).then_some(())).await;
    }

    /// Returns a future that completes when room or peers have [changed](OutGuard::changed) from now on.
    pub(crate) fn changes(&self) -> Notified<'_> {
        self.changes.notified()
    }

    /// Changes the send high-water mark of all queues.
    pub(crate) fn set_send_hwm(&self, messages: u64) {
        let mut out = self.out();
        out.limit.messages = messages;
        let limit = out.limit;
        let Out { outboxes, routing, .. } = &mut *out;
        for (id, outbox) in outboxes {
            outbox.set_limit(limit);
            routing.room(id);
        }
        out.changed();
    }

    /// Changes the receive high-water mark of all queues.
    pub(crate) fn set_recv_hwm(&self, messages: u64) {
        self.inbound().set_hwm(messages);
    }

    pub(crate) fn stop_receiving(&self) {
        self.inbound().stop();
    }
}

#[cfg(test)]
impl<R: Routing> SocketCore<R> {
    /// Creates a core with the default settings, in a context of its own.
    pub(crate) fn with_defaults(kind: SocketType, routing: R) -> Arc<Self> {
        Self::new(kind, Settings::default(), Context::default(), routing)
    }
}

/// Returns a future that polls `future` by a call of its own: the code of `future` doesn't slow down a caller that
/// hardly ever gets to it.
pub(crate) fn out_of_line<F: Future>(mut future: Pin<&mut F>) -> impl Future<Output = F::Output> {
    #[inline(never)]
    fn poll<F: Future>(future: Pin<&mut F>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        future.poll(cx)
    }
    poll_fn(move |cx| poll(future.as_mut(), cx))
}

/// Returns the output of `future`, or `None` if `limit` passes first.
pub(crate) async fn with_timeout<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}
