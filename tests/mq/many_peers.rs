//! Many publishers and subscribers: no message is lost, and each publisher's order is kept.

use std::thread;

use enfonet_tests::{LIBRARIES, Library, Mq, Script, command, message};

use crate::setup::{Publisher, Setup, Subscriber};

const MESSAGES: u32 = 20_000;

/// Returns a message with the publisher's name as its topic, and a number.
fn publish(publisher: &Publisher<'_>, name: &str) {
    for n in 0..MESSAGES {
        publisher.send(&[name.as_bytes(), &n.to_be_bytes()]);
    }
}

/// Receives until the last number of each publisher, and asserts that no number is lost, doubled or out of order.
fn collect(subscriber: &Subscriber<'_>, publishers: &[&str]) {
    let mut next = vec![0; publishers.len()];
    while next.iter().any(|next| *next < MESSAGES) {
        let message = subscriber.recv();
        let of = publishers.iter().position(|name| name.as_bytes() == message[0]).expect("a wanted one");
        assert_eq!(message[1], u32::to_be_bytes(next[of]), "of {}", publishers[of]);
        next[of] += 1;
    }
}

/// Runs five subscribers while two publishers send; the last two subscribe to one publisher only.
fn flow(setup: &Setup, broker: &Mq, publishers: [Library; 2], subscribers: [Library; 5]) {
    let mut publishers = publishers.map(|library| setup.publisher(library, &broker.frontend()));
    let wanted: [&[&str]; 5] = [&["even", "odd"], &["even", "odd"], &["even", "odd"], &["even"], &["odd"]];
    let marks = ["~0", "~1", "~2", "~3", "~4"];
    let mut subscribers: Vec<_> = (0..5)
        .map(|n| {
            let topics = [wanted[n], &[marks[n]]].concat();
            (setup.subscriber(subscribers[n], &broker.backend(), &topics), wanted[n])
        })
        .collect();
    publishers.iter().for_each(|publisher| drop(publisher.await_topics(&marks)));
    thread::scope(|scope| {
        for (publisher, name) in publishers.iter_mut().zip(["even", "odd"]) {
            scope.spawn(move || publish(publisher, name));
        }
        for (subscriber, wanted) in &mut subscribers {
            scope.spawn(move || collect(subscriber, wanted));
        }
    });
}

#[test]
fn two_publishers_reach_five_subscribers_without_loss_and_in_order() {
    for publishers in LIBRARIES {
        for subscribers in LIBRARIES {
            println!("{publishers:?} to {subscribers:?}");
            let setup = Setup::new();
            let broker = Mq::tcp(&setup.runtime);
            flow(&setup, &broker, [publishers; 2], [subscribers; 5]);
            let summary = broker.stop(&setup.runtime);
            assert_eq!(summary.messages, 2 * u64::from(MESSAGES));
        }
    }
}

#[test]
fn publishers_and_subscribers_of_both_libraries_mix() {
    use Library::{Libzmq, Ours};
    let setup = Setup::new();
    let broker = Mq::tcp(&setup.runtime);
    flow(&setup, &broker, [Libzmq, Ours], [Ours, Libzmq, Ours, Libzmq, Ours]);
}

#[test]
fn no_message_is_lost_while_publishers_leave_and_others_connect() {
    const PUBLISHERS: u32 = 500;
    const EACH: u32 = 20;
    let setup = Setup::new();
    let broker = Mq::tcp(&setup.runtime);
    let mut subscriber = Script::join(&broker.backend(), "SUB", 1);
    subscriber.send(&command("SUBSCRIBE", b""));
    subscriber.settle();
    for publisher in 0..PUBLISHERS {
        let mut script = Script::join(&broker.frontend(), "PUB", 1);
        for n in 0..EACH {
            script.send(&message(&[publisher.to_be_bytes(), n.to_be_bytes()]));
        }
        script.leave();
    }
    let mut next = vec![0; PUBLISHERS as usize];
    for _ in 0..PUBLISHERS * EACH {
        let message = subscriber.message();
        let [publisher, n] = [0, 1].map(|at| u32::from_be_bytes(message[at][..].try_into().unwrap()));
        assert_eq!(n, next[publisher as usize], "of {publisher}");
        next[publisher as usize] += 1;
    }
    assert_eq!(broker.stop(&setup.runtime).messages, u64::from(PUBLISHERS * EACH));
}
