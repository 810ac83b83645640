//! Batches: many messages at once.

use enfonet_patterns::{Batch, Closed, Dealer, Message, Options, Pair, Pull, Push, Router, SendBatchError};

use crate::{anywhere, inproc, on_every_runtime};

on_every_runtime!(
    a_batch_arrives_whole_and_in_order,
    a_batch_goes_round_as_its_messages_would,
    what_has_no_room_stays_in_the_batch,
    runs_are_received_with_whose_they_are,
    a_closed_socket_leaves_the_batch_as_it_is,
);

fn batch(messages: usize) -> Batch {
    (0..messages).map(|n| Message::from([n.to_string(), "body".into()])).collect()
}

async fn a_batch_arrives_whole_and_in_order() {
    for at in anywhere() {
        let (one, other) = (Pair::new(), Pair::new());
        other.connect(one.bind(at).await.unwrap()).unwrap();
        let mut sent = batch(5000);
        let sending = tokio::spawn(async move {
            one.send_batch(&mut sent).await.unwrap();
            assert!(sent.is_empty());
            one
        });
        let mut received = Vec::new();
        while received.len() < 5000 {
            received.extend(other.recv_batch().await.unwrap().1);
        }
        assert!(received.into_iter().eq(batch(5000)));
        sending.await.unwrap();
    }
}

async fn a_batch_goes_round_as_its_messages_would() {
    let push = Push::new();
    let at = push.bind(inproc()).await.unwrap();
    let workers = [(); 3].map(|()| Pull::new());
    for (n, worker) in workers.iter().enumerate() {
        worker.connect(&at).unwrap();
        push.wait_connected(n + 1).await;
    }
    push.send_batch(&mut batch(30)).await.unwrap();
    for (n, worker) in workers.iter().enumerate() {
        for round in 0..10 {
            assert_eq!(worker.recv().await.unwrap().first(), (3 * round + n).to_string().as_bytes());
        }
    }
}

async fn what_has_no_room_stays_in_the_batch() {
    let push = Push::with_options(Options::default().send_hwm(10));
    push.connect(inproc()).unwrap();
    let mut rest = batch(25);
    push.try_send_batch(&mut rest).unwrap();
    assert_eq!((rest.len(), rest.pop_front().unwrap().first()), (15, &b"10"[..]));
    let push = Push::with_options(Options::default().send_hwm(10).send_timeout(std::time::Duration::ZERO));
    push.connect(inproc()).unwrap();
    let mut rest = batch(25);
    assert_eq!(push.send_batch(&mut rest).await, Err(SendBatchError::Timeout));
    assert_eq!(rest.len(), 15);
}

async fn runs_are_received_with_whose_they_are() {
    let router = Router::new();
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap();
    let dealer = Dealer::builder().identity("me").build();
    dealer.connect(at).unwrap();
    dealer.send_batch(&mut batch(100)).await.unwrap();
    let mut received = Vec::new();
    while received.len() < 100 {
        let (peer, run) = router.recv_batch().await.unwrap();
        assert_eq!(router.identity(peer).unwrap(), "me");
        received.extend(run);
    }
    assert!(received.into_iter().eq(batch(100)));
}

async fn a_closed_socket_leaves_the_batch_as_it_is() {
    let push = Push::new();
    push.connect(inproc()).unwrap();
    push.close(std::time::Duration::ZERO).await;
    let mut whole = batch(3);
    assert_eq!(push.try_send_batch(&mut whole), Err(Closed));
    assert_eq!(push.send_batch(&mut whole).await, Err(SendBatchError::Closed));
    assert_eq!(whole.len(), 3);
}
