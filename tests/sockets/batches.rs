//! Batches: many messages in one call.

use enfonet::error::{Closed, SendError};
use enfonet::message::Batch;
use enfonet::peer::PeerId;
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Message, Options, Pair, Pub, Pull, Push, Router};

use crate::{anywhere, eventually, inproc, on_every_runtime};

on_every_runtime!(
    a_batch_arrives_whole_and_in_order,
    a_batch_is_distributed_as_its_messages_would_be,
    messages_without_room_stay_in_the_batch,
    a_batch_can_be_sent_to_a_chosen_peer,
    messages_beyond_a_peers_queue_stay_in_the_batch,
    events_can_be_taken_without_waiting,
    a_batch_for_a_disconnected_peer_is_unchanged,
    runs_are_received_with_their_peer,
    a_received_batch_has_at_most_as_many_messages_as_its_limit,
    a_closed_socket_leaves_the_batch_unchanged,
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
            received.extend(other.recv_batch(usize::MAX).await.unwrap().1);
        }
        assert!(received.into_iter().eq(batch(5000)));
        sending.await.unwrap();
    }
}

async fn a_batch_is_distributed_as_its_messages_would_be() {
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

async fn messages_without_room_stay_in_the_batch() {
    let push = Push::with_options(Options::default().send_hwm(10));
    push.connect(inproc()).unwrap();
    let mut rest = batch(25);
    push.try_send_batch(&mut rest).unwrap();
    assert_eq!((rest.len(), rest.pop_front().unwrap().first()), (15, &b"10"[..]));
    let push = Push::with_options(Options::default().send_hwm(10).send_timeout(std::time::Duration::ZERO));
    push.connect(inproc()).unwrap();
    let mut rest = batch(25);
    assert_eq!(push.send_batch(&mut rest).await, Err(SendError::Timeout(())));
    assert_eq!(rest.len(), 15);
}

async fn a_batch_can_be_sent_to_a_chosen_peer() {
    for at in anywhere() {
        let router = Router::builder().send_hwm(100).build();
        let at = router.bind(at).await.unwrap();
        let dealers = ["a", "b"].map(|name| Dealer::builder().identity(name).build());
        dealers.iter().for_each(|dealer| dealer.connect(&at).unwrap());
        router.wait_connected(2).await;
        let ids = [b"a", b"b"].map(|name| router.find(name).unwrap());
        router.try_send_batch_to(ids[1], &mut batch(3)).unwrap();
        let sending = tokio::spawn(async move {
            let mut sent = batch(5000);
            router.send_batch_to(ids[0], &mut sent).await.unwrap();
            assert!(sent.is_empty());
            router
        });
        let mut received = Vec::new();
        while received.len() < 5000 {
            received.extend(dealers[0].recv_batch(usize::MAX).await.unwrap().1);
        }
        assert!(received.into_iter().eq(batch(5000)));
        let router = sending.await.unwrap();
        router.send_to(ids[1], "last").await.unwrap();
        let mut received = Vec::new();
        while received.len() < 4 {
            received.push(dealers[1].recv().await.unwrap());
        }
        assert!(received.into_iter().eq(batch(3).into_iter().chain(["last".into()])));
    }
}

/// Returns a DEALER with two peers, and the second of them.
async fn with_two(options: Options) -> (Dealer, [Router; 2], PeerId) {
    let dealer = Dealer::with_options(Options::<Dealer>::from(options).peer_events(true));
    let at = dealer.bind(inproc()).await.unwrap();
    let routers = [(); 2].map(|()| Router::builder().recv_hwm(1).build());
    let mut last = None;
    for router in &routers {
        router.connect(&at).unwrap();
        let PeerEvent::Joined { peer, .. } = dealer.recv_event(1).await.unwrap() else {
            panic!("a peer joins")
        };
        last = Some(peer);
        assert!(dealer.try_recv_event(1).is_err(), "nothing else has happened");
    }
    (dealer, routers, last.unwrap())
}

async fn messages_beyond_a_peers_queue_stay_in_the_batch() {
    let options = Options::default().send_hwm(9).send_timeout(std::time::Duration::ZERO);
    let (dealer, [_, second], peer) = with_two(options).await;
    let mut rest = batch(25);
    dealer.try_send_batch_to(peer, &mut rest).unwrap();
    assert_eq!((rest.len(), rest.clone().pop_front().unwrap().first()), (15, &b"10"[..]));
    assert_eq!(dealer.send_batch_to(peer, &mut rest).await, Err(SendError::Timeout(())));
    assert_eq!(rest.len(), 15);
    for n in 0..10 {
        assert_eq!(second.recv().await.unwrap().1.first(), n.to_string().as_bytes());
    }
    // A future that is dropped or times out has sent the messages that are missing from the batch.
    dealer.wait_room(&[peer]).await;
    let mut sending = Box::pin(dealer.send_batch_to(peer, &mut rest));
    assert_ne!(futures_util::poll!(&mut sending), std::task::Poll::Ready(Ok(())), "not all have room");
    drop(sending);
    let sent = 15 - rest.len();
    assert!((1..15).contains(&sent), "{sent}");
    for n in 10..10 + sent {
        assert_eq!(second.recv().await.unwrap().1.first(), n.to_string().as_bytes());
    }
    assert!(second.try_recv().is_err());
}

async fn events_can_be_taken_without_waiting() {
    for at in anywhere() {
        let (router, dealer) = (Router::new(), Dealer::new());
        dealer.connect(router.bind(at).await.unwrap()).unwrap();
        assert!(router.try_recv_event(2).is_err());
        let mut sent = batch(3);
        dealer.send_batch(&mut sent).await.unwrap();
        let mut received = Vec::new();
        while received.len() < 3 {
            let PeerEvent::Messages { batch, .. } = eventually(|| router.try_recv_event(2).ok()).await else {
                panic!("joins are not reported")
            };
            assert!(batch.len() <= 2);
            received.extend(batch);
        }
        assert!(received.into_iter().eq(batch(3)));
        assert!(router.try_recv_event(2).is_err());
    }
}

async fn a_batch_for_a_disconnected_peer_is_unchanged() {
    let (dealer, [_, second], peer) = with_two(Options::default()).await;
    second.close(enfonet_tests::DEADLINE).await;
    while !matches!(dealer.recv_event(1).await.unwrap(), PeerEvent::Left { .. }) {}
    let mut whole = batch(3);
    assert_eq!(dealer.try_send_batch_to(peer, &mut whole), Err(SendError::UnknownPeer(())));
    assert_eq!(dealer.send_batch_to(peer, &mut whole).await, Err(SendError::UnknownPeer(())));
    dealer.close(std::time::Duration::ZERO).await;
    assert_eq!(dealer.try_send_batch_to(peer, &mut whole), Err(SendError::Closed(())));
    assert_eq!(dealer.send_batch_to(peer, &mut whole).await, Err(SendError::Closed(())));
    assert_eq!(whole.len(), 3);
}

async fn runs_are_received_with_their_peer() {
    let router = Router::new();
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap();
    let dealer = Dealer::builder().identity("me").build();
    dealer.connect(at).unwrap();
    dealer.send_batch(&mut batch(100)).await.unwrap();
    let mut received = Vec::new();
    while received.len() < 100 {
        let (peer, run) = router.recv_batch(usize::MAX).await.unwrap();
        assert_eq!(router.identity(peer).unwrap(), "me");
        received.extend(run);
    }
    assert!(received.into_iter().eq(batch(100)));
}

async fn a_received_batch_has_at_most_as_many_messages_as_its_limit() {
    for at in anywhere() {
        let pull = Pull::new();
        let at = pull.bind(at).await.unwrap();
        let pushes = [(); 2].map(|()| Push::new());
        for push in &pushes {
            push.connect(&at).unwrap();
            push.send_batch(&mut batch(100)).await.unwrap();
        }
        eventually(|| (received(&pull) == 200).then_some(())).await;
        let (first, run) = pull.recv_batch(0).await.unwrap();
        assert!(run.into_iter().eq(batch(1)), "a limit of 0 counts as 1");
        // The other peer is next, and then the rest of the first peer's messages.
        let (second, run) = pull.recv_batch(3).await.unwrap();
        assert!(second != first && (1..=3).contains(&run.len()));
        let mut numbers = [(first, 1), (second, run.len())];
        for limit in (1..20).cycle() {
            let Ok((peer, run)) = pull.try_recv_batch(limit) else { break };
            assert!(!run.is_empty() && run.len() <= limit);
            let (_, next) = numbers.iter_mut().find(|(id, _)| *id == peer).unwrap();
            for message in run {
                assert_eq!(message.text(0), next.to_string());
                *next += 1;
            }
        }
        assert_eq!(numbers, [(first, 100), (second, 100)]);
    }
}

/// Returns the number of messages that have arrived at a socket, received or not.
fn received(pull: &Pull) -> u64 {
    pull.peers().iter().map(|peer| peer.received.messages).sum()
}

async fn a_closed_socket_leaves_the_batch_unchanged() {
    let push = Push::new();
    push.connect(inproc()).unwrap();
    push.close(std::time::Duration::ZERO).await;
    let mut whole = batch(3);
    assert_eq!(push.try_send_batch(&mut whole), Err(Closed));
    assert_eq!(push.send_batch(&mut whole).await, Err(SendError::Closed(())));
    let publisher = Pub::new();
    publisher.close(std::time::Duration::ZERO).await;
    assert_eq!(publisher.try_send_batch(&mut whole), Err(Closed));
    assert_eq!(publisher.send_batch(&mut whole).await, Err(SendError::Closed(())));
    assert_eq!(whole.len(), 3);
}
