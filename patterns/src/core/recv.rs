//! Receiving: pops arrivals, or waits for them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::MutexGuard;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::{SocketCore, out_of_line, with_timeout};
use crate::error::{RecvError, TryRecvError};
use crate::queue::{Inbound, WaiterId};
use crate::routing::Routing;
use crate::settings::Settings;

impl<R: Routing> SocketCore<R> {
    /// Wakes a receiver, if any waits, once the lock of `inbound` is released: the only lock that is held.
    #[inline]
    pub(super) fn wake_receiver(&self, mut inbound: MutexGuard<'_, Inbound>) {
        let waiter = inbound.waiters.pop_waker();
        drop(inbound);
        waiter.into_iter().for_each(Waker::wake);
    }

    /// Locks the arrivals, after unwanted messages are removed.
    #[inline]
    fn wanted_inbound(&self) -> MutexGuard<'_, Inbound> {
        let inbound = self.inbound();
        if !inbound.is_doubtful {
            return inbound;
        }
        drop(inbound);
        self.inbound_as_wanted()
    }

    /// Locks the arrivals, and removes messages that the socket isn't, or is no longer, subscribed to.
    #[cold]
    fn inbound_as_wanted(&self) -> MutexGuard<'_, Inbound> {
        let out = self.out();
        let mut inbound = self.inbound();
        inbound.retain(|run| out.routing.wanted(run));
        inbound
    }

    /// Returns the item that `take` finds among the arrivals.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`], or [`TryRecvError::Closed`] if the socket is closed and `take` finds nothing.
    #[inline]
    pub(crate) fn try_recv_by<T>(
        &self,
        take: impl FnOnce(&mut Inbound) -> Option<T>,
    ) -> Result<T, TryRecvError> {
        let mut inbound = self.wanted_inbound();
        let Some(taken) = take(&mut inbound) else {
            return Err(if inbound.closed { TryRecvError::Closed } else { TryRecvError::Empty });
        };
        self.wake_for_rest(inbound);
        Ok(taken)
    }

    /// Wakes another receiver for the arrivals that are left.
    #[inline]
    fn wake_for_rest(&self, inbound: MutexGuard<'_, Inbound>) {
        if !inbound.waiters.is_empty() && inbound.has_arrivals() {
            self.wake_receiver(inbound);
        }
    }

    /// Waits until `take` finds an item among the arrivals, and returns it. Cancel safe: the item is taken at the
    /// moment it is returned.
    #[inline]
    pub(crate) fn recv_by<T>(
        &self,
        take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> impl Future<Output = Result<T, RecvError>> {
        self.recv_with_timeout(|_| None, take)
    }

    /// Waits as [`recv_by`](Self::recv_by) does, for at most the socket's `recv_timeout`.
    #[inline]
    pub(crate) fn recv_in_time<T>(
        &self,
        take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> impl Future<Output = Result<T, RecvError>> {
        self.recv_with_timeout(|settings| settings.recv_timeout, take)
    }

    #[inline]
    async fn recv_with_timeout<T>(
        &self,
        limit: impl FnOnce(&Settings) -> Option<Duration>,
        mut take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> Result<T, RecvError> {
        if !self.recv_budget.charge_message() {
            let mut inbound = self.inbound();
            if inbound.is_plain()
                && let Some(taken) = take(&mut inbound)
            {
                return Ok(taken);
            }
        }
        out_of_line(pin!(self.recv_slowly(limit(&self.settings), take))).await
    }

    async fn recv_slowly<T>(
        &self,
        limit: Option<Duration>,
        mut take: impl FnMut(&mut Inbound) -> Option<T>,
    ) -> Result<T, RecvError> {
        self.recv_budget.yield_now().await;
        let mut waiting = RecvWaiter { core: self, id: None, since: None };
        let received = poll_fn(|cx| waiting.poll(&mut take, cx));
        with_timeout(limit, received).await.unwrap_or(Err(RecvError::Timeout))
    }

    /// Limits a receive to the socket's `recv_timeout`.
    pub(crate) async fn in_recv_time<T>(
        &self,
        receive: impl Future<Output = Result<T, RecvError>>,
    ) -> Result<T, RecvError> {
        with_timeout(self.settings.recv_timeout, receive).await.unwrap_or(Err(RecvError::Timeout))
    }
}

/// A receiver. It joins the wait list when it finds no item.
struct RecvWaiter<'a, R: Routing> {
    core: &'a SocketCore<R>,
    id: Option<WaiterId>,
    /// Time at which the wait began, and the bytes of the send budget that were spent then.
    since: Option<(Instant, usize)>,
}

impl<R: Routing> RecvWaiter<'_, R> {
    fn poll<T>(
        &mut self,
        take: &mut impl FnMut(&mut Inbound) -> Option<T>,
        cx: &Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        let mut inbound = self.core.wanted_inbound();
        let Some(taken) = take(&mut inbound) else {
            if inbound.closed {
                return Poll::Ready(Err(RecvError::Closed));
            }
            self.id = Some(inbound.waiters.register(self.id, cx.waker()));
            drop(inbound);
            self.since.get_or_insert_with(|| (Instant::now(), self.core.send_budget.spent()));
            return Poll::Pending;
        };
        let _waker = self.id.take().and_then(|id| inbound.waiters.remove(id));
        self.core.wake_for_rest(inbound);
        // If the send budget has changed, another task sends meanwhile, and doesn't wait for answers.
        if let Some((since, sent)) = self.since
            && sent == self.core.send_budget.spent()
        {
            self.core.pacer.record_wait(since.elapsed());
        }
        Poll::Ready(Ok(taken))
    }
}

