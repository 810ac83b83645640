//! Queues of messages to one peer ([`Outbox`]) and from all peers ([`Inbound`]), bounded in messages and in bytes.

mod inbound;
mod outbox;
mod outgoing;

use std::collections::VecDeque;

pub(crate) use inbound::{Arrival, IdleEnd, Inbound, WaiterId};
pub(crate) use outbox::{EndMode, OpenRun, Outbox, Taken};
pub(crate) use outgoing::Outgoing;

/// An amount of messages, or a bound on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Load {
    pub(crate) const fn new(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes }
    }

    /// Whether one more message is admitted under `limit`.
    #[inline]
    pub(crate) const fn is_below(&self, limit: &Self) -> bool {
        self.messages < limit.messages && self.bytes < limit.bytes
    }

    /// Both together; no limit stays none.
    pub(crate) const fn saturating_add(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(other.messages),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// The lesser of both, each for itself.
    pub(crate) fn min(self, other: Self) -> Self {
        Self { messages: self.messages.min(other.messages), bytes: self.bytes.min(other.bytes) }
    }

    #[inline]
    pub(crate) const fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    #[inline]
    pub(crate) const fn sub(&mut self, other: Self) {
        self.messages -= other.messages;
        self.bytes -= other.bytes;
    }
}

/// Moves the first entry of a queue to the end, at no cost if it is the only entry.
#[inline]
pub(crate) fn rotate_front<T>(queue: &mut VecDeque<T>) {
    if queue.len() > 1 {
        queue.rotate_left(1);
    }
}
