//! Waker that remembers whether it was called.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

/// The waker that a connection leaves with its socket, and a flag that is set when the socket calls it.
///
/// While the flag isn't set, a connection that had nothing to write still has nothing to write. So a poll that only
/// reads, as most do, takes neither the socket's lock nor a look at its queue.
#[derive(Debug)]
pub(super) struct WakeFlag {
    inner: Arc<FlagWaker>,
    waker: Waker,
}

/// The waker behind a [`WakeFlag`]: sets the flag, then wakes the task.
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
    /// Creates a flag that is set: the first poll has to ask the socket, which doesn't have this waker yet.
    fn new(task: Waker) -> Self {
        let inner = Arc::new(FlagWaker { task, is_set: AtomicBool::new(true) });
        Self { waker: inner.clone().into(), inner }
    }

    /// Binds the flag to the task that is polled. Call it at each poll: the task is known from the first poll on, and
    /// stays the same.
    #[inline]
    pub(super) fn register(&mut self, task: &Waker) {
        if !self.inner.task.will_wake(task) {
            *self = Self::new(task.clone());
        }
    }

    /// Returns whether the waker was called since the flag was armed.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.inner.is_set.load(Ordering::Acquire)
    }

    /// Clears the flag, and returns the waker to leave with the socket. Call it before the socket is asked: anything
    /// new after that sets the flag.
    #[inline]
    pub(super) fn arm(&self) -> &Waker {
        self.inner.is_set.store(false, Ordering::Relaxed);
        &self.waker
    }
}

/// Wakes the task after the runtime has polled other tasks and the IO driver. A task that just wakes itself is polled
/// some sixty times before tokio polls the IO driver.
pub(super) fn wake_after_io_poll(cx: &mut Context<'_>) {
    let _ = std::pin::pin!(tokio::task::yield_now()).poll(cx);
}

#[cfg(test)]
mod tests {
    use tokio_test::task::spawn;

    use super::*;

    #[test]
    fn a_wake_flag_wakes_its_task_and_stays_set_until_it_is_armed_again() {
        let mut flag = WakeFlag::default();
        assert!(flag.is_set(), "the socket was not asked yet");
        for _ in 0..2 {
            let mut task = spawn(());
            task.enter(|cx, _| flag.register(cx.waker()));
            assert!(flag.is_set(), "the socket doesn't have this waker");
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
