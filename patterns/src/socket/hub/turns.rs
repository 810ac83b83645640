//! How those who never have to wait let others have their turn.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is done, roughly: of what many tasks do at a time some may not count.
#[derive(Debug, Default)]
pub(crate) struct Turns(AtomicUsize);

/// Octets for each unit of a task's budget, after which it gives way. So a task that shares its thread
/// with a connection has it write some 128 KiB at once: less costs system calls, more falls out of the caches.
const UNIT: usize = 1024;
/// What a message counts besides its octets, or one that can't be sent without them.
const MESSAGE: usize = 64;
/// The units that tokio gives a task.
const BUDGET: usize = 128;

impl Turns {
    /// Counts a message, and says whether to [give way](Self::give_way) before it is sent or received, or that is tried.
    /// Mostly not, and nothing has to be awaited.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        let spent = self.0.load(Ordering::Relaxed) + MESSAGE;
        self.0.store(spent, Ordering::Relaxed);
        spent >= UNIT
    }

    /// Whether nobody has given way since it was over.
    pub(crate) fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= UNIT
    }

    /// To be awaited when a turn is over: now and then it lets other tasks go on first, however much there is to do.
    pub(crate) async fn give_way(&self) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent % UNIT, Ordering::Relaxed);
        // More than all of its budget nobody can spend.
        for _ in 0..(spent / UNIT).min(BUDGET) {
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Counts the octets of what is done.
    #[inline]
    pub(crate) fn count(&self, octets: usize) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent + octets.min(BUDGET * UNIT), Ordering::Relaxed);
    }

    /// Hardly ever the same again when something has been done.
    pub(crate) fn state(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts something as an eighth of a turn.
    pub(crate) fn hurry(&self) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent + BUDGET * UNIT / 8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn done_in_a_turn(octets: usize) -> usize {
        let (turns, done) = (Turns::default(), Cell::new(0));
        let busy = async {
            loop {
                if turns.is_over() {
                    turns.give_way().await;
                }
                turns.count(octets);
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
    async fn who_never_waits_gives_way_after_some_octets_or_messages() {
        for (octets, expected) in [(0, BUDGET * UNIT / MESSAGE), (UNIT - MESSAGE, BUDGET), (1 << 20, 1)] {
            // What else was done in this turn counts, too.
            tokio::task::yield_now().await;
            let done = done_in_a_turn(octets).await;
            // What doesn't make a unit yet is free.
            let most = expected + UNIT / MESSAGE;
            assert!((expected / 2..=most).contains(&done), "{octets} octets: {done}, not {expected}");
        }
    }
}
