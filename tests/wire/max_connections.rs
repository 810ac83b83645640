//! The limit of the connections at an endpoint: the next connection is closed, and a free place is used.

use std::time::Duration;

use enfonet::error::{ConnectionError, ErrorOrigin};
use enfonet::{Dealer, Options, Router};
use enfonet_tests::{EventReader, LibZmq, Runtime, Script, error_of, ipc, message};

/// Returns a router with a limit, bound to any TCP port, and its endpoint.
fn bounded(runtime: &Runtime, limit: usize) -> (Router, String) {
    let router = Router::with_options(Options::default().max_connections(limit));
    let at = runtime.bind(&router);
    (router, at)
}

/// Asserts that a peer is served.
fn assert_served(runtime: &Runtime, router: &Router, peer: &mut Script) {
    peer.send(&message(&["question"]));
    let (id, _) = runtime.run(router.recv()).unwrap();
    router.try_send_to(id, "answer").unwrap();
    peer.expect(&message(&["answer"]));
}

#[test]
fn a_connection_beyond_the_limit_is_closed_at_once_and_reported() {
    let runtime = Runtime::new();
    let (router, at) = bounded(&runtime, 2);
    let mut observed = EventReader::new(&runtime, router.monitor());
    let mut peers = [(); 2].map(|()| Script::join(&at, "DEALER", 1));
    runtime.run(router.wait_connected(2));
    for _ in 0..3 {
        // It gets no greeting.
        assert_eq!(Script::connect(&at).expect_close(), b"");
        let error = error_of(observed.wait("HandshakeFailed"));
        assert!(matches!(*error, ConnectionError::TooManyConnections { limit: 2 }), "{error}");
        assert_eq!((error.origin(), error.is_ordinary()), (ErrorOrigin::Limit, false));
    }
    peers.iter_mut().for_each(|peer| assert_served(&runtime, &router, peer));
}

#[test]
fn a_free_place_is_used_by_the_next_connection() {
    let runtime = Runtime::new();
    let (router, at) = bounded(&runtime, 1);
    let mut first = Script::join(&at, "DEALER", 1);
    assert_served(&runtime, &router, &mut first);
    let mut observed = EventReader::new(&runtime, router.monitor());
    // Two peers try again and again.
    let mut dealers = Vec::from([0, 1].map(|n| {
        let dealer = Dealer::with_options(Options::default().reconnect_interval(Duration::ZERO));
        let _guard = runtime.enter();
        dealer.connect(&at[..]).unwrap();
        dealer.try_send(n.to_string()).unwrap();
        observed.wait("HandshakeFailed");
        dealer
    }));
    first.leave();
    let served: usize = runtime.run(router.recv()).unwrap().1.text(0).parse().unwrap();
    assert_eq!(router.peers().len(), 1);
    assert!(router.try_recv().is_err(), "there is no place for the other");
    drop(dealers.remove(served));
    assert_eq!(runtime.run(router.recv()).unwrap().1, (1 - served).to_string());
}

#[test]
fn handshakes_in_progress_give_their_places_to_new_connections() {
    let runtime = Runtime::new();
    let (router, at) = bounded(&runtime, 3);
    let mut first = Script::join(&at, "DEALER", 1);
    runtime.run(router.wait_connected(1));
    let mut observed = EventReader::new(&runtime, router.monitor());
    let mut silent = [(); 2].map(|()| Script::connect(&at));
    observed.expect(&["Accepted", "Accepted"]);
    // Each silent connection ends for a peer that finishes its handshake. Then there is no place any more.
    let mut peers = [0, 1].map(|n: usize| {
        let peer = Script::join(&at, "DEALER", 1);
        silent[n].expect_close();
        let error = error_of(observed.wait("HandshakeFailed"));
        assert!(matches!(*error, ConnectionError::TooManyConnections { limit: 3 }), "{error}");
        peer
    });
    runtime.run(router.wait_connected(3));
    assert_eq!(Script::connect(&at).expect_close(), b"");
    peers.iter_mut().chain([&mut first]).for_each(|peer| assert_served(&runtime, &router, peer));
}

#[test]
fn a_libzmq_peer_beyond_the_limit_is_served_once_there_is_a_place() {
    let (runtime, zmq) = (Runtime::new(), LibZmq::new());
    let (_folder, at) = ipc();
    let router = Router::with_options(Options::default().max_connections(1));
    runtime.run(router.bind(&at[..])).unwrap();
    let first = zmq.dealer("first", &at);
    runtime.run(router.wait_connected(1));
    let mut observed = EventReader::new(&runtime, router.monitor());
    let second = zmq.dealer("second", &at);
    second.send("waits", 0).unwrap();
    let error = error_of(observed.wait("HandshakeFailed"));
    assert!(matches!(*error, ConnectionError::TooManyConnections { limit: 1 }), "{error}");
    drop(first);
    // libzmq connects again and again.
    assert_eq!(runtime.run(router.recv()).unwrap().1, "waits");
}

#[test]
fn each_endpoint_has_the_limit_and_zero_is_none() {
    let runtime = Runtime::new();
    let (router, at) = bounded(&runtime, 1);
    let other = runtime.bind(&router);
    let _peers = [at, other].map(|at| Script::join(&at, "DEALER", 1));
    runtime.run(router.wait_connected(2));
    let (unlimited, at) = bounded(&runtime, 0);
    let _peers = [(); 20].map(|()| Script::join(&at, "DEALER", 1));
    runtime.run(unlimited.wait_connected(20));
}
