//! The thread that runs all connections, and how others wait for them.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::task::unconstrained;

/// Makes the background thread the one that what is begun here runs on.
///
/// # Panics
/// If the system gives the process no thread.
pub(super) fn enter() -> EnterGuard<'static> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let start = || {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("enfonet").enable_all().build();
        runtime.expect("the system has a thread for the sockets of enfonet::blocking")
    };
    RUNTIME.get_or_init(start).enter()
}

/// Waits for a future on this thread, whatever this thread is: tokio's own `block_on` panics within async code.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    thread_local! {
        static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    let _guard = enter();
    // Without a budget: nobody renews that of a task that waits here.
    let mut future = pin!(unconstrained(future));
    // A thread that ends has no more thread-locals, and may still drop a socket.
    let waker = WAKER.try_with(Waker::clone).unwrap_or_else(|_| Arc::new(Unpark(thread::current())).into());
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(outcome) => return outcome,
            // Returns at once if it was woken since, and now and then for no reason.
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
