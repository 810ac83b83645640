//! Binding, connecting, and the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;

use enfonet_zmtp::SocketType;
use tokio_util::sync::CancellationToken;

use super::Hub;
use crate::connection::{self, Slot};
use crate::error::{BindError, Closed, ConnectError, UnknownEndpoint};
use crate::options::Settings;
use crate::queue::Outbox;
use crate::routing::Routing;
use crate::transport::Listener;
use crate::{Endpoint, EndpointError};

impl<R: Routing> Hub<R> {
    pub(crate) async fn bind(self: &Arc<Self>, endpoint: Endpoint) -> Result<Endpoint, BindError> {
        let until = self.abort.child_token();
        if self.closing.is_cancelled() {
            return Err(Closed.into());
        }
        let resolved = if let Endpoint::Inproc(name) = &endpoint {
            if !self.options.context.bind(name, self.clone(), until.clone()) {
                return Err(BindError::InUse(endpoint));
            }
            endpoint
        } else {
            let (listener, resolved) = Listener::bind(&endpoint).await?;
            let (tasks, stop) = (self.tasks.clone(), self.closing.clone());
            let task =
                connection::listen(listener, resolved.clone(), self.clone(), tasks, stop, until.clone());
            self.tasks.spawn(task);
            resolved
        };
        self.remember(resolved.clone(), until);
        Ok(resolved)
    }

    pub(crate) fn connect(self: &Arc<Self>, endpoint: Endpoint) -> Result<(), ConnectError> {
        if endpoint.is_wildcard() {
            return Err(EndpointError::wildcard(&endpoint).into());
        }
        if self.closing.is_cancelled() {
            return Err(Closed.into());
        }
        let until = self.abort.child_token();
        self.remember(endpoint.clone(), until.clone());
        // Messages may be queued for the peer from now on.
        let slot = Slot::open(self.clone());
        self.tasks.spawn(async move {
            match endpoint {
                Endpoint::Inproc(name) => {
                    until.run_until_cancelled(connection::connect_inproc(name, slot)).await;
                }
                endpoint => {
                    until.run_until_cancelled(connection::connect(endpoint, slot)).await;
                }
            }
        });
        Ok(())
    }

    fn remember(&self, endpoint: Endpoint, until: CancellationToken) {
        let mut endpoints = self.endpoints.lock().expect("no panic holds the lock");
        endpoints.entry(endpoint).or_default().push(until);
    }

    /// Ends listening on, or connecting to, an endpoint, with the connections that came of it.
    pub(crate) fn forget(&self, endpoint: &Endpoint) -> Result<(), UnknownEndpoint> {
        let until = self.endpoints.lock().expect("no panic holds the lock").remove(endpoint);
        let until = until.ok_or_else(|| UnknownEndpoint(endpoint.to_string()))?;
        until.iter().for_each(CancellationToken::cancel);
        self.options.context.sweep();
        Ok(())
    }

    /// Ends the socket: what waits is still sent, for so long. Gives how many messages were not.
    pub(crate) async fn close(&self, linger: Duration) -> usize {
        self.begin_close();
        let _ = tokio::time::timeout(linger, self.all_gone()).await;
        let unsent = self.out().outboxes.values().map(Outbox::queued).sum();
        self.abort();
        self.tasks.wait().await;
        unsent
    }

    /// All has been written, and nobody is connected any more. (In-process connections are tasks of the socket
    /// that connected.)
    async fn all_gone(&self) {
        self.tasks.wait().await;
        self.until(|out| (out.joined == 0).then_some(())).await;
    }

    /// No operation succeeds any more; connections end when all is written.
    fn begin_close(&self) {
        // First nothing more is taken, then connections may end: what was taken is theirs to send.
        let sleeping: Vec<Waker> = {
            let mut out = self.out();
            out.closed = true;
            self.closing.cancel();
            out.outboxes.values_mut().filter_map(Outbox::wake_to_close).collect()
        };
        self.tasks.close();
        sleeping.into_iter().for_each(Waker::wake);
        self.changed();
    }

    fn abort(&self) {
        self.abort.cancel();
        self.options.context.sweep();
    }
}

/// The user's end of a socket, or one of several. Dropping the last one closes the socket without waiting: what is
/// connected goes on sending in the background for the socket's linger.
#[derive(Debug)]
pub(crate) struct Owned<R: Routing>(Arc<Hub<R>>);

impl<R: Routing> Owned<R> {
    pub(crate) fn new(kind: SocketType, settings: Settings, routing: R) -> Self {
        Self(Hub::new(kind, settings, routing))
    }

    /// The socket, for one who doesn't keep it open.
    pub(crate) fn share(&self) -> Arc<Hub<R>> {
        self.0.clone()
    }
}

impl<R: Routing> Clone for Owned<R> {
    fn clone(&self) -> Self {
        self.0.owners.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl<R: Routing> std::ops::Deref for Owned<R> {
    type Target = Arc<Hub<R>>;

    fn deref(&self) -> &Arc<Hub<R>> {
        &self.0
    }
}

impl<R: Routing> Drop for Owned<R> {
    fn drop(&mut self) {
        if self.0.owners.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        if self.0.abort.is_cancelled() {
            return;
        }
        self.0.begin_close();
        let hub = self.0.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    let _ = tokio::time::timeout(hub.options.linger, hub.all_gone()).await;
                    hub.abort();
                });
            }
            Err(_) => hub.abort(),
        }
    }
}
