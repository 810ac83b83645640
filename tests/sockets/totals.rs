//! Totals of a socket: they include peers that have gone.

use std::time::Duration;

use enfonet::message::Batch;
use enfonet::monitor::{DropReason, EndReason, Totals};
use enfonet::{Dealer, Options, Pub, Router, Sub, XPub};
use enfonet_tests::{Script, message};

use crate::{anywhere, eventually, on_every_runtime, within_deadline};

on_every_runtime!(
    messages_and_connections_of_departed_peers_stay_in_the_totals,
    publications_that_no_peer_wants_are_unmatched,
    messages_of_a_slow_subscriber_are_dropped_for_a_full_queue,
    messages_without_a_recipient_are_unroutable_and_those_of_a_departed_peer_are_counted,
    failed_handshakes_are_counted_by_their_reason,
);

fn sizes(totals: &Totals) -> [u64; 4] {
    [totals.sent.messages, totals.sent.bytes, totals.received.messages, totals.received.bytes]
}

async fn messages_and_connections_of_departed_peers_stay_in_the_totals() {
    for at in anywhere() {
        let router = Router::new();
        let at = router.bind(at).await.unwrap();
        for n in 1..=3 {
            let dealer = Dealer::new();
            dealer.connect(&at).unwrap();
            dealer.send("question").await.unwrap();
            let (peer, _) = within_deadline(router.recv()).await.unwrap();
            router.send_to(peer, "answer").await.unwrap();
            within_deadline(dealer.recv()).await.unwrap();
            // A frame of so few bytes has a header of two.
            let (questions, answers) = (n * 10, n * 8);
            let expected = [n, answers, n, questions];
            eventually(|| (sizes(&router.totals()) == expected).then_some(())).await;
            assert_eq!(sizes(&dealer.totals()), [1, 10, 1, 8]);
            assert_eq!((router.totals().connections, router.totals().opened), (1, n));
            dealer.close(Duration::from_secs(1)).await;
            within_deadline(router.wait_disconnected()).await;
            assert_eq!(dealer.totals().closed(EndReason::Closed), 1);
            let closed =
                || router.totals().closed(EndReason::PeerClosed) + router.totals().closed(EndReason::Closed);
            eventually(|| (closed() == n).then_some(())).await;
            assert_eq!(sizes(&router.totals()), expected);
            assert_eq!(router.totals().connections, 0);
        }
    }
}

async fn publications_that_no_peer_wants_are_unmatched() {
    for at in anywhere() {
        let publisher = XPub::new();
        let at = publisher.bind(at).await.unwrap();
        let unmatched = || publisher.totals().dropped(DropReason::Unmatched);
        let batch = || ["a", "b", "a", "c"].into_iter().collect::<Batch>();
        publisher.try_send("a").unwrap();
        publisher.try_send_batch(&mut batch()).unwrap();
        assert_eq!(unmatched(), 5);
        let subscriber = Sub::new();
        subscriber.subscribe("a");
        subscriber.connect(&at).unwrap();
        within_deadline(publisher.wait_subscribers(1)).await;
        publisher.try_send("a").unwrap();
        publisher.try_send("b").unwrap();
        publisher.try_send_batch(&mut batch()).unwrap();
        assert_eq!(unmatched(), 8);
        subscriber.subscribe("");
        subscriber.unsubscribe("a");
        within_deadline(async { while publisher.recv().await.unwrap() != cancel_of(&publisher, "a") {} })
            .await;
        publisher.try_send_batch(&mut batch()).unwrap();
        assert_eq!(unmatched(), 8);
    }
}

/// Returns the event that the only subscriber of a topic has cancelled it.
fn cancel_of(publisher: &XPub, topic: &'static str) -> enfonet::socket::XPubEvent {
    let subscription = enfonet::message::Subscription::Cancel(topic.into());
    enfonet::socket::XPubEvent::Subscription { peer: publisher.peers()[0].info.id, subscription }
}

async fn messages_of_a_slow_subscriber_are_dropped_for_a_full_queue() {
    let publisher = Pub::with_options(Options::default().send_hwm(2));
    let at = publisher.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let slow = tokio::task::spawn_blocking(move || {
        let mut slow = Script::join(&at, "SUB", 1);
        slow.send(&enfonet_tests::command("SUBSCRIBE", b""));
        slow
    });
    let slow = slow.await.unwrap();
    within_deadline(publisher.wait_subscribers(1)).await;
    let body = vec![b'x'; 1 << 20];
    let dropped = || publisher.totals().dropped(DropReason::QueueFull);
    eventually(|| {
        publisher.try_send(&body[..]).unwrap();
        (dropped() > 0).then_some(())
    })
    .await;
    assert_eq!(dropped(), publisher.peers()[0].dropped);
    drop(slow);
    within_deadline(publisher.wait_disconnected()).await;
    assert!(dropped() > 0);
    assert!(publisher.totals().dropped(DropReason::PeerGone) > 0);
}

async fn messages_without_a_recipient_are_unroutable_and_those_of_a_departed_peer_are_counted() {
    let router = Router::new();
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let mut client = tokio::task::spawn_blocking(move || Script::join(&at, "DEALER", 1)).await.unwrap();
    client.send(&message(&["hello"]));
    let (peer, _) = within_deadline(router.recv()).await.unwrap();
    router.send_routed(["nobody", "hello"]).await.unwrap();
    let body = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        let _ = router.try_send_to(peer, &body[..]);
    }
    assert!(router.disconnect_peer(peer));
    within_deadline(router.wait_disconnected()).await;
    let totals = router.totals();
    assert_eq!(totals.dropped(DropReason::Unroutable), 1);
    assert!(totals.dropped(DropReason::PeerGone) > 0);
    eventually(|| (router.totals().closed(EndReason::Disconnected) == 1).then_some(())).await;
}

async fn failed_handshakes_are_counted_by_their_reason() {
    let router = Router::with_options(Options::default().max_connections(1));
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
    let joining = move || {
        let mut nonsense = Script::connect(&at);
        nonsense.send(&[b'x'; 64]);
        nonsense.expect_close();
        let peer = Script::join(&at, "DEALER", 1);
        Script::connect(&at).expect_close();
        peer
    };
    let _peer = tokio::task::spawn_blocking(joining).await.unwrap();
    let failed = |reason| router.totals().failed_handshakes(reason);
    eventually(|| (failed(EndReason::Limit) == 1).then_some(())).await;
    let all: u64 = EndReason::ALL.map(failed).iter().sum();
    assert_eq!((all, router.totals().opened), (2, 1));
}
