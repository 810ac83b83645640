//! Handles that keep a socket open.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use enfonet_zmtp::SocketType;

use super::SocketCore;
use crate::context::Context;
use crate::routing::Routing;
use crate::settings::Settings;

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
