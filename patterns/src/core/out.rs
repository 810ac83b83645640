//! The outgoing side of a socket, and the lock around it.

use std::collections::BTreeSet;
use std::mem::{ManuallyDrop, take};
use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;
use std::task::Waker;

use enfonet_zmtp::{Envelope, IntoMessage};
use smallvec::SmallVec;
use tokio::sync::Notify;

use crate::peer::PeerId;
use crate::queue::{Outbox, Outgoing};
use crate::routing::{Outboxes, Routing};
use crate::size::Size;

/// The outgoing side of a socket: the queues to its peers, and the routing policy.
#[derive(Debug)]
pub(crate) struct Out<R> {
    pub(crate) outboxes: Outboxes,
    pub(crate) routing: R,
    /// High-water marks of new queues.
    pub(super) limit: Size,
    /// Whether a task is removing the subscriptions that departed peers have left.
    pub(super) sweeping: bool,
    /// Connected peers, in the order in which they are listed: a peer keeps its place while it is connected.
    pub(super) connected: BTreeSet<PeerId>,
    /// Number of messages whose queues ended before they were sent.
    pub(super) lost: usize,
    /// Size of all messages that were sent, since the creation of the socket.
    pub(super) sent: Size,
    /// Number of messages whose peers had gone before they were sent, since the creation of the socket.
    pub(super) departed: u64,
    /// Number of messages that were dropped because no peer has their routing id.
    pub(crate) unroutable: u64,
    /// Number of messages whose connections ended with their runtime, while the socket was open.
    pub(super) stranded: usize,
    pub(crate) closed: bool,
    /// Whether `close` has returned the number of unsent messages to its caller.
    pub(super) is_reported: bool,
}

impl<R> Out<R> {
    /// Creates the outgoing side of an open socket without peers; `limit` is the high-water mark of its queues.
    pub(super) fn new(routing: R, limit: Size) -> Self {
        Self {
            outboxes: Outboxes::new(),
            routing,
            limit,
            sweeping: false,
            connected: BTreeSet::new(),
            lost: 0,
            sent: Size::default(),
            departed: 0,
            unroutable: 0,
            stranded: 0,
            closed: false,
            is_reported: false,
        }
    }

    /// Returns the number of messages that a closed socket hasn't sent: once all tasks have ended, they are lost.
    pub(super) fn unsent(&self) -> usize {
        self.lost + self.outboxes.values().map(Outbox::queued).sum::<usize>()
    }
}

impl<R: Routing> Out<R> {
    /// Retires the queue to a peer: the peer gets no new messages.
    pub(super) fn retire(&mut self, id: PeerId) {
        if let Some(outbox) = self.outboxes.get_mut(id).filter(|outbox| outbox.is_open()) {
            outbox.retire();
            self.routing.retire(id);
        }
    }
}

/// The locked outgoing side. It collects the wakers of tasks with new work, and wakes them when it is dropped and the
/// lock is released. A task may run as soon as it is woken, and would wait for the lock.
#[derive(Debug)]
pub(crate) struct OutGuard<'a, R> {
    // Fields are dropped in their order: the lock is released before the tasks are woken.
    out: MutexGuard<'a, Out<R>>,
    wakers: Wakers<'a>,
}

impl<'a, R> OutGuard<'a, R> {
    #[inline]
    pub(super) fn new(out: MutexGuard<'a, Out<R>>, changes: &'a Notify) -> Self {
        Self { out, wakers: Wakers { wakers: ManuallyDrop::default(), changes, changed: false } }
    }

    /// Splits the guard into the outgoing side and the wakers, so that both can be borrowed.
    #[inline]
    pub(crate) fn split(&mut self) -> (&mut Out<R>, &mut Wakers<'a>) {
        (&mut self.out, &mut self.wakers)
    }

    /// Pushes a message into the queue of a peer, which has room, and wakes its connection.
    #[inline]
    pub(crate) fn push(&mut self, peer: PeerId, envelope: &Envelope, message: &Outgoing<impl IntoMessage>) {
        let outbox = &mut self.out.outboxes[peer];
        message.push_to(outbox, envelope);
        self.wakers.extend(outbox.wake());
    }

