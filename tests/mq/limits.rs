//! Limits of the programs: each flag bounds what it says, and other peers go on.

use std::time::Duration;

use enfonet_tests::{Process, Script, VERSIONED, command, greeting, message};

/// Returns a SUBSCRIBE command.
fn subscribe(topic: &str) -> Vec<u8> {
    command("SUBSCRIBE", topic.as_bytes())
}

/// Starts EnfoMQ with these flags on free ports.
fn broker(flags: &[&str]) -> Process {
    let endpoints = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];
    Process::start("enfomq", &[&endpoints[..], flags].concat())
}

/// Asserts that a publisher's message ends its connection, and that one a little smaller doesn't.
fn assert_limited(flags: &[&str], fits: &[&str], exceeds: &[&str]) {
    let broker = broker(flags);
    let mut subscriber = Script::join(&broker.backend()[0], "SUB", 1);
    subscriber.send(&subscribe(""));
    let [mut good, mut bad] = [(); 2].map(|()| {
        let mut publisher = Script::join(&broker.frontend()[0], "PUB", 1);
        publisher.expect(&subscribe(""));
        publisher
    });
    bad.try_send(&message(exceeds));
    bad.expect_close();
    good.send(&message(fits));
    subscriber.expect(&message(fits));
    broker.kill();
}

#[test]
fn a_message_above_the_limit_ends_its_connection() {
    let (fits, exceeds) = ("x".repeat(200), "x".repeat(2000));
    assert_limited(&["--max-message-size", "1KiB"], &[&fits], &[&exceeds]);
    assert_limited(&["--frontend-max-message-size", "1024"], &[&fits], &[&exceeds]);
}

#[test]
fn a_message_of_more_frames_than_the_limit_ends_its_connection() {
    assert_limited(&["--max-frames", "2"], &["a", "b"], &["a", "b", "c"]);
}

#[test]
fn a_connection_above_the_limit_of_an_endpoint_is_closed_until_another_ends() {
    let broker = broker(&["--backend-connections", "1"]);
    let first = Script::join(&broker.backend()[0], "SUB", 1);
    assert_eq!(Script::connect(&broker.backend()[0]).expect_close(), b"");
    // The other side has no limit.
    let _publishers = [(); 3].map(|()| Script::join(&broker.frontend()[0], "PUB", 1));
    drop(first);
    // The place is free as soon as the broker has seen the end.
    loop {
        let mut next = Script::connect(&broker.backend()[0]);
        if next.has_more(Duration::from_secs(5)) {
            next.handshake("SUB", 1);
            break;
        }
    }
    broker.kill();
}

#[test]
fn a_subscriber_with_more_topics_or_bytes_than_the_limit_is_disconnected() {
    for (flags, topics) in
        [(["--subscriptions", "2"], ["a", "b", "c"]), (["--subscription-bytes", "5"], ["aa", "bb", "cc"])]
    {
        let broker = broker(&flags);
        let mut subscriber = Script::join(&broker.backend()[0], "SUB", 1);
        topics.iter().for_each(|topic| subscriber.try_send(&subscribe(topic)));
        subscriber.expect_close();
        let mut other = Script::join(&broker.backend()[0], "SUB", 1);
        other.settle();
        broker.kill();
    }
}

#[test]
fn a_handshake_ends_after_its_time_and_gives_way_at_the_limit() {
    let broker = broker(&["--frontend-handshake-timeout", "50ms", "--backend-handshakes", "1"]);
    let mut slow = Script::connect(&broker.frontend()[0]);
    slow.send(&greeting(1)[..9]);
    slow.expect(&greeting(1)[..VERSIONED]);
    slow.expect_close();
    let mut displaced = Script::connect(&broker.backend()[0]);
    displaced.expect(&greeting(1)[..VERSIONED]);
    let _next = Script::join(&broker.backend()[0], "SUB", 1);
    displaced.expect_close();
    broker.kill();
}
