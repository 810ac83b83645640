//! Sockets that queue only for connected peers (libzmq's `IMMEDIATE`), with libzmq at the other end.

use std::time::Duration;

use enfonet::error::SendError;
use enfonet::{Dealer, Options, Push};
use enfonet_tests::{LibZmq, Runtime, eventually, unused};

const ANYWHERE: &str = "tcp://127.0.0.1:*";

#[test]
fn half_of_the_messages_wait_for_an_unreachable_endpoint() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let push = Push::new();
    let (_port, dead) = unused();
    let (live, at) = libzmq.bound(zmq::PULL, ANYWHERE);
    push.connect(&dead).unwrap();
    push.connect(&at).unwrap();
    for n in 0..10u8 {
        runtime.run(push.send(&[n])).unwrap();
    }
    for n in [1, 3, 5, 7, 9u8] {
        assert_eq!(live.recv_bytes(0).unwrap(), [n]);
    }
    let closing = runtime.run(push.close(Duration::ZERO));
    assert_eq!(closing.dropped, 5);
}

#[test]
fn an_immediate_socket_sends_all_messages_to_its_connected_peer() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let push = Push::with_options(Options::default().immediate(true));
    let (_port, dead) = unused();
    let (live, at) = libzmq.bound(zmq::PULL, ANYWHERE);
    push.connect(&dead).unwrap();
    push.connect(&at).unwrap();
    for n in 0..10u8 {
        runtime.run(push.send(&[n])).unwrap();
    }
    for n in 0..10u8 {
        assert_eq!(live.recv_bytes(0).unwrap(), [n]);
    }
}

#[test]
fn an_immediate_socket_takes_no_message_while_its_peer_is_disconnected() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let quick = Options::default().immediate(true).reconnect_interval(Duration::from_millis(1));
    let dealer = Dealer::with_options(quick);
    let (peer, at) = libzmq.bound(zmq::DEALER, ANYWHERE);
    dealer.connect(&at).unwrap();
    runtime.run(dealer.send("1")).unwrap();
    assert_eq!(peer.recv_bytes(0).unwrap(), b"1");
    // libzmq closes sockets in the background: no peer may reconnect to a socket that is about to close.
    peer.unbind(&at).unwrap();
    eventually(|| std::net::TcpListener::bind(at.trim_start_matches("tcp://")).ok());
    drop(peer);
    eventually(|| (dealer.try_send("nobody") == Err(SendError::Full("nobody".into()))).then_some(()));
    let peer = libzmq.socket(zmq::DEALER);
    eventually(|| peer.bind(&at).ok());
    runtime.run(dealer.send("2")).unwrap();
    assert_eq!(peer.recv_bytes(0).unwrap(), b"2");
}
