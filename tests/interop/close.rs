//! `close` with libzmq at the other end, and futures that are dropped before they are ready.

use std::time::Duration;

use enfonet::error::{BindError, Closed, ConnectError, RecvError, SendError};
use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Options, Pub, Push, Rep, Req, Router, Sub, XPub, XSub};
use enfonet_tests::{DEADLINE, LibZmq, Runtime, Script, frames, ipc, unused, wildcard};

const MANY: u32 = 10_000;

fn unlimited() -> Options {
    Options::default().send_hwm(0).recv_hwm(0)
}

/// Returns a libzmq socket that receives everything.
fn taker(libzmq: &LibZmq, kind: zmq::SocketType) -> zmq::Socket {
    let socket = libzmq.socket(kind);
    socket.set_rcvhwm(0).unwrap();
    socket
}

#[test]
fn close_sends_queued_messages_first() {
    for (transport, we_bind) in [("tcp", true), ("tcp", false), ("ipc", true), ("ipc", false)] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_folder, endpoint) = wildcard(transport);
        let (dealer, peer) = (Dealer::with_options(unlimited()), taker(&libzmq, zmq::DEALER));
        if we_bind {
            let at = runtime.run(dealer.bind(&endpoint)).unwrap();
            peer.connect(&at.to_string()).unwrap();
            runtime.run(dealer.wait_connected(1));
        } else {
            peer.bind(&endpoint).unwrap();
            dealer.connect(peer.get_last_endpoint().unwrap().unwrap()).unwrap();
        }
        (0..MANY).for_each(|n| dealer.try_send(n.to_be_bytes()).unwrap());
        assert_eq!(runtime.run(dealer.close(DEADLINE)).dropped, 0);
        (0..MANY).for_each(|n| assert_eq!(peer.recv_bytes(0).unwrap(), n.to_be_bytes()));
    }
}

#[test]
fn close_waits_for_a_slow_peer() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::with_options(unlimited());
    let peer = libzmq.socket(zmq::DEALER);
    peer.set_rcvhwm(1).unwrap();
    peer.bind("tcp://127.0.0.1:*").unwrap();
    dealer.connect(peer.get_last_endpoint().unwrap().unwrap()).unwrap();
    (0..300).for_each(|n| dealer.try_send(vec![n as u8; 100_000]).unwrap());
    let closing = runtime.spawn(async move { dealer.close(DEADLINE).await });
    (0..300).for_each(|n| assert!(peer.recv_bytes(0).unwrap() == vec![n as u8; 100_000]));
    assert_eq!(runtime.run(closing).unwrap().dropped, 0);
}

#[tokio::test]
async fn close_over_ipc_gives_a_late_reader_the_whole_linger() {
    let libzmq = LibZmq::new();
    let (_folder, at) = ipc();
    let peer = libzmq.socket(zmq::PULL);
    peer.set_rcvhwm(1).unwrap();
    peer.bind(&at).unwrap();
    let push = Push::with_options(unlimited());
    let mut monitor = push.monitor();
    push.connect(&at).unwrap();
    (0..200u8).for_each(|n| push.try_send(&[n; 300][..]).unwrap());
    let closing = tokio::spawn(async move { push.close(DEADLINE).await });
    // All messages are written, and most are still in the kernel: libzmq takes in one message and the bytes read
    // with it.
    while !matches!(monitor.recv().await.unwrap(), MonitorEvent::Disconnected { .. }) {}
    tokio::time::pause();
    for _ in 0..5 {
        tokio::time::advance(DEADLINE / 10).await;
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
    (0..200u8).for_each(|n| assert!(peer.recv_bytes(0).unwrap() == [n; 300]));
    assert_eq!(closing.await.unwrap().dropped, 0);
}

#[test]
fn close_sends_to_a_peer_that_connects_during_the_close() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    let dealer = Dealer::new();
    dealer.connect(&at).unwrap();
    (0..10u8).for_each(|n| dealer.try_send([n]).unwrap());
    let closing = runtime.spawn(async move { dealer.close(DEADLINE).await });
    let (peer, _) = libzmq.bound(zmq::DEALER, &at);
    (0..10u8).for_each(|n| assert_eq!(peer.recv_bytes(0).unwrap(), [n]));
    assert_eq!(runtime.run(closing).unwrap().dropped, 0);
}

