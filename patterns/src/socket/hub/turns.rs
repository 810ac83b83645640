//! How those who never have to wait let others have their turn.

use std::sync::atomic::{AtomicU8, Ordering};

/// Counts operations, roughly: of those that many tasks do at a time some may not count.
#[derive(Debug, Default)]
pub(crate) struct Turns(AtomicU8);

/// Operations for each unit of a task's budget (tokio's: 128 of them, then it gives way). A unit for each would have
/// every 128 messages written by themselves.
const UNIT: u8 = 16;

impl Turns {
    /// To be awaited before each operation: gives way to other tasks now and then, however much there is to do.
    #[inline]
    pub(crate) async fn next(&self) {
        let turn = self.0.load(Ordering::Relaxed);
        self.0.store(turn.wrapping_add(1), Ordering::Relaxed);
        if turn.is_multiple_of(UNIT) {
            tokio::task::coop::consume_budget().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn who_never_waits_gives_way_now_and_then() {
        let (turns, done) = (Turns::default(), Cell::new(0));
        let busy = async {
            loop {
                turns.next().await;
                done.set(done.get() + 1);
            }
        };
        let other = async {
            while done.get() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = busy => unreachable!("it goes on for ever"),
            () = other => assert!(done.get() >= usize::from(UNIT), "{}", done.get()),
        }
    }
}
