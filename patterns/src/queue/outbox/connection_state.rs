//! State of the connection that takes the messages of one peer's queue.

use std::task::Waker;

use super::control::Control;

/// How the connection to one peer is to end once all that waits for the peer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndMode {
    /// If nothing of the peer is in flight at the connection's next turn.
    WhenIdle,
    /// By closing this side's half only: the peer is read until it closes its own.
    HalfClose,
}

/// Cause for which the socket ends a peer's connection at once, whatever waits to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AbortCause {
    /// Another peer takes the place of the connection's own.
    Replaced,
    /// The application has disconnected the peer.
    Disconnected,
}

/// State of the connection, as far as the queue knows it.
#[derive(Debug, Default)]
pub(super) struct ConnectionState {
    /// Whether the peer is connected.
    connected: bool,
    /// Whether the kernel takes no more for now.
    blocked: bool,
    /// Why the connection is to end at once, if it is.
    aborted: Option<AbortCause>,
    /// How the connection is to end, if the socket goes on without it.
    end: Option<EndMode>,
    /// The connection's waker, while the connection has no bytes to write, or waits for the kernel.
    sleeping: Option<Waker>,
}

impl ConnectionState {
    pub(super) const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Returns whether the connection is up and the kernel takes bytes.
    pub(super) const fn is_writing(&self) -> bool {
        self.connected && !self.blocked
    }

    pub(super) fn handle_connect(&mut self) {
        (self.connected, self.blocked, self.aborted) = (true, false, None);
    }

    pub(super) fn handle_disconnect(&mut self) {
        (self.connected, self.blocked, self.sleeping) = (false, false, None);
    }

    pub(super) const fn set_blocked(&mut self, blocked: bool) {
        self.blocked = blocked;
    }

    /// Keeps the waker of a connection that sleeps.
    pub(super) fn sleep(&mut self, waker: &Waker) {
        match &mut self.sleeping {
            Some(sleeping) => sleeping.clone_from(waker),
            sleeping => *sleeping = Some(waker.clone()),
        }
    }

    /// Drops the waker of a connection that has bytes to write.
    pub(super) fn stay_awake(&mut self) {
        self.sleeping = None;
    }

    /// Takes the waker out, if the connection sleeps and can write, or is to end since its commands pile up.
    #[inline]
    pub(super) fn wake(&mut self, control: &Control) -> Option<Waker> {
        if self.sleeping.is_some() && (!self.blocked || control.is_overrun()) {
            self.sleeping.take()
        } else {
            None
        }
    }

    pub(super) const fn wake_to_close(&mut self) -> Option<Waker> {
        self.sleeping.take()
    }

    pub(super) const fn abort(&mut self, cause: AbortCause) -> Option<Waker> {
        self.aborted = Some(cause);
        self.wake_to_close()
    }

    pub(super) const fn aborted(&self) -> Option<AbortCause> {
        self.aborted
    }

    pub(super) const fn end(&self) -> Option<EndMode> {
        self.end
    }

    pub(super) const fn set_end(&mut self, end: Option<EndMode>) {
        self.end = end;
    }

    #[cfg(test)]
    pub(super) const fn is_sleeping(&self) -> bool {
        self.sleeping.is_some()
    }
}
