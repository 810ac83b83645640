//! EnfoMQ with PLAIN and CURVE.

use std::time::Duration;

use enfonet::{Options, Pub, Sub};
use enfonet_proxy::{Config, Side};
use enfonet_tests::{Mq, PySocket, PyZmq, Runtime, frames, ours, text, theirs};

use super::credentials::{ANYWHERE, Lock, locks};

/// Asserts that topics reach the publisher, and that only subscribed messages reach the subscriber.
#[track_caller]
pub(super) fn converse(publisher: &PySocket, subscriber: PySocket) {
    assert_eq!(publisher.recv(), frames(["\x01a"]));
    publisher.send(&["b", "unwanted"]);
    publisher.send(&["a", "", "1"]);
    assert_eq!(subscriber.recv(), frames(["a", "", "1"]));
    let subscriber = subscriber.option("subscribe", "b").option("unsubscribe", "a");
    assert_eq!(publisher.recv(), frames(["\x01b"]));
    assert_eq!(publisher.recv(), frames(["\0a"]));
    publisher.send(&["a", "unwanted"]);
    publisher.send(&["b", "2"]);
    assert_eq!(subscriber.recv(), frames(["b", "2"]));
}

/// Returns an XPUB of pyzmq's with valid credentials, which reports subscriptions.
pub(super) fn publisher(py: &PyZmq, lock: &Lock, at: &str) -> PySocket {
    let publisher = lock.admit(py.socket("XPUB")).option("sndhwm", 0);
    publisher.connect(at);
    publisher
}

/// Returns a SUB of pyzmq's with valid credentials.
pub(super) fn subscriber(py: &PyZmq, lock: &Lock, at: &str, topic: &str) -> PySocket {
    let subscriber = lock.admit(py.socket("SUB")).option("rcvhwm", 0);
    subscriber.subscribe(topic);
    subscriber.connect(at);
    subscriber
}

#[test]
fn subscriptions_and_messages_travel_between_pyzmqs_peers() {
    let (runtime, [near, far]) = (Runtime::new(), [PyZmq::start(), PyZmq::start()]);
    for lock in locks() {
        let broker = Mq::start_with(&runtime, lock.config());
        let publisher = publisher(&near, &lock, &broker.frontend());
        converse(&publisher, subscriber(&far, &lock, &broker.backend(), "a"));
        assert_eq!(broker.stop(&runtime).messages, 2);
    }
}

#[test]
fn our_publisher_reaches_pyzmqs_subscriber() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for lock in locks() {
        let broker = Mq::start_with(&runtime, lock.config());
        let publisher = Pub::with_options(lock.client());
        publisher.connect(broker.frontend()).unwrap();
        let subscriber = subscriber(&py, &lock, &broker.backend(), "a");
        runtime.run(publisher.wait_subscribers(1));
        runtime.run(publisher.send("b")).unwrap();
        runtime.run(publisher.send(ours(&["a", "1"]))).unwrap();
        assert_eq!(subscriber.recv(), frames(["a", "1"]));
    }
}

#[test]
fn our_subscriber_receives_from_pyzmqs_publisher() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for lock in locks() {
        let broker = Mq::start_with(&runtime, lock.config());
        let publisher = publisher(&py, &lock, &broker.frontend());
        let subscriber = Sub::with_options(lock.client());
        subscriber.subscribe("a");
        subscriber.connect(broker.backend()).unwrap();
        assert_eq!(publisher.recv(), frames(["\x01a"]));
        publisher.send(&["b"]);
        publisher.send(&["a", "1"]);
        assert_eq!(theirs(&runtime.run(subscriber.recv()).unwrap()), frames(["a", "1"]));
    }
}

#[test]
fn unknown_peers_neither_publish_nor_subscribe_and_known_peers_continue() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    for lock in locks() {
        let broker = Mq::start_with(&runtime, lock.config());
        let [publishing, subscribing] = ["XPUB", "SUB"].map(|kind| lock.unauthorize(py.socket(kind)));
        subscribing.subscribe("");
        publishing.connect(&broker.frontend());
        subscribing.connect(&broker.backend());
        for unauthorized in [&publishing, &subscribing] {
            lock.await_rejection(unauthorized);
        }
        let publisher = publisher(&py, &lock, &broker.frontend());
        publishing.send(&["a", "forged"]);
        converse(&publisher, subscriber(&py, &lock, &broker.backend(), "a"));
        for unauthorized in [&publishing, &subscribing] {
            assert!(!unauthorized.poll(Duration::ZERO));
        }
        assert_eq!(broker.stop(&runtime).messages, 2);
    }
}

#[test]
fn thousands_of_messages_stay_in_order_under_curve() {
    const MESSAGES: usize = 3000;
    let (runtime, [near, far], lock) = (Runtime::new(), [PyZmq::start(), PyZmq::start()], Lock::curve());
    let broker = Mq::start_with(&runtime, lock.config());
    let publisher = publisher(&near, &lock, &broker.frontend());
    let subscriber = subscriber(&far, &lock, &broker.backend(), "");
    assert_eq!(publisher.recv(), frames(["\x01"]));
    // Small messages, and some that take several reads.
    let message = |n: usize| [n.to_string(), "x".repeat((n % 20).pow(3))];
    (0..MESSAGES).for_each(|n| publisher.send(&message(n)));
    (0..MESSAGES).for_each(|n| assert_eq!(text(&subscriber.recv()), message(n)));
    assert_eq!(broker.stop(&runtime).messages, MESSAGES as u64);
}

/// Returns a side that connects, with these options.
fn connecting(endpoint: &str, options: Options) -> Side {
    Side { connect: vec![endpoint.parse().unwrap()], options, ..Side::default() }
}

#[test]
fn a_connecting_broker_has_the_server_role() {
    let (runtime, [near, far]) = (Runtime::new(), [PyZmq::start(), PyZmq::start()]);
    for lock in locks() {
        let [publisher, subscriber] =
            [(&near, "XPUB"), (&far, "SUB")].map(|(py, kind)| lock.admit(py.socket(kind)));
        subscriber.subscribe("a");
        let [frontend, backend] =
            [&publisher, &subscriber].map(|socket| connecting(&socket.bind(ANYWHERE), lock.server()));
        let _broker = Mq::start_with(&runtime, Config::new(frontend, backend));
        converse(&publisher, subscriber);
    }
}

#[test]
fn a_broker_with_a_client_side_is_the_client_of_another_broker() {
    let (runtime, [near, far]) = (Runtime::new(), [PyZmq::start(), PyZmq::start()]);
    for lock in locks() {
        let first = Mq::start_with(&runtime, lock.config());
        let inner = Lock::curve();
        let config = Config::new(connecting(&first.backend(), lock.client()), inner.config().backend);
        let second = Mq::start_with(&runtime, config);
        let publisher = publisher(&near, &lock, &first.frontend());
        converse(&publisher, subscriber(&far, &inner, &second.backend(), "a"));
    }
}
