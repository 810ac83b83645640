//! Peers of ZMTP 2.0 (RFC 15), such as libzmq 3.x, which are served if `zmtp2` is on.

use std::time::Duration;

use enfonet::message::Subscription;
use enfonet::peer::Version;
use enfonet::socket::{PeerEvent, XPubEvent};
use enfonet::{Dealer, Options, Pair, Pub, Rep, Req, Router, Sub, XPub};
use enfonet_tests::{Runtime, Script, ScriptListener, VERSIONED, command, greeting, message, ready};

const PAIR: u8 = 0;
const PUB: u8 = 1;
const SUB: u8 = 2;
const REQ: u8 = 3;
const REP: u8 = 4;
const DEALER: u8 = 5;
const ROUTER: u8 = 6;
const XPUB: u8 = 9;

const SIGNATURE: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f";

/// Returns options with ZMTP 2.0, and with heartbeats, which its peers don't know.
fn willing() -> Options {
    Options::default().zmtp2(true).heartbeat_interval(Duration::from_millis(5))
}

fn greets(script: &mut Script, kind: u8, identity: &[u8], ours: u8, our_identity: &[u8]) {
    script.send(&[SIGNATURE, &[1, kind], &message(&[identity])].concat());
    script.expect(b"\xff\0\0\0\0\0\0\0\0\x7f\x03");
    script.expect(&[&[ours], &message(&[our_identity])[..]].concat());
}

/// Connects a ZMTP 2.0 peer of this type, and does the handshake.
fn join(at: &str, kind: u8, identity: &[u8], ours: u8) -> Script {
    let mut script = Script::connect(at);
    greets(&mut script, kind, identity, ours, b"");
    script
}

#[test]
fn a_zmtp_2_0_peer_is_rejected_unless_zmtp_2_0_is_enabled() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let mut script = Script::connect(&at);
    script.send(&[SIGNATURE, &[1, DEALER, 0, 0]].concat());
    script.expect(&greeting(1));
    assert_eq!(script.expect_close(), b"");
}

#[test]
fn later_peers_are_served_as_usual_with_zmtp_2_0_enabled() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(willing().heartbeat_interval(Duration::ZERO));
    let at = runtime.bind(&dealer);
    let mut script = Script::connect(&at);
    script.expect(&greeting(1)[..VERSIONED]);
    script.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER")]), message(&["hello"])].concat());
    script.expect(&greeting(1)[VERSIONED..]);
    script.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
    assert_eq!(runtime.run(dealer.recv()), Ok("hello".into()));
    script.settle();
    // ZMTP 1.0 peers are still rejected.
    for bytes in [&b"\x01\0"[..], b"\xff\0\0\0\0\0\0\0\x01\0"] {
        let mut script = Script::connect(&at);
        script.send(bytes);
        script.expect_close();
    }
}

#[test]
fn a_subscriber_subscribes_by_messages() {
    let runtime = Runtime::new();
    let publisher = Pub::with_options(willing());
    let at = runtime.bind(&publisher);
    let mut script = join(&at, SUB, b"", PUB);
    script.send(b"\0\x02\x01A\0\x02\x01B\0\x02\0B");
    runtime.run(publisher.wait_subscribers(1));
    // ZMTP 2.0 has no commands, so bytes of a command are ignored.
    script.send(&[command("SUBSCRIBE", b"C"), command("PING", b"\0\0"), b"\0\x02\x01D".to_vec()].concat());
    let xpub = XPub::with_options(willing());
    let xpub_at = runtime.bind(&xpub);
    let mut other = join(&xpub_at, SUB, b"", XPUB);
    other.send(&[command("SUBSCRIBE", b"C"), b"\0\x02\x01D".to_vec(), b"\0\x02\0D".to_vec()].concat());
    for expected in [Subscription::Subscribe("D".into()), Subscription::Cancel("D".into())] {
        let XPubEvent::Subscription { subscription, .. } = runtime.run(xpub.recv()).unwrap() else {
            panic!()
        };
        assert_eq!(subscription, expected);
    }
    runtime.run(async {
        for topic in ["A1", "B2", "C3"] {
            publisher.send([topic, "body"]).await.unwrap();
        }
        publisher.send("A4").await.unwrap();
    });
    script.expect(b"\x01\x02A1\0\x04body\0\x02A4");
}

#[test]
fn a_publisher_gets_subscriptions_as_messages() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let sub = Sub::with_options(willing());
    sub.subscribe("A");
    sub.connect(at).unwrap();
    let mut script = listener.accept();
    greets(&mut script, PUB, b"", SUB, b"");
    script.expect(b"\0\x02\x01A");
    sub.subscribe("B");
    script.expect(b"\0\x02\x01B");
    sub.unsubscribe("A");
    script.expect(b"\0\x02\0A");
    script.send(b"\0\x02B1");
    assert_eq!(runtime.run(sub.recv()), Ok("B1".into()));
}

