//! Monitor events while libzmq's sockets connect and disconnect.

use std::net::TcpListener;
use std::time::Duration;

use enfonet::error::{BindError, ConnectionError};
use enfonet::monitor::MonitorEvent;
use enfonet::peer::SocketType;
use enfonet::{Dealer, Options, Pub, Pull, Router, Sub};
use enfonet_tests::{EventReader, LibZmq, Runtime, error_of, eventually, unused, wildcard};

#[test]
fn a_listener_reports_each_libzmq_client_from_accept_to_disconnect() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, anywhere) = wildcard(transport);
        let router = Router::new();
        let mut observed = EventReader::new(&runtime, router.monitor());
        let at = runtime.run(router.bind(&anywhere)).unwrap();
        assert_eq!(observed.expect(&["Listening"]).endpoint(), Some(&at));
        for name in ["first", "second"] {
            let client = libzmq.socket(zmq::DEALER);
            client.set_identity(name.as_bytes()).unwrap();
            client.connect(&at.to_string()).unwrap();
            let MonitorEvent::Accepted { address, endpoint } = observed.expect(&["Accepted"]) else {
                panic!()
            };
            assert_eq!(endpoint, at);
            assert!(address.starts_with(if transport == "tcp" { "127.0.0.1:" } else { ":" }), "{address}");
            let MonitorEvent::HandshakeSucceeded { peer } = observed.expect(&["HandshakeSucceeded"]) else {
                panic!()
            };
            assert_eq!((&peer.routing_id[..], peer.socket_type), (name.as_bytes(), Some(SocketType::Dealer)));
            assert_eq!((&peer.endpoint, router.peer(peer.id)), (&at, Some(peer.clone())));
            // A client that leaves before it has read our READY resets the connection.
            runtime.run(router.send_to(peer.id, "hello")).unwrap();
            assert_eq!(client.recv_bytes(0).unwrap(), b"hello");
            drop(client);
            let gone = observed.expect(&["Disconnected"]);
            assert!(matches!(&gone, MonitorEvent::Disconnected { peer: left, .. } if *left == peer));
            assert!(matches!(*error_of(gone), ConnectionError::Eof));
        }
        runtime.run(router.close(Duration::ZERO));
        assert_eq!(observed.expect(&["Closed"]).endpoint(), Some(&at));
        observed.expect_end();
    }
}

#[test]
fn a_connecting_socket_reports_each_attempt_at_a_libzmq_server_that_restarts() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    let wait = Duration::from_millis(5);
    let sub = Sub::with_options(Options::default().reconnect_interval(wait));
    let mut observed = EventReader::new(&runtime, sub.monitor());
    let mut server = libzmq.bound(zmq::PUB, &at).0;
    sub.connect(&at).unwrap();
    observed.expect(&["Connecting", "Connected", "HandshakeSucceeded"]);
    for _ in 0..2 {
        drop(server);
        assert!(matches!(*error_of(observed.expect(&["Disconnected"])), ConnectionError::Eof));
        let MonitorEvent::ConnectRetried { after, .. } = observed.expect(&["ConnectRetried"]) else {
            panic!()
        };
        assert!((wait..=2 * wait).contains(&after), "{after:?}");
        observed.expect(&["Connecting"]);
        // Connections are refused as soon as libzmq has closed.
        let failed = error_of(observed.wait("ConnectFailed"));
        let ConnectionError::Io(error) = &*failed else { panic!("{failed}") };
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        observed.expect(&["ConnectRetried"]);
        let again = libzmq.socket(zmq::PUB);
        eventually(|| again.bind(&at).ok());
        server = again;
        observed.wait("Connected");
        observed.expect(&["HandshakeSucceeded"]);
    }
    // No further event until we disconnect.
    sub.disconnect(&at).unwrap();
    assert!(matches!(*error_of(observed.expect(&["Disconnected"])), ConnectionError::Closed));
    assert_eq!(observed.expect(&["Closed"]).endpoint(), Some(&at.parse().unwrap()));
    runtime.run(sub.close(Duration::ZERO));
    observed.expect_end();
}

