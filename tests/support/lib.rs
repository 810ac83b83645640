//! Parts that the tests are made of: a runtime for our sockets, real libzmq sockets, pyzmq in a process of its own,
//! brokers in this process or in theirs, and a peer that sends and expects exact bytes.
//!
//! Nothing here sleeps. An event that a test waits for comes, or a deadline that is far off fails the test.

mod broker;
mod curve;
mod distance;
mod encoding;
mod end;
mod file;
mod library;
mod libzmq;
mod monitor;
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

pub use broker::{Mq, Slb};
pub use curve::Encrypted;
pub use distance::Distance;
pub use encoding::{command, echo, message};
pub use end::{End, tune_in};
pub use file::file;
pub use library::{LIBRARIES, Library, ours, text, theirs};
pub use libzmq::{LibZmq, frames};
pub use monitor::{Told, why};
pub use process::{Process, command_of};
pub use pyzmq::{CurveKeys, PySocket, PyValue, PyZap, PyZmq};
pub use relay::Relay;
pub use script::{Script, ScriptListener, VERSIONED, greeting, greeting_of, properties, ready};
pub use socks::{SocksRequest, SocksServer};
pub use unused::{unused, unused_on};

/// Whatever takes longer has failed: far more than a slow machine needs.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A runtime for our sockets that works on while a test waits for libzmq.
#[derive(Debug)]
pub struct Runtime {
    handle: tokio::runtime::Handle,
    /// Its threads end with it.
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
    /// With two threads of its own.
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        Self { handle: runtime.handle().clone(), _threads: Threads::Several(runtime) }
    }

    /// With one thread, on which everything of it happens.
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

    /// Runs a future of ours to its end.
    ///
    /// # Panics
    /// When it takes longer than the [`DEADLINE`].
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle
            .block_on(async { tokio::time::timeout(DEADLINE, future).await.expect("within the deadline") })
    }

    /// Makes this thread one of the runtime's, so that sockets can be connected and dropped on it.
    pub fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.handle.enter()
    }

    /// Lets a future run beside the test.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.handle.spawn(future)
    }
}

/// Tries again and again until there is an outcome: for what libzmq does in the background and tells nobody.
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

/// An `ipc://` endpoint in a folder of its own, which goes with the guard.
///
/// # Panics
/// When the system gives no temporary folder.
#[must_use]
pub fn ipc() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let endpoint = format!("ipc://{}/socket", dir.path().display());
    (dir, endpoint)
}

/// A wildcard endpoint of the transport, and what has to live as long as it is used.
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
