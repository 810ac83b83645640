//! Messages arrive unchanged: any size, any number of frames, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use enfonet::{Dealer, Message, Router};
use enfonet_tests::{LibZmq, Library, Runtime, eventually, frames, wildcard};

use crate::setup::Setup;

/// Sizes around each threshold: the form of the length on the wire, libzmq's batches, the bytes that we
/// copy or share, the kernel's buffers, and the bytes of one read.
const SIZES: [usize; 16] =
    [0, 1, 2, 255, 256, 4095, 4096, 8191, 8192, 8193, 65_535, 65_536, 65_537, 131_073, 1 << 20, 32 << 20];

/// Returns bytes in which each differs from its neighbours.
fn body(size: usize) -> Vec<u8> {
    let block: Vec<u8> = (0..=250).collect();
    let mut body = block.repeat(size / block.len() + 1);
    body.truncate(size);
    body
}

/// Sends each message in both directions between our DEALER and libzmq's, and between two of ours.
fn there_and_back(transport: &str, messages: impl Fn() -> Vec<Vec<Vec<u8>>>) {
    let setup = Setup::default();
    let _guard = setup.runtime.enter();
    for other in [Library::Libzmq, Library::Ours] {
        let [ours, theirs] = [Library::Ours, other].map(|who| setup.end(who, zmq::DEALER));
        let (_folder, endpoint) = wildcard(transport);
        theirs.connect(&ours.bind(&endpoint));
        for (at, message) in messages().iter().enumerate() {
            for [from, to] in [[&ours, &theirs], [&theirs, &ours]] {
                from.send(message);
                assert!(to.recv() == *message, "message {at} to {other:?}, ours: {}", to.is_ours());
            }
        }
    }
}

fn bodies() -> Vec<Vec<Vec<u8>>> {
    SIZES.map(|size| vec![body(size)]).to_vec()
}

#[test]
fn bodies_of_any_size_arrive_over_tcp() {
    there_and_back("tcp", bodies);
}

#[test]
fn bodies_of_any_size_arrive_over_ipc() {
    there_and_back("ipc", bodies);
}

#[test]
fn frames_of_any_size_arrive_in_one_message() {
    let small = SIZES.iter().filter(|size| **size < 1 << 20);
    let message = || small.clone().chain(small.clone().rev()).map(|size| body(*size)).collect();
    there_and_back("tcp", || vec![message()]);
}

#[test]
fn empty_frames_may_be_anywhere() {
    let messages: [&[&str]; 7] = [
        &["", "a", "b"],
        &["a", "", "b"],
        &["a", "b", ""],
        &["", "", ""],
        &["", "a", "", "b", ""],
        &["", ""],
        &[""],
    ];
    there_and_back("tcp", || messages.map(frames).to_vec());
}

#[test]
fn a_message_may_have_a_hundred_thousand_frames() {
    there_and_back("tcp", || vec![(0..100_000u32).map(|n| n.to_be_bytes().to_vec()).collect()]);
}

const MANY: u32 = 100_000;

#[test]
fn a_hundred_thousand_messages_to_libzmq_keep_their_order() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (receiver, at) = libzmq.bound(zmq::DEALER, "tcp://127.0.0.1:*");
    let sender = Dealer::new();
    sender.connect(at).unwrap();
    let sending = runtime.spawn(async move {
        for n in 0..MANY {
            sender.send(&n.to_be_bytes()).await.unwrap();
        }
        sender
    });
    for n in 0..MANY {
        assert_eq!(receiver.recv_bytes(0).unwrap(), n.to_be_bytes());
    }
    runtime.run(sending).unwrap();
}

#[test]
fn a_hundred_thousand_messages_of_libzmq_keep_their_order() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let receiver = Dealer::new();
    let at = runtime.run(receiver.bind("tcp://127.0.0.1:*")).unwrap();
    let sender = libzmq.connected(zmq::DEALER, &at.to_string());
    let sending = std::thread::spawn(move || {
        for n in 0..MANY {
            sender.send(&n.to_be_bytes()[..], 0).unwrap();
        }
        sender
    });
    runtime.run(async {
        for n in 0..MANY {
            assert_eq!(receiver.recv().await.unwrap(), Message::from(&n.to_be_bytes()));
        }
    });
    sending.join().unwrap();
}

#[test]
fn each_of_many_senders_keeps_its_order() {
    const SENDERS: u8 = 8;
    const EACH: u32 = 5000;
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let receiver = Router::new();
    let at = runtime.bind(&receiver);
    let senders: Vec<_> = (0..SENDERS)
        .map(|name| {
            let sender = libzmq.socket(zmq::DEALER);
            sender.set_identity(&[b'a' + name]).unwrap();
            sender.connect(&at).unwrap();
            std::thread::spawn(move || {
                (0..EACH).for_each(|n| sender.send(&n.to_be_bytes()[..], 0).unwrap());
                sender
            })
        })
        .collect();
    let mut next = [0; SENDERS as usize];
    runtime.run(async {
        for _ in 0..u32::from(SENDERS) * EACH {
            let (peer, message) = receiver.recv().await.unwrap();
            let sender = usize::from(receiver.identity(peer).unwrap()[0] - b'a');
            assert_eq!(message, Message::from(&u32::to_be_bytes(next[sender])));
            next[sender] += 1;
        }
    });
    assert_eq!(next, [EACH; SENDERS as usize]);
    senders.into_iter().for_each(|sender| drop(sender.join().unwrap()));
}

/// Bytes that count their drops.
struct Owned(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_owner_of_a_body_is_dropped_once_when_the_last_copy_is_sent_or_dropped() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (receiver, at) = libzmq.bound(zmq::DEALER, "tcp://127.0.0.1:*");
    let sender = Dealer::new();
    sender.connect(at).unwrap();
    for len in [10, 100_000] {
        let drops = Arc::new(AtomicUsize::new(0));
        let message = Message::from(Bytes::from_owner(Owned(body(len), drops.clone())));
        let copy = message.clone();
        runtime.run(sender.send(message)).unwrap();
        assert!(receiver.recv_bytes(0).unwrap() == body(len));
        assert!(copy.first() == body(len));
        drop(copy);
        eventually(|| (drops.load(Ordering::Relaxed) == 1).then_some(()));
    }
}
