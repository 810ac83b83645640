//! Permits: reserved places in queues.

use enfonet::error::SendError;
use enfonet::{Dealer, Endpoint, Options, Pull, Push, Router};

use crate::{inproc, on_every_runtime};

on_every_runtime!(
    a_permit_reserves_its_place,
    a_dropped_permit_frees_its_place,
    a_permit_ends_with_its_removed_endpoint,
    a_permit_of_a_disconnected_peer_sends_to_another_peer_or_returns_the_message,
    a_permit_of_a_router_is_for_its_peer,
    a_closed_socket_holds_no_permit,
);

async fn pushing_one() -> (Push, Pull) {
    let push = Push::with_options(Options::default().send_hwm(1));
    push.connect(inproc()).unwrap();
    (push, Pull::new())
}

async fn a_permit_reserves_its_place() {
    let (push, _) = pushing_one().await;
    let permit = push.reserve().await.unwrap();
    assert!(push.try_send("other").is_err());
    permit.send("mine").unwrap();
    assert!(push.try_send("other").is_err(), "it is taken now");
}

async fn a_dropped_permit_frees_its_place() {
    let (push, _) = pushing_one().await;
    let permit = push.reserve().await.unwrap();
    let other = tokio::spawn({
        let push = push.clone();
        async move { push.send("other").await }
    });
    tokio::task::yield_now().await;
    assert!(!other.is_finished());
    drop(permit);
    other.await.unwrap().unwrap();
}

async fn a_permit_ends_with_its_removed_endpoint() {
    for push_binds in [true, false] {
        let (push, pull, at) = (Push::new(), Pull::new(), inproc());
        if push_binds {
            push.bind(&at).await.unwrap()
        } else {
            pull.bind(&at).await.unwrap()
        };
        if push_binds {
            pull.connect(&at).unwrap()
        } else {
            push.connect(&at).unwrap()
        }
        let permit = push.reserve().await.unwrap();
        let at: Endpoint = at.parse().unwrap();
        if push_binds {
            push.unbind(&at).unwrap()
        } else {
            push.disconnect(&at).unwrap()
        }
        assert_eq!(permit.send("late"), Err(SendError::UnknownPeer("late".into())));
    }
}

async fn a_permit_of_a_disconnected_peer_sends_to_another_peer_or_returns_the_message() {
    let push = Push::new();
    let at = push.bind(inproc()).await.unwrap();
    let first = Pull::new();
    first.connect(&at).unwrap();
    for other_is_there in [true, false] {
        let permit = push.reserve().await.unwrap();
        let gone = permit.peer();
        let second = Pull::new();
        if other_is_there {
            second.connect(&at).unwrap();
            push.wait_connected(2).await;
            first.close(enfonet_tests::DEADLINE).await;
        } else {
            push.unbind(&at).unwrap();
        }
        while push.peer(gone).is_some() {
            tokio::task::yield_now().await;
        }
        if other_is_there {
            permit.send("work").unwrap();
            assert_eq!(second.recv().await, Ok("work".into()));
            second.close(enfonet_tests::DEADLINE).await;
            let third = Pull::new();
            third.connect(&at).unwrap();
            // The second peer is the first of the next round.
            std::mem::forget(third);
        } else {
            assert_eq!(permit.send("work"), Err(SendError::UnknownPeer("work".into())));
        }
    }
}

async fn a_permit_of_a_router_is_for_its_peer() {
    let router = Router::builder().send_hwm(1).build();
    let at = router.bind(inproc()).await.unwrap();
    let (a, b) = (Dealer::builder().identity("a").build(), Dealer::builder().identity("b").build());
    a.connect(&at).unwrap();
    b.connect(&at).unwrap();
    router.wait_connected(2).await;
    let to_a = router.find(b"a").unwrap();
    let permit = router.reserve_to(to_a).await.unwrap();
    router.try_send_to(router.find(b"b").unwrap(), "to b").unwrap();
    permit.send("to a").unwrap();
    assert_eq!((a.recv().await, b.recv().await), (Ok("to a".into()), Ok("to b".into())));
    a.close(enfonet_tests::DEADLINE).await;
    while router.find(b"a").is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(router.reserve_to(to_a).await.unwrap_err(), SendError::UnknownPeer(()));
}

async fn a_closed_socket_holds_no_permit() {
    let (push, _) = pushing_one().await;
    let permit = push.reserve().await.unwrap();
    let closing = tokio::spawn({
        let push = push.clone();
        async move { push.close(std::time::Duration::ZERO).await }
    });
    closing.await.unwrap();
    assert_eq!(permit.send("late"), Err(SendError::Closed("late".into())));
    assert_eq!(push.reserve().await.unwrap_err(), SendError::Closed(()));
}
