//! Connections that end while the socket goes on: those of idle peers, and those of publishers that are read to the end.

use std::io::{Read, Write};
use std::thread::JoinHandle;

use enfonet::{Dealer, Message, Options, Pub, Router, XPub, XSub};
use enfonet_tests::{Script, message};

use crate::{anywhere, eventually, in_time, inproc, on_every_runtime, turns};

on_every_runtime!(
    a_socket_that_stops_admitting_peers_keeps_those_it_has,
    what_connects_does_so_no_more_once_no_peers_are_admitted,
    an_idle_peer_is_disconnected_after_its_queue_is_sent,
    a_peer_with_unreceived_messages_is_not_idle,
    a_peer_that_has_sent_part_of_a_message_is_not_idle,
    draining_receives_all_messages_until_the_publishers_close,
    publishers_that_never_pause_see_the_end_while_draining,
    an_inproc_publisher_is_drained,
);

async fn a_socket_that_stops_admitting_peers_keeps_those_it_has() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        let dealer = Dealer::new();
        dealer.connect(&at).unwrap();
        dealer.send("before").await.unwrap();
        let (peer, _) = router.recv().await.unwrap();
        router.stop_admitting_peers();
        // The place is free for another.
        let next = Router::new();
        while next.bind(&at).await.is_err() {
            turns().await;
        }
        let late = Dealer::new();
        late.connect(&at).unwrap();
        late.send("late").await.unwrap();
        assert_eq!(next.recv().await.unwrap().1, Message::from("late"));
        dealer.send("after").await.unwrap();
        assert_eq!(router.recv().await, Ok((peer, "after".into())));
        assert_eq!(router.peers().len(), 1);
    }
}

async fn what_connects_does_so_no_more_once_no_peers_are_admitted() {
    for at in anywhere() {
        let server = Router::new();
        let at = server.bind(at).await.unwrap();
        let router = Router::new();
        router.connect(&at).unwrap();
        router.wait_connected(1).await;
        router.stop_admitting_peers();
        server.close(std::time::Duration::ZERO).await;
        router.wait_disconnected().await;
        let next = Router::new();
        next.bind(&at).await.unwrap();
        let dealer = Dealer::new();
        dealer.connect(&at).unwrap();
        next.wait_connected(1).await;
        assert_eq!(router.peers().len(), 0);
    }
}

async fn an_idle_peer_is_disconnected_after_its_queue_is_sent() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        let dealer = Dealer::new();
        dealer.connect(&at).unwrap();
        dealer.send("question").await.unwrap();
        let (peer, _) = router.recv().await.unwrap();
        for n in 0..100 {
            router.send_to(peer, format!("{n}")).await.unwrap();
        }
        router.stop_admitting_peers();
        assert!(router.disconnect_idle(peer));
        router.wait_disconnected().await;
        assert!(!router.disconnect_idle(peer), "it has gone");
        for n in 0..100 {
            assert_eq!(dealer.recv().await, Ok(format!("{n}").into()));
        }
        dealer.wait_disconnected().await;
    }
}

async fn a_peer_with_unreceived_messages_is_not_idle() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        let dealer = Dealer::new();
        dealer.connect(&at).unwrap();
        dealer.send("one").await.unwrap();
        let (peer, _) = router.recv().await.unwrap();
        dealer.send("two").await.unwrap();
        eventually(|| (router.peers()[0].unreceived.messages == 1).then_some(())).await;
        assert!(!router.disconnect_idle(peer));
        assert_eq!(router.recv().await, Ok((peer, "two".into())));
        router.send_to(peer, "answer").await.unwrap();
        assert_eq!(dealer.recv().await, Ok("answer".into()));
        assert!(router.disconnect_idle(peer));
        router.wait_disconnected().await;
    }
}

