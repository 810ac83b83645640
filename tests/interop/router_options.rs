//! ROUTER's options and its peers' identities, with libzmq at the other end.

use enfonet::error::SendError;
use enfonet::{Dealer, Req, Router};
use enfonet_tests::{LibZmq, Runtime, eventually, frames};

const ANYWHERE: &str = "tcp://127.0.0.1:*";

#[test]
fn a_libzmq_dealer_with_an_assigned_identity_is_reachable_at_once_and_answers_under_it() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let router = Router::new();
    let bound_at = runtime.bind(&router);
    let other = libzmq.dealer("Y", &bound_at);
    other.send("here", 0).unwrap();
    assert_eq!(runtime.run(router.recv_routed()), Ok(["Y", "here"].into()));
    // The dealer announces another identity, and another peer is connected.
    let dealer = libzmq.socket(zmq::DEALER);
    dealer.set_identity(b"X").unwrap();
    dealer.bind(ANYWHERE).unwrap();
    let at = dealer.get_last_endpoint().unwrap().unwrap();
    router.connect_as("conn1", at).unwrap();
    runtime.run(router.send_routed(["conn1", "hello", "1"])).unwrap();
    assert_eq!(dealer.recv_multipart(0).unwrap(), frames(["hello", "1"]));
    dealer.send("from X", 0).unwrap();
    assert_eq!(runtime.run(router.recv_routed()), Ok(["conn1", "from X"].into()));
    assert_eq!(other.poll(zmq::POLLIN, 0).unwrap(), 0, "nothing is for the other");
}

#[test]
fn a_libzmq_dealer_takes_over_an_identity_with_handover_and_is_rejected_without() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    for may in [true, false] {
        let router = Router::builder().handover(may).build();
        let at = runtime.bind(&router);
        let first = libzmq.dealer("X", &at);
        first.set_reconnect_ivl(-1).unwrap();
        first.send("first", 0).unwrap();
        let (first_id, _) = runtime.run(router.recv()).unwrap();
        let second = libzmq.dealer("X", &at);
        second.send("second", 0).unwrap();
        if may {
            let (second_id, message) = runtime.run(router.recv()).unwrap();
            assert!(message == "second" && second_id != first_id);
            // The first dealer would reconnect, and take the identity over in turn.
            drop(first);
            let heard = eventually(|| {
                let _ = runtime.run(router.send_routed(["X", "yours"]));
                (second.poll(zmq::POLLIN, 5).unwrap() > 0).then(|| second.recv_bytes(0).unwrap())
            });
            assert_eq!(heard, b"yours");
        } else {
            runtime.run(router.send_routed(["X", "yours"])).unwrap();
            assert_eq!(first.recv_bytes(0).unwrap(), b"yours");
            assert!(router.try_recv().is_err());
        }
    }
}

#[test]
fn a_mandatory_router_reports_an_unknown_libzmq_peer_and_continues() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let router = Router::builder().mandatory(true).build();
    let at = runtime.bind(&router);
    let gone = runtime.run(router.send_routed(["X", "text"]));
    assert_eq!(gone, Err(SendError::UnknownPeer(["X", "text"].into())));
    let dealer = libzmq.dealer("X", &at);
    dealer.send("here", 0).unwrap();
    runtime.run(router.recv()).unwrap();
    runtime.run(router.send_routed(["X", "text"])).unwrap();
    assert_eq!(dealer.recv_multipart(0).unwrap(), frames(["text"]));
}

#[test]
fn our_probe_lets_a_libzmq_router_send_first() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (router, at) = libzmq.bound(zmq::ROUTER, ANYWHERE);
    let dealer = Dealer::builder().identity("X").probe(true).build();
    dealer.connect(&at).unwrap();
    assert_eq!(router.recv_multipart(0).unwrap(), frames(["X", ""]));
    router.send_multipart(["X", "hello"], 0).unwrap();
    assert_eq!(runtime.run(dealer.recv()), Ok("hello".into()));
    let ours = Router::builder().identity("Y").probe(true).build();
    ours.connect(&at).unwrap();
    assert_eq!(router.recv_multipart(0).unwrap(), frames(["Y", ""]));
    let req = Req::builder().probe(true).build();
    req.connect(&at).unwrap();
    let message = router.recv_multipart(0).unwrap();
    assert!(message[0].len() == 5 && message[0][0] == 0 && message[1].is_empty() && message.len() == 2);
}

#[test]
fn the_hello_is_the_first_message_that_a_libzmq_peer_receives() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::builder().hello("H").build();
    let (peer, at) = libzmq.bound(zmq::DEALER, ANYWHERE);
    dealer.connect(&at).unwrap();
    runtime.run(dealer.send("later")).unwrap();
    assert_eq!(peer.recv_bytes(0).unwrap(), b"H");
    assert_eq!(peer.recv_bytes(0).unwrap(), b"later");
}

#[test]
fn trailing_zeros_belong_to_an_identity() {
    const NAMES: [&[u8]; 4] = [b"a", b"a\0", b"a\0\0", b"a\0b"];
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let ours = Router::new();
    let at = runtime.bind(&ours);
    let (theirs, their_at) = libzmq.bound(zmq::ROUTER, ANYWHERE);
    let dealers = NAMES.map(|name| {
        let dealer = libzmq.socket(zmq::DEALER);
        dealer.set_identity(name).unwrap();
        dealer.connect(&at).unwrap();
        dealer.send(name, 0).unwrap();
        assert_eq!(runtime.run(ours.recv_routed()), Ok([name, name].into()));
        let our_dealer = Dealer::builder().identity(name).build();
        our_dealer.connect(&their_at).unwrap();
        our_dealer.try_send(name).unwrap();
        assert_eq!(theirs.recv_multipart(0).unwrap(), frames([name, name]));
        (dealer, our_dealer)
    });
    for (name, (dealer, our_dealer)) in NAMES.iter().zip(&dealers) {
        runtime.run(ours.send_routed([name, *name])).unwrap();
        assert_eq!(dealer.recv_bytes(0).unwrap(), *name);
        theirs.send_multipart([name, name], 0).unwrap();
        assert_eq!(runtime.run(our_dealer.recv()), Ok((*name).into()));
    }
}