#[test]
fn close_sends_publications() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let publisher = Pub::with_options(unlimited());
    let at = runtime.bind(&publisher);
    let subscriber = taker(&libzmq, zmq::SUB);
    subscriber.set_subscribe(b"").unwrap();
    subscriber.connect(&at).unwrap();
    runtime.run(async {
        publisher.wait_subscribers(1).await;
        for n in 0..MANY {
            publisher.send(&n.to_be_bytes()).await.unwrap();
        }
        assert_eq!(publisher.close(DEADLINE).await.dropped, 0);
    });
    (0..MANY).for_each(|n| assert_eq!(subscriber.recv_bytes(0).unwrap(), n.to_be_bytes()));
}

#[test]
fn close_sends_replies() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let rep = Rep::new();
    let at = runtime.run(rep.bind("tcp://127.0.0.1:*")).unwrap();
    let req = libzmq.connected(zmq::REQ, &at.to_string());
    req.send("q", 0).unwrap();
    runtime.run(rep.recv()).unwrap().reply("a").unwrap();
    assert_eq!(runtime.run(rep.close(DEADLINE)).dropped, 0);
    assert_eq!(req.recv_bytes(0).unwrap(), b"a");
}

#[test]
fn a_dropped_socket_goes_on_sending_in_the_background() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let peer = taker(&libzmq, zmq::DEALER);
    peer.bind("tcp://127.0.0.1:*").unwrap();
    let dealer = Dealer::with_options(unlimited());
    dealer.connect(peer.get_last_endpoint().unwrap().unwrap()).unwrap();
    (0..MANY).for_each(|n| dealer.try_send(n.to_be_bytes()).unwrap());
    drop(dealer);
    (0..MANY).for_each(|n| assert_eq!(peer.recv_bytes(0).unwrap(), n.to_be_bytes()));
}

#[test]
fn close_counts_unsent_messages() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    // A peer that never connects.
    let (_port, at) = unused();
    let dealer = Dealer::new();
    dealer.connect(&at).unwrap();
    (0..5).for_each(|_| dealer.try_send("x").unwrap());
    assert_eq!(runtime.run(dealer.close(Duration::ZERO)).dropped, 5);
    // A peer that never reads: the kernel takes a part of the first message.
    let dealer = Dealer::with_options(unlimited().send_bytes(0));
    let at = runtime.run(dealer.bind("tcp://127.0.0.1:*")).unwrap();
    let mut script = Script::join(&at.to_string(), "DEALER", 1);
    runtime.run(dealer.wait_connected(1));
    (0..3).for_each(|_| dealer.try_send(vec![0; 16 << 20]).unwrap());
    script.read(1);
    assert_eq!(runtime.run(dealer.close(Duration::ZERO)).dropped, 3);
    script.expect_close();
}

#[test]
fn a_close_ends_waiting_receivers() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    macro_rules! closed_while_receiving {
        ($($socket:expr),*) => {
            $({
                let socket = $socket;
                let (received, _) = runtime.run(async { tokio::join!(socket.recv(), socket.close(Duration::ZERO)) });
                assert!(matches!(received, Err(RecvError::Closed)));
                assert!(matches!(runtime.run(socket.recv()), Err(RecvError::Closed)));
            })*
        };
    }
    closed_while_receiving!(Dealer::new(), Router::new(), Rep::new(), Sub::new(), XSub::new(), XPub::new());
    let (rep, at) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
    let req = Req::new();
    req.connect(at).unwrap();
    runtime.run(req.send("q")).unwrap();
    rep.recv_bytes(0).unwrap();
    let (received, _) = runtime.run(async { tokio::join!(req.recv(), req.close(Duration::ZERO)) });
    assert!(matches!(received, Err(RecvError::Closed | RecvError::PeerGone)));
}

