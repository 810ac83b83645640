//! PUB, SUB, XPUB and XSUB as streams and sinks, with batches and timeouts.

use std::time::Duration;

use enfonet::error::{RecvError, SendError};
use enfonet::message::{Batch, Subscription};
use enfonet::socket::XPubEvent;
use enfonet::{Message, Options, Pub, Sub, XPub, XSub};
use futures_util::{SinkExt, StreamExt, TryStreamExt};

use crate::{anywhere, eventually, inproc, on_every_runtime, within_deadline};

on_every_runtime!(
    publications_flow_from_a_sink_to_a_stream,
    a_stream_of_a_subscriber_yields_only_subscribed_messages,
    a_broker_is_two_streams_and_two_sinks,
    a_batch_reaches_the_subscribers_of_its_messages,
    with_nodrop_messages_without_room_stay_in_the_batch,
    unsubscribed_messages_do_not_prolong_a_subscribers_receive_timeout,
    the_publisher_of_a_message_is_known,
    any_number_of_subscriptions_of_a_departed_subscriber_is_cancelled,
);

async fn publications_flow_from_a_sink_to_a_stream() {
    for at in anywhere() {
        let (publisher, subscriber) = (Pub::new(), Sub::new());
        subscriber.subscribe("");
        subscriber.connect(publisher.bind(at).await.unwrap()).unwrap();
        publisher.wait_subscribers(1).await;
        let (mut sink, mut stream) = (publisher.sink(), subscriber.stream());
        for n in 0..100 {
            sink.send(n.to_string()).await.unwrap();
            assert_eq!(stream.next().await, Some(Ok(n.to_string().into())));
        }
    }
}

async fn a_stream_of_a_subscriber_yields_only_subscribed_messages() {
    let (publisher, subscriber) = (Pub::new(), Sub::new());
    let [wanted, dropped] = ["a", "b"];
    subscriber.subscribe(wanted);
    subscriber.subscribe(dropped);
    subscriber.connect(publisher.bind(inproc()).await.unwrap()).unwrap();
    publisher.wait_subscribers(1).await;
    for text in ["b1", "a1", "b2", "a2"] {
        publisher.send(text).await.unwrap();
    }
    subscriber.unsubscribe(dropped);
    let received: Vec<_> = subscriber.stream().take(2).try_collect().await.unwrap();
    assert_eq!(received, ["a1", "a2"]);
}

async fn a_broker_is_two_streams_and_two_sinks() {
    let (front, back) = (XSub::new(), XPub::new());
    let (front_at, back_at) = (front.bind(inproc()).await.unwrap(), back.bind(inproc()).await.unwrap());
    tokio::spawn(front.stream().map(|message| Ok(message.unwrap())).forward(back.sink()));
    let upstream = back.stream().filter_map(async |event| match event {
        Ok(XPubEvent::Subscription { subscription, .. }) => Some(Ok(subscription.to_message())),
        _ => None,
    });
    tokio::spawn(async move { Box::pin(upstream).forward(front.sink()).await });
    let (publisher, subscriber) = (Pub::new(), Sub::new());
    publisher.connect(front_at).unwrap();
    subscriber.subscribe("a");
    subscriber.connect(back_at).unwrap();
    publisher.wait_subscribers(1).await;
    publisher.send("b").await.unwrap();
    publisher.send("a").await.unwrap();
    assert_eq!(subscriber.recv().await, Ok("a".into()));
}

async fn a_batch_reaches_the_subscribers_of_its_messages() {
    let publisher = Pub::new();
    let at = publisher.bind(inproc()).await.unwrap();
    let subscribers = ["a", "b", ""].map(|topic| {
        let subscriber = Sub::new();
        subscriber.subscribe(topic);
        subscriber.connect(&at).unwrap();
        subscriber
    });
    publisher.wait_subscribers(3).await;
    let mut batch: Batch = ["a1", "b1", "c1", "a2"].map(Message::from).into_iter().collect();
    publisher.send_batch(&mut batch).await.unwrap();
    assert!(batch.is_empty());
    for (subscriber, expected) in
        subscribers.iter().zip([&["a1", "a2"][..], &["b1"], &["a1", "b1", "c1", "a2"]])
    {
        let mut received = Vec::new();
        while received.len() < expected.len() {
            received.extend(subscriber.recv_batch(usize::MAX).await.unwrap().1);
        }
        assert!(received.iter().eq(expected.iter().copied()));
        assert!(subscriber.try_recv_batch(usize::MAX).is_err());
    }
}

