//! PUSH and PULL.

use std::collections::HashMap;

use enfonet::error::SendError;
use enfonet::{Message, Options, Pull, Push};
use enfonet_tests::DEADLINE;

use crate::{anywhere, eventually, inproc, on_every_runtime, yield_to_others};

on_every_runtime!(
    messages_are_distributed_to_workers_round_robin,
    messages_of_all_peers_are_fair_queued,
    without_a_worker_no_message_is_taken,
    the_queue_of_a_disconnected_worker_is_dropped_and_its_successor_gets_new_messages,
    messages_not_delivered_are_resent_to_a_reconnected_worker,
    messages_wait_for_the_first_worker,
    messages_of_a_disconnected_peer_are_received,
);

async fn messages_are_distributed_to_workers_round_robin() {
    for at in anywhere() {
        let push = Push::new();
        let at = push.bind(at).await.unwrap();
        let workers = [(); 5].map(|()| Pull::new());
        workers.iter().for_each(|worker| worker.connect(&at).unwrap());
        push.wait_connected(5).await;
        for round in ["first", "second"] {
            for _ in 0..5 {
                push.send(round).await.unwrap();
            }
        }
        for worker in &workers {
            for round in ["first", "second"] {
                assert_eq!(worker.recv().await, Ok(round.into()), "over {at}");
            }
        }
        yield_to_others().await;
        assert!(workers.iter().all(|worker| worker.try_recv().is_err()));
    }
}

async fn messages_of_all_peers_are_fair_queued() {
    for at in anywhere() {
        let pull = Pull::new();
        let at = pull.bind(at).await.unwrap();
        let workers = [(); 5].map(|()| Push::new());
        for worker in &workers {
            worker.connect(&at).unwrap();
            worker.send("a").await.unwrap();
            worker.send("b").await.unwrap();
            worker.close(DEADLINE).await;
        }
        let mut from = HashMap::new();
        for round in 1..=2 {
            for _ in 0..5 {
                let (peer, _) = pull.recv_from().await.unwrap();
                *from.entry(peer.id).or_insert(0) += 1;
            }
            assert_eq!(from.values().copied().collect::<Vec<_>>(), [round; 5], "over {at}");
        }
    }
}

async fn without_a_worker_no_message_is_taken() {
    let push = Push::new();
    assert_eq!(push.try_send("work"), Err(SendError::Full("work".into())));
    let at = push.bind(inproc()).await.unwrap();
    assert_eq!(push.try_send("work"), Err(SendError::Full("work".into())));
    let mut waiting = tokio_test(push.send("work"));
    assert!(waiting.is_pending().await);
    let pull = Pull::new();
    pull.connect(at).unwrap();
    waiting.done().await.unwrap();
    assert_eq!(pull.recv().await, Ok("work".into()));
}

async fn the_queue_of_a_disconnected_worker_is_dropped_and_its_successor_gets_new_messages() {
    let push = Push::with_options(Options::default().send_hwm(1));
    let at = push.bind(inproc()).await.unwrap();
    let narrow = || Pull::with_options(Options::default().recv_hwm(1));
    let first = narrow();
    first.connect(&at).unwrap();
    push.wait_connected(1).await;
    push.send("1").await.unwrap();
    push.send("2").await.unwrap();
    assert!(push.try_send("3").is_err(), "one place here, one there");
    first.close(DEADLINE).await;
    eventually(|| (push.try_send("nobody") == Err(SendError::Full("nobody".into()))).then_some(())).await;
    let second = narrow();
    second.connect(&at).unwrap();
    push.wait_connected(1).await;
    push.send("4").await.unwrap();
    push.send("5").await.unwrap();
    assert_eq!(second.recv().await, Ok("4".into()));
    assert_eq!(second.recv().await, Ok("5".into()));
}

async fn messages_not_delivered_are_resent_to_a_reconnected_worker() {
    let options = Options::default().reconnect_interval(std::time::Duration::ZERO).recv_hwm(1);
    let push = Push::with_options(options.clone());
    let at = inproc();
    push.connect(&at).unwrap();
    let first = Pull::with_options(options.clone());
    first.bind(&at).await.unwrap();
    for n in 0..10 {
        push.send(n.to_string()).await.unwrap();
    }
    assert_eq!(first.recv().await, Ok("0".into()));
    first.close(DEADLINE).await;
    let mut got = 0;
    while first.try_recv().is_ok() {
        got += 1;
    }
    let second = Pull::with_options(options);
    second.bind(&at).await.unwrap();
    for n in got + 1..10 {
        assert_eq!(second.recv().await, Ok(n.to_string().into()), "{got} were received by the first");
    }
}

async fn messages_wait_for_the_first_worker() {
    let pull = Pull::new();
    let at = inproc();
    let pushes: Vec<Push> = (0..10).map(|_| Push::new()).collect();
    for (n, push) in pushes.iter().enumerate() {
        push.connect(&at).unwrap();
        push.send(n.to_string()).await.unwrap();
    }
    pull.bind(at).await.unwrap();
    let mut received = Vec::new();
    for _ in 0..10 {
        received.push(pull.recv().await.unwrap());
    }
    received.sort_by_key(|message| message.first().to_vec());
    assert_eq!(received, (0..10).map(|n| Message::from(n.to_string())).collect::<Vec<_>>());
}

async fn messages_of_a_disconnected_peer_are_received() {
    for at in anywhere() {
        let pull = Pull::new();
        let at = pull.bind(at).await.unwrap();
        let push = Push::new();
        push.connect(&at).unwrap();
        push.send(["last", "words"]).await.unwrap();
        assert_eq!(push.close(DEADLINE).await.dropped, 0);
        drop(push);
        assert_eq!(pull.recv().await, Ok(["last", "words"].into()));
    }
}

/// A future that the test polls step by step.
struct Watched<F>(std::pin::Pin<Box<F>>);

fn tokio_test<F: Future>(future: F) -> Watched<F> {
    Watched(Box::pin(future))
}

impl<F: Future> Watched<F> {
    async fn is_pending(&mut self) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(self.0.as_mut().poll(cx).is_pending())).await
    }

    async fn done(self) -> F::Output {
        self.0.await
    }
}
