//! PAIR.

use enfonet::error::SendError;
use enfonet::monitor::MonitorEvent;
use enfonet::{Options, Pair};

use crate::{anywhere, inproc, on_every_runtime};

on_every_runtime!(
    both_ends_of_a_pair_send_at_any_time,
    a_second_pair_is_rejected_and_the_first_is_not_affected,
    the_next_pair_is_admitted_when_the_first_has_left,
    messages_sent_before_the_peer_is_bound_are_kept,
    a_pair_without_a_peer_takes_nothing,
    a_removed_peer_frees_the_pair_at_once_and_still_gets_its_queue,
    written_messages_free_room_while_many_messages_arrive,
);

async fn both_ends_of_a_pair_send_at_any_time() {
    for at in anywhere() {
        let (one, other) = (Pair::new(), Pair::new());
        other.connect(one.bind(at).await.unwrap()).unwrap();
        one.wait_connected(1).await;
        for n in 0..3 {
            one.send(["from one", &n.to_string()].map(String::from)).await.unwrap();
            other.send(["from other", &n.to_string()].map(String::from)).await.unwrap();
        }
        for n in 0..3 {
            assert_eq!(one.recv().await, Ok(["from other".to_string(), n.to_string()].into()));
            assert_eq!(other.recv().await, Ok(["from one".to_string(), n.to_string()].into()));
        }
    }
}

async fn a_second_pair_is_rejected_and_the_first_is_not_affected() {
    for at in anywhere() {
        let (one, other, third) = (Pair::new(), Pair::new(), Pair::new());
        let at = one.bind(at).await.unwrap();
        other.connect(&at).unwrap();
        one.wait_connected(1).await;
        let mut monitor = third.monitor();
        third.connect(&at).unwrap();
        third.send("me too").await.unwrap();
        for n in 0..100 {
            other.send(n.to_string()).await.unwrap();
            assert_eq!(one.recv().await, Ok(n.to_string().into()));
            one.send(n.to_string()).await.unwrap();
            assert_eq!(other.recv().await, Ok(n.to_string().into()));
        }
        while !matches!(monitor.recv().await.unwrap(), MonitorEvent::ConnectRetried { .. }) {}
        assert!(one.try_recv().is_err() && third.try_recv().is_err() && third.peers().is_empty());
    }
}

async fn the_next_pair_is_admitted_when_the_first_has_left() {
    let quick = || Options::default().reconnect_interval(std::time::Duration::from_millis(1));
    for at in anywhere() {
        let (one, other, third) = (Pair::new(), Pair::new(), Pair::with_options(quick()));
        let at = one.bind(at).await.unwrap();
        other.connect(&at).unwrap();
        one.wait_connected(1).await;
        third.connect(&at).unwrap();
        other.close(enfonet_tests::DEADLINE).await;
        third.send("my turn").await.unwrap();
        assert_eq!(one.recv().await, Ok("my turn".into()));
        one.send("yours").await.unwrap();
        assert_eq!(third.recv().await, Ok("yours".into()));
    }
}

async fn messages_sent_before_the_peer_is_bound_are_kept() {
    let (one, other, at) = (Pair::new(), Pair::new(), inproc());
    one.connect(&at).unwrap();
    one.try_send("early").unwrap();
    other.bind(at).await.unwrap();
    assert_eq!(other.recv().await, Ok("early".into()));
}

async fn a_pair_without_a_peer_takes_nothing() {
    let pair = Pair::new();
    pair.bind(inproc()).await.unwrap();
    assert_eq!(pair.try_send("nobody"), Err(SendError::Full("nobody".into())));
}

async fn a_removed_peer_frees_the_pair_at_once_and_still_gets_its_queue() {
    let (pair, first, second) = (Pair::new(), Pair::new(), Pair::new());
    let (late, there) = (inproc(), second.bind(inproc()).await.unwrap());
    pair.connect(&late).unwrap();
    pair.send("for the first").await.unwrap();
    pair.disconnect(&late).unwrap();
    pair.connect(&there).unwrap();
    pair.send("for the second").await.unwrap();
    assert_eq!(second.recv().await, Ok("for the second".into()));
    first.bind(&late).await.unwrap();
    assert_eq!(first.recv().await, Ok("for the first".into()));
}

async fn written_messages_free_room_while_many_messages_arrive() {
    // More pieces than one write takes, and more bytes than a connection writes in one poll.
    let message = || vec![vec![0u8; 5000]; 40];
    let (one, other) = (Pair::builder().send_hwm(1).build(), Pair::new());
    other.connect(one.bind("tcp://127.0.0.1:*").await.unwrap()).unwrap();
    one.wait_connected(1).await;
    let never_silent = async { while other.send("tick").await.is_ok() {} };
    let never_deaf = async { while one.recv().await.is_ok() {} };
    let all_is_sent = async {
        for _ in 0..20 {
            one.send(message()).await.unwrap();
            assert_eq!(other.recv().await.unwrap().len(), 40);
        }
    };
    tokio::select! {
        () = all_is_sent => {}
        () = never_silent => unreachable!("it is open"),
        () = never_deaf => unreachable!("it is open"),
    }
}
