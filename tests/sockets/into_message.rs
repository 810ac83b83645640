//! Types that convert into messages, and application code that runs within a socket's call.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use enfonet::message::IntoMessage;
use enfonet::socket::XPubEvent;
use enfonet::{Message, Pair, Pull, Push, Req, Router, Sub, XPub};

use crate::{anywhere, inproc, on_every_runtime};

on_every_runtime!(
    a_value_is_one_frame_or_several_as_its_type_says,
    a_message_that_is_sent_by_reference_can_be_sent_again,
    every_kind_sends_values_by_reference,
    an_application_defined_topic_may_use_its_socket_or_panic,
);

async fn a_value_is_one_frame_or_several_as_its_type_says() {
    for at in anywhere() {
        let (push, pull) = (Push::new(), Pull::new());
        push.connect(pull.bind(at).await.unwrap()).unwrap();
        for len in [1, 100, 10_000] {
            let [a, b] = ["a", "b"].map(|letter| letter.repeat(len));
            let one = async |value: &dyn Fn(&Push)| {
                value(&push);
                assert_eq!(pull.recv().await.unwrap(), &a);
            };
            one(&|push| push.try_send(&a).unwrap()).await;
            one(&|push| push.try_send(a.clone()).unwrap()).await;
            one(&|push| push.try_send(a.as_bytes()).unwrap()).await;
            one(&|push| push.try_send(a.clone().into_bytes()).unwrap()).await;
            one(&|push| push.try_send(Cow::from(&a)).unwrap()).await;
            one(&|push| push.try_send(Bytes::from(a.clone())).unwrap()).await;
            one(&|push| push.try_send([&a]).unwrap()).await;
            let two = async |value: &dyn Fn(&Push)| {
                value(&push);
                assert_eq!(pull.recv().await.unwrap(), [&a, &b]);
            };
            two(&|push| push.try_send([&a, &b]).unwrap()).await;
            two(&|push| push.try_send(&[&*a, &*b][..]).unwrap()).await;
            two(&|push| push.try_send(vec![a.clone(), b.clone()]).unwrap()).await;
            two(&|push| push.try_send((&a, b.clone().into_bytes())).unwrap()).await;
            two(&|push| push.try_send([&a, &b].into_iter().collect::<Message>()).unwrap()).await;
        }
        push.send([0, 1, 2u8]).await.unwrap();
        assert_eq!(pull.recv().await.unwrap(), b"\x00\x01\x02");
    }
}

async fn a_message_that_is_sent_by_reference_can_be_sent_again() {
    let (push, pull) = (Push::new(), Pull::new());
    push.connect(pull.bind(inproc()).await.unwrap()).unwrap();
    for len in [10, 10_000] {
        let message = Message::from(vec![b'x'; len]);
        for _ in 0..2 {
            push.send(&message).await.unwrap();
            assert_eq!(pull.recv().await.unwrap(), message);
        }
    }
}

async fn every_kind_sends_values_by_reference() {
    let message = Message::from("hello");
    let (pair, other) = (Pair::new(), Pair::new());
    pair.connect(other.bind(inproc()).await.unwrap()).unwrap();
    pair.send(&message).await.unwrap();
    assert_eq!(other.recv().await.unwrap(), message);
    pair.reserve().await.unwrap().send(&message).unwrap();
    assert_eq!(other.recv().await.unwrap(), message);

    let (req, router) = (Req::new(), Router::new());
    req.connect(router.bind(inproc()).await.unwrap()).unwrap();
    req.send(&message).await.unwrap();
    let (peer, request) = router.recv().await.unwrap();
    assert_eq!(request, ["", "hello"]);
    router.send_to(peer, &request).await.unwrap();
    assert_eq!(req.recv().await.unwrap(), message);

    let (publisher, subscriber) = (XPub::new(), Sub::new());
    subscriber.connect(publisher.bind(inproc()).await.unwrap()).unwrap();
    subscriber.subscribe("");
    publisher.wait_subscribers(1).await;
    publisher.send(&message).await.unwrap();
    assert_eq!(subscriber.recv().await.unwrap(), message);
}

/// A topic that uses its socket when it is read, and panics on request.
struct Topic<'a> {
    publisher: &'a XPub,
    panics: bool,
}

impl AsRef<[u8]> for Topic<'_> {
    fn as_ref(&self) -> &[u8] {
        assert!(!self.panics, "the application's own panic");
        if self.publisher.topics() > 0 { b"b" } else { b"a" }
    }
}

async fn an_application_defined_topic_may_use_its_socket_or_panic() {
    let (publisher, subscriber) = (XPub::builder().manual(true).build(), Sub::new());
    subscriber.connect(publisher.bind(inproc()).await.unwrap()).unwrap();
    subscriber.subscribe("x");
    let XPubEvent::Subscription { peer, .. } = publisher.recv().await.unwrap() else { panic!() };
    for change in [XPub::subscribe, XPub::unsubscribe] {
        let topic = Topic { publisher: &publisher, panics: true };
        catch_unwind(AssertUnwindSafe(|| change(&publisher, peer, topic))).unwrap_err();
    }
    for topics in [1, 2] {
        publisher.subscribe(peer, Topic { publisher: &publisher, panics: false });
        assert_eq!(publisher.topics(), topics);
    }
    publisher.unsubscribe(peer, Topic { publisher: &publisher, panics: false });
    assert_eq!(publisher.topics(), 1);
}

/// Forwards a value as a socket's method does, in a function of the application.
#[test]
fn a_function_of_the_application_can_take_any_message_value() {
    fn topic_of(value: impl IntoMessage) -> String {
        value.into_message().text(0).into_owned()
    }
    assert_eq!(topic_of(("weather", [1, 2, 3])), "weather");
    assert_eq!(topic_of(&["weather".to_owned()]), "weather");
}