impl<R: Routing> Drop for RecvWaiter<'_, R> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut inbound = self.core.inbound();
        let waker = inbound.waiters.remove(id);
        match waker {
            Some(_) => drop(inbound),
            // This receiver was woken for an arrival that it doesn't take.
            None => self.core.wake_for_rest(inbound),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use enfonet_zmtp::{Command, Message, SocketType, Subscription, Version};
    use tokio_test::task::{Spawn, spawn};
    use tokio_test::{assert_pending, assert_ready};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::peer::PeerId;
    use crate::routing::tests::handshaken_peer;
    use crate::routing::{FanOut, RoundRobin};
    use crate::session::{CloseCause, QueueLifetime, Session};
    use crate::settings::PubSubSettings;

    fn socket() -> (Arc<SocketCore<RoundRobin>>, PeerId) {
        let core = SocketCore::with_defaults(SocketType::Dealer, RoundRobin::default());
        let peer = core.open();
        (core, peer)
    }

    fn run(texts: &[&'static str]) -> crate::queue::Run {
        texts.iter().map(|text| Message::from(*text)).collect()
    }

    fn woken<F, const N: usize>(receivers: &[Spawn<F>; N]) -> [bool; N] {
        receivers.each_ref().map(Spawn::is_woken)
    }

    #[test]
    fn each_arrival_wakes_one_receiver_and_left_over_messages_wake_the_next() {
        let (core, peer) = socket();
        let mut receivers = [(); 3].map(|()| spawn(core.recv_by(Inbound::pop_message)));
        receivers.iter_mut().for_each(|receiver| assert_pending!(receiver.poll()));
        core.deliver(peer, run(&["a"])).unwrap();
        assert_eq!(woken(&receivers), [true, false, false]);
        core.deliver(peer, run(&["b", "c"])).unwrap();
        assert_eq!(woken(&receivers), [true, true, false]);
        let [mut first, mut second, mut third] = receivers;
        assert_eq!(assert_ready!(first.poll()), Ok("a".into()));
        assert!(third.is_woken(), "there is more than the first has taken");
        assert_eq!(assert_ready!(second.poll()), Ok("b".into()));
        assert_eq!(assert_ready!(third.poll()), Ok("c".into()));
    }

    #[test]
    fn a_woken_receiver_that_is_dropped_wakes_the_next() {
        let (core, peer) = socket();
        let [mut first, mut second, mut third] = [(); 3].map(|()| spawn(core.recv_by(Inbound::pop_message)));
        for receiver in [&mut first, &mut second, &mut third] {
            assert_pending!(receiver.poll());
        }
        // A receiver that hasn't been woken wakes no other receiver when it is dropped.
        drop(first);
        core.deliver(peer, run(&["a"])).unwrap();
        assert!(second.is_woken() && !third.is_woken());
        drop(second);
        assert!(third.is_woken());
        assert_eq!(assert_ready!(third.poll()), Ok("a".into()));
    }

    #[test]
    fn a_receiver_that_finds_no_message_continues_to_wait() {
        let (core, peer) = socket();
        let mut receiver = spawn(core.recv_by(Inbound::pop_message));
        assert_pending!(receiver.poll());
        for text in ["a", "b"] {
            core.deliver(peer, run(&[text])).unwrap();
            assert!(receiver.is_woken());
            assert_eq!(core.try_recv_by(Inbound::pop_message), Ok(Message::from(text)));
            assert_pending!(receiver.poll());
        }
        core.deliver(peer, run(&["c"])).unwrap();
        assert_eq!(assert_ready!(receiver.poll()), Ok("c".into()));
    }

    /// A waker that wakes no task, but checks that no lock is held: a task may run as soon as it is woken.
    struct Probe {
        core: Arc<SocketCore<FanOut>>,
        calls: AtomicUsize,
    }

    impl Wake for Probe {
        fn wake(self: Arc<Self>) {
            assert!(
                self.core.out.try_lock().is_ok() && self.core.inbound.try_lock().is_ok(),
                "a lock is held"
            );
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn receivers_are_woken_when_no_lock_is_held() {
        let core = SocketCore::with_defaults(SocketType::XPub, FanOut::new(&PubSubSettings::default()));
        let probe = Arc::new(Probe { core: core.clone(), calls: AtomicUsize::new(0) });
        let waker = probe.clone().into();
        let mut calls = 0;
        let mut calls_in = |step: &mut dyn FnMut()| {
            let mut receiver = pin!(core.recv_by(Inbound::pop_one));
            // The receiver takes the arrivals that are there already, until it finds none and waits.
            while receiver.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                receiver.set(core.recv_by(Inbound::pop_one));
            }
            step();
            calls += 1;
            assert_eq!(probe.calls.load(Ordering::Relaxed), calls);
        };
        let (mut id, mut comer) = (PeerId::default(), Some(handshaken_peer(Version::V3_1, "")));
        let ending = CancellationToken::new();
        calls_in(&mut || id = core.join(None, comer.take().unwrap(), &ending).unwrap().id);
        calls_in(&mut || {
            core.command(id, Command::Subscription(Subscription::Subscribe("a".into()))).unwrap()
        });
        calls_in(&mut || assert!(!core.part(id, Vec::new(), QueueLifetime::Connection)));
        let queue = core.open();
        calls_in(&mut || Session::close(&*core, queue, CloseCause::GivenUp));
    }

    #[tokio::test]
    async fn all_receivers_end_when_the_socket_closes() {
        let (core, _) = socket();
        let mut receivers = [(); 2].map(|()| spawn(core.recv_by(Inbound::pop_message)));
        receivers.iter_mut().for_each(|receiver| assert_pending!(receiver.poll()));
        core.close(Duration::ZERO).await;
        for receiver in &mut receivers {
            assert!(receiver.is_woken());
            assert_eq!(assert_ready!(receiver.poll()), Err(RecvError::Closed));
        }
    }
}
