//! Peers of a ROUTER: their identities and ids, while they are connected and afterwards (RFC 28).

use std::time::Duration;

use enfonet::error::SendError;
use enfonet::peer::PeerId;
use enfonet::socket::PeerEvent;
use enfonet::{Message, Options, Router};
use enfonet_tests::{LibZmq, Runtime, Script, eventually, frames, message};

use crate::setup::{MIXED, Setup};

fn dealer(libzmq: &LibZmq, name: &str, at: &str) -> zmq::Socket {
    let dealer = libzmq.socket(zmq::DEALER);
    dealer.set_identity(name.as_bytes()).unwrap();
    dealer.set_reconnect_ivl(10).unwrap();
    dealer.connect(at).unwrap();
    dealer
}

fn bound(runtime: &Runtime, options: impl Into<Options<Router>>) -> (Router, String) {
    let router = Router::with_options(options);
    let at = runtime.bind(&router);
    (router, at)
}

/// Returns the next event that isn't messages.
fn joined(runtime: &Runtime, router: &Router) -> PeerId {
    match runtime.run(router.recv_event(1)).unwrap() {
        PeerEvent::Joined { peer, .. } => peer,
        other => panic!("{other:?}"),
    }
}

fn left(runtime: &Runtime, router: &Router) -> PeerId {
    match runtime.run(router.recv_event(1)).unwrap() {
        PeerEvent::Left { peer, .. } => peer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_peer_without_an_identity_gets_an_identity_of_five_bytes_that_begins_with_zero() {
    for who in MIXED {
        for kind in [zmq::DEALER, zmq::REQ] {
            let setup = Setup::default();
            let _guard = setup.runtime.enter();
            let [router, peer] = setup.pair(who, [zmq::ROUTER, kind]);
            peer.send(["hello"]);
            let mut message = router.recv();
            assert_eq!((message[0].len(), message[0][0]), (5, 0));
            assert_eq!(message.pop(), Some(b"hello".to_vec()));
            message.push(b"to you".to_vec());
            router.send(message);
            assert_eq!(peer.recv(), frames(["to you"]));
        }
    }
}

#[test]
fn generated_identities_differ() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = bound(&runtime, Options::default());
    let dealers = [0; 20].map(|_| libzmq.connected(zmq::DEALER, &at));
    dealers.iter().for_each(|dealer| dealer.send("hello", 0).unwrap());
    let mut names: Vec<_> = dealers
        .iter()
        .map(|_| {
            let (peer, _) = runtime.run(router.recv()).unwrap();
            let name = router.identity(peer).unwrap();
            assert_eq!(router.find(&name), Some(peer));
            name
        })
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), dealers.len());
}

#[test]
fn a_peer_is_found_by_its_identity() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = bound(&runtime, Options::default());
    let long = "n".repeat(255);
    let dealers = ["a", "b", &long].map(|name| (name, dealer(&libzmq, name, &at)));
    runtime.run(router.wait_connected(3));
    for (name, dealer) in &dealers {
        let peer = router.find(name.as_bytes()).unwrap();
        assert_eq!(router.identity(peer).unwrap(), name.as_bytes());
        runtime.run(router.send_to(peer, ["hello".to_string(), name.to_string()])).unwrap();
        assert_eq!(dealer.recv_multipart(0).unwrap(), frames(["hello", name]));
        dealer.send(*name, 0).unwrap();
        assert_eq!(runtime.run(router.recv()).unwrap(), (peer, Message::from(*name)));
    }
    assert_eq!(router.find(b"c"), None);
    assert_eq!(router.find(b""), None);
}

#[test]
fn a_disconnected_peer_is_unknown_and_its_messages_are_returned() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = bound(&runtime, Router::builder().peer_events(true));
    let dealer = dealer(&libzmq, "a", &at);
    let peer = joined(&runtime, &router);
    drop(dealer);
    assert_eq!(left(&runtime, &router), peer);
    assert_eq!((router.find(b"a"), router.identity(peer)), (None, None));
    let message = || Message::from_frames(["x", "y"]);
    assert_eq!(runtime.run(router.send_to(peer, message())), Err(SendError::UnknownPeer(message())));
    assert_eq!(router.try_send_to(peer, message()), Err(SendError::UnknownPeer(message())));
    let nobody = PeerId::default();
    assert_eq!(router.try_send_to(nobody, message()), Err(SendError::UnknownPeer(message())));
}

#[test]
fn a_successor_with_the_same_identity_is_another_peer() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = bound(&runtime, Router::builder().peer_events(true));
    let first = dealer(&libzmq, "a", &at);
    let first_id = joined(&runtime, &router);
    drop(first);
    assert_eq!(left(&runtime, &router), first_id);
    let second = dealer(&libzmq, "a", &at);
    let second_id = joined(&runtime, &router);
    assert_ne!(first_id, second_id);
    let message = Message::from("for the first");
    assert_eq!(router.try_send_to(first_id, message.clone()), Err(SendError::UnknownPeer(message)));
    assert_eq!(router.find(b"a"), Some(second_id));
    router.try_send_to(second_id, "for the second").unwrap();
    assert_eq!(second.recv_bytes(0).unwrap(), b"for the second");
}

