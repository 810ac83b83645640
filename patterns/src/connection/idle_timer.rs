//! Timer that detects an idle connection, so that its memory can be freed.

use std::pin::{Pin, pin};
use std::task::Context;

use tokio::task::coop::unconstrained;
use tokio::time::{Sleep, sleep};

use crate::tuning::IDLE_TIME;

/// A timer that fires once after the last traffic of a connection. It fires ten times a second at most while the
/// connection is busy, and isn't armed afterwards.
#[derive(Debug, Default)]
pub(super) struct IdleTimer {
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether anything was read or written since the timer was armed.
    has_traffic: bool,
}

impl IdleTimer {
    /// Records that bytes were read or written.
    pub(super) const fn handle_traffic(&mut self) {
        self.has_traffic = true;
    }

    /// Returns whether the connection has become idle: true once after the last traffic. Always polled by the same
    /// task.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            match &self.timer {
                None if !self.has_traffic => return false,
                None => {
                    self.has_traffic = false;
                    self.timer = Some(timer(cx));
                }
                // The timer wakes the task when it elapses, and needn't be polled before.
                Some(timer) if !timer.is_elapsed() => return false,
                Some(_) => {
                    self.timer = None;
                    if !self.has_traffic {
                        return true;
                    }
                }
            }
        }
    }
}

/// Returns a timer that is armed, even if the task has used up its budget in this poll.
fn timer(cx: &mut Context<'_>) -> Pin<Box<Sleep>> {
    let mut timer = Box::pin(sleep(IDLE_TIME));
    // The result doesn't matter: whether the timer has elapsed is asked at the next poll.
    let _ = pin!(unconstrained(timer.as_mut())).poll(cx);
    timer
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_idle_timer_fires_once_after_the_last_traffic() {
        let (mut idle, begun) = (IdleTimer::default(), Instant::now());
        for _ in 0..3 {
            idle.handle_traffic();
            poll_fn(|cx| {
                assert!(!idle.poll(cx), "it has just been busy");
                Poll::Ready(())
            })
            .await;
            tokio::time::advance(IDLE_TIME / 2).await;
        }
        let busy = begun.elapsed();
        poll_fn(|cx| if idle.poll(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
        assert!(begun.elapsed() >= busy + IDLE_TIME / 2, "{:?}", begun.elapsed());
        assert!(begun.elapsed() <= busy + IDLE_TIME * 2, "{:?}", begun.elapsed());
        let again = poll_fn(|cx| Poll::Ready(idle.poll(cx))).await;
        assert!(!again && idle.timer.is_none(), "the timer is not armed any more");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_timer_fires_even_if_it_begins_with_an_exhausted_budget() {
        let mut idle = IdleTimer::default();
        while tokio::task::coop::has_budget_remaining() {
            tokio::task::coop::consume_budget().await;
        }
        idle.handle_traffic();
        let begins = poll_fn(|cx| if idle.poll(cx) { Poll::Ready(()) } else { Poll::Pending });
        tokio::time::timeout(IDLE_TIME * 3, begins).await.expect("within the time");
    }
}
