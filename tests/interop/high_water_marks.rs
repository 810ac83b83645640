//! High-water marks: senders that wait, and messages that are dropped.

use std::sync::Arc;

use enfonet::error::{ReplyError, SendError};
use enfonet::{Dealer, Message, Options, Pub, Rep, Router, XPub};
use enfonet_tests::{LibZmq, Runtime, Script, command, eventually, frames, unused};

use crate::xpub_stage::over_each_transport;

fn full(text: &str) -> Result<(), SendError> {
    Err(SendError::Full(text.into()))
}

#[test]
fn a_dealer_takes_nothing_without_a_peer_and_up_to_its_mark_while_it_connects() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::with_options(Options::default().send_hwm(10));
    assert_eq!(dealer.try_send("no peer"), full("no peer"));
    let (_port, at) = unused();
    dealer.connect(&at).unwrap();
    for n in 0..10u8 {
        assert_eq!(dealer.try_send([n]), Ok(()));
    }
    assert_eq!(dealer.try_send("11th"), full("11th"));
    let (peer, _) = libzmq.bound(zmq::DEALER, &at);
    (0..10u8).for_each(|n| assert_eq!(peer.recv_bytes(0).unwrap(), [n]));
    runtime.run(dealer.send("11th")).unwrap();
    assert_eq!(peer.recv_bytes(0).unwrap(), b"11th");
}

#[test]
fn the_mark_in_bytes_counts_wire_bytes_and_admits_one_larger_message() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (_port, at) = unused();
    for (body, taken) in [(10, 9), (1000, 1)] {
        let dealer = Dealer::with_options(Options::default().send_bytes(100));
        dealer.connect(&at).unwrap();
        let sent = (0..20).take_while(|_| dealer.try_send(vec![0; body]).is_ok()).count();
        assert_eq!(sent, taken, "messages of {body} bytes");
    }
}

#[test]
fn a_full_peer_is_skipped() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::with_options(Options::default().send_hwm(10));
    let (_port, nowhere) = unused();
    dealer.connect(&nowhere).unwrap();
    (0..10).for_each(|_| dealer.try_send("waits").unwrap());
    let (peer, at) = libzmq.bound(zmq::DEALER, "tcp://127.0.0.1:*");
    dealer.connect(&at).unwrap();
    for n in 0..100u8 {
        runtime.run(dealer.send(&[n])).unwrap();
        assert_eq!(peer.recv_bytes(0).unwrap(), [n]);
    }
}

#[test]
fn a_send_waits_for_room_and_loses_nothing() {
    const MESSAGES: u32 = 2000;
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Arc::new(Dealer::with_options(Options::default().send_hwm(10)));
    let peer = libzmq.socket(zmq::DEALER);
    peer.set_rcvhwm(1).unwrap();
    peer.bind("tcp://127.0.0.1:*").unwrap();
    dealer.connect(peer.get_last_endpoint().unwrap().unwrap()).unwrap();
    let sender = dealer.clone();
    let sending = runtime.spawn(async move {
        for n in 0..MESSAGES {
            sender.send([n.to_be_bytes().to_vec(), vec![0; 10_000]]).await.unwrap();
        }
    });
    // More than the kernel holds: the send has to wait.
    runtime.run(async {
        while dealer.try_send("one more").is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let numbers =
        std::iter::repeat_with(|| peer.recv_multipart(0).unwrap()).filter(|message| message.len() == 2);
    for (n, message) in (0..MESSAGES).zip(numbers) {
        assert_eq!(message[0], n.to_be_bytes());
    }
    runtime.run(sending).unwrap();
}

#[test]
fn a_socket_that_does_not_receive_blocks_its_libzmq_peer() {
    const MESSAGES: u32 = 1500;
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::with_options(Options::default().recv_hwm(10));
    let at = runtime.run(dealer.bind("tcp://127.0.0.1:*")).unwrap();
    let peer = libzmq.socket(zmq::DEALER);
    peer.set_sndhwm(10).unwrap();
    peer.connect(&at.to_string()).unwrap();
    let body = |n: u32| [&n.to_be_bytes()[..], &[0; 100_000]].concat();
    let (mut received, mut most) = (0, 0);
    for n in 0..MESSAGES {
        while received < n && peer.poll(zmq::POLLOUT, 0).unwrap() == 0 {
            assert!(runtime.run(dealer.recv()).unwrap().first() == body(received));
            received += 1;
        }
        peer.send(body(n), 0).unwrap();
        most = most.max(n - received);
    }
    // The kernel buffers up to 10 MB.
    assert!(most < 250, "{most} messages were in flight");
    for n in received..MESSAGES {
        assert!(runtime.run(dealer.recv()).unwrap().first() == body(n));
    }
}

#[test]
fn a_router_reports_a_full_peer_and_still_sends_to_other_peers() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let router = Router::with_options(Options::default().send_hwm(10));
    let at = runtime.bind(&router);
    let mut stuck = Script::join(&at, "DEALER", 1);
    stuck.send(b"\0\x05stuck");
    let (stuck_id, _) = runtime.run(router.recv()).unwrap();
    let body = || Message::from(vec![0; 1 << 20]);
    runtime.run(async {
        while !matches!(router.try_send_to(stuck_id, body()), Err(SendError::Full(_))) {
            tokio::task::yield_now().await;
        }
    });
    let other = libzmq.connected(zmq::DEALER, &at);
    for n in 0..100u8 {
        other.send(&[n][..], 0).unwrap();
        let (id, message) = runtime.run(router.recv()).unwrap();
        runtime.run(router.send_to(id, message)).unwrap();
        assert_eq!(other.recv_bytes(0).unwrap(), [n]);
    }
    // The waiting message is sent when the peer reads on.
    let waiting = runtime.spawn(async move { (router.send_to(stuck_id, "behind").await, router) });
    while stuck.message() != [b"behind"] {}
    assert_eq!(runtime.run(waiting).unwrap().0, Ok(()));
}

#[test]
fn a_client_that_does_not_read_loses_its_replies() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let rep = Rep::with_options(Options::default().send_hwm(2));
    let at = runtime.bind(&rep);
    let mut client = Script::join(&at, "DEALER", 1);
    let full = (0..1000).any(|_| {
        client.send(b"\x01\0\0\x01q");
        let request = runtime.run(rep.recv()).unwrap();
        request.reply(vec![0; 1 << 20]) == Err(ReplyError::Full)
    });
    assert!(full);
}

