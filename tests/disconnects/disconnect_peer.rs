//! Peers that the application disconnects.

use std::time::Duration;

use enfonet::error::{ConnectionError, SendError};
use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Message, Options, Pub, Push, Router, XSub};
use enfonet_tests::{EventReader, LibZmq, Runtime, Script, ScriptListener, error_of, eventually, message};

use crate::{TCP, begin, within_deadline};

fn is_disconnected(event: MonitorEvent) -> bool {
    matches!(*error_of(event), ConnectionError::Disconnected)
}

#[test]
fn a_disconnected_libzmq_peer_comes_back_as_a_new_peer_and_its_messages_stay_receivable() {
    let (runtime, zmq) = (Runtime::new(), LibZmq::new());
    let router = Router::new();
    let mut events = EventReader::new(&runtime, router.monitor());
    let at = runtime.bind(&router);
    let dealer = zmq.dealer("A", &at);
    dealer.send("before", 0).unwrap();
    let first = eventually(|| {
        let peers = router.peers();
        Some(peers.first().filter(|peer| peer.unreceived.messages == 1)?.info.id)
    });
    assert!(router.disconnect_peer(first));
    assert!(is_disconnected(events.wait("Disconnected")));
    assert!(!router.disconnect_peer(first), "it has gone");
    // The peer reconnects, with the same identity, and is another peer.
    dealer.send("after", 0).unwrap();
    assert_eq!(runtime.run(router.recv()), Ok((first, "before".into())));
    let (second, after) = runtime.run(router.recv()).unwrap();
    assert_eq!(after, "after");
    assert_ne!(first, second);
    router.try_send_to(second, "reply").unwrap();
    assert_eq!(dealer.recv_string(0).unwrap().unwrap(), "reply");
}

#[test]
fn a_peer_that_reads_nothing_is_disconnected_at_once_and_its_sender_learns_of_it() {
    let (runtime, router, mut script) =
        enfonet_tests::bound(Router::with_options(Options::default().send_hwm(10)), "DEALER");
    script.send(&message(&["hello"]));
    let (peer, _) = runtime.run(router.recv()).unwrap();
    let body = vec![b'x'; 1 << 20];
    // Until the kernel takes no more, and the queue is full.
    eventually(|| {
        let status = &router.peers()[0];
        let is_full = matches!(router.try_send_to(peer, &body[..]), Err(SendError::Full(_)));
        (is_full && status.unsent.messages >= 10).then_some(())
    });
    let sending = {
        let router = router.clone();
        runtime.spawn(async move { router.send_to(peer, "late").await })
    };
    assert!(router.disconnect_peer(peer));
    let late = runtime.run(sending).unwrap();
    assert_eq!(late, Err(SendError::UnknownPeer("late".into())));
    runtime.run(router.wait_disconnected());
    assert!(!router.disconnect_peer(peer));
}

#[test]
fn a_peer_that_never_stops_sending_is_disconnected() {
    let (runtime, router, script) =
        enfonet_tests::bound(Router::with_options(Options::default().recv_hwm(0)), "DEALER");
    runtime.run(router.wait_connected(1));
    let peer = router.peers()[0].info.id;
    let flood = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, chunk) = (script.into_stream(), message(&[&[b'x'; 62]]).repeat(4_000));
        while stream.write_all(&chunk).is_ok() {}
    });
    let receiving = {
        let router = router.clone();
        runtime.spawn(async move { while router.recv_batch(usize::MAX).await.is_ok() {} })
    };
    assert!(router.disconnect_peer(peer));
    runtime.run(router.wait_disconnected());
    flood.join().unwrap();
    receiving.abort();
}