#[test]
fn an_incompatible_libzmq_peer_is_reported_with_its_socket_type() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let router = Router::new();
    let mut observed = EventReader::new(&runtime, router.monitor());
    let at = runtime.run(router.bind("tcp://127.0.0.1:*")).unwrap();
    let _misfit = libzmq.connected(zmq::SUB, &at.to_string());
    let failed = error_of(observed.expect(&["Listening", "Accepted", "HandshakeFailed"]));
    assert_eq!(
        failed.to_string(),
        "the handshake failed: peer is a SUB socket, which doesn't talk to ROUTER"
    );
    assert!(failed.is_lasting());
}

#[test]
fn a_failed_bind_is_reported_with_the_reason() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", taken.local_addr().unwrap());
    let server = Pub::new();
    let mut observed = EventReader::new(&runtime, server.monitor());
    assert!(matches!(runtime.run(server.bind(&at)), Err(BindError::InUse(_))));
    let MonitorEvent::BindFailed { endpoint, error } = observed.expect(&["BindFailed"]) else { panic!() };
    assert_eq!(endpoint.to_string(), at);
    assert!(matches!(error, BindError::InUse(taken) if taken == endpoint));
    // No other event was reported.
    drop(server);
    observed.expect_end();
}

#[test]
fn messages_to_and_from_a_libzmq_peer_are_counted_exactly() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, anywhere) = wildcard(transport);
        let dealer = Dealer::new();
        let at = runtime.run(dealer.bind(&anywhere)).unwrap();
        let peer = libzmq.connected(zmq::DEALER, &at.to_string());
        runtime.run(dealer.wait_connected(1));
        let sizes = [0, 1, 255, 256, 5000, 100_000];
        // The header of a frame has two bytes, or nine.
        let bytes = |times: u64| times * sizes.iter().map(|n| n + if *n > 255 { 9 } else { 2 }).sum::<u64>();
        for n in sizes {
            let body = vec![b'x'; usize::try_from(n).unwrap()];
            runtime.run(dealer.send(&body[..])).unwrap();
            assert!(peer.recv_bytes(0).unwrap() == body);
            (0..2).for_each(|_| peer.send(&body[..], 0).unwrap());
            (0..2).for_each(|_| drop(runtime.run(dealer.recv()).unwrap()));
        }
        eventually(|| (dealer.peers()[0].sent.messages == 6).then_some(()));
        let status = &dealer.peers()[0];
        assert_eq!((status.sent.messages, status.sent.bytes), (6, bytes(1)));
        assert_eq!((status.received.messages, status.received.bytes), (12, bytes(2)));
        assert_eq!((status.dropped, status.unsent.messages, status.unreceived.messages), (0, 0, 0));
        assert_eq!(dealer.peer(status.info.id).as_ref(), Some(&status.info));
        drop(peer);
        eventually(|| dealer.peers().is_empty().then_some(()));
        assert_eq!(dealer.peer(status.info.id), None);
    }
}

#[test]
fn events_can_still_be_read_after_the_socket_has_closed() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let pull = Pull::new();
    let mut monitor = pull.monitor();
    let at = runtime.run(pull.bind("tcp://127.0.0.1:*")).unwrap();
    let push = libzmq.connected(zmq::PUSH, &at.to_string());
    push.send("hello", 0).unwrap();
    assert_eq!(runtime.run(pull.recv()).unwrap(), "hello");
    runtime.run(pull.close(std::time::Duration::from_secs(1)));
    drop(pull);
    let mut kinds = Vec::new();
    while let Ok(event) = runtime.run(monitor.recv()) {
        kinds.push(match event {
            MonitorEvent::Listening { .. } => "listening",
            MonitorEvent::Accepted { .. } => "accepted",
            MonitorEvent::HandshakeSucceeded { .. } => "succeeded",
            MonitorEvent::Disconnected { .. } => "disconnected",
            MonitorEvent::Closed { .. } => "closed",
            other => panic!("{other:?}"),
        });
    }
    kinds[3..].sort_unstable();
    assert_eq!(kinds, ["listening", "accepted", "succeeded", "closed", "disconnected"]);
}
