//! When a connection has nothing to do for a while.

use std::pin::{Pin, pin};
use std::task::Context;
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Sleep, sleep};

/// Memory that will be needed again at once costs more to give back and to get than to keep.
const IDLE_TIME: Duration = Duration::from_millis(100);

/// Sees that a connection has fallen idle. Looks ten times a second while it is busy, and not at all afterwards.
#[derive(Debug, Default)]
pub(super) struct IdleTimer {
    timer: Option<Pin<Box<Sleep>>>,
    has_moved: bool,
}

impl IdleTimer {
    /// Something is read or written.
    pub(super) const fn handle_traffic(&mut self) {
        self.has_moved = true;
    }

    /// Whether nothing has moved for a while now; tells it once. The task that polls it is always the same.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            match &self.timer {
                None if !self.has_moved => return false,
                None => {
                    self.has_moved = false;
                    self.timer = Some(timer(cx));
                }
                // It wakes the task when it is time: till then it needn't be polled again.
                Some(timer) if !timer.is_elapsed() => return false,
                Some(_) => {
                    self.timer = None;
                    if !self.has_moved {
                        return true;
                    }
                }
            }
        }
    }
}

/// One that has begun, however much the task has done in its turn.
fn timer(cx: &mut Context<'_>) -> Pin<Box<Sleep>> {
    let mut timer = Box::pin(sleep(IDLE_TIME));
    // If it is over already, that is seen as soon as it is asked.
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
    async fn idle_is_told_once_after_the_last_traffic() {
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
        assert!(!again && idle.timer.is_none(), "nothing is looked at any more");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_is_told_however_much_the_task_had_done_when_the_timer_began() {
        let mut idle = IdleTimer::default();
        while tokio::task::coop::has_budget_remaining() {
            tokio::task::coop::consume_budget().await;
        }
        idle.handle_traffic();
        let begins = poll_fn(|cx| if idle.poll(cx) { Poll::Ready(()) } else { Poll::Pending });
        tokio::time::timeout(IDLE_TIME * 3, begins).await.expect("within the time");
    }
}
