//! Life of a socket: bind, connect, unbind and disconnect, close.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, Weak};
use std::time::Duration;

use enfonet_zmtp::SocketType;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use super::SocketCore;
use super::endpoints::{Attachment, Endpoints, Role};
use crate::close_summary::CloseSummary;
use crate::connection;
use crate::connection::Connector;
use crate::context::{Bound, Context, Member};
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, Closed, ConnectError};
use crate::monitor::MonitorEvent;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::Outbox;
use crate::routing::Routing;
use crate::session::{Session, ShutdownTokens};
use crate::settings::Settings;
use crate::transport::Listener;

/// Time that an earlier connection to an endpoint has to end before the next is tried. A healthy peer closes sooner,
/// and a dead peer mustn't keep the socket from the peer's successor for the whole linger.
const MAX_DEPARTURE_WAIT: Duration = Duration::from_secs(1);

impl<R: Routing> SocketCore<R> {
    /// Returns new tokens for the end of an endpoint's connections.
    fn tokens(&self) -> ShutdownTokens {
        let ending = self.closing.child_token();
        ShutdownTokens { admitting: ending.child_token(), ending, abort: self.abort.child_token() }
    }

    pub(crate) async fn bind(self: &Arc<Self>, endpoint: Endpoint) -> Result<Endpoint, BindError> {
        let outcome = self.bind_to(endpoint.clone()).await;
        if let Err(error) = &outcome {
            self.monitors.emit(|| MonitorEvent::BindFailed { endpoint, error: error.clone() });
        }
        outcome
    }

    async fn bind_to(self: &Arc<Self>, endpoint: Endpoint) -> Result<Endpoint, BindError> {
        if self.closing.is_cancelled() {
            return Err(Closed.into());
        }
        self.runtime.get_or_init(Handle::current);
        let (listener, resolved) = match &endpoint {
            Endpoint::Inproc(_) => (None, endpoint),
            _ => {
                let (listener, resolved) = Listener::bind(&endpoint, &self.settings.transport).await?;
                (Some(Arc::new(listener)), resolved)
            }
        };
        self.attach_bound(listener, &resolved)?;
        self.note_last(resolved.clone());
        Ok(resolved)
    }

    /// Begins to accept at an endpoint. An inproc endpoint has no listener: it is bound here.
    fn attach_bound(
        self: &Arc<Self>,
        listener: Option<Arc<Listener>>,
        endpoint: &Endpoint,
    ) -> Result<(), BindError> {
        let mut endpoints = self.endpoints();
        // A socket that closes looks for listeners once, under this lock.
        if self.closing.is_cancelled() {
            return Err(Closed.into());
        }
        let tokens = self.tokens();
        if let Endpoint::Inproc(name) = endpoint {
            let bound = Bound { session: self.clone(), tokens: tokens.clone() };
            if !self.context.bind(name, bound) {
                return Err(BindError::InUse(endpoint.clone()));
            }
        }
        self.monitors.emit(|| MonitorEvent::Listening { endpoint: endpoint.clone() });
        let weak = listener.as_ref().map(Arc::downgrade).unwrap_or_default();
        let task = if let Some(listener) = listener {
            let (session, tasks) = (self.clone(), self.tasks.clone());
            self.tasks.spawn(connection::listen(listener, endpoint.clone(), session, tasks, tokens.clone()))
        } else {
            self.tasks.spawn(self.clone().until_unbound(endpoint.clone(), tokens.admitting.clone()))
        };
        let attachment = Attachment { tokens, listener: weak, queue: None, task, ended: None };
        endpoints.attach(Role::Bound, endpoint.clone(), attachment);
        Ok(())
    }

    /// Waits until an inproc endpoint is unbound, and reports that to the monitors.
    async fn until_unbound(self: Arc<Self>, endpoint: Endpoint, admitting: CancellationToken) {
        admitting.cancelled().await;
        self.monitors.emit(|| MonitorEvent::Closed { endpoint });
    }

    pub(crate) fn connect(self: &Arc<Self>, endpoint: Endpoint) -> Result<(), ConnectError> {
        self.connect_as(endpoint, || Ok(self.keeps_queue().then(|| self.open())))
    }

    /// Connects, with the queue that `open` returns: messages may be pushed into it from then on.
    pub(crate) fn connect_as(
        self: &Arc<Self>,
        endpoint: Endpoint,
        open: impl FnOnce() -> Result<Option<PeerId>, ConnectError>,
    ) -> Result<(), ConnectError> {
        if endpoint.is_wildcard() {
            return Err(EndpointError::wildcard(&endpoint).into());
        }
        if self.closing.is_cancelled() {
            return Err(Closed.into());
        }
        // Panics without a runtime: here, where no lock is held.
        let runtime = Handle::current();
        self.runtime.get_or_init(|| runtime.clone());
        let mut endpoints = self.endpoints();
        if self.connects_once() && endpoints.is_connected(&endpoint) {
            return Ok(());
        }
        let queue = open()?;
        let tokens = self.tokens();
        let connector = Connector::new(self.clone(), endpoint.clone(), queue, tokens.clone());
        let ended = CancellationToken::new();
        let before = if self.is_alone_at_peers() { endpoints.departing(&endpoint) } else { Vec::new() };
        let guard = ended.clone().drop_guard();
        let connected =
            self.clone().keep_connected(endpoint.clone(), connector, tokens.abort.clone(), before, guard);
        let task = self.tasks.spawn_on(connected, &runtime);
        let attachment = Attachment { tokens, listener: Weak::new(), queue, task, ended: Some(ended) };
        endpoints.attach(Role::Connected, endpoint.clone(), attachment);
        drop(endpoints);
        self.note_last(endpoint);
        Ok(())
    }

