//! Bind and connect.

use std::sync::{Arc, MutexGuard, Weak};
use std::time::Duration;

use enfonet_zmtp::SocketType;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::SocketCore;
use super::endpoints::{Attachment, Endpoints, Role};
use crate::connection;
use crate::connection::Connector;
use crate::context::Bound;
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, Closed, ConnectError};
use crate::monitor::MonitorEvent;
use crate::peer::PeerId;
use crate::routing::Routing;
use crate::session::{Session, ShutdownTokens};
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
}
