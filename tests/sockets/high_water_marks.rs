//! High-water marks over inproc, where they are exact, and their changes while sockets are in use.

use enfonet::error::SendError;
use enfonet::{Dealer, Options, Pull, Push, Router};

use crate::{eventually, inproc, on_every_runtime, yield_to_others};

on_every_runtime!(
    over_inproc_the_queue_holds_the_sum_of_both_marks,
    before_the_peer_connects_only_the_senders_mark_counts,
    a_missing_mark_at_one_end_removes_the_limit,
    room_is_announced_when_half_of_the_queue_is_received,
    the_mark_of_a_socket_in_use_can_be_raised_and_lowered,
    a_mark_changed_by_the_receiver_applies_to_the_sender,
    a_router_reports_a_full_peer,
);

/// Sends this many messages, waiting for room, and asserts that there is no room for more.
async fn fill_up(push: &Push, messages: usize) {
    for n in 0..messages {
        push.send(n.to_string()).await.unwrap();
    }
    assert_eq!(fill(push).await, 0);
}

/// Sends until there is no room, and returns the number of messages.
async fn fill(push: &Push) -> usize {
    let mut sent = 0;
    loop {
        match push.try_send(sent.to_string()) {
            Ok(()) => sent += 1,
            Err(SendError::Full(_)) => return sent,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn joined(send_hwm: usize, recv_hwm: usize, push_binds: bool) -> (Push, Pull) {
    let push = Push::with_options(Options::default().send_hwm(send_hwm));
    let pull = Pull::with_options(Options::default().recv_hwm(recv_hwm));
    if push_binds {
        pull.connect(push.bind(inproc()).await.unwrap()).unwrap();
    } else {
        push.connect(pull.bind(inproc()).await.unwrap()).unwrap();
    }
    push.wait_connected(1).await;
    (push, pull)
}

async fn over_inproc_the_queue_holds_the_sum_of_both_marks() {
    for push_binds in [true, false] {
        for (send_hwm, recv_hwm) in [(1000, 1000), (2, 2), (1, 1), (1, 10), (10, 1)] {
            let (push, pull) = joined(send_hwm, recv_hwm, push_binds).await;
            assert_eq!(fill(&push).await, send_hwm + recv_hwm);
            yield_to_others().await;
            assert_eq!(fill(&push).await, 0, "time makes no room");
            for n in 0..send_hwm + recv_hwm {
                assert_eq!(pull.recv().await, Ok(n.to_string().into()));
            }
            fill_up(&push, send_hwm + recv_hwm).await;
        }
    }
}

async fn before_the_peer_connects_only_the_senders_mark_counts() {
    let (push, at) = (Push::with_options(Options::default().send_hwm(1)), inproc());
    push.connect(&at).unwrap();
    assert_eq!(fill(&push).await, 1);
    yield_to_others().await;
    assert_eq!(fill(&push).await, 0);
    let pull = Pull::with_options(Options::default().recv_hwm(1));
    pull.bind(at).await.unwrap();
    push.wait_connected(1).await;
    assert_eq!(fill(&push).await, 1, "one more, now that there is another place");
}

async fn a_missing_mark_at_one_end_removes_the_limit() {
    for (send_hwm, recv_hwm) in [(0, 1), (1, 0)] {
        let (push, _pull) = joined(send_hwm, recv_hwm, true).await;
        for n in 0..10_000 {
            push.try_send(n.to_string()).unwrap();
        }
    }
}

async fn room_is_announced_when_half_of_the_queue_is_received() {
    let (push, pull) = joined(1, 1, true).await;
    assert_eq!(fill(&push).await, 2);
    assert_eq!(pull.recv().await, Ok("0".into()));
    push.send("more").await.unwrap();
    assert!(push.try_send("too much").is_err());
    let (push, pull) = joined(50, 50, true).await;
    assert_eq!(fill(&push).await, 100);
    for _ in 0..50 {
        pull.recv().await.unwrap();
    }
    push.send("more").await.unwrap();
}

async fn the_mark_of_a_socket_in_use_can_be_raised_and_lowered() {
    let (push, pull) = joined(2, 2, true).await;
    assert_eq!(fill(&push).await, 4);
    push.set_send_hwm(5);
    assert_eq!(fill(&push).await, 3);
    push.set_send_hwm(1);
    assert_eq!(fill(&push).await, 0);
    for n in [0, 1, 2, 3, 0, 1, 2] {
        assert_eq!(pull.recv().await, Ok(n.to_string().into()), "nothing is lost");
    }
    fill_up(&push, 3).await;
    pull.set_recv_hwm(0);
    for _ in 0..3 {
        pull.recv().await.unwrap();
    }
}

async fn a_mark_changed_by_the_receiver_applies_to_the_sender() {
    for push_binds in [true, false] {
        let (push, pull) = joined(1, 1, push_binds).await;
        for recv_hwm in [10, 3, 20, 1] {
            pull.set_recv_hwm(recv_hwm);
            // The sender applies the new mark with the next message.
            push.send("passes").await.unwrap();
            assert_eq!(pull.recv().await, Ok("passes".into()));
            for _ in 0..3 {
                fill_up(&push, 1 + recv_hwm).await;
                for n in 0..=recv_hwm {
                    assert_eq!(pull.recv().await, Ok(n.to_string().into()));
                }
            }
        }
    }
}

async fn a_router_reports_a_full_peer() {
    let router = Router::builder().mandatory(true).send_hwm(1).build();
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap();
    let dealer = Dealer::builder().identity("slow").recv_hwm(1).build();
    dealer.connect(at).unwrap();
    router.wait_connected(1).await;
    let peer = router.find(b"slow").unwrap();
    // The dealer doesn't receive, so its queue and the system's buffers fill up.
    let body = vec![0; 1 << 20];
    let mut sent = 0;
    let full = eventually(|| turn_of(router.try_send_to(peer, body.clone()), &mut sent));
    full.await;
    assert!((1..100).contains(&sent), "{sent}");
    assert_eq!(dealer.recv().await.unwrap().first().len(), body.len());
}

/// Returns the number of messages sent once the peer has been full for long.
fn turn_of(outcome: Result<(), SendError>, sent: &mut u32) -> Option<()> {
    thread_local!(static FULL: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    match outcome {
        Ok(()) => {
            *sent += 1;
            FULL.set(0);
            None
        }
        Err(SendError::Full(_)) => {
            FULL.set(FULL.get() + 1);
            (FULL.get() > 1000).then_some(())
        }
        Err(error) => panic!("{error}"),
    }
}
