//! Subscriptions and messages that an XPUB receives from its subscribers (RFC 29).

use std::time::Duration;

use enfonet::message::Subscription;
use enfonet::peer::PeerId;
use enfonet::socket::XPubEvent;
use enfonet::{Sub, XPub, XSub};
use enfonet_tests::{LibZmq, Library, Runtime, frames, wildcard};

use crate::setup::{AnySocket, MIXED, Setup};
use crate::xpub_stage::over_each_transport;

fn subscribed(topic: &str) -> Vec<Vec<u8>> {
    frames([[b"\x01", topic.as_bytes()].concat()])
}

fn cancelled(topic: &str) -> Vec<Vec<u8>> {
    frames([[b"\x00", topic.as_bytes()].concat()])
}

/// Returns a bound XPUB and its subscribers.
fn stage(setup: &Setup, who: [Library; 2], subscribers: usize) -> (AnySocket<'_>, Vec<AnySocket<'_>>) {
    let xpub = setup.end(who[0], zmq::XPUB);
    let at = xpub.bind(&wildcard("tcp").1);
    let subscribers = (0..subscribers).map(|_| {
        let subscriber = setup.end(who[1], zmq::SUB);
        subscriber.connect(&at);
        subscriber
    });
    let subscribers = subscribers.collect();
    (xpub, subscribers)
}

#[test]
fn an_xpub_receives_the_first_subscription_and_the_last_cancel_of_a_topic() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let (xpub, subscribers) = stage(&setup, who, 2);
        let [first, second] = &subscribers[..] else { unreachable!() };
        first.subscribe("a");
        assert_eq!(xpub.recv(), subscribed("a"));
        second.subscribe("a");
        second.subscribe("b");
        assert_eq!(xpub.recv(), subscribed("b"), "not the other's again");
        first.subscribe("a");
        first.unsubscribe("a");
        first.unsubscribe("a");
        first.subscribe("c");
        assert_eq!(xpub.recv(), subscribed("c"), "the second still wants the other");
        second.unsubscribe("a");
        assert_eq!(xpub.recv(), cancelled("a"));
        second.subscribe("a");
        assert_eq!(xpub.recv(), subscribed("a"), "it is new again");
    }
}

#[test]
fn the_topics_of_a_disconnected_subscriber_are_cancelled_unless_another_subscribes_to_them() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let (xpub, mut subscribers) = stage(&setup, who, 2);
        for topic in ["x", "xy", "z"] {
            subscribers[0].subscribe(topic);
            assert_eq!(xpub.recv(), subscribed(topic));
        }
        subscribers[1].subscribe("xy");
        subscribers[1].subscribe("last");
        assert_eq!(xpub.recv(), subscribed("last"));
        drop(subscribers.remove(0));
        let mut gone = [xpub.recv(), xpub.recv()];
        gone.sort();
        assert_eq!(gone, [cancelled("x"), cancelled("z")]);
        subscribers[0].unsubscribe("xy");
        assert_eq!(xpub.recv(), cancelled("xy"));
    }
}

#[test]
fn an_xpub_receives_topics_of_any_length() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let (xpub, subscribers) = stage(&setup, who, 1);
        // libzmq 4.3.4 sends subscriptions of 246 to 255 bytes with the length in the wrong form.
        for len in [0, 1, 244, 245, 256, 257, 2000] {
            let topic = "t".repeat(len);
            subscribers[0].subscribe(&topic);
            assert!(xpub.recv() == subscribed(&topic), "{who:?} {len}");
            subscribers[0].unsubscribe(&topic);
            assert!(xpub.recv() == cancelled(&topic), "{who:?} {len}");
        }
    }
}

#[test]
fn an_xpub_receives_ten_thousand_topics_in_order() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let (xpub, subscribers) = stage(&setup, who, 1);
        subscribers[0].subscribe("first");
        assert_eq!(xpub.recv(), subscribed("first"));
        for part in 0..25 {
            let topics = || (0..400).map(|n| format!("{part} {n}"));
            topics().for_each(|topic| subscribers[0].subscribe(topic));
            topics().for_each(|topic| assert_eq!(xpub.recv(), subscribed(&topic)));
            // libzmq drops subscriptions beyond its high-water mark, and notices freed room only while it is used.
            assert_eq!(subscribers[0].recv_within(Duration::ZERO), None);
        }
    }
}

#[test]
fn subscriptions_wait_until_the_xpub_receives_them() {
    const TOPICS: u32 = 25_000;
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (xpub, sub) = (XPub::new(), Sub::new());
    sub.connect(runtime.run(xpub.bind("tcp://127.0.0.1:*")).unwrap()).unwrap();
    (0..TOPICS).for_each(|n| sub.subscribe(n.to_be_bytes()));
    for n in 0..TOPICS {
        let expected = Subscription::Subscribe(n.to_be_bytes().to_vec().into());
        assert_eq!(event(&runtime, &xpub).1, expected);
    }
}

#[test]
fn a_message_that_begins_with_1_or_0_subscribes_or_cancels() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let [xpub, xsub] = setup.pair(who, [zmq::XPUB, zmq::XSUB]);
        xsub.wait_connected(1);
        xsub.send([b"\x01a"]);
        assert_eq!(xpub.recv(), subscribed("a"));
        xpub.send(["b"]);
        xpub.send(["a"]);
        assert_eq!(xsub.recv(), frames(["a"]));
        xsub.send([b"\x00a"]);
        assert_eq!(xpub.recv(), cancelled("a"));
    }
}