async fn with_nodrop_messages_without_room_stay_in_the_batch() {
    let options = Options::default().nodrop(true).send_hwm(3).send_timeout(Duration::ZERO);
    let (publisher, subscriber) =
        (XPub::with_options(options), Sub::with_options(Options::default().recv_hwm(2)));
    subscriber.subscribe("");
    subscriber.connect(publisher.bind(inproc()).await.unwrap()).unwrap();
    publisher.wait_subscribers(1).await;
    let mut batch: Batch = (0..10).map(|n| Message::from(n.to_string())).collect();
    assert_eq!(publisher.send_batch(&mut batch).await, Err(SendError::Timeout(())));
    assert_eq!(batch.len(), 5, "two queues hold the others");
    publisher.try_send_batch(&mut batch).unwrap();
    assert_eq!(batch.len(), 5);
    for n in 0..10 {
        assert_eq!(subscriber.recv().await, Ok(n.to_string().into()));
        if n == 4 {
            let send_rest = || {
                publisher.try_send_batch(&mut batch).unwrap();
                batch.is_empty().then_some(())
            };
            eventually(send_rest).await;
        }
    }
}

async fn unsubscribed_messages_do_not_prolong_a_subscribers_receive_timeout() {
    let options = Options::default().recv_timeout(Duration::ZERO);
    let (publisher, subscriber) = (Pub::new(), Sub::with_options(options));
    subscriber.subscribe("x");
    subscriber.connect(publisher.bind(inproc()).await.unwrap()).unwrap();
    publisher.wait_subscribers(1).await;
    publisher.send("x").await.unwrap();
    subscriber.unsubscribe("x");
    for _ in 0..100 {
        assert_eq!(subscriber.recv().await, Err(RecvError::Timeout));
        tokio::task::yield_now().await;
    }
    assert_eq!(subscriber.recv_batch(usize::MAX).await, Err(RecvError::Timeout));
    assert_eq!(subscriber.recv_from().await, Err(RecvError::Timeout));
}

async fn the_publisher_of_a_message_is_known() {
    let (one, other, subscriber) = (Pub::new(), Pub::new(), Sub::new());
    subscriber.subscribe("");
    let ends = [one.bind(inproc()).await.unwrap(), other.bind("tcp://127.0.0.1:*").await.unwrap()];
    for (publisher, at) in [&one, &other].into_iter().zip(&ends) {
        subscriber.connect(at).unwrap();
        publisher.wait_subscribers(1).await;
        publisher.send("hello").await.unwrap();
        let (peer, _) = subscriber.recv_from().await.unwrap();
        assert_eq!((&peer.endpoint, peer.is_accepted), (at, false));
        assert_eq!(peer.property("Socket-Type"), Some(&b"PUB"[..]));
    }
    let xpub = XPub::new();
    let at = xpub.bind(inproc()).await.unwrap();
    subscriber.connect(at).unwrap();
    let XPubEvent::Subscription { peer, subscription } = xpub.recv().await.unwrap() else { panic!() };
    assert_eq!(subscription, Subscription::Subscribe("".into()));
    assert_eq!(xpub.peer(peer).unwrap().property("socket-type"), Some(&b"SUB"[..]));
}

async fn any_number_of_subscriptions_of_a_departed_subscriber_is_cancelled() {
    // Some of them are removed at once, the others in the background.
    const TOPICS: usize = 5000;
    let (publisher, subscriber) = (XPub::new(), Sub::new());
    (0..TOPICS).for_each(|topic| subscriber.subscribe(topic.to_string()));
    subscriber.connect(publisher.bind("tcp://127.0.0.1:*").await.unwrap()).unwrap();
    let changes = async |cancels: usize| {
        let (mut subscribed, mut cancelled) = (0, 0);
        while subscribed + cancelled < TOPICS {
            match publisher.recv().await.unwrap() {
                XPubEvent::Subscription { subscription: Subscription::Subscribe(_), .. } => subscribed += 1,
                XPubEvent::Subscription { subscription: Subscription::Cancel(_), .. } => cancelled += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(cancelled, cancels);
    };
    within_deadline(changes(0)).await;
    subscriber.close(Duration::ZERO).await;
    within_deadline(changes(TOPICS)).await;
}
