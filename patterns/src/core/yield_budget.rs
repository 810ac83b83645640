//! Cooperative yielding for senders and receivers that never block.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::tuning::{TASK_BUDGET_UNITS, YIELD_MESSAGE_BYTES, YIELD_UNIT_BYTES};

/// A rough counter of work since the last yield. Several tasks may charge it at a time: then some charges are lost.
#[derive(Debug, Default)]
pub(crate) struct YieldBudget(AtomicUsize);

impl YieldBudget {
    /// Charges one message. Returns true if the caller must [yield](Self::yield_now) before it sends or receives the
    /// message. Mostly it returns false, and nothing has to be awaited.
    #[inline]
    pub(crate) fn charge_message(&self) -> bool {
        let spent = self.0.load(Ordering::Relaxed) + YIELD_MESSAGE_BYTES;
        self.0.store(spent, Ordering::Relaxed);
        spent >= YIELD_UNIT_BYTES
    }

    /// Returns whether a yield is due: no task has yielded since a unit was spent.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= YIELD_UNIT_BYTES
    }

    /// Charges the spent units to the task's budget, and yields to other tasks when that is used up.
    pub(crate) async fn yield_now(&self) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent % YIELD_UNIT_BYTES, Ordering::Relaxed);
        // A task can't spend more than all of its budget.
        for _ in 0..(spent / YIELD_UNIT_BYTES).min(TASK_BUDGET_UNITS) {
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Charges the bytes of work that was done.
    #[inline]
    pub(crate) fn charge_bytes(&self, bytes: usize) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent + bytes.min(TASK_BUDGET_UNITS * YIELD_UNIT_BYTES), Ordering::Relaxed);
    }

    /// Returns the bytes that were charged since the last yield. The value is hardly ever the same again after more
    /// work.
    pub(crate) fn spent(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Charges an eighth of a task's whole budget.
    pub(crate) fn charge_eighth(&self) {
        let spent = self.0.load(Ordering::Relaxed);
        self.0.store(spent + TASK_BUDGET_UNITS * YIELD_UNIT_BYTES / 8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Returns the number of messages of `bytes` bytes that a task sends before another task runs.
    async fn messages_before_a_yield(bytes: usize) -> usize {
        let (budget, done) = (YieldBudget::default(), Cell::new(0));
        let busy = async {
            loop {
                if budget.charge_message() {
                    budget.yield_now().await;
                }
                budget.charge_bytes(bytes);
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
    async fn a_task_that_never_blocks_yields_after_some_bytes_or_messages() {
        let cases = [
            (0, TASK_BUDGET_UNITS * YIELD_UNIT_BYTES / YIELD_MESSAGE_BYTES),
            (YIELD_UNIT_BYTES - YIELD_MESSAGE_BYTES, TASK_BUDGET_UNITS),
            (1 << 20, 1),
        ];
        for (bytes, expected) in cases {
            // Begins with a new budget: other work since the last yield would count, too.
            tokio::task::yield_now().await;
            let done = messages_before_a_yield(bytes).await;
            // Messages and bytes that don't make a unit yet are free.
            let most = expected + YIELD_UNIT_BYTES / YIELD_MESSAGE_BYTES;
            assert!((expected / 2..=most).contains(&done), "{bytes} bytes: {done}, not {expected}");
        }
    }
}
