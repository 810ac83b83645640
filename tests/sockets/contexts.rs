//! Contexts: sockets that are shut down together, and many sockets at a time.

use std::time::Duration;

use enfonet::error::{BindError, Closed, RecvError, SendError};
use enfonet::{Context, Dealer, Options, Pull, Push, Router, Sub};
use enfonet_tests::DEADLINE;

use crate::{inproc, on_every_runtime};

on_every_runtime!(
    a_shutdown_of_nothing_returns_at_once,
    a_shutdown_wakes_waiting_calls_and_later_calls_fail,
    a_shutdown_ends_waits_for_several_sockets,
    a_shutdown_sends_queued_messages_even_of_dropped_sockets,
    a_thousand_sockets_come_and_go,
    sockets_that_connect_and_close_at_once_leave_nothing_behind,
    a_router_reaches_each_of_a_hundred_successive_dealers,
    a_disconnect_can_be_received_as_a_message,
);

async fn a_shutdown_of_nothing_returns_at_once() {
    let context = Context::new();
    assert_eq!(context.shutdown(DEADLINE).await.dropped, 0);
    assert_eq!(context.shutdown(DEADLINE).await.dropped, 0);
    let socket = Pull::with_options(Options::default().context(&context));
    assert_eq!(socket.recv().await, Err(RecvError::Closed), "made too late");
}

async fn a_shutdown_wakes_waiting_calls_and_later_calls_fail() {
    let context = Context::new();
    let options = Options::default().context(&context);
    let (pull, push) = (Pull::with_options(options.clone()), Push::with_options(options));
    let waiting = (
        tokio::spawn({
            let pull = pull.clone();
            async move { pull.recv().await }
        }),
        tokio::spawn({
            let push = push.clone();
            async move { push.send("x").await }
        }),
    );
    tokio::task::yield_now().await;
    context.shutdown(DEADLINE).await;
    assert_eq!(waiting.0.await.unwrap(), Err(RecvError::Closed));
    assert_eq!(waiting.1.await.unwrap(), Err(SendError::Closed("x".into())));
    assert!(matches!(pull.bind(inproc()).await, Err(BindError::Closed(Closed))));
    pull.close(DEADLINE).await;
}

async fn a_shutdown_ends_waits_for_several_sockets() {
    let context = Context::new();
    let [one, other] = [(); 2].map(|()| Pull::with_options(Options::default().context(&context)));
    let waiting = tokio::spawn(async move {
        tokio::select! {
            received = one.recv() => received,
            received = other.recv() => received,
        }
    });
    tokio::task::yield_now().await;
    context.shutdown(DEADLINE).await;
    assert_eq!(waiting.await.unwrap(), Err(RecvError::Closed));
}

async fn a_shutdown_sends_queued_messages_even_of_dropped_sockets() {
    let (context, elsewhere) = (Context::new(), Pull::new());
    let at = elsewhere.bind("tcp://127.0.0.1:*").await.unwrap();
    for n in 0..10 {
        let push = Push::with_options(Options::default().context(&context));
        push.connect(&at).unwrap();
        push.send("waits").await.unwrap();
        if n % 2 == 0 {
            std::mem::forget(push.clone());
        }
        drop(push);
    }
    assert_eq!(context.shutdown(DEADLINE).await.dropped, 0);
    for _ in 0..10 {
        assert_eq!(elsewhere.recv().await, Ok("waits".into()));
    }
}

async fn a_thousand_sockets_come_and_go() {
    let (context, at) = (Context::new(), inproc());
    let options = Options::default().context(&context);
    let pull = Pull::with_options(options.clone());
    pull.bind(&at).await.unwrap();
    let pushes: Vec<Push> = (0..1000).map(|_| Push::with_options(options.clone())).collect();
    for push in &pushes {
        push.connect(&at).unwrap();
        push.send("here").await.unwrap();
    }
    for _ in &pushes {
        assert_eq!(pull.recv().await, Ok("here".into()));
    }
    drop(pushes);
    context.shutdown(DEADLINE).await;
}

async fn sockets_that_connect_and_close_at_once_leave_nothing_behind() {
    let publisher = enfonet::Pub::new();
    let at = publisher.bind("tcp://127.0.0.1:*").await.unwrap();
    for _ in 0..10 {
        let subscribers: Vec<Sub> = (0..100).map(|_| Sub::new()).collect();
        for subscriber in &subscribers {
            subscriber.subscribe("");
            subscriber.connect(&at).unwrap();
        }
        for subscriber in subscribers {
            subscriber.close(Duration::ZERO).await;
        }
    }
    let all_gone = async {
        while !publisher.peers().is_empty() {
            tokio::task::yield_now().await;
        }
        publisher.close(Duration::MAX).await
    };
    let closed = tokio::time::timeout(DEADLINE, all_gone).await;
    assert_eq!(closed.expect("no peer keeps the publisher open").dropped, 0);
}

async fn a_router_reaches_each_of_a_hundred_successive_dealers() {
    let router = Router::builder().mandatory(true).build();
    let at = router.bind("tcp://127.0.0.1:*").await.unwrap();
    for _ in 0..100 {
        let dealer = Dealer::builder().identity("X").build();
        dealer.connect(&at).unwrap();
        dealer.send("there").await.unwrap();
        assert_eq!(router.recv_routed().await, Ok(["X", "there"].into()));
        router.send_routed(["X", "hello"]).await.unwrap();
        assert_eq!(dealer.recv().await, Ok("hello".into()));
        dealer.close(DEADLINE).await;
        while router.find(b"X").is_some() {
            tokio::task::yield_now().await;
        }
    }
}

async fn a_disconnect_can_be_received_as_a_message() {
    for at in crate::anywhere() {
        let router = Router::builder().disconnect_message("D").build();
        let dealer =
            Dealer::builder().identity("X").hiccup_message("HICCUP").reconnect_interval(DEADLINE).build();
        let at = router.bind(at).await.unwrap();
        dealer.connect(&at).unwrap();
        dealer.send("last").await.unwrap();
        assert_eq!(router.recv_routed().await, Ok(["X", "last"].into()));
        router.close(DEADLINE).await;
        assert_eq!(dealer.recv().await, Ok("HICCUP".into()));

        let router = Router::builder().disconnect_message("D").build();
        let dealer = Dealer::builder().identity("Y").build();
        let at = router.bind(if at.to_string().starts_with("tcp") {
            "tcp://127.0.0.1:*".into()
        } else {
            inproc()
        });
        dealer.connect(at.await.unwrap()).unwrap();
        dealer.send("last").await.unwrap();
        dealer.close(DEADLINE).await;
        assert_eq!(router.recv_routed().await, Ok(["Y", "last"].into()));
        assert_eq!(router.recv_routed().await, Ok(["Y", "D"].into()));
    }
}