    /// Connects once the connections in `before` have ended, or have had time to.
    async fn keep_connected(
        self: Arc<Self>,
        endpoint: Endpoint,
        connector: Connector,
        abort: CancellationToken,
        before: Vec<CancellationToken>,
        _ended: DropGuard,
    ) {
        let connected = async {
            let departed = async {
                for ended in before {
                    ended.cancelled().await;
                }
            };
            let _ = tokio::time::timeout(MAX_DEPARTURE_WAIT, departed).await;
            match endpoint.clone() {
                Endpoint::Inproc(name) => {
                    connection::connect_inproc(self.context.clone(), name, connector).await
                }
                endpoint => connection::connect(endpoint, connector).await,
            }
        };
        abort.run_until_cancelled(connected).await;
        self.endpoints().sweep(endpoint);
    }

    /// Returns whether a peer accepts only one connection of this socket at a time.
    fn is_alone_at_peers(&self) -> bool {
        let has_identity = self.kind.announces_identity() && !self.settings.identity.is_empty();
        has_identity || self.kind == SocketType::Pair
    }

    /// Returns whether a second `connect` to an endpoint does nothing, as the kind has no use for a second connection.
    const fn connects_once(&self) -> bool {
        matches!(self.kind, SocketType::Dealer | SocketType::Sub | SocketType::Pub | SocketType::Req)
    }