#[test]
fn a_waiting_send_returns_its_message() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    let (sent, _) = runtime.run(async { tokio::join!(dealer.send("x"), dealer.close(Duration::ZERO)) });
    assert_eq!(sent, Err(SendError::Closed("x".into())));
    assert_eq!(dealer.try_send("x"), Err(SendError::Closed("x".into())));
    let req = Req::new();
    let (sent, _) = runtime.run(async { tokio::join!(req.send("x"), req.close(Duration::ZERO)) });
    assert_eq!(sent, Err(SendError::Closed("x".into())));
}

#[test]
fn a_closed_socket_does_nothing_more() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let publisher = Pub::new();
    assert_eq!(runtime.run(publisher.close(DEADLINE)).dropped, 0);
    assert_eq!(runtime.run(publisher.close(DEADLINE)).dropped, 0);
    assert_eq!(runtime.run(publisher.send("x")), Err(SendError::Closed("x".into())));
    assert!(matches!(runtime.run(publisher.bind("tcp://127.0.0.1:*")), Err(BindError::Closed(Closed))));
    assert!(matches!(publisher.connect("tcp://127.0.0.1:1"), Err(ConnectError::Closed(Closed))));
    runtime.run(publisher.wait_connected(1));
    runtime.run(publisher.wait_subscribers(1));
}

#[test]
fn messages_received_before_the_close_can_still_be_taken() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    let at = runtime.run(dealer.bind("tcp://127.0.0.1:*")).unwrap();
    let mut script = Script::join(&at.to_string(), "DEALER", 1);
    script.send(b"\0\x01a\0\x01b");
    script.settle();
    runtime.run(dealer.close(Duration::ZERO));
    assert_eq!(runtime.run(dealer.recv()), Ok("a".into()));
    assert_eq!(dealer.try_recv(), Ok("b".into()));
    assert_eq!(runtime.run(dealer.recv()), Err(RecvError::Closed));
}

#[test]
fn a_cancelled_recv_loses_no_message() {
    const MESSAGES: u32 = 1000;
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    let at = runtime.run(dealer.bind("tcp://127.0.0.1:*")).unwrap();
    let peer = libzmq.connected(zmq::DEALER, &at.to_string());
    let (go, may_go) = std::sync::mpsc::channel();
    let sending = std::thread::spawn(move || {
        for n in 0..MESSAGES {
            may_go.recv().unwrap();
            peer.send(&n.to_be_bytes()[..], 0).unwrap();
        }
        peer
    });
    runtime.run(async {
        for n in 0..MESSAGES {
            let (mut waits, mut received) = (false, None);
            while received.is_none() {
                tokio::select! {
                    biased;
                    message = dealer.recv() => received = message.ok(),
                    // At least one future is dropped, and others while the message arrives.
                    () = std::future::ready(()) => {
                        if !std::mem::replace(&mut waits, true) {
                            go.send(()).unwrap();
                        }
                    }
                }
                tokio::task::yield_now().await;
            }
            assert_eq!(received.unwrap().first(), n.to_be_bytes());
        }
    });
    drop(sending.join().unwrap());
}

#[test]
fn a_cancelled_send_has_sent_nothing() {
    const MESSAGES: u32 = 1000;
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::with_options(Options::default().send_hwm(1));
    let (peer, at) = libzmq.bound(zmq::DEALER, "tcp://127.0.0.1:*");
    let sending = runtime.spawn(async move {
        let (mut next, mut connected) = (0u32, false);
        while next < MESSAGES {
            tokio::select! {
                biased;
                sent = dealer.send(next.to_be_bytes().to_vec()) => {
                    sent.unwrap();
                    next += 1;
                }
                // At least one future is dropped, and others whenever the queue is full.
                () = std::future::ready(()) => {
                    if !std::mem::replace(&mut connected, true) {
                        dealer.connect(&at).unwrap();
                    }
                }
            }
            tokio::task::yield_now().await;
        }
        dealer
    });
    for n in 0..MESSAGES {
        assert_eq!(peer.recv_multipart(0).unwrap(), frames([n.to_be_bytes()]));
    }
    drop(runtime.run(sending).unwrap());
}