#[test]
fn a_subscriber_that_never_reads_loses_messages_and_other_subscribers_lose_none() {
    const ROUNDS: u32 = 300;
    const EACH: u32 = 100;
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let publisher = Pub::new();
    let at = runtime.bind(&publisher);
    let mut stuck = Script::join(&at, "SUB", 1);
    stuck.send(&command("SUBSCRIBE", b""));
    let reader = libzmq.subscriber(&at, "");
    runtime.run(publisher.wait_subscribers(2));
    let number = |frame: &[u8]| u32::from_be_bytes(frame.try_into().unwrap());
    for round in 0..ROUNDS {
        runtime.run(async {
            for n in (0..EACH).map(|n| round * EACH + n) {
                let n = n.to_be_bytes().to_vec();
                publisher.send([n.clone(), vec![0; 1000], n]).await.unwrap();
            }
        });
        for n in 0..EACH {
            let message = reader.recv_multipart(0).unwrap();
            assert_eq!((number(&message[0]), message.len()), (round * EACH + n, 3));
        }
    }
    // The stuck subscriber reads at last. It gets whole messages, in order, with gaps.
    runtime.run(publisher.close(std::time::Duration::ZERO));
    let (mut next, mut received) = (0, 0);
    let rest = stuck.expect_close();
    let mut rest = &rest[..];
    // A message has frames of 4, 1000 and 4 bytes.
    while let Some((message, after)) = rest.split_at_checked(6 + 1009 + 6) {
        assert_eq!(
            (&message[..2], &message[6..7], &message[1015..1017]),
            (&b"\x01\x04"[..], &b"\x03"[..], &b"\0\x04"[..])
        );
        let n = number(&message[2..6]);
        assert!(n >= next && n == number(&message[1017..]));
        (next, received, rest) = (n + 1, received + 1, after);
    }
    assert!(received > 0 && received < ROUNDS * EACH, "{received}");
}

#[test]
fn bursts_up_to_the_mark_arrive_without_waiting() {
    for (hwm, counts) in [(1000, [1000, 1000]), (100, [100, 100]), (11_024, [9999, 1100])] {
        over_each_transport(XPub::builder, zmq::SUB, 1, |stage| {
            let [subscriber] = &stage.subscribers[..] else { unreachable!() };
            subscriber.subscribe("");
            stage.expect("+");
            stage.xpub.set_send_hwm(hwm);
            for count in counts {
                (0..count).for_each(|n| stage.xpub.try_send(n.to_string()).unwrap());
                (0..count).for_each(|n| assert_eq!(subscriber.recv(), frames([n.to_string()])));
                // The subscriber has all messages, so they are written; the connection may report that a moment later.
                eventually(|| stage.xpub.peers().iter().all(|peer| peer.unsent.messages == 0).then_some(()));
            }
        });
    }
}
