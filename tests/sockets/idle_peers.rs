//! Sockets that admit no new peers, and disconnect the peers that are idle.

use std::time::Duration;

use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Message, Options, Router};
use enfonet_tests::{Script, message};

use crate::{anywhere, eventually, on_every_runtime, within_deadline, yield_to_others};

on_every_runtime!(
    a_socket_that_stops_admitting_peers_keeps_its_current_peers,
    a_connecting_socket_stops_connecting_once_it_admits_no_peers,
    an_idle_peer_is_disconnected_after_its_queue_is_sent,
    a_peer_with_unreceived_messages_is_not_idle,
    a_peer_that_has_sent_part_of_a_message_is_not_idle,
    a_disconnected_idle_peer_is_connected_to_again,
);

async fn a_socket_that_stops_admitting_peers_keeps_its_current_peers() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        let dealer = Dealer::new();
        dealer.connect(&at).unwrap();
        dealer.send("before").await.unwrap();
        let (peer, _) = router.recv().await.unwrap();
        router.stop_admitting_peers();
        // The endpoint is free for another socket.
        let next = Router::new();
        while next.bind(&at).await.is_err() {
            yield_to_others().await;
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

async fn a_connecting_socket_stops_connecting_once_it_admits_no_peers() {
    for at in anywhere() {
        let server = Router::new();
        let at = server.bind(at).await.unwrap();
        let router = Router::new();
        router.connect(&at).unwrap();
        router.wait_connected(1).await;
        router.stop_admitting_peers();
        server.close(Duration::ZERO).await;
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
    let (peer, _) = within_deadline(router.recv()).await.unwrap();
    assert!(router.disconnect_idle(peer), "nothing waits to be received");
    // These turns are enough for a disconnect.
    yield_to_others().await;
    client.send(&second[4..]);
    assert_eq!(within_deadline(router.recv()).await, Ok((peer, "second".into())));
    router.send_to(peer, "answer").await.unwrap();
    assert!(router.disconnect_idle(peer));
    router.wait_disconnected().await;
    let rest = tokio::task::spawn_blocking(move || client.expect_close()).await.unwrap();
    assert_eq!(rest, message(&["answer"]));
}

async fn a_disconnected_idle_peer_is_connected_to_again() {
    for at in anywhere() {
        let server = Dealer::new();
        let at = server.bind(at).await.unwrap();
        let router = Router::with_options(Options::default().reconnect_interval(Duration::from_millis(1)));
        router.connect(&at).unwrap();
        server.send("before").await.unwrap();
        let (peer, _) = router.recv().await.unwrap();
        let mut events = router.monitor();
        assert!(router.disconnect_idle(peer));
        let reconnected = async {
            while !matches!(events.recv().await.unwrap(), MonitorEvent::Disconnected { .. }) {}
            while !matches!(events.recv().await.unwrap(), MonitorEvent::HandshakeSucceeded { .. }) {}
        };
        within_deadline(reconnected).await;
    }
}
