//! Allocations of EnfoMQ in a steady flow: next to none, since buffers are reused and messages aren't touched.
//!
//! The broker runs in this process, on its own thread. Its peers are bytes on plain connections, prepared in
//! advance, so that every allocation during the flow is the broker's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex};
use std::thread;

use enfonet_tests::{DEADLINE, Mq, Runtime, Script, command, message};

use super::{ALLOCATOR, Figure, per_message};

pub(super) const BODY: usize = 32;
const FRAME: usize = BODY + 2;
/// Distinct messages, sent again and again.
pub(super) const CYCLE: usize = 1000;
const WARM_UP: usize = 200;
const MEASURED: usize = 2000;
/// Maximum bytes in flight: fewer than the broker would drop for a subscriber.
pub(super) const UNDER_WAY: usize = 8 << 20;

/// Bytes sent and bytes received.
#[derive(Default)]
pub(super) struct Flow {
    bytes: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl Flow {
    pub(super) fn sent(&self, bytes: usize) {
        self.bytes.lock().unwrap().0 += bytes;
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes.lock().unwrap().1 += bytes;
        self.changed.notify_one();
    }

    /// Waits until at most `under_way` of the sent bytes haven't arrived.
    pub(super) fn wait(&self, under_way: usize) {
        let bytes = self.bytes.lock().unwrap();
        let missing = |bytes: &mut (usize, usize)| bytes.0 - bytes.1 > under_way;
        let (bytes, timeout) = self.changed.wait_timeout_while(bytes, DEADLINE, missing).unwrap();
        assert!(!timeout.timed_out(), "of {} bytes {} have arrived", bytes.0, bytes.1);
    }
}

/// Reads the stream of a subscriber, and compares it with the repeated messages of its topic.
fn compare(mut stream: TcpStream, expected: &[u8], cycles: usize, flow: &Flow) {
    let mut buffer = vec![0; 256 << 10];
    let (mut left, mut at) = (expected.len() * cycles, 0);
    while left > 0 {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0 && read <= left, "{read} bytes when {left} are expected");
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            let len = rest.len().min(expected.len() - at);
            assert!(rest[..len] == expected[at..at + len], "other bytes than were sent");
            (rest, at) = (&rest[len..], (at + len) % expected.len());
        }
        left -= read;
        flow.received(read);
    }
}

/// Returns a cycle of messages that alternates between these topics.
pub(super) fn cycle(topics: &[&str]) -> Vec<Vec<u8>> {
    (0..CYCLE)
        .map(|n| {
            let mut body = format!("{}{n}", topics[n % topics.len()]).into_bytes();
            body.resize(BODY, b'.');
            message(&[body])
        })
        .collect()
}

/// Sends the cycles to a subscriber of each topic, and returns the allocations per message.
fn measure(topics: &[&str]) -> f64 {
    let mut figure = f64::NAN;
    let runtime = Runtime::on_one_thread();
    let broker = Mq::tcp(&runtime);
    let subscribers: Vec<_> = topics
        .iter()
        .map(|topic| {
            let mut script = Script::join(&broker.backend(), "SUB", 1);
            script.send(&command("SUBSCRIBE", topic.as_bytes()));
            script.settle();
            script.into_stream()
        })
        .collect();
    let mut publisher = Script::join(&broker.frontend(), "PUB", 1).into_stream();
    let (messages, flow) = (cycle(topics), Flow::default());
    let of = |topic: usize| messages.iter().skip(topic).step_by(topics.len()).flatten().copied();
    let expected: Vec<Vec<u8>> = (0..topics.len()).map(|topic| of(topic).collect()).collect();
    let bytes = messages.concat();
    assert_eq!(bytes.len(), CYCLE * FRAME);
    thread::scope(|scope| {
        for (stream, expected) in subscribers.into_iter().zip(&expected) {
            let flow = &flow;
            scope.spawn(move || compare(stream, expected, WARM_UP + MEASURED, flow));
        }
        let mut send = |cycles: usize| {
            for _ in 0..cycles {
                publisher.write_all(&bytes).unwrap();
                flow.sent(bytes.len());
                flow.wait(UNDER_WAY);
            }
            flow.wait(0);
        };
        send(WARM_UP);
        let before = ALLOCATOR.stats();
        send(MEASURED);
        figure = per_message(ALLOCATOR.stats() - before, CYCLE * MEASURED);
    });
    assert_eq!(broker.stop(&runtime).messages, (CYCLE * (WARM_UP + MEASURED)) as u64);
    figure
}

/// Measures the allocations of forwarding: all messages to one subscriber, and to two subscribers alternately.
pub(super) fn figures() -> Vec<Figure> {
    vec![
        Figure { what: "EnfoMQ, to one subscriber", recorded: 0.001, measured: measure(&[""]) },
        Figure { what: "EnfoMQ, to two by turns", recorded: 0.001, measured: measure(&["a", "b"]) },
    ]
}