async fn a_peer_that_has_sent_part_of_a_message_is_not_idle() {
    let router = Router::new();
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let (first, second) = (message(&["first"]), message(&["second"]));
    let mut client = tokio::task::spawn_blocking(move || Script::join(&at, "DEALER", 1)).await.unwrap();
    client.send(&[&first[..], &second[..4]].concat());
    let (peer, _) = in_time(router.recv()).await.unwrap();
    assert!(router.disconnect_idle(peer), "nothing waits to be received");
    // Time enough to disconnect it.
    turns().await;
    client.send(&second[4..]);
    assert_eq!(in_time(router.recv()).await, Ok((peer, "second".into())));
    router.send_to(peer, "answer").await.unwrap();
    assert!(router.disconnect_idle(peer));
    router.wait_disconnected().await;
    let rest = tokio::task::spawn_blocking(move || client.expect_close()).await.unwrap();
    assert_eq!(rest, message(&["answer"]));
}

async fn draining_receives_all_messages_until_the_publishers_close() {
    let subscriber = XSub::new();
    subscriber.subscribe("");
    let at = subscriber.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let mut publisher = tokio::task::spawn_blocking(move || Script::join(&at, "PUB", 1)).await.unwrap();
    subscriber.wait_connected(1).await;
    let publishing = tokio::task::spawn_blocking(move || {
        // It sees the end, and what it sends behind that is received nevertheless.
        publisher.expect_close();
        for n in 0..500 {
            publisher.send(&message(&[n.to_string()]));
        }
    });
    subscriber.drain().await;
    publishing.await.unwrap();
    for n in 0..500 {
        assert_eq!(subscriber.try_recv(), Some(n.to_string().into()));
    }
    assert_eq!(subscriber.try_recv(), None);
}

/// Connects a publisher that always has more to send than one turn reads. It ends when it sees the end of the stream.
fn flood(at: &str) -> JoinHandle<()> {
    let mut reading = Script::join(at, "PUB", 1).into_stream();
    let mut writing = reading.try_clone().unwrap();
    let chunk = message(&[&[b'x'; 62]]).repeat(4_000);
    std::thread::spawn(move || {
        let until_end = std::thread::spawn(move || {
            let mut told = [0; 4096];
            while let Ok(1..) = reading.read(&mut told) {}
        });
        while !until_end.is_finished() && writing.write_all(&chunk).is_ok() {}
        until_end.join().unwrap();
    })
}

async fn publishers_that_never_pause_see_the_end_while_draining() {
    let subscriber = XSub::with_options(Options::default().recv_hwm(0).recv_bytes(4 << 20));
    subscriber.subscribe("");
    let at = subscriber.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let joining = move || (0..6).map(|_| flood(&at)).collect::<Vec<_>>();
    let publishers = tokio::task::spawn_blocking(joining).await.unwrap();
    let receiving = async { while subscriber.recv_batch().await.is_ok() {} };
    tokio::select! {
        () = receiving => unreachable!("the socket is open"),
        () = in_time(subscriber.drain()) => {}
    }
    tokio::task::spawn_blocking(|| publishers.into_iter().for_each(|publisher| publisher.join().unwrap()))
        .await
        .unwrap();
}

async fn an_inproc_publisher_is_drained() {
    // Over tcp, a PUB drops all that it hasn't written when it sees the end of the stream.
    for at in [inproc()] {
        let subscriber = XSub::new();
        subscriber.subscribe("");
        let at = subscriber.bind(at).await.unwrap();
        let (publisher, other) = (Pub::new(), XPub::new());
        publisher.connect(&at).unwrap();
        other.connect(&at).unwrap();
        publisher.wait_subscribers(1).await;
        other.recv().await.unwrap();
        for n in 0..100 {
            publisher.send(format!("{n}")).await.unwrap();
            other.send("other").await.unwrap();
        }
        in_time(subscriber.drain()).await;
        assert_eq!(subscriber.peers().len(), 0);
        let received: Vec<_> = std::iter::from_fn(|| subscriber.try_recv())
            .filter(|message| message.first() != b"other")
            .collect();
        assert_eq!(received, (0..100).map(|n| Message::from(n.to_string())).collect::<Vec<_>>());
    }
}