#[test]
fn a_second_peer_with_an_identity_is_admitted_once_the_first_has_left() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = bound(&runtime, Router::builder().peer_events(true));
    let first = dealer(&libzmq, "a", &at);
    let first_id = joined(&runtime, &router);
    let second = dealer(&libzmq, "a", &at);
    second.send("from the second", 0).unwrap();
    first.send("from the first", 0).unwrap();
    assert!(matches!(runtime.run(router.recv_event(1)).unwrap(), PeerEvent::Messages { peer, batch }
        if peer == first_id && batch.clone().into_iter().eq([Message::from("from the first")])));
    drop(first);
    assert_eq!(left(&runtime, &router), first_id);
    let second_id = joined(&runtime, &router);
    assert_ne!(second_id, first_id);
    router.try_send_to(second_id, "to the second").unwrap();
    assert_eq!(second.recv_bytes(0).unwrap(), b"to the second");
}

#[test]
fn messages_of_a_disconnected_peer_are_received_before_its_disconnect_event() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = bound(&runtime, Router::builder().peer_events(true));
    let dealer = dealer(&libzmq, "a", &at);
    dealer.set_linger(-1).unwrap();
    (0..100u8).for_each(|n| dealer.send(vec![n], 0).unwrap());
    drop(dealer);
    let peer = joined(&runtime, &router);
    for n in 0..100u8 {
        let event = runtime.run(router.recv_event(1)).unwrap();
        assert!(matches!(event, PeerEvent::Messages { peer: from, batch }
            if from == peer && batch.clone().into_iter().eq([Message::from(vec![n])])));
    }
    assert_eq!(left(&runtime, &router), peer);
}

#[test]
fn messages_not_fully_written_are_returned_with_the_disconnect_event() {
    let runtime = Runtime::new();
    let (router, at) = bound(&runtime, Router::builder().send_bytes(0).peer_events(true));
    let mut script = Script::join(&at, "DEALER", 1);
    let peer = joined(&runtime, &router);
    router.try_send_to(peer, "got").unwrap();
    script.expect(&message(&["got"]));
    // More than the kernel takes for a peer that doesn't read.
    let messages = [0, 1, 2].map(|n| Message::from(vec![n; 16 << 20]));
    messages.iter().for_each(|message| router.try_send_to(peer, message.clone()).unwrap());
    script.read(1 << 20);
    drop(script);
    match runtime.run(router.recv_event(1)).unwrap() {
        PeerEvent::Left { peer: gone, unsent } => {
            assert_eq!(gone, peer);
            assert!(unsent.into_iter().flatten().eq(messages));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_router_fair_queues_its_peers() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let (router, at) = bound(&runtime, Options::default());
    let dealers = ["a", "b", "c"].map(|name| {
        let dealer = dealer(&libzmq, name, &at);
        (0..10).for_each(|_| dealer.send(name, 0).unwrap());
        dealer
    });
    // The last message of each dealer shows that all have arrived.
    dealers.iter().for_each(|dealer| dealer.send("last", 0).unwrap());
    let mut count = std::collections::HashMap::new();
    let mut lasts = 0;
    while lasts < dealers.len() {
        let (peer, message) = runtime.run(router.recv()).unwrap();
        lasts += usize::from(message.first() == b"last");
        *count.entry(peer).or_insert(0) += 1;
    }
    assert!(count.values().all(|n| *n == 11));
}

#[test]
fn a_probe_is_an_empty_message() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (router, at) = bound(&runtime, Options::default());
    let dealer = libzmq.socket(zmq::DEALER);
    dealer.set_probe_router(true).unwrap();
    dealer.connect(&at).unwrap();
    let (peer, message) = runtime.run(router.recv()).unwrap();
    assert_eq!(message, Message::from(""));
    router.try_send_to(peer, "seen").unwrap();
    assert_eq!(dealer.recv_bytes(0).unwrap(), b"seen");
}

#[test]
fn a_libzmq_router_knows_our_identity_and_forgets_it_when_we_leave() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let router = libzmq.socket(zmq::ROUTER);
    router.set_router_mandatory(true).unwrap();
    router.bind("tcp://127.0.0.1:*").unwrap();
    let at = router.get_last_endpoint().unwrap().unwrap();
    let dealer = enfonet::Dealer::with_options(Options::default().identity("us"));
    dealer.connect(&at).unwrap();
    runtime.run(dealer.send("hello")).unwrap();
    assert_eq!(router.recv_multipart(0).unwrap(), frames(["us", "hello"]));
    runtime.run(dealer.close(Duration::ZERO));
    eventually(|| {
        // libzmq notices the disconnect later, and only when it polls for messages.
        assert_eq!(router.poll(zmq::POLLIN, 5), Ok(0));
        let sent = router.send_multipart(["us", "gone?"], zmq::DONTWAIT);
        (sent == Err(zmq::Error::EHOSTUNREACH)).then_some(())
    });
}
