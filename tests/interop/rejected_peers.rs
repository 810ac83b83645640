//! A peer that is rejected has been told nothing, so what it sends stays with it until there is a place for it.

use std::sync::Arc;

use enfonet::error::{ConnectionError, RejectReason};
use enfonet::monitor::MonitorEvent;
use enfonet::{Pair, Router};
use enfonet_tests::{LIBRARIES, Relay, Slb, Told, VERSIONED, frames, greeting, why};

use crate::setup::{End, World};

const TCP: &str = "tcp://127.0.0.1:*";

/// A rejected peer has got the greeting or its version, which are the same for everybody, and neither READY nor ERROR.
fn expect_rejection(relay: &Relay) {
    let (told, greeting) = (relay.ended(), greeting(1));
    assert!(told == greeting || told == greeting[..VERSIONED], "{}", told.escape_ascii());
}

/// Waits until a bound socket has told why it rejects a peer.
fn reason(told: &mut Told<'_>) -> RejectReason {
    let failed = told.wait("HandshakeFailed");
    let MonitorEvent::HandshakeFailed { address, .. } = &failed else { panic!("{failed:?}") };
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let error: Arc<ConnectionError> = why(failed);
    let ConnectionError::Rejected(reason) = *error else { panic!("{error}") };
    reason
}

#[test]
fn messages_of_a_rejected_pair_arrive_once_the_other_pair_has_left() {
    for library in LIBRARIES {
        println!("{library:?}");
        let world = World::default();
        let _guard = world.runtime.enter();
        let (bound, first) = (Pair::new(), Pair::new());
        let mut told = Told::by(&world.runtime, bound.monitor());
        let at = world.runtime.run(bound.bind(TCP)).unwrap().to_string();
        first.connect(&at).unwrap();
        told.wait("HandshakeSucceeded");
        let relay = Relay::to(&at);
        let second = world.end(library, zmq::PAIR);
        second.connect(&relay.endpoint);
        second.send(["waits"]);
        for _ in 0..2 {
            expect_rejection(&relay);
            assert_eq!(reason(&mut told), RejectReason::PeerThere);
        }
        assert_eq!(bound.peers().len(), 1);
        drop(first);
        assert_eq!(world.runtime.run(bound.recv()), Ok("waits".into()));
        world.runtime.run(bound.send("at last")).unwrap();
        assert_eq!(second.recv(), frames(["at last"]));
    }
}

#[test]
fn messages_of_a_dealer_with_a_duplicate_identity_arrive_once_the_first_has_left() {
    for library in LIBRARIES {
        println!("{library:?}");
        let world = World::default();
        let _guard = world.runtime.enter();
        let router = Router::new();
        let mut told = Told::by(&world.runtime, router.monitor());
        let at = world.runtime.run(router.bind(TCP)).unwrap().to_string();
        let first = world.named(library, zmq::DEALER, "name");
        first.connect(&at);
        told.wait("HandshakeSucceeded");
        let relay = Relay::to(&at);
        let second = world.named(library, zmq::DEALER, "name");
        second.connect(&relay.endpoint);
        second.send(["waits"]);
        for _ in 0..2 {
            expect_rejection(&relay);
            assert_eq!(reason(&mut told), RejectReason::IdentityInUse);
        }
        drop(first);
        let (peer, message) = world.runtime.run(router.recv()).unwrap();
        assert_eq!(message, "waits");
        world.runtime.run(router.send_to(peer, "at last")).unwrap();
        assert_eq!(second.recv(), frames(["at last"]));
    }
}

/// A worker gets this request, and returns it.
fn echo(worker: &End<'_>, request: &str) {
    assert_eq!(worker.recv(), frames([request]));
    worker.send([request]);
}

#[test]
fn requests_of_a_client_with_a_duplicate_identity_are_served_once_the_first_has_left() {
    for library in LIBRARIES {
        println!("{library:?}");
        let world = World::default();
        let _guard = world.runtime.enter();
        let broker = Slb::tcp(&world.runtime);
        let worker = world.end(library, zmq::REP);
        worker.connect(&broker.backend());
        let first = world.named(library, zmq::DEALER, "name");
        first.connect(&broker.frontend());
        first.send(["", "first"]);
        echo(&worker, "first");
        assert_eq!(first.recv(), frames(["", "first"]));
        let relay = Relay::to(&broker.frontend());
        let second = world.named(library, zmq::DEALER, "name");
        second.connect(&relay.endpoint);
        second.send(["", "second"]);
        expect_rejection(&relay);
        expect_rejection(&relay);
        drop(first);
        echo(&worker, "second");
        assert_eq!(second.recv(), frames(["", "second"]));
        drop((worker, second));
        let summary = broker.stop(&world.runtime);
        assert_eq!((summary.requests, summary.replies), (2, 2));
    }
}
