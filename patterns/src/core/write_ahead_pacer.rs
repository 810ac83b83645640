//! Pacing of sends to peers that reply at once.
//!
//! A socket that receives many replies together and then sends as many requests would fall into step with its peer: one
//! of the two always waits for the other and for its own wake-up, which takes longer than all the work of either. So a
//! socket that waited only briefly for its messages yields early while it sends, and its connections write the first
//! burst while the next is made. Each burst is twice as long as the burst before, so that a stream isn't cut to pieces.
//! If replies take long, bursts would gain no time, and all requests are written at once.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use crate::tuning::{MAX_PACED_STEPS, MAX_SHORT_WAIT};

/// A pacer that has a sender yield after bursts of growing length. Several tasks may use it at a time: then some steps
/// don't count.
#[derive(Debug, Default)]
pub(crate) struct WriteAheadPacer {
    /// Number of the current step, from 1; 0 if requests aren't cut into bursts. Each burst ends before a power of two.
    step: AtomicUsize,
}

impl WriteAheadPacer {
    /// Records how long a receiver waited for its message, while the socket sent nothing.
    pub(crate) fn record_wait(&self, waited: Duration) {
        self.step.store(usize::from(waited < MAX_SHORT_WAIT), Ordering::Relaxed);
    }

    /// Counts a step, some KiB or messages, and yields when a burst ends. Await it for each step.
    pub(crate) async fn step(&self) {
        if self.ends_burst() {
            yield_to_ready_tasks().await;
        }
    }

    /// Counts a step. Returns whether a burst ends with it.
    fn ends_burst(&self) -> bool {
        let step = self.step.load(Ordering::Relaxed);
        if step == 0 {
            return false;
        }
        let next = step + 1;
        self.step.store(if next < MAX_PACED_STEPS { next } else { 0 }, Ordering::Relaxed);
        next.is_power_of_two()
    }
}

/// Yields to tasks that are ready already. (`tokio::task::yield_now` would also poll the system for events, which takes
/// a system call.)
async fn yield_to_ready_tasks() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use enfonet_zmtp::{Message, SocketType};

    use super::*;
    use crate::core::SocketCore;
    use crate::queue::Inbound;
    use crate::routing::RoundRobin;
    use crate::session::Session as _;

    /// Returns the number of steps in each burst, of `steps` in all.
    fn bursts(pacer: &WriteAheadPacer, steps: usize) -> Vec<usize> {
        let mut lengths = vec![0];
        for _ in 0..steps {
            *lengths.last_mut().unwrap() += 1;
            if pacer.ends_burst() {
                lengths.push(0);
            }
        }
        lengths
    }

    #[test]
    fn after_a_short_wait_each_burst_is_twice_as_long_as_the_burst_before() {
        let pacer = WriteAheadPacer::default();
        assert_eq!(bursts(&pacer, 1000), [1000], "nobody has waited");
        for _ in 0..2 {
            pacer.record_wait(MAX_SHORT_WAIT / 2);
            assert_eq!(bursts(&pacer, 1000), [1, 2, 4, 8, 16, 32, 64, 873]);
        }
        pacer.record_wait(MAX_SHORT_WAIT / 2);
        assert_eq!(bursts(&pacer, 4), [1, 2, 1]);
        pacer.record_wait(MAX_SHORT_WAIT);
        assert_eq!(bursts(&pacer, 4), [4], "it took long");
    }

    #[tokio::test]
    async fn other_tasks_run_after_each_burst() {
        let (pacer, polls) = (WriteAheadPacer::default(), Cell::new(0));
        let sender = async {
            for _ in 0..3 {
                pacer.step().await;
            }
        };
        let connection = poll_fn(|_| {
            polls.set(polls.get() + 1);
            Poll::<()>::Pending
        });
        pacer.record_wait(Duration::ZERO);
        tokio::select! {
            biased;
            () = sender => assert_eq!(polls.get(), 2, "after one step, and after two more"),
            () = connection => {}
        }
    }

    /// Returns whether a DEALER sends in bursts after it has waited `waited` for a message. With `other_sends`, another
    /// task sends meanwhile.
    async fn sends_in_bursts(waited: Duration, other_sends: bool) -> bool {
        let core = SocketCore::with_defaults(SocketType::Dealer, RoundRobin::default());
        let peer = core.open();
        let mut receiving = std::pin::pin!(core.recv_by(Inbound::pop_one));
        let is_there = poll_fn(|cx| Poll::Ready(receiving.as_mut().poll(cx).is_ready())).await;
        assert!(!is_there);
        tokio::time::advance(waited).await;
        if other_sends {
            core.charge_bytes(1);
        }
        core.deliver(peer, Message::from("answer").into()).unwrap();
        receiving.await.unwrap();
        core.pacer.ends_burst()
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_waits_long_or_sends_meanwhile_sends_without_bursts() {
        assert!(sends_in_bursts(MAX_SHORT_WAIT / 2, false).await);
        assert!(!sends_in_bursts(MAX_SHORT_WAIT * 2, false).await);
        assert!(!sends_in_bursts(MAX_SHORT_WAIT / 2, true).await);
    }
}
