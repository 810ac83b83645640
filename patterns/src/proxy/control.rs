//! Control of a proxy, and its statistics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::size::Size;

/// A handle that steers a [`Proxy`](crate::proxy::Proxy), as do its clones. Dropping it has no effect on the proxy.
#[derive(Clone, Debug)]
pub struct Control {
    state: Arc<watch::Sender<State>>,
    /// Traffic to the back, and to the front.
    counters: Arc<[Counters; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Paused,
    Terminated,
}

/// Counters of the traffic in one direction.
#[derive(Debug, Default)]
pub(super) struct Counters {
    received: Count,
    sent: Count,
}

#[derive(Debug, Default)]
struct Count {
    messages: AtomicU64,
    bytes: AtomicU64,
}

/// Traffic at the sockets of a proxy since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Traffic at the front socket.
    pub front: Traffic,
    /// Traffic at the back socket.
    pub back: Traffic,
}

/// Traffic at one socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Messages received.
    pub received: Size,
    /// Messages sent.
    pub sent: Size,
}

impl Default for Control {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::Running)), counters: Arc::default() }
    }
}

impl Control {
    /// Pauses the proxy: it receives no messages until it [resumes](Self::resume). Messages that it has received are
    /// still sent. Sending peers have to wait once the queues are full.
    pub fn pause(&self) {
        self.change(State::Paused);
    }

    /// Resumes the proxy after a pause.
    pub fn resume(&self) {
        self.change(State::Running);
    }

    /// Ends the proxy for good. Its sockets stay open.
    pub fn terminate(&self) {
        self.change(State::Terminated);
    }

    /// Returns the traffic so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let [to_back, to_front] = &*self.counters;
        let traffic = |received: &Counters, sent: &Counters| Traffic {
            received: received.received.size(),
            sent: sent.sent.size(),
        };
        Statistics { front: traffic(to_back, to_front), back: traffic(to_front, to_back) }
    }

    fn change(&self, to: State) {
        self.state.send_if_modified(|state| {
            let changes = *state != State::Terminated && *state != to;
            if changes {
                *state = to;
            }
            changes
        });
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(super) fn counters(&self) -> &[Counters; 2] {
        &self.counters
    }
}

impl Counters {
    pub(super) fn received(&self, messages: usize, bytes: usize) {
        self.received.add(messages, bytes);
    }

    pub(super) fn sent(&self, messages: usize, bytes: usize) {
        self.sent.add(messages, bytes);
    }

    /// Sets the counters at the end: all has been sent but the rest.
    pub(super) fn settle(&self, messages: usize, bytes: usize) {
        let Size { messages: all, bytes: all_bytes } = self.received.size();
        self.sent.messages.store(all - messages as u64, Ordering::Relaxed);
        self.sent.bytes.store(all_bytes - bytes as u64, Ordering::Relaxed);
    }
}

impl Count {
    fn add(&self, messages: usize, bytes: usize) {
        self.messages.fetch_add(messages as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn size(&self) -> Size {
        let (messages, bytes) = (&self.messages, &self.bytes);
        Size { messages: messages.load(Ordering::Relaxed), bytes: bytes.load(Ordering::Relaxed) }
    }
}
