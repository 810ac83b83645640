//! PUSH and PULL, with libzmq at the other end (RFC 30).

use std::time::Duration;

use enfonet::error::SendError;
use enfonet::{Message, Options, Pair, Pull, Push};
use enfonet_tests::{DEADLINE, LibZmq, Runtime, Script, ScriptListener, eventually, frames, message};

const ANYWHERE: &str = "tcp://127.0.0.1:*";

fn full(text: &str) -> Result<(), SendError> {
    Err(SendError::Full(text.into()))
}

#[test]
fn messages_are_distributed_to_libzmq_workers_round_robin() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let push = Push::new();
    let at = runtime.bind(&push);
    let workers: Vec<_> = (0..5).map(|_| libzmq.connected(zmq::PULL, &at)).collect();
    runtime.run(push.wait_connected(5));
    for n in 0..10u8 {
        runtime.run(push.send(&[n])).unwrap();
    }
    let mut all: Vec<Vec<u8>> =
        workers.iter().map(|worker| (0..2).map(|_| worker.recv_bytes(0).unwrap()[0]).collect()).collect();
    all.sort();
    assert_eq!(all, [[0, 5], [1, 6], [2, 7], [3, 8], [4, 9]], "one of each round");
}

#[test]
fn messages_of_libzmq_workers_are_fair_queued() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let pull = Pull::new();
    let at = runtime.bind(&pull);
    let workers: Vec<_> = (0..5).map(|_| libzmq.connected(zmq::PUSH, &at)).collect();
    for worker in &workers {
        worker.send_multipart(["a", "1"], 0).unwrap();
        worker.send("b", 0).unwrap();
    }
    runtime.run(pull.wait_connected(5));
    // The second message of each worker shows that all have arrived.
    let mut from = std::collections::HashMap::new();
    for _ in 0..10 {
        let (peer, message) = runtime.run(pull.recv_from()).unwrap();
        let got = from.entry(peer.id).or_insert(0);
        assert_eq!(message, if *got == 0 { ["a", "1"].into() } else { Message::from("b") });
        *got += 1;
        assert_eq!(peer.property("Socket-Type"), Some(&b"PUSH"[..]));
        assert_eq!(peer.address, "127.0.0.1");
    }
    assert_eq!(from.into_values().collect::<Vec<_>>(), [2; 5]);
}

#[test]
fn a_libzmq_pull_that_does_not_read_blocks_us_and_nothing_is_lost() {
    const MESSAGES: u32 = 500;
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let push = Push::with_options(Options::default().send_hwm(1));
    let pull = libzmq.socket(zmq::PULL);
    pull.set_rcvhwm(1).unwrap();
    pull.bind(ANYWHERE).unwrap();
    push.connect(pull.get_last_endpoint().unwrap().unwrap()).unwrap();
    let sending = runtime.spawn(async move {
        for n in 0..MESSAGES {
            push.send([n.to_be_bytes().to_vec(), vec![0; 20_000]]).await.unwrap();
        }
        push
    });
    for n in 0..MESSAGES {
        assert_eq!(pull.recv_multipart(0).unwrap()[0], n.to_be_bytes());
    }
    runtime.run(sending).unwrap();
}

#[test]
fn no_part_of_a_cut_off_message_is_received_and_the_next_message_is_whole() {
    let runtime = Runtime::new();
    let pull = Pull::new();
    let at = runtime.bind(&pull);
    let big = vec![b'x'; 16 << 20];
    let mut script = Script::join(&at, "PUSH", 1);
    script.send(&message(&["3", "3"]));
    let cut = message(&[&b"3"[..], b"3", &big, b"3b"]);
    script.send(&cut[..cut.len() - 1]);
    drop(script);
    let mut script = Script::join(&at, "PUSH", 1);
    script.send(&message(&[&b"5"[..], b"5", &big]));
    assert_eq!(runtime.run(pull.recv()), Ok(["3", "3"].into()));
    let next = runtime.run(pull.recv()).unwrap();
    assert_eq!((next.first(), next.len()), (&b"5"[..], 3));
}

#[test]
fn a_cut_off_message_is_resent_whole_to_the_reconnected_peer_or_dropped() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let big = Message::from([b"3".to_vec(), vec![b'x'; 16 << 20], b"3b".to_vec()]);
    for connects in [true, false] {
        let push = Push::with_options(Options::default().reconnect_interval(Duration::from_millis(1)));
        let (listener, listening) = ScriptListener::bind();
        let at = runtime.run(push.bind(ANYWHERE)).unwrap();
        let accept = || {
            if connects {
                let mut script = listener.accept();
                script.handshake("PULL", 1);
                script
            } else {
                Script::join(&at.to_string(), "PULL", 1)
            }
        };
        if connects {
            push.connect(&listening).unwrap();
        }
        let mut script = accept();
        runtime.run(push.wait_connected(1));
        runtime.run(push.send(big.clone())).unwrap();
        script.read(1 << 20);
        drop(script);
        if !connects {
            eventually(|| (push.try_send("x") == full("x")).then_some(()));
        }
        let mut script = accept();
        runtime.run(push.send(["5", "5"])).unwrap();
        if connects {
            script.expect(&message(&big.iter().collect::<Vec<_>>()));
        }
        script.expect(&message(&["5", "5"]));
    }
}

#[test]
fn a_batch_reaches_libzmq_in_order_and_returns() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let pair = Pair::new();
    let (peer, at) = libzmq.bound(zmq::PAIR, ANYWHERE);
    pair.connect(&at).unwrap();
    let echo = std::thread::spawn(move || {
        for _ in 0..2000 {
            let message = peer.recv_multipart(0).unwrap();
            peer.send_multipart(message, 0).unwrap();
        }
        peer
    });
    let mut batch = (0..2000).map(|n: u32| Message::from([n.to_string(), "x".into()])).collect();
    runtime.run(pair.send_batch(&mut batch)).unwrap();
    let mut received = Vec::new();
    while received.len() < 2000 {
        received.extend(runtime.run(pair.recv_batch(usize::MAX)).unwrap().1);
    }
    for (n, message) in received.into_iter().enumerate() {
        assert_eq!(message, [n.to_string(), "x".into()]);
    }
    echo.join().unwrap();
}

#[test]
fn a_libzmq_device_forwards_from_our_push_to_our_pull() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (push, pull) = (Push::new(), Pull::new());
    let (front, front_at) = libzmq.bound(zmq::PULL, ANYWHERE);
    let (back, back_at) = libzmq.bound(zmq::PUSH, ANYWHERE);
    push.connect(&front_at).unwrap();
    pull.connect(&back_at).unwrap();
    for n in 0..100u8 {
        runtime.run(push.send([&[n][..], b"work"])).unwrap();
        let message = front.recv_multipart(0).unwrap();
        assert_eq!(message, frames([&[n][..], b"work"]));
        back.send_multipart(message, 0).unwrap();
        assert_eq!(runtime.run(pull.recv()), Ok([&[n][..], b"work"].into()));
    }
    assert_eq!(runtime.run(push.close(DEADLINE)).dropped, 0);
}
