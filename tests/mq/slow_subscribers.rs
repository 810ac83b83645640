//! Subscribers that never read or read slowly, beside one that reads.

use std::time::{Duration, Instant};

use enfonet::auth::{PlainCredentials, Security};
use enfonet::{Options, Pub};
use enfonet_tests::{LIBRARIES, Library, Process, Runtime, Script, command, file, greeting_of, properties};

use crate::setup::{Publisher, Setup, Subscriber};

const SIZE: usize = 1 << 10;
/// Maximum number of messages in flight: far below the number at which the broker drops.
const WINDOW: u32 = 2000;
const WINDOWS: u32 = 150;

/// Maximum memory of the broker for the subscriber that doesn't read: 16 MiB of messages, and the
/// buffers that hold them.
const BOUND: usize = 40 << 20;

/// Publishes window after window, each when the reader has received the previous one. Returns the time taken,
/// and the peak memory of the broker.
fn flow(
    publisher: &Publisher<'_>,
    reader: &Subscriber<'_>,
    windows: std::ops::Range<u32>,
    broker: &Process,
) -> (Duration, usize) {
    let (start, mut memory, mut body) = (Instant::now(), 0, vec![b'x'; SIZE]);
    for window in windows {
        let numbers = || window * WINDOW..(window + 1) * WINDOW;
        for n in numbers() {
            body[..4].copy_from_slice(&n.to_be_bytes());
            publisher.send(&[&body]);
        }
        for n in numbers() {
            assert_eq!(reader.recv()[0][..4], n.to_be_bytes(), "message {n}");
        }
        memory = memory.max(broker.memory());
    }
    (start.elapsed(), memory)
}

#[test]
fn a_subscriber_that_never_reads_costs_bounded_memory_and_delays_no_other_subscriber() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Process::tcp("enfomq");
        let publisher = setup.publisher(library, &broker.frontend()[0]);
        let reader = setup.subscriber(library, &broker.backend()[0], &[""]);
        publisher.expect_subscribed("");
        let (alone, before) = flow(&publisher, &reader, 0..WINDOWS / 2, &broker);

        let mut stuck = Script::join(&broker.backend()[0], "SUB", 1);
        stuck.send(&command("SUBSCRIBE", b""));
        stuck.settle();
        let (beside, filled) = flow(&publisher, &reader, WINDOWS / 2..WINDOWS, &broker);
        let (_, after) = flow(&publisher, &reader, WINDOWS..WINDOWS * 3 / 2, &broker);
        println!(
            "{library:?}: {alone:?} and {} MiB alone, {beside:?}, {} and {} MiB beside one that never reads",
            before >> 20,
            filled >> 20,
            after >> 20
        );
        assert!(filled.max(after) < before + BOUND, "{before}, then {filled}, then {after} bytes");
        assert!(after < filled + (8 << 20), "it grows on: {filled}, then {after} bytes");
        // Waiting for the stuck subscriber would exceed this factor; noise doesn't.
        assert!(beside < alone * 10 + Duration::from_secs(1), "{alone:?}, then {beside:?}");
        drop(stuck);
    }
}

#[test]
fn a_subscriber_that_resumes_reading_gets_whole_messages_in_order() {
    let setup = Setup::new();
    let broker = Process::tcp("enfomq");
    let publisher = setup.publisher(LIBRARIES[0], &broker.frontend()[0]);
    let reader = setup.subscriber(LIBRARIES[0], &broker.backend()[0], &["", "~"]);
    publisher.await_topics(&["~"]);
    let mut late = Script::join(&broker.backend()[0], "SUB", 1);
    late.send(&command("SUBSCRIBE", b""));
    late.settle();
    flow(&publisher, &reader, 0..30, &broker);

    let mut number = || {
        let message = late.message();
        assert_eq!((message.len(), message[0].len()), (1, SIZE));
        u32::from_be_bytes(message[0][..4].try_into().unwrap())
    };
    // At least these messages were queued for the late subscriber.
    (0..16_000).for_each(|n| assert_eq!(number(), n));
    // Now there is room for the next window.
    flow(&publisher, &reader, 30..31, &broker);
    let lost = (16_000..).find(|n| number() != *n).unwrap();
    assert!(lost < 30 * WINDOW, "{lost}");
    (30 * WINDOW + 1..31 * WINDOW).for_each(|n| assert_eq!(number(), n));
}

#[test]
fn messages_lost_by_a_slow_subscriber_are_logged_once_a_second_with_its_address() {
    let setup = Setup::new();
    let broker =
        Process::logging("enfomq", &["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"]);
    let publisher = setup.publisher(Library::Libzmq, &broker.frontend()[0]);
    let mut stuck = Script::join(&broker.backend()[0], "SUB", 1);
    stuck.send(&command("SUBSCRIBE", b""));
    stuck.settle();
    let reader = setup.subscriber(Library::Ours, &broker.backend()[0], &["", "~"]);
    publisher.await_topics(&["~"]);
    let start = Instant::now();
    // Twice as much as a queue and the kernel hold.
    for _ in 0..100 {
        publisher.send(&[&[b'x'; 1 << 20]]);
        reader.recv();
    }
    let seconds = start.elapsed().as_secs();
    broker.notify("KILL");
    let (_, log) = broker.end();
    assert!((1..=seconds + 1).contains(&(log.len() as u64)), "{seconds} s: {log:?}");
    assert!(log[0].contains("dropped messages") && log[0].contains("address=\"127.0.0.1\""), "{log:?}");
    let endpoint = format!("endpoint=tcp://127.0.0.1:{}", stuck.remote_port());
    assert!(log[0].contains(&endpoint), "{log:?}");
}

/// Returns a subscriber to all topics that has logged in with PLAIN, and reads nothing from now on.
fn stuck_user(at: &str, login: &[u8], identity: &[u8]) -> Script {
    let mut peer = Script::connect(at);
    peer.send(&greeting_of("PLAIN", false));
    peer.send(&command("HELLO", login));
    peer.expect(&greeting_of("PLAIN", true));
    peer.expect(&command("WELCOME", b""));
    peer.send(&command("INITIATE", &properties(&[("Socket-Type", b"SUB"), ("Identity", identity)])));
    let len = peer.read(2)[1];
    peer.read(len.into());
    peer.send(&command("SUBSCRIBE", b""));
    peer.settle();
    peer
}

#[test]
fn a_slow_subscriber_is_named_in_the_log_by_address_user_and_identity_with_its_drops() {
    let (runtime, folder) = (Runtime::new(), tempfile::tempdir().unwrap());
    let _guard = runtime.enter();
    let users = file(&folder, "users", 0o600, "Ada:secret\n");
    let any = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*", "--plain-users", &users];
    let mut broker = Process::logging("enfomq", &any);
    let stuck = stuck_user(&broker.backend()[0], b"\x03Ada\x06secret", b"slow\x1b[2J");
    let login = Security::PlainClient(PlainCredentials::new("Ada", "secret").unwrap());
    let publisher = Pub::with_options(Options::default().security(login));
    publisher.connect(&broker.frontend()[0][..]).unwrap();
    runtime.run(publisher.wait_subscribers(1));
    // More than the broker's queue and the kernel's buffers hold.
    let body = vec![b'x'; 64 << 10];
    runtime.run(async {
        for _ in 0..2000 {
            publisher.send(&body[..]).await.unwrap();
        }
    });
    let line = broker.log_line();
    for part in [
        "WARN",
        "dropped messages",
        "address=\"127.0.0.1\"",
        "user=\"Ada\"",
        r#"identity="slow\x1b[2J""#,
        "dropped=",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    drop(stuck);
}