#[test]
fn other_messages_of_a_subscriber_reach_an_xpub_as_they_are() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let [xpub, xsub] = setup.pair(who, [zmq::XPUB, zmq::XSUB]);
        xsub.wait_connected(1);
        for message in [&["\u{2}"][..], &["hello", "", "world"], &["", "second"], &["x"; 300]] {
            xsub.send(message);
            assert_eq!(xpub.recv(), frames(message));
        }
    }
}

#[test]
fn a_pub_drops_messages_of_subscribers() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let [publisher, xsub] = setup.pair(who, [zmq::PUB, zmq::XSUB]);
        xsub.wait_connected(1);
        xsub.send(["\u{2}a", "hello"]);
        crate::setup::wait_subscribed(&publisher, &xsub);
        publisher.send(["\u{2}a"]);
        publisher.send(["tuning in"]);
        xsub.subscribe("a");
        crate::setup::wait_subscribed(&publisher, &xsub);
        publisher.send(["a"]);
        assert_eq!(xsub.recv(), frames(["a"]));
    }
}

fn event(runtime: &Runtime, xpub: &XPub) -> (PeerId, Subscription) {
    match runtime.run(xpub.recv()).unwrap() {
        XPubEvent::Subscription { peer, subscription } => (peer, subscription),
        message @ XPubEvent::Message { .. } => panic!("{message:?}"),
    }
}

#[test]
fn subscriptions_and_messages_carry_their_peer() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let xpub = XPub::new();
    let at = runtime.bind(&xpub);
    let [first, second] = [0, 1].map(|_| libzmq.connected(zmq::XSUB, &at));
    first.send("\u{1}a", 0).unwrap();
    let (first_id, subscription) = event(&runtime, &xpub);
    assert_eq!(subscription, Subscription::Subscribe("a".into()));
    second.send("\u{1}b", 0).unwrap();
    let (second_id, _) = event(&runtime, &xpub);
    assert_ne!(first_id, second_id);
    first.send("mine", 0).unwrap();
    let message = XPubEvent::Message { peer: first_id, message: "mine".into() };
    assert_eq!(runtime.run(xpub.recv()).unwrap(), message);
    drop(second);
    assert_eq!(event(&runtime, &xpub), (second_id, Subscription::Cancel("b".into())));
}

#[test]
fn an_xpub_receives_successive_subscriptions_over_inproc() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (xpub, sub) = (XPub::new(), Sub::new());
    sub.connect(runtime.run(xpub.bind("inproc://one after the other")).unwrap()).unwrap();
    for topic in ["a", "b", "c"] {
        sub.subscribe(topic);
        assert_eq!(event(&runtime, &xpub).1, Subscription::Subscribe(topic.into()));
    }
}

#[test]
fn a_message_behind_a_subscription_arrives_over_inproc() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (xpub, xsub) = (XPub::new(), XSub::new());
    xsub.connect(runtime.run(xpub.bind("inproc://behind a subscription")).unwrap()).unwrap();
    xsub.subscribe("a");
    let (peer, subscription) = event(&runtime, &xpub);
    assert_eq!(subscription, Subscription::Subscribe("a".into()));
    xsub.send("question").unwrap();
    let expected = XPubEvent::Message { peer, message: "question".into() };
    assert_eq!(runtime.run(xpub.recv()).unwrap(), expected);
}

#[test]
fn a_device_made_of_xpub_and_xsub_forwards_subscriptions_and_publications() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (front, back) = (XSub::new(), XPub::new());
    let (theirs, at) = libzmq.bound(zmq::XPUB, "tcp://127.0.0.1:*");
    front.connect(at).unwrap();
    let at = runtime.bind(&back);
    let subscriber = libzmq.subscriber(&at, "");
    let XPubEvent::Subscription { subscription, .. } = runtime.run(back.recv()).unwrap() else { panic!() };
    front.send(subscription.to_message()).unwrap();
    assert_eq!(theirs.recv_bytes(0).unwrap(), b"\x01");
    for text in [&[""][..], &["a", "", "b"]] {
        theirs.send_multipart(text, 0).unwrap();
        let publication = runtime.run(front.recv()).unwrap();
        runtime.run(back.send(publication)).unwrap();
        assert_eq!(subscriber.recv_multipart(0).unwrap(), frames(text));
    }
}

#[test]
fn a_publisher_counts_its_topics() {
    over_each_transport(XPub::builder, zmq::SUB, 2, |stage| {
        for (at, topic, topics) in [(0, "a", 1), (0, "ab", 2), (1, "ab", 2), (1, "abc", 3)] {
            stage.subscribers[at].subscribe(topic);
            stage.subscribers[at].subscribe(format!("settled {at}{topic}"));
            while stage.next_subscription().0 != format!("+settled {at}{topic}") {}
            stage.subscribers[at].unsubscribe(format!("settled {at}{topic}"));
            stage.expect(&format!("-settled {at}{topic}"));
            assert_eq!(stage.xpub.topics(), topics);
        }
        stage.subscribers[0].unsubscribe("a");
        stage.expect("-a");
        assert_eq!(stage.xpub.topics(), 2);
    });
}
