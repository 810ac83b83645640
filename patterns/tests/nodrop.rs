//! Publishers with `nodrop` that wait for room: they are woken only when there is room, and not by removed endpoints.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::time::Duration;

use enfonet::error::SendError;
use enfonet::proxy::{Proxy, Relay};
use enfonet::{Context, Dealer, Options, Pub, Pull, Push, Router, Sub, XPub};
use tokio::time::Instant;

mod support;

use support::yield_to_others;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_publisher_that_waits_for_room_is_not_woken_before_there_is_room() {
    let context = Context::new();
    let publisher = Pub::builder().context(&context).nodrop(true).send_hwm(10).build();
    publisher.bind("inproc://lossless").await.unwrap();
    let [slow, quick] = [0, 1].map(|_| {
        let sub = Sub::builder().context(&context).recv_hwm(10).build();
        sub.subscribe("x");
        sub.connect("inproc://lossless").unwrap();
        sub
    });
    publisher.wait_subscribers(2).await;
    quick.unsubscribe("x");
    quick.subscribe("quick");
    yield_to_others().await;
    while publisher.try_send("x").is_ok() {
        yield_to_others().await;
    }
    assert_eq!(publisher.try_send("x"), Err(SendError::Full("x".into())));

    let woken = Arc::new(Count::default());
    let waker = Waker::from(woken.clone());
    let mut sending = pin!(publisher.send("x last"));
    let mut poll = || sending.as_mut().poll(&mut Task::from_waker(&waker));
    assert!(poll().is_pending());
    for _ in 0..100 {
        publisher.try_send("quick").unwrap();
        assert_eq!(quick.recv().await, Ok("quick".into()));
        yield_to_others().await;
    }
    assert_eq!(woken.0.load(Ordering::Relaxed), 0, "nothing has changed for it");
    while woken.0.load(Ordering::Relaxed) == 0 {
        assert_eq!(slow.recv().await, Ok("x".into()));
        yield_to_others().await;
    }
    assert_eq!(poll(), Poll::Ready(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_publisher_keeps_its_send_timeout_and_does_not_wait_for_removed_endpoints() {
    const LIMIT: Duration = Duration::from_secs(10);
    let context = Context::new();
    let publisher = Pub::builder().context(&context).nodrop(true).send_hwm(1).send_timeout(LIMIT).build();
    let at = publisher.bind("inproc://given up").await.unwrap();
    let sub = Sub::builder().context(&context).recv_hwm(1).build();
    sub.subscribe("");
    sub.connect(&at).unwrap();
    publisher.wait_subscribers(1).await;
    while publisher.try_send("x").is_ok() {
        yield_to_others().await;
    }
    let start = Instant::now();
    assert_eq!(publisher.send("y").await, Err(SendError::Timeout("y".into())));
    assert_eq!(start.elapsed(), LIMIT);
    let mut sending = pin!(publisher.send("y"));
    assert!(sending.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
    publisher.unbind(&at).unwrap();
    assert_eq!(sending.await, Ok(()), "it has no subscribers any more");
    assert_eq!(start.elapsed(), LIMIT);
    assert_eq!(sub.recv().await, Ok("x".into()));
}

/// Returns whether a proxy to a socket is woken while no peer receives the socket's messages.
async fn is_restless(context: &Context, back: &impl Relay) -> bool {
    let options = Options::default().context(context);
    let (source, front) = (Push::with_options(options.clone()), Pull::with_options(options));
    source.connect(front.bind("inproc://front").await.unwrap()).unwrap();
    for _ in 0..10 {
        source.send(["sink", "text"]).await.unwrap();
    }
    let (woken, mut running) = (Arc::new(Count::default()), pin!(Proxy::new(&front, back).run()));
    let waker = Waker::from(woken.clone());
    let mut count = [0; 2];
    for at in [0, 1] {
        for _ in 0..20 {
            yield_to_others().await;
            assert!(running.as_mut().poll(&mut Task::from_waker(&waker)).is_pending());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        count[at] = woken.0.load(Ordering::Relaxed);
    }
    count[0] != count[1]
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_waits_for_room_sleeps_whatever_the_send_timeout() {
    let narrow = |context: &Context| {
        Options::default().context(context).send_timeout(Duration::ZERO).send_hwm(1).recv_hwm(1)
    };
    let context = Context::new();
    let [push, pull] = [(); 2].map(|()| narrow(&context));
    let (push, pull) = (Push::with_options(push), Pull::with_options(pull));
    pull.connect(push.bind("inproc://back").await.unwrap()).unwrap();
    push.wait_connected(1).await;
    assert!(!is_restless(&context, &push).await);

    let context = Context::new();
    let publisher = Options::<XPub>::from(narrow(&context)).nodrop(true).build();
    let subscriber = Sub::with_options(narrow(&context));
    subscriber.subscribe("");
    subscriber.connect(publisher.bind("inproc://back").await.unwrap()).unwrap();
    publisher.wait_subscribers(1).await;
    assert!(!is_restless(&context, &publisher).await);

    let context = Context::new();
    let router = Options::<Router>::from(narrow(&context)).mandatory(true).build();
    let dealer = Dealer::with_options(narrow(&context).identity("sink"));
    dealer.connect(router.bind("inproc://back").await.unwrap()).unwrap();
    router.wait_connected(1).await;
    assert!(!is_restless(&context, &router).await);
}
