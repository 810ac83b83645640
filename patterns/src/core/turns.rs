//! Cooperative yielding for senders and receivers that never have to wait.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A rough counter of work since the last yield: of work that many tasks do at a time, some may not count.
#[derive(Debug, Default)]
pub(crate) struct Turns(AtomicUsize);

/// Bytes for each unit of a task's budget, after which it gives way. So a task that shares its thread with a connection
/// has it write some 128 KiB at once: less costs system calls, more falls out of the caches.
const UNIT: usize = 1024;
/// Bytes that a message counts for, besides its own. A message that can't be sent counts for these only.
const MESSAGE: usize = 64;
/// The units that tokio gives a task.
const BUDGET: usize = 128;

impl Turns {
    /// Counts a message, and returns whether to [give way](Self::give_way) before sending or receiving it, or trying
    /// to. Mostly it returns `false`, and nothing has to be awaited.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        let spent = self.0.load(Ordering::Relaxed) + MESSAGE;
        self.0.store(spent, Ordering::Relaxed);
        spent >= UNIT
    }

    /// Returns whether no task has given way since the turn was over.
    pub(crate) fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= UNIT
    }

    /// Lets other tasks go on first now and then, however much there is to do. Await it when a turn is over.
    pub(crate) async fn give_way(&self) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent % UNIT, Ordering::Relaxed);
        // A task can't spend more than all of its budget.
        for _ in 0..(spent / UNIT).min(BUDGET) {
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Counts the bytes of work that was done.
    #[inline]
    pub(crate) fn count(&self, bytes: usize) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent + bytes.min(BUDGET * UNIT), Ordering::Relaxed);
    }

    /// Returns the counter's state, which is hardly ever the same again after more work.
    pub(crate) fn state(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts an eighth of a task's whole budget.
    pub(crate) fn hurry(&self) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent + BUDGET * UNIT / 8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn done_in_a_turn(bytes: usize) -> usize {
        let (turns, done) = (Turns::default(), Cell::new(0));
        let busy = async {
            loop {
                if turns.is_over() {
                    turns.give_way().await;
                }
                turns.count(bytes);
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
            () = other => done.get(),
        }
    }

    #[tokio::test]
    async fn who_never_waits_gives_way_after_some_bytes_or_messages() {
        for (bytes, expected) in [(0, BUDGET * UNIT / MESSAGE), (UNIT - MESSAGE, BUDGET), (1 << 20, 1)] {
            // Begins with a new budget: other work in this turn would count, too.
            tokio::task::yield_now().await;
            let done = done_in_a_turn(bytes).await;
            // Messages and bytes that don't make a unit yet are free.
            let most = expected + UNIT / MESSAGE;
            assert!((expected / 2..=most).contains(&done), "{bytes} bytes: {done}, not {expected}");
        }
    }
}
