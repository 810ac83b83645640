//! Memory of the broker after a storm of messages: it is returned to the system.

use std::io::Write;
use std::time::Duration;

use enfonet_tests::{LibZmq, Process, Script, command, eventually, message};

/// Subscribers that don't read, each with its own topic.
const SLOW: usize = 16;
/// Bytes for each subscriber: more than its queue of 16 MiB and the kernel hold.
const BYTES_EACH: usize = 20 << 20;

/// Waits until the memory of a broker is at most a fifth and 4 MiB above `before`.
pub(crate) fn expect_returned(broker: &Process, before: usize) {
    eventually(|| {
        std::thread::sleep(Duration::from_millis(100));
        (broker.memory() <= before + before / 5 + (4 << 20)).then_some(())
    });
}

/// Fills the queues of subscribers, which then disconnect. Returns the broker's memory with full queues.
fn storm(libzmq: &LibZmq, broker: &Process, seed: u64) -> usize {
    let reader = libzmq.subscriber(&broker.backend()[0], "~");
    let mut slow: Vec<Script> = (0..SLOW).map(|_| Script::join(&broker.backend()[0], "SUB", 1)).collect();
    for (number, subscriber) in slow.iter_mut().enumerate() {
        subscriber.set_recv_buffer(4096);
        subscriber.send(&command("SUBSCRIBE", format!("{number:02}").as_bytes()));
        subscriber.settle();
    }
    let mut stream = Script::join(&broker.frontend()[0], "PUB", 1).into_stream();
    let (mut random, mut sent, body) = (fastrand::Rng::with_seed(seed), 0, "x".repeat(1 << 16));
    while sent < SLOW * BYTES_EACH {
        // Sizes from 100 bytes to 64 KiB, evenly over the orders of magnitude.
        let len = 100 << random.u32(0..10);
        let body = format!("{:02}{}", random.usize(0..SLOW), &body[..random.usize(len / 2..len)]);
        let message = message(&[&body]);
        stream.write_all(&message).unwrap();
        sent += message.len();
    }
    // The last message, after all others.
    stream.write_all(&message(&["~"])).unwrap();
    assert_eq!(reader.recv_bytes(0).unwrap(), b"~");
    broker.memory()
}

#[test]
fn memory_of_slow_subscribers_is_returned_to_the_system_after_they_disconnect() {
    let libzmq = LibZmq::new();
    let broker = Process::tcp("enfomq");
    let before = broker.memory();
    for seed in 0..2 {
        let filled = storm(&libzmq, &broker, seed);
        assert!(filled > before + SLOW * (15 << 20), "{before}, then only {filled} bytes");
        expect_returned(&broker, before);
    }
}