    pub(super) fn endpoints(&self) -> MutexGuard<'_, Endpoints> {
        self.endpoints.lock().expect("no panic holds the lock")
    }

    fn note_last(&self, endpoint: Endpoint) {
        *self.last_endpoint.lock().expect("no panic holds the lock") = Some(endpoint);
    }

    pub(crate) fn last_endpoint(&self) -> Option<Endpoint> {
        self.last_endpoint.lock().expect("no panic holds the lock").clone()
    }

    /// Ends listening on, or connecting to, an endpoint, which is free for another socket at once. Its peers get no new
    /// messages; waiting messages are still sent for the socket's linger, then the connections end. Returns `false` if the
    /// socket doesn't know the endpoint in this role.
    pub(crate) fn forget(self: &Arc<Self>, role: Role, endpoint: &Endpoint) -> bool {
        let attachments = self.endpoints().detach(role, endpoint);
        if !attachments.iter().any(Attachment::lasts) {
            return false;
        }
        let at_once = R::LINGERS && self.settings.linger.is_zero();
        let peers = self.retire(role, endpoint, &attachments, at_once);
        self.context.sweep();
        // Drop guards: connections are cut off even if the task below is cancelled, or isn't started.
        let (until, tasks): (Vec<_>, Vec<_>) = attachments
            .into_iter()
            .map(|attachment| (attachment.tokens.abort.drop_guard(), attachment.task))
            .unzip();
        let Some(runtime) = self.runtime().filter(|_| R::LINGERS && !self.settings.linger.is_zero()) else {
            return true;
        };
        let core = self.clone();
        let lingering = async move {
            let gone = async {
                core.until(|out| peers.iter().all(|id| !out.outboxes.contains_key(*id)).then_some(())).await;
                for task in tasks {
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(core.settings.linger, gone).await;
            drop(until);
        };
        self.tasks.spawn_on(lingering, &runtime);
        true
    }

    /// Returns the runtime for background tasks: that of the caller, or else that of the connections.
    fn runtime(&self) -> Option<Handle> {
        Handle::try_current().ok().or_else(|| self.runtime.get().cloned())
    }

    /// Retires the queues to the peers at an endpoint, and has their connections end when the waiting messages are
    /// sent; with `at_once` those are dropped. Returns the peers.
    fn retire(
        &self,
        role: Role,
        endpoint: &Endpoint,
        attachments: &[Attachment],
        at_once: bool,
    ) -> Vec<PeerId> {
        // Under one lock with sends and joins: a message that was accepted is still sent, and none is accepted for a
        // connection that is ending.
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let mut peers: Vec<PeerId> = attachments.iter().filter_map(|attachment| attachment.queue).collect();
        let is_there =
            |peer: &&Arc<PeerInfo>| peer.endpoint == *endpoint && peer.is_accepted == (role == Role::Bound);
        peers.extend(self.inbound().peers().filter(is_there).map(|peer| peer.id));
        for id in &peers {
            out.retire(*id);
            let Some(outbox) = out.outboxes.get_mut(*id) else { continue };
            if at_once {
                outbox.forget_staged();
            }
            wakers.extend(outbox.wake_to_close());
        }
        attachments.iter().for_each(|attachment| attachment.tokens.ending.cancel());
        wakers.changed();
        peers
    }

    /// Closes the socket: waiting messages are still sent, for at most `linger`.
    pub(crate) async fn close(&self, linger: Duration) -> CloseSummary {
        let waiting = self.begin_close();
        let _ = tokio::time::timeout(linger, self.all_gone()).await;
        self.abort();
        self.tasks.wait().await;
        self.monitors.end();
        let mut out = self.out();
        out.is_reported = true;
        let dropped = out.unsent();
        CloseSummary { flushed: waiting.saturating_sub(dropped), dropped }
    }

    /// Waits until everything is written and no peer is connected. (Inproc connections are tasks of the socket that
    /// connected, so the end of the tasks isn't enough.)
    async fn all_gone(&self) {
        self.tasks.wait().await;
        self.wait_disconnected().await;
    }

    /// Begins to close: no operation succeeds any more, and connections end when all is written. Returns the number of
    /// messages that wait to be written.
    fn begin_close(&self) -> usize {
        // First no more messages are accepted, then connections may end: so they send all that was accepted.
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        if !std::mem::replace(&mut out.closed, true) {
            // Losses before the close were reported when they happened. A close that cuts off another adds to its
            // losses.
            out.lost = 0;
        }
        self.closing.cancel();
        let waiting = out.outboxes.values().map(|outbox| outbox.unsent().messages as usize).sum();
        wakers.extend(out.outboxes.values_mut().filter_map(Outbox::wake_to_close));
        let mut inbound = self.inbound();
        inbound.closed = true;
        wakers.extend(inbound.waiters.drain_wakers());
        wakers.extend(inbound.sweeper.take());
        drop(inbound);
        wakers.changed();
        // The lock of the endpoints comes before that of `out`. Tasks are woken when nothing is bound any more.
        let _wakers = guard.unlock();
        self.endpoints().close_listeners();
        self.tasks.close();
        waiting
    }

    fn abort(&self) {
        self.abort.cancel();
        self.context.sweep();
    }
}

/// Logs the messages that a dropped socket didn't send, since its linger passed or its runtime ended. No caller is left
/// to be told.
impl<R> Drop for SocketCore<R> {
    fn drop(&mut self) {
        let Ok(out) = self.out.get_mut() else { return };
        let messages = out.stranded + out.unsent();
        if messages > 0 && !out.is_reported {
            let socket = self.kind;
            warn!(%socket, messages, "messages of a dropped socket were never sent; to wait until they are, close it");
        }
    }
}

impl<R: Routing> Member for SocketCore<R> {
    fn end(self: Arc<Self>, linger: Duration) -> Pin<Box<dyn Future<Output = CloseSummary> + Send>> {
        Box::pin(async move { self.close(linger).await })
    }
}

/// A handle of the user on a socket. Dropping the last handle closes the socket without waiting: its connections go on
/// sending in the background for the socket's linger.
#[derive(Debug)]
pub(crate) struct SocketHandle<R: Routing>(Arc<SocketCore<R>>);

impl<R: Routing> SocketHandle<R> {
    pub(crate) fn new(kind: SocketType, settings: Settings, context: Context, routing: R) -> Self {
        let core = SocketCore::new(kind, settings, context, routing);
        let member: Weak<SocketCore<R>> = Arc::downgrade(&core);
        if !core.context.enter(member) {
            core.begin_close();
            core.monitors.end();
        }
        Self(core)
    }

    /// Returns the core, which doesn't keep the socket open.
    pub(crate) fn share(&self) -> Arc<SocketCore<R>> {
        self.0.clone()
    }
}

impl<R: Routing> Clone for SocketHandle<R> {
    fn clone(&self) -> Self {
        self.0.owners.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl<R: Routing> std::ops::Deref for SocketHandle<R> {
    type Target = Arc<SocketCore<R>>;

    fn deref(&self) -> &Arc<SocketCore<R>> {
        &self.0
    }
}

impl<R: Routing> Drop for SocketHandle<R> {
    fn drop(&mut self) {
        if self.0.owners.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        if self.0.abort.is_cancelled() {
            return;
        }
        self.0.begin_close();
        let guard = CloseGuard(self.0.clone());
        if let Some(runtime) = self.0.runtime() {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(guard.0.settings.linger, guard.0.all_gone()).await;
                guard.0.abort();
                guard.0.tasks.wait().await;
            });
        }
    }
}

/// Drop guard: ends a dropped socket, even if the task that waits for its linger is cancelled.
struct CloseGuard<R: Routing>(Arc<SocketCore<R>>);

impl<R: Routing> Drop for CloseGuard<R> {
    fn drop(&mut self) {
        self.0.abort();
        self.0.monitors.end();
    }
}
