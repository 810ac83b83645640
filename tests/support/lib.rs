//! Parts of tests: a runtime for our sockets, real libzmq sockets, pyzmq in its own process,
//! brokers in this process or as programs, and scripted peers that send and expect exact bytes.
//!
//! Nothing here sleeps. An awaited event arrives, or a distant deadline fails the test.

mod any_socket;
mod broker;
mod curve;
mod encoding;
mod event_reader;
mod file;
mod latency_relay;
mod library;
mod libzmq;
mod opening;
mod process;
mod pyzmq;
mod relay;
mod script;
mod socks;
mod unused;

/// Program of the project's README, which has no crate of its own.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

use std::time::{Duration, Instant};

pub use any_socket::{AnySocket, wait_subscribed};
pub use broker::{Mq, Slb};
pub use curve::Encrypted;
pub use encoding::{command, echo, message};
pub use event_reader::{EventReader, error_of};
pub use file::file;
pub use latency_relay::LatencyRelay;
pub use library::{LIBRARIES, Library, ours, text, theirs};
pub use libzmq::{LibZmq, frames};
pub use opening::{Socket, bound, connected};
pub use process::{Process, command_of};
pub use pyzmq::{CurveKeys, PySocket, PyValue, PyZap, PyZmq};
pub use relay::Relay;
pub use script::{Script, ScriptListener, VERSIONED, greeting, greeting_of, properties, ready};
pub use socks::{SocksRequest, SocksServer};
pub use unused::{unused, unused_on};

/// Maximum time of any wait: far more than a slow machine needs.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A runtime for our sockets that keeps running while a test waits for libzmq.
#[derive(Debug)]
pub struct Runtime {
    handle: tokio::runtime::Handle,
    /// Guard of the threads, which end with the runtime.
    _threads: Threads,
}

#[derive(Debug)]
enum Threads {
    Several(#[expect(dead_code, reason = "ends when dropped")] tokio::runtime::Runtime),
    One(#[expect(dead_code, reason = "ends when dropped")] tokio::sync::oneshot::Sender<()>),
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime {
    /// Starts a runtime with two threads.
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        Self { handle: runtime.handle().clone(), _threads: Threads::Several(runtime) }
    }

    /// Starts a runtime with one thread, which runs all its tasks.
    ///
    /// # Panics
    /// When the system has no thread for it.
    #[must_use]
    pub fn on_one_thread() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(ended));
        Self { handle, _threads: Threads::One(alive) }
    }

    /// Awaits a future.
    ///
    /// # Panics
    /// When it takes longer than the [`DEADLINE`].
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle
            .block_on(async { tokio::time::timeout(DEADLINE, future).await.expect("within the deadline") })
    }

    /// Enters the runtime on this thread, so that sockets can be connected on it.
    pub fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.handle.enter()
    }

    /// Spawns a task that runs beside the test.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.handle.spawn(future)
    }
}

/// Repeats an attempt until it returns an outcome: for background work of libzmq's that nothing reports.
///
/// # Panics
/// When it takes longer than the [`DEADLINE`].
#[track_caller]
pub fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(outcome) = attempt() {
            return outcome;
        }
        assert!(begin.elapsed() < DEADLINE, "within the deadline");
        std::thread::yield_now();
    }
}

/// Returns an `ipc://` endpoint in a temporary folder, and the guard that removes the folder.
///
/// # Panics
/// When the system has no temporary folder.
#[must_use]
pub fn ipc() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let endpoint = format!("ipc://{}/socket", dir.path().display());
    (dir, endpoint)
}

/// Returns a wildcard endpoint of the transport, and a guard that must live as long as it is used.
#[must_use]
pub fn wildcard(transport: &str) -> (Option<tempfile::TempDir>, String) {
    match transport {
        "ipc" => {
            let (dir, endpoint) = ipc();
            (Some(dir), endpoint)
        }
        _ => (None, "tcp://127.0.0.1:*".into()),
    }
}