#[test]
fn a_peer_that_this_side_connects_to_is_connected_to_again_and_gets_what_waits() {
    let runtime = Runtime::new();
    let (listener, at) = ScriptListener::bind();
    let push = Push::with_options(Options::default().reconnect_interval(Duration::ZERO));
    let mut events = EventReader::new(&runtime, push.monitor());
    let _guard = runtime.enter();
    push.connect(&at[..]).unwrap();
    for turn in ["first", "second"] {
        let mut pull = listener.accept();
        pull.handshake("PULL", 1);
        push.try_send(turn).unwrap();
        pull.expect(&message(&[turn]));
        events.wait("HandshakeSucceeded");
        let peer = push.peers()[0].info.id;
        assert!(push.disconnect_peer(peer));
        assert!(is_disconnected(events.wait("Disconnected")));
        assert!(!push.disconnect_peer(peer), "its next handshake isn't finished");
        pull.expect_close();
    }
    push.try_send("waits").unwrap();
    let mut pull = listener.accept();
    pull.handshake("PULL", 1);
    pull.expect(&message(&["waits"]));
}

#[test]
fn without_reconnecting_a_disconnected_peer_ends_its_endpoint() {
    let runtime = Runtime::new();
    let (listener, at) = ScriptListener::bind();
    let push = Push::with_options(Options::default().reconnect(false));
    let mut events = EventReader::new(&runtime, push.monitor());
    let _guard = runtime.enter();
    push.connect(&at[..]).unwrap();
    let mut pull = listener.accept();
    pull.handshake("PULL", 1);
    events.wait("HandshakeSucceeded");
    assert!(push.disconnect_peer(push.peers()[0].info.id));
    assert!(is_disconnected(events.wait("Disconnected")));
    events.wait("Closed");
    pull.expect_close();
}

#[test]
fn a_publisher_that_is_drained_and_never_closes_is_disconnected() {
    let (runtime, subscriber, mut publisher) = enfonet_tests::bound(XSub::new(), "PUB");
    runtime.run(subscriber.wait_connected(1));
    let peer = subscriber.peers()[0].info.id;
    let draining = {
        let subscriber = subscriber.clone();
        runtime.spawn(async move { subscriber.drain().await })
    };
    // The end of the stream shows that the drain has begun.
    publisher.expect_close();
    publisher.send(&message(&["last"]));
    eventually(|| (subscriber.peers().first()?.unreceived.messages == 1).then_some(()));
    assert!(subscriber.disconnect_peer(peer));
    runtime.run(draining).unwrap();
    assert_eq!(subscriber.try_recv(), Ok("last".into()));
}

#[tokio::test]
async fn an_inproc_peer_is_disconnected_at_both_ends_and_connects_again() {
    let (server, client) =
        (Router::new(), Dealer::with_options(Options::default().reconnect_interval(Duration::ZERO)));
    client.connect(server.bind("inproc://disconnect_peer").await.unwrap()).unwrap();
    client.send("first").await.unwrap();
    let (first, _) = within_deadline(server.recv()).await.unwrap();
    let mut observed = [server.monitor(), client.monitor()];
    assert!(server.disconnect_peer(first));
    for events in &mut observed {
        let ended = within_deadline(async {
            loop {
                let event = events.recv().await.unwrap();
                if let MonitorEvent::Disconnected { .. } = event {
                    return event;
                }
            }
        });
        assert!(is_disconnected(ended.await));
    }
    client.send("second").await.unwrap();
    let (second, message) = within_deadline(server.recv()).await.unwrap();
    assert_eq!(message, Message::from("second"));
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_subscriber_that_is_disconnected_has_no_subscriptions_any_more() {
    let publisher = Pub::new();
    let at = publisher.bind(TCP).await.unwrap().to_string();
    let mut script = tokio::task::spawn_blocking(move || {
        let mut script = Script::join(&at, "SUB", 1);
        script.send(&enfonet_tests::command("SUBSCRIBE", b"a"));
        script
    })
    .await
    .unwrap();
    within_deadline(publisher.wait_subscribers(1)).await;
    assert!(publisher.disconnect_peer(publisher.peers()[0].info.id));
    within_deadline(publisher.wait_disconnected()).await;
    assert_eq!(publisher.topics(), 0);
    assert_eq!(begin(publisher.send("a")).await, Some(Ok(())));
    assert!(tokio::task::spawn_blocking(move || script.expect_close()).await.unwrap().is_empty());
}