    /// Wakes all tasks that wait for room or peers, as [`Wakers::changed`] does.
    pub(crate) fn changed(&mut self) {
        self.wakers.changed();
    }

    /// Returns the number of connections that are woken when the lock is released.
    #[inline]
    pub(super) fn woken(&self) -> usize {
        self.wakers.wakers.len()
    }

    /// Releases the lock. The tasks are woken when the returned wakers are dropped.
    pub(super) fn unlock(self) -> Wakers<'a> {
        let Self { out, wakers } = self;
        drop(out);
        wakers
    }
}

impl<R> Deref for OutGuard<'_, R> {
    type Target = Out<R>;

    #[inline]
    fn deref(&self) -> &Out<R> {
        &self.out
    }
}

impl<R> DerefMut for OutGuard<'_, R> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Out<R> {
        &mut self.out
    }
}

/// Wakers of connections and receivers, which are woken when this is dropped.
#[derive(Debug)]
pub(crate) struct Wakers<'a> {
    // `wake` leaves it empty, so it needs no drop of its own: that costs each send 20 instructions, of 320.
    wakers: ManuallyDrop<SmallVec<[Waker; 8]>>,
    changes: &'a Notify,
    changed: bool,
}

impl Wakers<'_> {
    /// Wakes all tasks that wait for room or peers, too, so that they try again.
    pub(crate) fn changed(&mut self) {
        self.changed = true;
    }

    #[inline(never)]
    fn wake(&mut self) {
        take(&mut *self.wakers).into_iter().for_each(Waker::wake);
        if self.changed {
            self.changes.notify_waiters();
        }
    }
}

impl Extend<Waker> for Wakers<'_> {
    #[inline]
    fn extend<T: IntoIterator<Item = Waker>>(&mut self, wakers: T) {
        for waker in wakers {
            self.wakers.push(waker);
        }
    }
}

impl Drop for Wakers<'_> {
    #[inline]
    fn drop(&mut self) {
        // Mostly the connections are awake.
        if self.changed || !self.wakers.is_empty() {
            self.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::Wake;

    use tokio_test::task::spawn;
    use tokio_test::{assert_pending, assert_ready};

    use super::*;
    use crate::routing::ReceiveOnly;

    fn out() -> Out<ReceiveOnly> {
        Out::new(ReceiveOnly, Size::default())
    }

    /// A waker that checks that the lock is released when it is called.
    struct Probe {
        lock: Mutex<Out<ReceiveOnly>>,
        calls: AtomicUsize,
    }

    impl Wake for Probe {
        fn wake(self: Arc<Self>) {
            assert!(self.lock.try_lock().is_ok(), "the lock is held");
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn tasks_are_woken_when_the_lock_is_released() {
        let probe = Arc::new(Probe { lock: Mutex::new(out()), calls: AtomicUsize::new(0) });
        let changes = Notify::new();
        let mut waiter = spawn(changes.notified());
        assert_pending!(waiter.poll());
        let mut guard = OutGuard::new(probe.lock.lock().unwrap(), &changes);
        // More than have room in place.
        guard.split().1.extend((0..20).map(|_| Waker::from(probe.clone())));
        guard.changed();
        assert!(probe.calls.load(Ordering::Relaxed) == 0 && !waiter.is_woken());
        drop(guard);
        assert_eq!(probe.calls.load(Ordering::Relaxed), 20);
        assert_ready!(waiter.poll());
    }

    #[test]
    fn an_unlocked_guard_leaves_the_wake_ups_to_its_wakers() {
        let probe = Arc::new(Probe { lock: Mutex::new(out()), calls: AtomicUsize::new(0) });
        let changes = Notify::new();
        let mut guard = OutGuard::new(probe.lock.lock().unwrap(), &changes);
        guard.split().1.extend(Some(Waker::from(probe.clone())));
        let wakers = guard.unlock();
        assert!(probe.lock.try_lock().is_ok());
        assert_eq!(probe.calls.load(Ordering::Relaxed), 0);
        drop(wakers);
        assert_eq!(probe.calls.load(Ordering::Relaxed), 1);
    }
}
