//! Cooperative yielding for senders and receivers that never block.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::coop::{consume_budget, has_budget_remaining};

use crate::tuning::{MAX_TURN_CONNECTIONS, TASK_BUDGET_UNITS, YIELD_MESSAGE_BYTES, YIELD_UNIT_BYTES};

/// A rough counter of work since the last yield. Several tasks may charge it at a time: then some charges are lost.
///
/// A turn of a task is as long as its connections need to write much at once. Work that is spread over several
/// connections is charged to each in equal parts, so with four of them a turn is four times as long.
#[derive(Debug, Default)]
pub(crate) struct YieldBudget {
    /// Bytes of work that aren't charged to the task's budget yet.
    spent: AtomicUsize,
    /// Number of connections that the task has woken since its last yield.
    connections: AtomicUsize,
}

impl YieldBudget {
    /// Charges one message. Returns true if the caller must [yield](Self::yield_now) before it sends or receives the
    /// message. Mostly it returns false, and nothing has to be awaited.
    #[inline]
    pub(crate) fn charge_message(&self) -> bool {
        self.charge(YIELD_MESSAGE_BYTES) >= YIELD_UNIT_BYTES
    }

    /// Returns whether a yield is due: no task has yielded since a unit was spent.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.spent() >= YIELD_UNIT_BYTES
    }

    /// Charges the spent units to the task's budget, and yields to other tasks when that is used up.
    pub(crate) async fn yield_now(&self) {
        let spent = self.spent();
        self.spent.store(spent % YIELD_UNIT_BYTES, Ordering::Relaxed);
        // A task can't spend more than all of its budget.
        for _ in 0..(spent / YIELD_UNIT_BYTES).min(TASK_BUDGET_UNITS) {
            if !has_budget_remaining() {
                self.connections.store(0, Ordering::Relaxed);
            }
            consume_budget().await;
        }
    }

    /// Adds connections that the task has woken, of `connected` in all, since it has given them messages. The same
    /// connection may be woken more than once in a turn.
    pub(crate) fn add_connections(&self, woken: usize, connected: usize) {
        let connections = self.connections.load(Ordering::Relaxed) + woken;
        self.connections.store(connections.min(connected).min(MAX_TURN_CONNECTIONS), Ordering::Relaxed);
    }

    /// Charges the bytes of work that was done.
    #[inline]
    pub(crate) fn charge_bytes(&self, bytes: usize) {
        self.charge(bytes.min(TASK_BUDGET_UNITS * YIELD_UNIT_BYTES));
    }

    /// Charges work to the connections in equal parts. Returns the bytes that are spent.
    #[inline]
    fn charge(&self, bytes: usize) -> usize {
        let connections = self.connections.load(Ordering::Relaxed);
        let part = if connections > 1 { bytes / connections } else { bytes };
        let spent = self.spent() + part;
        self.spent.store(spent, Ordering::Relaxed);
        spent
    }

    /// Returns the bytes that were charged since the last yield. The value is hardly ever the same again after more
    /// work.
    #[inline]
    pub(crate) fn spent(&self) -> usize {
        self.spent.load(Ordering::Relaxed)
    }

    /// Charges an eighth of a task's whole budget.
    pub(crate) fn charge_eighth(&self) {
        self.spent.fetch_add(TASK_BUDGET_UNITS * YIELD_UNIT_BYTES / 8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Returns the number of messages of `bytes` bytes that a task sends, to a number of connections that were asleep,
    /// before another task runs.
    async fn messages_before_a_yield(bytes: usize, connections: usize) -> usize {
        let (budget, done) = (YieldBudget::default(), Cell::new(0));
        budget.add_connections(connections, 200);
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
            let done = messages_before_a_yield(bytes, 1).await;
            // Messages and bytes that don't make a unit yet are free.
            let most = expected + YIELD_UNIT_BYTES / YIELD_MESSAGE_BYTES;
            assert!((expected / 2..=most).contains(&done), "{bytes} bytes: {done}, not {expected}");
        }
    }

    #[tokio::test]
    async fn a_turn_has_a_budget_for_each_connection_up_to_a_maximum() {
        const BYTES: usize = 16 << 10;
        let per_connection = TASK_BUDGET_UNITS * YIELD_UNIT_BYTES / BYTES;
        for (connections, expected) in [(1, 1), (4, 4), (100, MAX_TURN_CONNECTIONS)] {
            tokio::task::yield_now().await;
            let done = messages_before_a_yield(BYTES, connections).await;
            let expected = expected * per_connection;
            assert!((expected - 2..=expected + 2).contains(&done), "{connections}: {done}, not {expected}");
        }
    }

    #[test]
    fn a_connection_that_is_woken_again_counts_once() {
        let budget = YieldBudget::default();
        for _ in 0..3 {
            budget.add_connections(1, 1);
        }
        budget.charge_bytes(100);
        assert_eq!(budget.spent(), 100);
    }

    #[tokio::test]
    async fn a_yield_ends_the_turn_and_its_connections_count_no_longer() {
        let budget = YieldBudget::default();
        budget.add_connections(4, 4);
        while tokio::task::coop::has_budget_remaining() {
            tokio::task::coop::consume_budget().await;
        }
        budget.charge_bytes(4 * YIELD_UNIT_BYTES);
        budget.yield_now().await;
        budget.charge_bytes(100);
        assert_eq!(budget.spent(), 100);
    }
}
