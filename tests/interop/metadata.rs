//! Metadata of both ends, with libzmq at the other end (RFC 37, "Connection Metadata").

use enfonet::{Dealer, Options, Router};
use enfonet_tests::{LibZmq, Runtime};

const ANYWHERE: &str = "tcp://127.0.0.1:*";

#[test]
fn a_libzmq_peer_sees_our_metadata() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (peer, at) = libzmq.bound(zmq::DEALER, ANYWHERE);
    let dealer = Dealer::with_options(Options::default().identity("me").property("X-Key", "value"));
    dealer.connect(&at).unwrap();
    runtime.run(dealer.send(["hello", "2"])).unwrap();
    for _ in 0..2 {
        let mut frame = peer.recv_msg(0).unwrap();
        for (name, value) in [
            ("X-Key", Some("value")),
            ("Socket-Type", Some("DEALER")),
            ("Identity", Some("me")),
            ("Peer-Address", Some("127.0.0.1")),
            ("Nothing", None),
        ] {
            assert_eq!(frame.gets(name), value, "{name}");
        }
    }
}

#[test]
fn the_name_of_a_property_begins_with_x_and_has_a_maximum_length() {
    let taken = |name: &str| std::panic::catch_unwind(|| Options::default().property(name, "value")).is_ok();
    assert!(taken("X-Key") && taken(&format!("X-{}", "k".repeat(253))));
    for bad in ["", ":", "key", "Socket-Type", &format!("X-{}", "k".repeat(254))] {
        assert!(!taken(bad), "{bad}");
    }
}

#[test]
fn the_metadata_of_libzmq_peers_is_known() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let router = Router::with_options(Options::default().property("X-Key", "value"));
    let at = runtime.run(router.bind(ANYWHERE)).unwrap();
    let dealer = libzmq.dealer("me", &at.to_string());
    dealer.send("hello", 0).unwrap();
    let (peer, message) = runtime.run(router.recv_from()).unwrap();
    assert_eq!(message, "hello");
    for (name, value) in [
        ("Socket-Type", Some(&b"DEALER"[..])),
        ("Identity", Some(b"me")),
        ("routing-id", Some(b"me")),
        ("Peer-Address", Some(b"127.0.0.1")),
        ("User-Id", Some(b"")),
        ("Nothing", None),
    ] {
        assert_eq!(peer.property(name), value, "{name}");
    }
    assert!(
        peer.endpoint == at && peer.is_accepted && router.peer(peer.id).is_some_and(|same| *same == *peer)
    );
}
