//! Receiving: what has arrived is taken, or waited for.

use std::pin::pin;
use std::sync::MutexGuard;
use std::time::Duration;

use tokio::time::Instant;

use super::{Hub, apart, within};
use crate::error::RecvError;
use crate::options::Settings;
use crate::queue::Inbound;
use crate::routing::Routing;

impl<R: Routing> Hub<R> {
    /// Wakes one receiver, if any waits, once the lock is released.
    pub(super) fn announce(&self, inbound: MutexGuard<'_, Inbound>) {
        let waiting = inbound.waiting > 0;
        drop(inbound);
        if waiting {
            self.arrivals.notify_one();
        }
    }

    /// What has arrived, without what the socket has unsubscribed from since, or had never asked for.
    #[cold]
    fn inbound_as_wanted(&self) -> MutexGuard<'_, Inbound> {
        let out = self.out();
        let mut inbound = self.inbound();
        inbound.retain(|run| out.routing.wanted(run));
        inbound
    }

    /// What `take` finds among the arrivals, if anything.
    #[inline]
    pub(crate) fn try_recv_by<T>(&self, take: impl FnOnce(&mut Inbound) -> Option<T>) -> Option<T> {
        let mut inbound = self.inbound();
        if inbound.is_doubtful {
            drop(inbound);
            inbound = self.inbound_as_wanted();
        }
        if inbound.waiting == 0 {
            return take(&mut inbound);
        }
        let taken = take(&mut inbound);
        if taken.is_some() && inbound.has_arrivals() {
            self.announce(inbound);
        }
        taken
    }

    /// What `take` finds among the arrivals, as soon as there is anything. Cancel safe: it is taken at the moment it
    /// is given.
    #[inline]
    pub(crate) fn recv_by<T>(
        &self,
        take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> impl Future<Output = Result<T, RecvError>> {
        self.recv_within(|_| None, take)
    }

    /// The same, in the time that the options have for it.
    #[inline]
    pub(crate) fn recv_in_time<T>(
        &self,
        take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> impl Future<Output = Result<T, RecvError>> {
        self.recv_within(|options| options.recv_timeout, take)
    }

    #[inline]
    async fn recv_within<T>(
        &self,
        limit: impl FnOnce(&Settings) -> Option<Duration>,
        mut take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> Result<T, RecvError> {
        if !self.receiving.is_over() {
            let mut inbound = self.inbound();
            if inbound.is_plain()
                && let Some(taken) = take(&mut inbound)
            {
                return Ok(taken);
            }
        }
        apart(pin!(self.recv_slowly(limit(&self.options), take))).await
    }

    async fn recv_slowly<T>(
        &self,
        limit: Option<Duration>,
        mut take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> Result<T, RecvError> {
        self.receiving.give_way().await;
        if let Some(taken) = self.try_recv_by(&mut take) {
            return Ok(taken);
        }
        within(limit, self.wait_by(take)).await.unwrap_or(Err(RecvError::Timeout))
    }

    async fn wait_by<T>(&self, mut take: impl FnMut(&mut Inbound) -> Option<T>) -> Result<T, RecvError> {
        let (begun, sent) = (Instant::now(), self.sending.state());
        loop {
            let closed = self.closing.cancelled();
            let waiting = Waiting::new(self);
            if waiting.nothing_arrived {
                tokio::select! {
                    () = self.arrivals.notified() => {}
                    () = closed => return Err(RecvError::Closed),
                }
            }
            drop(waiting);
            if let Some(taken) = self.try_recv_by(&mut take) {
                // Who sends meanwhile is another, and doesn't wait for answers.
                if sent == self.sending.state() {
                    self.parts.handle_wait(begun.elapsed());
                }
                return Ok(taken);
            }
        }
    }

    /// Gives a receive as much time as the options have for it.
    pub(crate) async fn in_recv_time<T>(
        &self,
        receive: impl Future<Output = Result<T, RecvError>>,
    ) -> Result<T, RecvError> {
        within(self.options.recv_timeout, receive).await.unwrap_or(Err(RecvError::Timeout))
    }
}

/// Counts a receiver that is about to wait, so that whoever brings something knows to wake one.
struct Waiting<'a, R: Routing> {
    hub: &'a Hub<R>,
    nothing_arrived: bool,
}

impl<'a, R: Routing> Waiting<'a, R> {
    fn new(hub: &'a Hub<R>) -> Self {
        let mut inbound = hub.inbound();
        inbound.waiting += 1;
        Self { hub, nothing_arrived: !inbound.has_arrivals() }
    }
}

impl<R: Routing> Drop for Waiting<'_, R> {
    fn drop(&mut self) {
        self.hub.inbound().waiting -= 1;
    }
}
