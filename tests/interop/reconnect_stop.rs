//! Options that stop reconnecting (libzmq's `RECONNECT_STOP`), with libzmq at the other end.

use std::time::Duration;

use enfonet::error::{DisconnectError, SendError};
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Options};
use enfonet_tests::{LibZmq, Runtime, eventually, ipc, unused, unused_on};

/// Returns an endpoint that can be bound again and again, and guards that must live as long as it is used.
fn endpoint(transport: &str) -> (Box<dyn std::any::Any>, String) {
    match transport {
        "tcp" => {
            let (port, at) = unused();
            (Box::new(port), at)
        }
        "tcp6" => {
            let (port, at) = unused_on(std::net::Ipv6Addr::LOCALHOST);
            (Box::new(port), at)
        }
        "ipc" => {
            let (folder, at) = ipc();
            (Box::new(folder), at)
        }
        _ => (Box::new(()), format!("inproc://giving up {}", std::process::id())),
    }
}

fn dealer(options: Options) -> Dealer {
    let quick = options.reconnect_interval(Duration::from_millis(5)).send_hwm(0);
    Options::<Dealer>::from(quick).peer_events(true).build()
}

/// Returns a bound libzmq socket once its predecessor has freed the endpoint: libzmq closes in the background.
fn bound_again(libzmq: &LibZmq, at: &str) -> zmq::Socket {
    let socket = libzmq.socket(zmq::DEALER);
    socket.set_ipv6(true).unwrap();
    let bound = eventually(|| {
        let bound = socket.bind(at);
        (bound != Err(zmq::Error::EADDRINUSE)).then_some(bound)
    });
    bound.unwrap();
    socket
}

fn joined(runtime: &Runtime, dealer: &Dealer) {
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Joined { .. }));
}

fn left(runtime: &Runtime, dealer: &Dealer) {
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Left { .. }));
}

/// Asserts that the socket no longer has the endpoint, and that its queue is dropped.
fn given_up(dealer: &Dealer, at: &str) {
    eventually(|| (dealer.try_send("lost") == Err(SendError::Full("lost".into()))).then_some(()));
    assert_eq!(dealer.disconnect(at), Err(DisconnectError::NotConnected(at.parse().unwrap())));
}

#[test]
fn a_socket_that_never_reconnects_connects_again_on_request() {
    for transport in ["tcp", "tcp6", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = endpoint(transport);
        let dealer = dealer(Options::default().reconnect(false));
        for _ in 0..3 {
            let server = bound_again(&libzmq, &at);
            dealer.connect(&at).unwrap();
            joined(&runtime, &dealer);
            dealer.try_send("hello").unwrap();
            assert_eq!(server.recv_bytes(0).unwrap(), b"hello");
            drop(server);
            left(&runtime, &dealer);
            let _server = bound_again(&libzmq, &at);
            given_up(&dealer, &at);
        }
    }
}

#[test]
fn after_the_event_of_a_disconnect_connect_works_at_once() {
    for transport in ["tcp", "ipc", "inproc"] {
        let runtime = Runtime::new();
        let _guard = runtime.enter();
        let (_kept, at) = endpoint(transport);
        let dealer = dealer(Options::default().reconnect(false));
        let server = Dealer::builder().peer_events(true).build();
        let at = runtime.run(server.bind(&at)).unwrap();
        for _ in 0..20 {
            dealer.connect(&at).unwrap();
            joined(&runtime, &dealer);
            server.unbind(&at).unwrap();
            runtime.run(server.bind(&at)).unwrap();
            left(&runtime, &dealer);
        }
    }
}

#[test]
fn a_socket_that_never_reconnects_makes_one_attempt() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = endpoint(transport);
        let dealer = dealer(Options::default().reconnect(false));
        dealer.connect(&at).unwrap();
        given_up(&dealer, &at);
        let server = bound_again(&libzmq, &at);
        dealer.connect(&at).unwrap();
        runtime.run(dealer.send("hello")).unwrap();
        assert_eq!(server.recv_bytes(0).unwrap(), b"hello");
    }
}

#[test]
fn a_refused_connection_can_stop_reconnecting() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    let dealer = dealer(Options::default().reconnect_if_connection_refused(false));
    for _ in 0..2 {
        let server = bound_again(&libzmq, &at);
        dealer.connect(&at).unwrap();
        joined(&runtime, &dealer);
        drop(server);
        left(&runtime, &dealer);
        given_up(&dealer, &at);
    }
}

#[test]
fn a_missing_ipc_path_is_not_a_refused_connection() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_folder, at) = ipc();
    let dealer = dealer(Options::default().reconnect_if_connection_refused(false));
    dealer.connect(&at).unwrap();
    dealer.try_send("hello").unwrap();
    // A socket that is bound but doesn't listen refuses connections. So the path appears when libzmq listens there.
    let (server, elsewhere) = libzmq.bound(zmq::DEALER, &format!("{at}.new"));
    let [from, to] = [&elsewhere, &at].map(|endpoint| endpoint.trim_start_matches("ipc://"));
    std::fs::rename(from, to).unwrap();
    assert_eq!(server.recv_bytes(0).unwrap(), b"hello");
}

#[test]
fn an_incompatible_libzmq_peer_can_stop_reconnecting() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_pub, at) = libzmq.bound(zmq::PUB, "tcp://127.0.0.1:*");
    let dealer = dealer(Options::default().reconnect_if_handshake_fails(false));
    dealer.connect(&at).unwrap();
    given_up(&dealer, &at);
}
