//! A broker that is stopped by a signal sends its queued messages, and exits with success.

use enfonet_tests::{LIBRARIES, Library, Process, Script, command, message};

use crate::setup::Setup;

/// Number and size of messages: together more than the kernel holds for a connection, and less than the broker holds
/// for a subscriber.
const LARGE: (usize, usize) = (15, 1 << 20);
const SMALL: (usize, usize) = (300, 10);

fn body(n: usize, size: usize) -> Vec<u8> {
    let mut body = n.to_string().into_bytes();
    body.resize(size, b'.');
    body
}

/// Asserts that a subscriber that reads only during the stop gets all messages that another has already received.
fn stop_with_a_backlog(signal: &str, (messages, size): (usize, usize)) {
    let setup = Setup::new();
    let broker = Process::tcp("enfomq");
    let publisher = setup.publisher(Library::Libzmq, &broker.frontend()[0]);
    let mut late = Script::join(&broker.backend()[0], "SUB", 1);
    late.send(&command("SUBSCRIBE", b""));
    late.settle();
    let mut prompt = Script::join(&broker.backend()[0], "SUB", 1);
    prompt.send(&command("SUBSCRIBE", b""));
    prompt.settle();
    publisher.expect_subscribed("");
    (0..messages).for_each(|n| publisher.send(&[body(n, size)]));
    for n in 0..messages {
        assert!(prompt.message() == [body(n, size)], "message {n}");
    }
    // Prepared in advance: the broker has little time after the signal.
    let expected = (0..messages).map(|n| message(&[body(n, size)])).collect::<Vec<_>>().concat();
    broker.notify(signal);
    assert_eq!(prompt.expect_close(), b"", "the broker is stopping");
    let received = late.expect_close();
    assert_eq!(received.len(), expected.len());
    assert!(received == expected, "the same bytes");
    drop((prompt, late));
    assert_eq!(broker.wait(), (Some(0), String::new()));
}

#[test]
fn on_sigterm_the_broker_sends_its_queued_messages() {
    stop_with_a_backlog("TERM", LARGE);
    stop_with_a_backlog("TERM", SMALL);
}

#[test]
fn on_sigint_the_broker_sends_its_queued_messages() {
    stop_with_a_backlog("INT", LARGE);
    stop_with_a_backlog("INT", SMALL);
}

#[test]
fn subscribers_receive_after_the_stop_all_messages_published_before_it() {
    for library in LIBRARIES {
        for signal in ["TERM", "INT"] {
            let setup = Setup::new();
            let broker = Process::tcp("enfomq");
            let publisher = setup.publisher(library, &broker.frontend()[0]);
            let late = setup.subscriber(library, &broker.backend()[0], &["n", "~late"]);
            let prompt = setup.subscriber(library, &broker.backend()[0], &["n", "~prompt"]);
            publisher.await_topics(&["~late", "~prompt"]);
            (0..500).for_each(|n| publisher.send(&["n", &n.to_string()]));
            (0..500).for_each(|n| prompt.expect(&["n", &n.to_string()]));
            assert_eq!(broker.signal(signal), (Some(0), String::new()));
            (0..500).for_each(|n| late.expect(&["n", &n.to_string()]));
        }
    }
}

#[test]
fn a_subscriber_that_never_reads_does_not_prevent_the_stop() {
    let setup = Setup::new();
    let broker = Process::tcp("enfomq");
    let publisher = setup.publisher(Library::Libzmq, &broker.frontend()[0]);
    let mut stuck = Script::join(&broker.backend()[0], "SUB", 1);
    stuck.send(&command("SUBSCRIBE", b""));
    stuck.settle();
    let prompt = setup.subscriber(Library::Ours, &broker.backend()[0], &["", "~prompt"]);
    publisher.await_topics(&["~prompt"]);
    for n in 0..LARGE.0 {
        publisher.send(&[body(n, LARGE.1)]);
        assert!(prompt.recv() == [body(n, LARGE.1)]);
    }
    assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    drop(stuck);
}