#[test]
fn requests_and_replies_are_those_of_later_versions() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let rep = Rep::with_options(willing());
    let mut script = join(&runtime.bind(&rep), REQ, b"", REP);
    script.send(b"\x01\0\x01\x01q\0\0");
    let request = runtime.run(rep.recv()).unwrap();
    assert_eq!(*request.message(), ["q", ""]);
    request.reply("a").unwrap();
    script.expect(b"\x01\0\0\x01a");

    let (listener, at) = ScriptListener::bind();
    let req = Req::with_options(willing().identity("us"));
    req.connect(at).unwrap();
    let mut script = listener.accept();
    greets(&mut script, REP, b"", REQ, b"us");
    runtime.run(req.send("q")).unwrap();
    script.expect(b"\x01\0\0\x01q");
    script.send(b"\x01\0\0\x01a");
    assert_eq!(runtime.run(req.recv()), Ok("a".into()));
}

#[test]
fn a_router_knows_a_dealer_by_its_identity_and_long_frames_arrive() {
    let runtime = Runtime::new();
    let router = Options::<Router>::from(willing()).peer_events(true).build();
    let at = runtime.bind(&router);
    for identity in [&b"them"[..], &[b'i'; 255], b"\0reserved", b""] {
        let mut script = join(&at, DEALER, identity, ROUTER);
        let PeerEvent::Joined { peer, info } = runtime.run(router.recv_event(1)).unwrap() else { panic!() };
        assert_eq!(info.version, Version::V2_0);
        if identity.first().is_none_or(|byte| *byte == 0) {
            assert!(info.routing_id != identity && info.routing_id.len() == 5);
        } else {
            assert_eq!(info.routing_id, identity);
        }
        let body = vec![b'x'; 70_000];
        script.send(&message(&[&body[..], b""]));
        let (from, received) = runtime.run(router.recv()).unwrap();
        assert!(from == peer && received.first() == body);
        runtime.run(router.send_to(peer, received)).unwrap();
        script.expect(&message(&[&body[..], b""]));
        script.leave();
        assert!(matches!(runtime.run(router.recv_event(1)), Ok(PeerEvent::Left { .. })));
    }
}

#[test]
fn a_zmtp_2_0_peer_gets_no_ping() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(willing().heartbeat_timeout(enfonet_tests::DEADLINE));
    let at = runtime.bind(&dealer);
    let mut old = join(&at, DEALER, b"", DEALER);
    let mut new = Script::connect(&at);
    new.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER")])].concat());
    new.expect(&greeting(1));
    new.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
    for _ in 0..10 {
        new.expect(b"\x04\x07\x04PING\0\0");
        new.send(&command("PONG", b""));
    }
    runtime.run(dealer.wait_connected(2));
    drop(new);
    old.send(&message(&["hello"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("hello".into()));
    drop(dealer);
    assert_eq!(old.expect_close(), b"");
}

#[test]
fn incompatible_socket_types_and_malformed_greetings_are_rejected() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(willing());
    let at = runtime.bind(&dealer);
    for (said, answer) in [
        // An incompatible type gets no socket type of ours: the peer would take itself for connected.
        (&[SUB, 0, 0][..], &b""[..]),
        (&[11, 0, 0], b""),
        (&[255, 0, 0], b""),
        (&[DEALER, 1, 0], b"\x05\0\0"),
        (&[DEALER, 4, 0], b"\x05\0\0"),
    ] {
        let mut script = Script::connect(&at);
        script.send(&[SIGNATURE, &[1], said].concat());
        script.expect(b"\xff\0\0\0\0\0\0\0\0\x7f\x03");
        assert_eq!(script.expect_close(), answer, "{said:?}");
    }
}

#[test]
fn a_second_zmtp_2_0_pair_gets_only_our_version() {
    let runtime = Runtime::new();
    let pair = Pair::with_options(willing().heartbeat_interval(Duration::ZERO));
    let at = runtime.bind(&pair);
    let mut first = join(&at, PAIR, b"", PAIR);
    runtime.run(pair.wait_connected(1));
    let mut second = Script::connect(&at);
    second.send(&[SIGNATURE, &[1, PAIR, 0, 0]].concat());
    assert_eq!(second.expect_close(), b"\xff\0\0\0\0\0\0\0\0\x7f\x03");
    first.send(b"\0\x05hello");
    assert_eq!(runtime.run(pair.recv()), Ok("hello".into()));
}
