//! Where `inproc://` names live.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::connection::Link;

/// A space of `inproc://` names. Sockets of one context find each other; there is one for the whole process
/// that sockets use unless [`Options::context`](crate::Options::context) says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Context(Arc<Names>);

#[derive(Debug, Default)]
struct Names {
    bound: Mutex<HashMap<String, Bound>>,
    changed: Notify,
}

/// A socket that is bound to a name.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) link: Arc<dyn Link>,
    /// Cancelled when it no longer is: connections end when nothing waits to be moved.
    pub(crate) ending: CancellationToken,
    /// Cancelled when they are to be cut off.
    pub(crate) until: CancellationToken,
}

impl Bound {
    fn is_there(&self) -> bool {
        !self.ending.is_cancelled() && !self.until.is_cancelled()
    }
}

impl Context {
    /// A context of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The context of the process.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<Context> = LazyLock::new(Context::new);
        &GLOBAL
    }

    /// Takes a name, until it is given up; `false` if it is taken.
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

    /// Whether a socket is bound to the name.
    pub(crate) fn is_bound(&self, name: &str) -> bool {
        self.0.bound.lock().expect("no panic holds the lock").get(name).is_some_and(Bound::is_there)
    }

    /// Forgets names whose time is over, so that they don't keep their sockets.
    pub(crate) fn sweep(&self) {
        self.0.bound.lock().expect("no panic holds the lock").retain(|_, bound| bound.is_there());
    }

    /// The socket bound to a name, as soon as there is one. Cancel safe.
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
