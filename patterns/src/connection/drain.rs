//! Timer of a connection of which this side has closed its half.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::transport::CLOSE_TIMEOUT;

/// A timer that detects a silent peer that doesn't close its connection.
#[derive(Debug)]
pub(super) struct Drain(Pin<Box<Sleep>>);

impl Drain {
    pub(super) fn new() -> Self {
        Self(Box::pin(sleep_until(Instant::now() + CLOSE_TIMEOUT)))
    }

    /// Restarts the timer: bytes have arrived, or the peer isn't read.
    pub(super) fn handle_traffic(&mut self) {
        self.0.as_mut().reset(Instant::now() + CLOSE_TIMEOUT);
    }

    /// Returns ready when nothing has arrived for [`CLOSE_TIMEOUT`].
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
