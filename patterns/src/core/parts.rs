//! Sending in parts, to peers that answer at once.
//!
//! A socket that gets many answers together and asks as much again would go in step with its peer: one of the two
//! always waits for the other and for its own wake-up, which takes longer than all the work of either. So a socket that
//! had to wait only briefly gives way soon, and connections write the first part while the next is made. Each part is
//! twice as long as the one before, so that a stream isn't cut to pieces. Where answers take long anyway, all is
//! written at once.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

/// Waits shorter than this have the next messages sent in parts. After a longer wait, asking a little sooner gains
/// nothing. (This is twice the time of two wake-ups. Where two wake-ups take longer than this, the sockets go in step
/// after all.)
const SHORT: Duration = Duration::from_micros(160);
/// Number of steps that are cut into parts. Later steps are sent in turns like any other.
const ALL: usize = 128;

/// Counts roughly what many tasks do at a time.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// The step under way, counted from 1; none if all is one part. Each part ends before a power of two.
    step: AtomicUsize,
}

impl Parts {
    /// Notes how long a receiver waited for a message that has come, while the socket sent nothing.
    pub(crate) fn handle_wait(&self, waited: Duration) {
        self.step.store(usize::from(waited < SHORT), Ordering::Relaxed);
    }

    /// Counts a step, some KiB or messages, and gives way when a part is done. Await it for each step.
    pub(crate) async fn step(&self) {
        if self.is_over() {
            let_others_go_on().await;
        }
    }

    fn is_over(&self) -> bool {
        let step = self.step.load(Ordering::Relaxed);
        if step == 0 {
            return false;
        }
        let next = step + 1;
        self.step.store(if next < ALL { next } else { 0 }, Ordering::Relaxed);
        next.is_power_of_two()
    }
}

/// Lets tasks run first that are ready already. (`tokio::task::yield_now` would also let tasks run that the system has
/// news for: asking for the news takes a system call.)
async fn let_others_go_on() {
    let mut is_called = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_called, true) {
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
    use crate::connection::Link as _;
    use crate::core::SocketCore;
    use crate::options::Settings;
    use crate::queue::Inbound;
    use crate::routing::RoundRobin;

    /// Returns the number of steps in each part, of `steps` in all.
    fn parts(parts: &Parts, steps: usize) -> Vec<usize> {
        let mut lengths = vec![0];
        for _ in 0..steps {
            *lengths.last_mut().unwrap() += 1;
            if parts.is_over() {
                lengths.push(0);
            }
        }
        lengths
    }

    #[test]
    fn after_a_short_wait_each_part_is_twice_as_long_as_the_one_before() {
        let all = Parts::default();
        assert_eq!(parts(&all, 1000), [1000], "nobody has waited");
        for _ in 0..2 {
            all.handle_wait(SHORT / 2);
            assert_eq!(parts(&all, 1000), [1, 2, 4, 8, 16, 32, 64, 873]);
        }
        all.handle_wait(SHORT / 2);
        assert_eq!(parts(&all, 4), [1, 2, 1]);
        all.handle_wait(SHORT);
        assert_eq!(parts(&all, 4), [4], "it took long");
    }

    #[tokio::test]
    async fn others_have_their_turn_after_each_part() {
        let (parts, turns) = (Parts::default(), Cell::new(0));
        let sender = async {
            for _ in 0..3 {
                parts.step().await;
            }
        };
        let connection = poll_fn(|_| {
            turns.set(turns.get() + 1);
            Poll::<()>::Pending
        });
        parts.handle_wait(Duration::ZERO);
        tokio::select! {
            biased;
            () = sender => assert_eq!(turns.get(), 2, "after one step, and after two more"),
            () = connection => {}
        }
    }

    /// Returns whether a DEALER sends in parts after it has waited `waited` for a message. With `else_sends`, another
    /// task sends meanwhile.
    async fn is_cut(waited: Duration, else_sends: bool) -> bool {
        let core = SocketCore::new(SocketType::Dealer, Settings::default(), RoundRobin::default());
        let peer = core.open();
        let mut receiving = std::pin::pin!(core.recv_by(Inbound::pop_one));
        let is_there = poll_fn(|cx| Poll::Ready(receiving.as_mut().poll(cx).is_ready())).await;
        assert!(!is_there);
        tokio::time::advance(waited).await;
        if else_sends {
            core.charge_bytes(1);
        }
        core.deliver(peer, Message::from("answer").into()).unwrap();
        receiving.await.unwrap();
        core.parts.is_over()
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_long_or_sends_meanwhile_sends_all_at_once() {
        assert!(is_cut(SHORT / 2, false).await);
        assert!(!is_cut(SHORT * 2, false).await);
        assert!(!is_cut(SHORT / 2, true).await);
    }
}
