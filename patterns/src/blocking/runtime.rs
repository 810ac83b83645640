//! The background thread that runs all connections, and the wait of other threads for a future.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::task::unconstrained;

/// Enters the runtime of the background thread: tasks that are spawned while the guard lives run on that thread. The
/// first call starts the thread.
///
/// # Panics
/// If the system can't start a thread.
pub(super) fn enter() -> EnterGuard<'static> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let start = || {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("enfonet").enable_all().build();
        runtime.expect("the system has a thread for the sockets of enfonet::blocking")
    };
    RUNTIME.get_or_init(start).enter()
}

/// Blocks this thread until a future is ready. Works within async code too, where tokio's own `block_on` panics.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    thread_local! {
        static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    let _guard = enter();
    // Without tokio's budget: only a runtime renews it, and this loop isn't a runtime.
    let mut future = pin!(unconstrained(future));
    // A thread that ends may drop a socket after its thread-locals.
    let waker = WAKER.try_with(Waker::clone).unwrap_or_else(|_| Arc::new(Unpark(thread::current())).into());
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(outcome) => return outcome,
            // Returns at once if the waker was called since the poll, and sometimes without a reason.
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
