//! `psenvpub` and `psenvsub`, `syncpub` and `syncsub`.

use enfonet_tests::PyZmq;

use crate::{Example, TCP, bound, connected, times};

#[test]
fn psenvpub_sends_a_sub_of_pyzmq_the_messages_with_its_key() {
    let (publisher, [at]) = Example::ready("psenvpub", &[TCP, "3"]);
    let subscriber = connected(&PyZmq::start(), "SUB", &at);
    subscriber.subscribe("B");
    for _ in 0..3 {
        assert_eq!(subscriber.recv(), [&b"B"[..], b"somebody asked for this"]);
    }
    assert!(publisher.end().is_empty());
}

#[test]
fn psenvsub_shows_the_messages_of_a_pub_of_pyzmq_with_its_key() {
    let (publisher, at) = bound(&PyZmq::start(), "XPUB");
    let subscriber = Example::start("psenvsub", &[&at, "2"]);
    assert_eq!(publisher.recv(), [b"\x01B"]);
    for (key, content) in [("A", "no"), ("B", "yes"), ("A", "no"), ("B", "yes, too")] {
        publisher.send(&[key, content]);
    }
    assert_eq!(subscriber.end(), ["[B] yes", "[B] yes, too"]);
}

#[test]
fn psenvsub_shows_the_messages_of_psenvpub() {
    let (publisher, [at]) = Example::ready("psenvpub", &[TCP]);
    let subscriber = Example::start("psenvsub", &[&at]);
    assert_eq!(subscriber.end(), times(10, "[B] somebody asked for this"));
    assert!(publisher.end().is_empty());
}

#[test]
fn syncpub_begins_after_the_requests_of_syncsub_and_a_subscriber_of_pyzmq() {
    let (publisher, [at, sync]) = Example::ready("syncpub", &[TCP, TCP, "2", "50"]);
    let pyzmq = PyZmq::start();
    let theirs = connected(&pyzmq, "SUB", &at);
    theirs.subscribe("");
    assert_eq!(theirs.recv(), [b"hello"]);
    let ours = Example::start("syncsub", &[&at, &sync]);
    let request = connected(&pyzmq, "REQ", &sync);
    request.send(&["here"]);
    assert_eq!(request.recv(), [b"welcome"]);
    assert_eq!(publisher.line(), "all are there");

    let messages = std::iter::from_fn(|| Some(theirs.recv())).skip_while(|message| *message == [b"hello"]);
    let updates: Vec<_> = messages.take_while(|message| *message != [b"end"]).collect();
    let expected: Vec<_> = (1..=50).map(|n| vec![format!("update {n}").into_bytes()]).collect();
    assert_eq!(updates, expected);
    assert_eq!(ours.end(), ["received 50 updates"]);
    assert!(publisher.end().is_empty());
}

#[test]
fn syncsub_sends_its_request_after_the_first_message_of_a_pub_of_pyzmq() {
    let pyzmq = PyZmq::start();
    let ((publisher, at), (service, sync)) = (bound(&pyzmq, "XPUB"), bound(&pyzmq, "REP"));
    let subscriber = Example::start("syncsub", &[&at, &sync]);
    assert_eq!(publisher.recv(), [b"\x01"]);
    publisher.send(&["hello"]);
    assert_eq!(service.recv(), [b"here"]);
    publisher.send(&["hello"]);
    service.send(&["welcome"]);
    for update in ["1", "2", "3", "end"] {
        publisher.send(&[update]);
    }
    assert_eq!(subscriber.end(), ["received 3 updates"]);
}

#[test]
fn syncsubs_receive_all_that_syncpub_publishes() {
    let (publisher, [at, sync]) = Example::ready("syncpub", &[TCP, TCP]);
    let subscribers = [(); 2].map(|()| Example::start("syncsub", &[&at, &sync]));
    for subscriber in subscribers {
        assert_eq!(subscriber.end(), ["received 100000 updates"]);
    }
    assert_eq!(publisher.end(), ["all are there"]);
}
