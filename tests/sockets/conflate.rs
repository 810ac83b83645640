//! Sockets that conflate: only the last message waits.

use enfonet::{Pub, Pull, Push, Sub};

use crate::{anywhere, inproc, on_every_runtime, yield_to_others};

on_every_runtime!(
    a_conflating_socket_receives_the_last_message,
    a_conflating_subscriber_receives_the_last_publication,
);

async fn a_conflating_socket_receives_the_last_message() {
    for at in anywhere() {
        let pull = Pull::builder().conflate(true).build();
        let push = Push::new();
        push.connect(pull.bind(&at).await.unwrap()).unwrap();
        for n in 0..20 {
            push.send([n.to_string(), "with more frames".into()]).await.unwrap();
        }
        // Each message replaces the previous one, until the last has arrived.
        let last = loop {
            let message = pull.recv().await.unwrap();
            if message.first() == b"19" {
                break message;
            }
        };
        assert_eq!(last, ["19", "with more frames"]);
        yield_to_others().await;
        assert!(pull.try_recv().is_err());
        let push = Push::builder().conflate(true).build();
        let (late, at) = (Pull::new(), inproc());
        push.connect(&at).unwrap();
        for n in 0..20_000 {
            push.try_send(n.to_string()).unwrap();
        }
        late.bind(at).await.unwrap();
        assert_eq!(late.recv().await, Ok("19999".into()), "only the last waited");
        yield_to_others().await;
        assert!(late.try_recv().is_err());
    }
}

async fn a_conflating_subscriber_receives_the_last_publication() {
    let publisher = Pub::builder().conflate(true).build();
    let subscriber = Sub::builder().conflate(true).build();
    subscriber.subscribe("");
    subscriber.connect(publisher.bind(inproc()).await.unwrap()).unwrap();
    publisher.wait_subscribers(1).await;
    for n in 0..5000 {
        publisher.send(n.to_string()).await.unwrap();
    }
    let mut last = subscriber.recv().await.unwrap();
    while last.first() != b"4999" {
        last = subscriber.recv().await.unwrap();
    }
    yield_to_others().await;
    assert!(subscriber.try_recv().is_err());
}
