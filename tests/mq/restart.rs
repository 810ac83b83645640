//! A broker that is killed and restarted at the same endpoints, while its peers run on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use enfonet_tests::{DEADLINE, LIBRARIES, Library, Process, Script, command, eventually, text, wildcard};

use crate::setup::Setup;

const MARKS: [&str; 2] = ["~0", "~1"];
/// Time between two messages of a publisher under load.
const PACE: Duration = Duration::from_micros(100);
const ROUNDS: [&str; 3] = ["first", "second", "third"];

fn start(endpoints: &[String; 2]) -> Process {
    Process::start("enfomq", &["--frontend", &endpoints[0], "--backend", &endpoints[1]])
}

/// Kills the broker repeatedly, and sends a message of each publisher to each subscriber in between.
fn live_through_restarts(transport: &str) {
    let setup = Setup::new();
    let places = [wildcard(transport), wildcard(transport)];
    let mut broker = start(&[places[0].1.clone(), places[1].1.clone()]);
    let endpoints = [broker.frontend()[0].clone(), broker.backend()[0].clone()];
    let publishers = LIBRARIES.map(|library| setup.publisher(library, &endpoints[0]));
    let (sender, received) = mpsc::channel();
    thread::scope(|scope| {
        for (library, mark) in LIBRARIES.into_iter().zip(MARKS) {
            let subscriber = setup.subscriber(library, &endpoints[1], &["news", mark]);
            let sender = sender.clone();
            // A libzmq subscriber resubscribes only while it receives.
            scope.spawn(move || {
                (0..ROUNDS.len() * LIBRARIES.len())
                    .for_each(|_| sender.send((mark, text(&subscriber.recv()))).unwrap());
            });
        }
        for round in ROUNDS {
            // Only the reconnected subscribers make the broker send these subscriptions.
            publishers.iter().for_each(|publisher| drop(publisher.await_topics(&MARKS)));
            for publisher in &publishers {
                publisher.send(&["news", round]);
                let mut arrived = [(); 2].map(|()| received.recv_timeout(DEADLINE).unwrap());
                arrived.sort();
                assert_eq!(arrived, MARKS.map(|mark| (mark, text(&["news", round]))));
            }
            broker.kill();
            broker = start(&endpoints);
        }
    });
}

#[test]
fn traffic_resumes_after_a_broker_on_tcp_was_killed() {
    live_through_restarts("tcp");
}

#[test]
fn traffic_resumes_after_a_broker_on_ipc_was_killed() {
    live_through_restarts("ipc");
}

/// Ends a broker, starts a successor at its endpoints, and returns the number of lost messages of a libzmq publisher
/// that never pauses. A subscriber has the messages that the broker forwarded; the successor gets the later messages.
fn lost(end: impl FnOnce(Process)) -> i64 {
    let setup = Setup::new();
    let broker = Process::tcp("enfomq");
    let frontend = broker.frontend()[0].clone();
    let publisher = setup.publisher(Library::Libzmq, &frontend);
    let mut subscriber = Script::join(&broker.backend()[0], "SUB", 1);
    subscriber.send(&command("SUBSCRIBE", b""));
    subscriber.settle();
    publisher.expect_subscribed("");
    let (begun, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let publisher = publisher;
            for n in 0_u64.. {
                if is_over.load(SeqCst) {
                    return;
                }
                publisher.send(&[n.to_string()]);
                begun.store(n, SeqCst);
                // Some thousand messages a second.
                thread::sleep(PACE);
            }
        });
        eventually(|| (begun.load(SeqCst) >= 100).then_some(()));
        end(broker);
        let last = last_number(&subscriber.expect_close());
        let successor = setup.libzmq.socket(zmq::SUB);
        successor.set_subscribe(b"").unwrap();
        successor.bind(&frontend).unwrap();
        let first: i64 = successor.recv_string(0).unwrap().unwrap().parse().unwrap();
        is_over.store(true, SeqCst);
        first - last - 1
    })
}

/// Returns the number in the last whole message; each message is one short frame.
fn last_number(mut wire: &[u8]) -> i64 {
    let mut last = -1;
    while let [0, len, rest @ ..] = wire
        && let Some((body, rest)) = rest.split_at_checked(usize::from(*len))
    {
        last = str::from_utf8(body).unwrap().parse().unwrap();
        wire = rest;
    }
    last
}

#[test]
fn a_stop_loses_no_published_message() {
    let stop = |broker: Process| assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    let (killed, stopped) = ([(); 3].map(|()| lost(Process::kill)), [(); 3].map(|()| lost(stop)));
    println!("lost: {killed:?} when killed, {stopped:?} when stopped");
    assert_eq!(stopped, [0; 3]);
}
