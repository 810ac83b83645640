//! XPUB of ours that decides on the topics of its subscribers (libzmq's `XPUB_MANUAL`).

use enfonet::XPub;
use enfonet::socket::XPubEvent;
use enfonet_tests::{AnySocket, frames};

use crate::xpub_stage::over_each_transport;

#[test]
fn a_manual_xpub_decides_on_the_topics_of_its_subscribers() {
    over_each_transport(
        || XPub::builder().manual(true),
        zmq::XSUB,
        1,
        |mut stage| {
            let subscriber = stage.subscribers.remove(0);
            subscriber.subscribe("A");
            let peer = stage.expect("+A");
            assert_eq!(stage.xpub.topics(), 0);
            stage.xpub.subscribe(peer, "XA");
            subscriber.subscribe("B");
            assert_eq!(stage.expect("+B"), peer);
            stage.xpub.subscribe(peer, "XB");
            stage.xpub.subscribe(peer, "XB");
            assert_eq!(stage.xpub.topics(), 2);
            for text in ["A", "B", "XA", "XB"] {
                stage.send(text);
            }
            assert_eq!(subscriber.recv(), frames(["XA"]));
            assert_eq!(subscriber.recv(), frames(["XB"]));
            subscriber.unsubscribe("A");
            assert_eq!(stage.expect("-A"), peer);
            stage.send("XA still");
            stage.xpub.unsubscribe(peer, "XA");
            stage.xpub.unsubscribe(peer, "X");
            stage.xpub.unsubscribe(peer, "never");
            stage.send("XA no more");
            stage.send("XB");
            assert_eq!(subscriber.recv(), frames(["XA still"]));
            assert_eq!(subscriber.recv(), frames(["XB"]));
            // The XPUB receives the cancel of the requested topic, and none of the granted topic.
            drop(subscriber);
            assert_eq!(stage.expect("-B"), peer);
            assert_eq!(stage.xpub.topics(), 0);
        },
    );
}

#[test]
fn a_manual_xpub_receives_the_subscriptions_and_cancels_of_each_peer() {
    over_each_transport(
        || XPub::builder().manual(true),
        zmq::XSUB,
        2,
        |mut stage| {
            let subscribe = |subscriber: &AnySocket<'_>, topic: &str, given: &str| {
                subscriber.subscribe(topic);
                let peer = stage.expect(&format!("+{topic}"));
                stage.xpub.subscribe(peer, given);
                peer
            };
            let peers =
                [subscribe(&stage.subscribers[0], "t", "t"), subscribe(&stage.subscribers[1], "t", "t")];
            stage.send("t");
            stage.subscribers.iter().for_each(|subscriber| assert_eq!(subscriber.recv(), frames(["t"])));
            stage.subscribers.clear();
            let mut gone = [stage.next_subscription(), stage.next_subscription()];
            gone.sort();
            let mut expected = peers.map(|peer| ("-t".into(), peer));
            expected.sort();
            assert_eq!(gone, expected);
        },
    );
}

#[test]
fn a_manual_xpub_serves_concurrent_subscribers() {
    over_each_transport(
        || XPub::builder().manual(true),
        zmq::XSUB,
        2,
        |stage| {
            stage.subscribers[0].subscribe("first");
            stage.subscribers[1].subscribe("second");
            for _ in 0..2 {
                let (subscription, peer) = stage.next_subscription();
                stage.xpub.subscribe(peer, &subscription[1..]);
                // libzmq grants to the peer that it read from last.
                stage.runtime.run(stage.xpub.send_to(peer, "confirmed")).unwrap();
            }
            stage.send("first");
            stage.send("second");
            for (subscriber, text) in stage.subscribers.iter().zip(["first", "second"]) {
                assert_eq!(subscriber.recv(), frames(["confirmed"]));
                assert_eq!(subscriber.recv(), frames([text]));
            }
        },
    );
}

#[test]
fn a_manual_grant_for_a_disconnected_peer_has_no_effect() {
    over_each_transport(
        || XPub::builder().manual(true),
        zmq::XSUB,
        2,
        |mut stage| {
            let [first, second] = [stage.subscribers.remove(0), stage.subscribers.remove(0)];
            first.subscribe("A");
            let gone = stage.expect("+A");
            stage.xpub.subscribe(gone, "XA");
            drop(first);
            assert_eq!(stage.expect("-A"), gone);
            stage.xpub.unsubscribe(gone, "XA");
            stage.xpub.subscribe(gone, "XA");
            assert_eq!(stage.xpub.topics(), 0);
            second.subscribe("B");
            let peer = stage.expect("+B");
            assert_ne!(peer, gone);
            stage.xpub.subscribe(peer, "XB");
            stage.xpub.unsubscribe(gone, "XB");
            stage.send("XA");
            stage.send("XB");
            assert_eq!(second.recv(), frames(["XB"]));
        },
    );
}

#[test]
fn a_message_for_one_subscriber_reaches_no_other() {
    over_each_transport(
        || XPub::builder().verbose(true),
        zmq::XSUB,
        2,
        |stage| {
            let peers = [0, 1].map(|at| {
                stage.subscribers[at].subscribe("a");
                stage.expect("+a")
            });
            stage.xpub.try_send_to(peers[1], ["a", "last value"]).unwrap();
            stage.runtime.run(stage.xpub.send_to(peers[1], "unasked for")).unwrap();
            stage.send("a");
            assert_eq!(stage.subscribers[0].recv(), frames(["a"]));
            for expected in [&["a", "last value"][..], &["unasked for"], &["a"]] {
                assert_eq!(stage.subscribers[1].recv(), frames(expected));
            }
        },
    );
}

#[test]
fn messages_of_subscribers_reach_a_manual_xpub_unchanged() {
    over_each_transport(
        || XPub::builder().manual(true),
        zmq::XSUB,
        1,
        |stage| {
            let subscriber = &stage.subscribers[0];
            subscriber.subscribe("a");
            let peer = stage.expect("+a");
            subscriber.send(["\u{2}hello"]);
            let message = XPubEvent::Message { peer, message: "\u{2}hello".into() };
            assert_eq!(stage.runtime.run(stage.xpub.recv()).unwrap(), message);
        },
    );
}
