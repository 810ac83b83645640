//! Batches of publishers that are larger than their subscribers' queues.

use enfonet::message::Batch;
use enfonet::{Message, Options, Sub, XPub};
use enfonet_tests::Runtime;

use crate::TCP;

const ROOM: usize = 100_000;

/// Returns messages of these sizes, each with its own first byte.
fn messages(sizes: &[usize]) -> Vec<Message> {
    sizes.iter().zip(1..).map(|(len, n)| Message::from(vec![n; *len])).collect()
}

/// Sizes of the messages in each batch: each message fits into the queue, and no batch does.
const SIZES: [&[usize]; 5] =
    [&[60_000, 60_000], &[99_000, 60_000], &[99_999, 2, 99_999], &[1, 100_000, 1], &[70_000, 20_000, 20_000]];

/// Returns a subscriber to everything.
fn subscriber(at: &enfonet::Endpoint) -> Sub {
    let sub = Sub::new();
    sub.subscribe("");
    sub.connect(at).unwrap();
    sub
}

#[test]
fn a_batch_larger_than_the_queue_is_published_whole() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let publisher = XPub::with_options(Options::default().send_bytes(ROOM));
    let at = runtime.run(publisher.bind(TCP)).unwrap();
    let subs = [subscriber(&at), subscriber(&at)];
    runtime.run(publisher.wait_subscribers(2));
    for sizes in SIZES.iter().cycle().take(50) {
        let sent = messages(sizes);
        let mut batch: Batch = sent.iter().cloned().collect();
        runtime.run(publisher.send_batch(&mut batch)).unwrap();
        for sub in &subs {
            sent.iter().for_each(|message| assert!(runtime.run(sub.recv()).unwrap() == *message));
        }
    }
}
