//! Close.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::SocketCore;
use crate::close_summary::CloseSummary;
use crate::context::Member;
use crate::queue::Outbox;
use crate::routing::Routing;

impl<R: Routing> SocketCore<R> {
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
    pub(super) async fn all_gone(&self) {
        self.tasks.wait().await;
        self.wait_disconnected().await;
    }

    /// Begins to close: no operation succeeds any more, and connections end when all is written. Returns the number of
    /// messages that wait to be written.
    pub(super) fn begin_close(&self) -> usize {
        // The order matters: first the socket accepts no more messages, then its connections may end. So they send all
        // accepted messages.
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
        // The lock of the endpoints is taken before the lock of `out`. Tasks are woken when no endpoint is bound any
        // more.
        let _wakers = guard.unlock();
        self.endpoints().close_listeners();
        self.tasks.close();
        waiting
    }

    pub(super) fn abort(&self) {
        self.abort.cancel();
        self.context.sweep();
    }
}

/// Logs the messages that a dropped socket didn't send, since its linger passed or its runtime ended. No caller is left
/// that could get the number of messages.
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
