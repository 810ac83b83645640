//! Contexts: the sets of sockets that share `inproc://` names and a shutdown.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::close_summary::CloseSummary;
use crate::session::{Session, ShutdownTokens};

/// A set of sockets that share `inproc://` names, and that [`shutdown`](Self::shutdown) closes together.
///
/// A socket belongs to the [context of the process](Self::global), unless [`Options::context`](crate::Options::context)
/// sets another. Over inproc, sockets of different contexts can't reach each other.
#[derive(Clone, Debug, Default)]
pub struct Context(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    bound: Mutex<HashMap<String, Bound>>,
    changed: Notify,
    sockets: Mutex<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    members: Vec<Weak<dyn Member>>,
    /// Number of members at which dropped sockets are removed next.
    next_sweep: usize,
    is_shut_down: bool,
}

/// A socket, as its context sees it.
pub(crate) trait Member: fmt::Debug + Send + Sync {
    /// Closes the socket: waiting messages are still sent, for at most `linger`.
    fn end(self: Arc<Self>, linger: Duration) -> Pin<Box<dyn Future<Output = CloseSummary> + Send>>;
}

/// A socket that is bound to a name.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) session: Arc<dyn Session>,
    pub(crate) tokens: ShutdownTokens,
}

impl Bound {
    fn is_there(&self) -> bool {
        !self.tokens.admitting.is_cancelled() && !self.tokens.abort.is_cancelled()
    }
}

impl Context {
    /// Creates a context without any sockets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the context of the process, which sockets use by default.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<Context> = LazyLock::new(Context::new);
        &GLOBAL
    }

    /// Closes all sockets of the context, each as its `close` would, and all at the same time. This includes sockets
    /// that were dropped and still send. Tasks that wait to receive or to send return an error. Sockets that are made
    /// afterwards are closed from the beginning. Returns the summary of all sockets together.
    ///
    /// Call it at the end of a program to be sure that all messages are sent: when a runtime ends, the tasks end that
    /// send them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use enfonet::{Context, Options, Push};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let context = Context::new();
    /// let push = Push::with_options(Options::default().context(&context));
    /// push.connect("inproc://nobody")?;
    /// push.send("unheard").await?;
    /// let closing = context.shutdown(Duration::from_millis(1)).await;
    /// assert_eq!((closing.flushed, closing.dropped), (0, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self, linger: Duration) -> CloseSummary {
        let members = {
            let mut sockets = self.sockets();
            sockets.is_shut_down = true;
            std::mem::take(&mut sockets.members)
        };
        // The sockets close at the same time, so each has the whole linger.
        let ends: Vec<_> =
            members.iter().filter_map(Weak::upgrade).map(|socket| tokio::spawn(socket.end(linger))).collect();
        let mut total = CloseSummary::default();
        for end in ends {
            let closing = end.await.unwrap_or_default();
            total.flushed += closing.flushed;
            total.dropped += closing.dropped;
        }
        total
    }

    /// Adds a new socket. Returns `false` if the context is shut down already.
    pub(crate) fn enter(&self, socket: Weak<dyn Member>) -> bool {
        let mut sockets = self.sockets();
        if sockets.is_shut_down {
            return false;
        }
        if sockets.members.len() >= sockets.next_sweep {
            sockets.members.retain(|member| member.strong_count() > 0);
            sockets.next_sweep = 2 * sockets.members.len() + 16;
        }
        sockets.members.push(socket);
        true
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.0.sockets.lock().expect("no panic holds the lock")
    }

    /// Binds a socket to a name. Returns `false` if another socket is bound to the name.
    pub(crate) fn bind(&self, name: &str, socket: Bound) -> bool {
        let mut bound = self.0.bound.lock().expect("no panic holds the lock");
        bound.retain(|_, other| other.is_there());
        if bound.contains_key(name) {
            return false;
        }
        bound.insert(name.into(), socket);
        drop(bound);
        self.0.changed.notify_waiters();
        true
    }

    /// Returns whether a socket is bound to the name.
    pub(crate) fn is_bound(&self, name: &str) -> bool {
        self.0.bound.lock().expect("no panic holds the lock").get(name).is_some_and(Bound::is_there)
    }

    /// Removes the names that aren't bound any more, so that they don't keep their sockets in memory.
    pub(crate) fn sweep(&self) {
        self.0.bound.lock().expect("no panic holds the lock").retain(|_, bound| bound.is_there());
    }

    /// Waits until a socket is bound to a name, and returns it. Cancel safe.
    pub(crate) async fn find(&self, name: &str) -> Bound {
        loop {
            let changed = self.0.changed.notified();
            let found = self.0.bound.lock().expect("no panic holds the lock").get(name).cloned();
            match found {
                Some(bound) if bound.is_there() => return bound,
                _ => changed.await,
            }
        }
    }
}
