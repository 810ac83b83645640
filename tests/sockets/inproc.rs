//! Inproc connections.

use enfonet::error::BindError;
use enfonet::{Context, Dealer, Options, Pub, Pull, Push, Router, Sub, XPub};
use enfonet_tests::DEADLINE;

use crate::{eventually, inproc, on_every_runtime, yield_to_others};

on_every_runtime!(
    publications_without_a_subscriber_are_dropped_and_later_publications_arrive,
    many_sockets_connect_and_bind_concurrently,
    connections_that_never_complete_block_nothing,
    a_router_that_binds_late_learns_the_identities,
    an_inproc_name_is_free_once_it_is_unbound,
    contexts_do_not_share_inproc_names,
    a_subscription_and_a_disconnect_are_reported_once_each,
    a_message_is_delivered_and_both_marks_apply_after_one_scheduler_turn,
);

async fn publications_without_a_subscriber_are_dropped_and_later_publications_arrive() {
    let (publisher, subscriber, at) = (Pub::new(), Sub::new(), inproc());
    publisher.connect(&at).unwrap();
    publisher.send("early").await.unwrap();
    subscriber.subscribe("");
    subscriber.bind(at).await.unwrap();
    publisher.wait_subscribers(1).await;
    publisher.send("later").await.unwrap();
    assert_eq!(subscriber.recv().await, Ok("later".into()));
}

async fn many_sockets_connect_and_bind_concurrently() {
    for _ in 0..50 {
        let (push, pull, at) = (Push::new(), Pull::new(), inproc());
        let binding = tokio::spawn({
            let (pull, at) = (pull.clone(), at.clone());
            async move { pull.bind(at).await.unwrap() }
        });
        push.connect(at).unwrap();
        push.send("x").await.unwrap();
        binding.await.unwrap();
        assert_eq!(pull.recv().await, Ok("x".into()));
    }
}

async fn connections_that_never_complete_block_nothing() {
    let socket = Push::new();
    for _ in 0..10 {
        socket.connect(inproc()).unwrap();
    }
    let closed = tokio::time::timeout(DEADLINE, socket.close(std::time::Duration::MAX)).await;
    closed.expect("nothing waits to be sent");
    let socket = Push::new();
    socket.connect(inproc()).unwrap();
    socket.send("never").await.unwrap();
    assert_eq!(socket.close(std::time::Duration::ZERO).await.dropped, 1);
}

async fn a_router_that_binds_late_learns_the_identities() {
    let (dealer, router, at) = (Dealer::builder().identity("id").build(), Router::new(), inproc());
    dealer.connect(&at).unwrap();
    dealer.send(["A", "B"]).await.unwrap();
    router.bind(at).await.unwrap();
    assert_eq!(router.recv_routed().await, Ok(["id", "A", "B"].into()));
}

async fn an_inproc_name_is_free_once_it_is_unbound() {
    let (one, other) = (Pull::new(), Pull::new());
    let at = one.bind(inproc()).await.unwrap();
    assert!(matches!(other.bind(&at).await, Err(BindError::InUse(_))));
    one.unbind(&at).unwrap();
    other.bind(&at).await.unwrap();
    let push = Push::new();
    push.connect(&at).unwrap();
    push.send("for the other").await.unwrap();
    assert_eq!(other.recv().await, Ok("for the other".into()));
}

async fn contexts_do_not_share_inproc_names() {
    let at = inproc();
    let [one, other] = [(); 2].map(|()| Context::new());
    let pulls = [&one, &other].map(|context| Pull::with_options(Options::default().context(context)));
    for pull in &pulls {
        pull.bind(&at).await.unwrap();
    }
    let push = Push::with_options(Options::default().context(&other));
    push.connect(&at).unwrap();
    push.send("x").await.unwrap();
    assert_eq!(pulls[1].recv().await, Ok("x".into()));
    yield_to_others().await;
    assert!(pulls[0].try_recv().is_err());
}

async fn a_subscription_and_a_disconnect_are_reported_once_each() {
    use enfonet::message::Subscription;
    use enfonet::socket::XPubEvent;
    let (publisher, subscriber) = (XPub::new(), Sub::new());
    let at = publisher.bind(inproc()).await.unwrap();
    subscriber.subscribe("topic");
    subscriber.connect(&at).unwrap();
    let change = |event| match event {
        XPubEvent::Subscription { subscription, .. } => subscription,
        other => panic!("{other:?}"),
    };
    assert_eq!(change(publisher.recv().await.unwrap()), Subscription::Subscribe("topic".into()));
    for _ in 0..3 {
        publisher.send(["topic", "text"]).await.unwrap();
        assert_eq!(subscriber.recv().await, Ok(["topic", "text"].into()));
    }
    subscriber.disconnect(&at).unwrap();
    assert_eq!(change(publisher.recv().await.unwrap()), Subscription::Cancel("topic".into()));
    publisher.send(["topic", "unheard"]).await.unwrap();
    yield_to_others().await;
    assert!(publisher.try_recv().is_err() && subscriber.try_recv().is_err());
}

async fn a_message_is_delivered_and_both_marks_apply_after_one_scheduler_turn() {
    let push = Push::builder().send_hwm(2).build();
    let pull = Pull::builder().recv_hwm(3).build();
    push.connect(pull.bind(inproc()).await.unwrap()).unwrap();
    let fill = || std::iter::from_fn(|| push.try_send("x").ok()).count();
    // The two may not be connected yet; the sender's mark applies in any case.
    let mut taken = fill();
    assert!(taken >= 2, "{taken}");
    eventually(|| {
        taken += fill();
        (taken == 5).then_some(())
    })
    .await;
    yield_to_others().await;
    assert_eq!(fill(), 0);
    for _ in 0..5 {
        let received = eventually(|| pull.try_recv().ok()).await;
        assert_eq!(received, "x");
    }
}
