//! Rejected peers: they get no READY, so they keep their messages until they are admitted.

use std::sync::Arc;

use enfonet::error::{ConnectionError, RejectReason};
use enfonet::monitor::MonitorEvent;
use enfonet::{Pair, Router};
use enfonet_tests::{EventReader, LIBRARIES, Relay, Slb, VERSIONED, error_of, frames, greeting};

use crate::setup::{AnySocket, Setup};

/// Asserts that a rejected peer has got the greeting or only its version, and neither READY nor ERROR.
fn expect_rejection(relay: &Relay) {
    let (observed, greeting) = (relay.ended(), greeting(1));
    assert!(observed == greeting || observed == greeting[..VERSIONED], "{}", observed.escape_ascii());
}

/// Waits until a bound socket has reported the rejection of a peer.
fn rejection(observed: &mut EventReader<'_>) -> RejectReason {
    let failed = observed.wait("HandshakeFailed");
    let MonitorEvent::HandshakeFailed { address, .. } = &failed else { panic!("{failed:?}") };
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let error: Arc<ConnectionError> = error_of(failed);
    let ConnectionError::Rejected(rejection) = *error else { panic!("{error}") };
    rejection
}

#[test]
fn messages_of_a_rejected_pair_arrive_once_the_other_pair_has_left() {
    for library in LIBRARIES {
        println!("{library:?}");
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let (bound, first) = (Pair::new(), Pair::new());
        let mut observed = EventReader::new(&setup.runtime, bound.monitor());
        let at = setup.runtime.bind(&bound);
        first.connect(&at).unwrap();
        observed.wait("HandshakeSucceeded");
        let relay = Relay::to(&at);
        let second = setup.end(library, zmq::PAIR);
        second.connect(&relay.endpoint);
        second.send(["waits"]);
        for _ in 0..2 {
            expect_rejection(&relay);
            assert_eq!(rejection(&mut observed), RejectReason::PeerThere);
        }
        assert_eq!(bound.peers().len(), 1);
        drop(first);
        assert_eq!(setup.runtime.run(bound.recv()), Ok("waits".into()));
        setup.runtime.run(bound.send("at last")).unwrap();
        assert_eq!(second.recv(), frames(["at last"]));
    }
}

#[test]
fn messages_of_a_dealer_with_a_duplicate_identity_arrive_once_the_first_has_left() {
    for library in LIBRARIES {
        println!("{library:?}");
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let router = Router::new();
        let mut observed = EventReader::new(&setup.runtime, router.monitor());
        let at = setup.runtime.bind(&router);
        let first = setup.named(library, zmq::DEALER, "name");
        first.connect(&at);
        observed.wait("HandshakeSucceeded");
        let relay = Relay::to(&at);
        let second = setup.named(library, zmq::DEALER, "name");
        second.connect(&relay.endpoint);
        second.send(["waits"]);
        for _ in 0..2 {
            expect_rejection(&relay);
            assert_eq!(rejection(&mut observed), RejectReason::IdentityInUse);
        }
        drop(first);
        let (peer, message) = setup.runtime.run(router.recv()).unwrap();
        assert_eq!(message, "waits");
        setup.runtime.run(router.send_to(peer, "at last")).unwrap();
        assert_eq!(second.recv(), frames(["at last"]));
    }
}

/// Asserts that a worker gets this request, and returns it.
fn echo(worker: &AnySocket<'_>, request: &str) {
    assert_eq!(worker.recv(), frames([request]));
    worker.send([request]);
}

#[test]
fn requests_of_a_client_with_a_duplicate_identity_are_served_once_the_first_has_left() {
    for library in LIBRARIES {
        println!("{library:?}");
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let broker = Slb::tcp(&setup.runtime);
        let worker = setup.end(library, zmq::REP);
        worker.connect(&broker.backend());
        let first = setup.named(library, zmq::DEALER, "name");
        first.connect(&broker.frontend());
        first.send(["", "first"]);
        echo(&worker, "first");
        assert_eq!(first.recv(), frames(["", "first"]));
        let relay = Relay::to(&broker.frontend());
        let second = setup.named(library, zmq::DEALER, "name");
        second.connect(&relay.endpoint);
        second.send(["", "second"]);
        expect_rejection(&relay);
        expect_rejection(&relay);
        drop(first);
        echo(&worker, "second");
        assert_eq!(second.recv(), frames(["", "second"]));
        drop((worker, second));
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.requests, summary.replies), (2, 2));
    }
}
