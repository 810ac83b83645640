//! How a connection knows why it was woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

/// The waker that a connection leaves with its socket: it remembers that it was called. If it wasn't, a connection that
/// had nothing to write still has nothing to write. It needs neither a look at the socket nor the socket's lock: so it
/// is in most turns that only read.
#[derive(Debug)]
pub(super) struct WakeFlag {
    inner: Arc<FlagWaker>,
    waker: Waker,
}

#[derive(Debug)]
struct FlagWaker {
    task: Waker,
    is_set: AtomicBool,
}

impl Wake for FlagWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_set.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

impl Default for WakeFlag {
    fn default() -> Self {
        Self::new(Waker::noop().clone())
    }
}

impl WakeFlag {
    /// Creates a bell that has rung: the socket has to be looked at once, since it doesn't know of this bell.
    fn new(task: Waker) -> Self {
        let inner = Arc::new(FlagWaker { task, is_set: AtomicBool::new(true) });
        Self { waker: inner.clone().into(), inner }
    }

    /// Binds the bell to a task. Call it at each turn: a connection knows its task from the first turn on, and stays
    /// with it.
    #[inline]
    pub(super) fn register(&mut self, task: &Waker) {
        if !self.inner.task.will_wake(task) {
            *self = Self::new(task.clone());
        }
    }

    /// Returns whether the bell has rung since it was hung up.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.inner.is_set.load(Ordering::Acquire)
    }

    /// Resets the bell, and returns the waker to leave with the socket at a look at it. Anything new after that look
    /// rings.
    #[inline]
    pub(super) fn arm(&self) -> &Waker {
        self.inner.is_set.store(false, Ordering::Relaxed);
        &self.waker
    }
}

/// Wakes the task once others have gone on and the system was asked for news. A task that is just woken again is polled
/// some sixty times before that.
pub(super) fn wake_after_news(cx: &mut Context<'_>) {
    let _ = std::pin::pin!(tokio::task::yield_now()).poll(cx);
}

#[cfg(test)]
mod tests {
    use tokio_test::task::spawn;

    use super::*;

    #[test]
    fn it_wakes_the_task_that_has_it_and_remembers_until_it_is_hung_up_again() {
        let mut flag = WakeFlag::default();
        assert!(flag.is_set(), "nobody has looked yet");
        for _ in 0..2 {
            let mut task = spawn(());
            task.enter(|cx, _| flag.register(cx.waker()));
            assert!(flag.is_set(), "the socket doesn't know of it");
            let waker = flag.arm().clone();
            task.enter(|cx, _| flag.register(cx.waker()));
            assert!(!flag.is_set() && !task.is_woken());
            waker.wake();
            assert!(flag.is_set() && task.is_woken());
            flag.arm();
            assert!(!flag.is_set());
        }
    }
}
