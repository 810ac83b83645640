//! READY and ERROR (RFC 37, "The NULL Security Mechanism").

use std::time::Duration;

use enfonet::peer::SocketType;
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Options, Router, Sub};
use enfonet_tests::{Runtime, Script, ScriptListener, VERSIONED, command, greeting, message, ready};

use crate::setup::{KINDS, Kept, We, meet};

/// Returns the socket types that are compatible with `kind`.
fn partners(kind: &str) -> &'static [&'static str] {
    match kind {
        "REQ" => &["REP", "ROUTER"],
        "REP" => &["REQ", "DEALER"],
        "DEALER" => &["REP", "DEALER", "ROUTER"],
        "ROUTER" => &["REQ", "DEALER", "ROUTER"],
        "PUB" | "XPUB" => &["SUB", "XSUB"],
        "SUB" | "XSUB" => &["PUB", "XPUB"],
        "PUSH" => &["PULL"],
        "PULL" => &["PUSH"],
        "PAIR" => &["PAIR"],
        _ => &[],
    }
}

/// Returns the READY of a socket of ours.
fn our_ready(kind: SocketType, identity: &[u8]) -> Vec<u8> {
    let name = kind.to_string();
    let socket_type = ("Socket-Type", name.as_bytes());
    match kind {
        SocketType::Req | SocketType::Dealer | SocketType::Router => {
            ready(&[socket_type, ("Identity", identity)])
        }
        _ => ready(&[socket_type]),
    }
}

#[test]
fn ready_is_sent_as_these_bytes() {
    let runtime = Runtime::new();
    let expected: [(SocketType, &[u8]); 8] = [
        (SocketType::Req, b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0"),
        (SocketType::Rep, b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REP"),
        (SocketType::Dealer, b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0"),
        (SocketType::Router, b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0"),
        (SocketType::Pub, b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB"),
        (SocketType::XPub, b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB"),
        (SocketType::Sub, b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB"),
        (SocketType::XSub, b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XSUB"),
    ];
    for (kind, bytes) in expected {
        assert_eq!(our_ready(kind, b""), bytes);
        for we in [We::Bind, We::Connect] {
            let (_socket, mut script) = meet(&runtime, we, kind, Options::default());
            script.send(&greeting(1));
            script.expect(&greeting(1));
            if matches!(we, We::Bind) {
                script.send(&ready(&[]));
            }
            script.expect(bytes);
        }
    }
}

#[test]
fn req_dealer_and_router_announce_their_identity() {
    let runtime = Runtime::new();
    for (kind, identity) in KINDS.iter().flat_map(|kind| [(*kind, &b"me"[..]), (*kind, &[0xff; 200])]) {
        let options = Options::default().identity(identity);
        let (_socket, mut script) = meet(&runtime, We::Bind, kind, options);
        script.send(&[greeting(1), ready(&[])].concat());
        script.expect(&greeting(1));
        script.expect(&our_ready(kind, identity));
    }
}

#[test]
fn ready_with_a_long_identity_uses_the_long_form() {
    let runtime = Runtime::new();
    let options = Options::default().identity(vec![b'i'; 255]);
    let (_socket, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, options);
    script.send(&[greeting(1), ready(&[])].concat());
    script.expect(&greeting(1));
    let body =
        [&b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\xff"[..], &[b'i'; 255]].concat();
    script.expect(
        &[&[6, 0, 0, 0, 0, 0, 0], &u16::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat(),
    );
}

#[test]
fn compatible_socket_types_connect() {
    let runtime = Runtime::new();
    for (we, kind) in KINDS.iter().flat_map(|kind| [(We::Bind, *kind), (We::Connect, *kind)]) {
        for partner in partners(kind.name()) {
            let (_socket, mut script) = meet(&runtime, we, kind, Options::default());
            script.handshake(partner, 1);
            script.settle();
        }
    }
}

#[test]
fn incompatible_socket_types_get_an_error_and_are_rejected() {
    let runtime = Runtime::new();
    let odd = ["", "dealer", "DEALERX", "DEALE", "STREAM", "CLIENT"];
    for (we, kind) in KINDS.iter().flat_map(|kind| [(We::Bind, *kind), (We::Connect, *kind)]) {
        let others = SocketType::ALL.map(SocketType::name).into_iter().chain(odd);
        for other in others.filter(|name| !partners(kind.name()).contains(name)) {
            let (_socket, mut script) = meet(&runtime, we, kind, Options::default());
            script.send(&[greeting(1), ready(&[("Socket-Type", other.as_bytes())])].concat());
            script.expect(&greeting(1));
            // The connecting end sends READY before it reads the peer's.
            if matches!(we, We::Connect) {
                script.expect(&our_ready(kind, b""));
            }
            let error = script.expect_close();
            assert_eq!(&error[..8], [4, error[1], 5, b'E', b'R', b'R', b'O', b'R'], "{kind} {other}");
            assert_eq!((error.len(), usize::from(error[8])), (usize::from(error[1]) + 2, error.len() - 9));
            assert!(error[9..].iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '));
        }
    }
}

/// Returns a DEALER of ours, and a scripted peer that has sent a greeting and `said`.
fn saying(runtime: &Runtime, we: We, said: &[u8]) -> (Kept, Script) {
    let (socket, mut script) = meet(runtime, we, SocketType::Dealer, Options::default());
    script.send(&[&greeting(1), said].concat());
    script.expect(&greeting(1));
    (socket, script)
}

fn assert_accepted(said: &[u8]) {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        let (_socket, mut script) = saying(&runtime, we, said);
        script.expect(&our_ready(SocketType::Dealer, b""));
        script.settle();
    }
}

fn assert_rejected(said: &[u8]) {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        println!("{}", said.escape_ascii());
        let (_socket, mut script) = saying(&runtime, we, said);
        let heard = script.expect_close();
        let is_introduced = heard.starts_with(&our_ready(SocketType::Dealer, b""));
        assert_eq!(is_introduced, matches!(we, We::Connect), "{}", heard.escape_ascii());
    }
}

#[test]
fn ready_may_have_fewer_or_more_properties_or_other_letter_case() {
    assert_accepted(b"\x04\x06\x05READY");
    assert_accepted(&ready(&[("socket-type", b"ROUTER"), ("IDENTITY", b"x")]));
    assert_accepted(&ready(&[
        ("X-Anything", b""),
        ("Socket-Type", b"REP"),
        ("Resource", b"/a/b"),
        ("X-Anything", b"2"),
    ]));
    assert_accepted(&ready(&[("Socket-Type", b"DEALER"), ("Identity", &[b'i'; 200])]));
    // The long form, with a short body and with a long body.
    assert_accepted(b"\x06\0\0\0\0\0\0\0\x06\x05READY");
    let long = [&b"\x05READY\x06X-Long\0\0\x27\x10"[..], &[0; 10_000]].concat();
    assert_accepted(
        &[&[6, 0, 0, 0, 0, 0, 0], &u16::try_from(long.len()).unwrap().to_be_bytes()[..], &long].concat(),
    );
}

#[test]
fn an_identity_may_have_255_bytes_and_a_leading_zero_makes_it_empty() {
    let runtime = Runtime::new();
    let router = Router::builder().peer_events(true).build();
    let at = runtime.bind(&router);
    for identity in [vec![b'i'; 255], b"\0\0\0\0\x01".to_vec(), b"\0".to_vec()] {
        let body = [&b"\x05READY\x08Identity\0\0\0"[..], &[identity.len() as u8], &identity].concat();
        let mut script = Script::connect(&at);
        let frame =
            [&[6, 0, 0, 0, 0, 0, 0], &u16::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat();
        script.send(&[greeting(1), frame].concat());
        let PeerEvent::Joined { peer, info } = runtime.run(router.recv_event(1)).unwrap() else { panic!() };
        let name = router.identity(peer).unwrap();
        if identity[0] == 0 {
            assert!(name != identity && name.len() == 5 && info.routing_id == name);
        } else {
            assert_eq!((&info.routing_id, &name), (&identity.clone().into(), &identity.into()));
        }
        drop(script);
        assert!(
            matches!(runtime.run(router.recv_event(1)), Ok(PeerEvent::Left { peer: gone, .. }) if gone == peer)
        );
    }
}

#[test]
fn a_malformed_ready_is_rejected() {
    // An empty name; a cut-off name, length and value; the maximum length.
    for properties in [
        &b"\0\0\0\0\0"[..],
        b"\x05Nam",
        b"\x04Name",
        b"\x04Name\0\0",
        b"\x04Name\0\0\0\x02v",
        b"\x04Name\xff\xff\xff\xff",
        b"\x04Name\0\0\0\x01v!",
    ] {
        assert_rejected(&command("READY", properties));
    }
    let identity = [&b"\x05READY\x08Identity\0\0\x01\0"[..], &[b'i'; 256]].concat();
    assert_rejected(&[&[6, 0, 0, 0, 0, 0, 0, 1, 19], &identity[..]].concat());
}

#[test]
fn ready_must_be_the_first_command() {
    assert_rejected(&message(&["hello"]));
    assert_rejected(&message(&["", "hello"]));
    assert_rejected(&command("PING", b"\0\0"));
    assert_rejected(&command("SUBSCRIBE", b""));
    assert_rejected(&command("ready", b""));
    assert_rejected(&command("READYX", b""));
    // READY as a message.
    assert_rejected(b"\0\x06\x05READY");
    // No name, and a cut-off name.
    assert_rejected(b"\x04\0");
    assert_rejected(b"\x04\x01\0");
    assert_rejected(b"\x04\x03\x05RE");
}

#[test]
fn an_oversized_ready_is_rejected_by_its_length() {
    assert_rejected(b"\x06\0\0\0\0\0\x10\0\0");
    assert_rejected(b"\x06\x7f\xff\xff\xff\xff\xff\xff\xff");
    assert_rejected(b"\x06\xff\xff\xff\xff\xff\xff\xff\xff");
}

#[test]
fn an_error_command_ends_the_connection() {
    assert_rejected(&command("ERROR", b"\x03400"));
    assert_rejected(&command("ERROR", b"\x00"));
    assert_rejected(&command("ERROR", b""));
    assert_rejected(&command("ERROR", b"\x09short"));
}

#[test]
fn the_connecting_end_retries_after_a_failed_handshake() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let soon = Duration::from_millis(1);
    let options = Options::default().reconnect_interval(soon).rejected_reconnect_interval(soon);
    let dealer = Dealer::with_options(options);
    dealer.connect(at).unwrap();
    dealer.try_send("waits").unwrap();
    for said in [&b"HTTP/1.1"[..], &[&greeting(1), &command("ERROR", b"\0")[..]].concat(), b""] {
        let mut script = listener.accept();
        script.send(said);
        script.expect(&greeting(1));
        if !said.is_empty() {
            script.expect_close();
        }
    }
    let mut script = listener.accept();
    script.handshake("PUB", 1);
    script.expect_close();
    let mut script = listener.accept();
    script.handshake("ROUTER", 1);
    script.expect(&message(&["waits"]));
}

#[test]
fn a_handshake_that_takes_too_long_is_given_up() {
    let runtime = Runtime::new();
    let all = [greeting(1), ready(&[("Socket-Type", b"DEALER")])].concat();
    for we in [We::Bind, We::Connect] {
        for sent in [0, 1, 63, 64, all.len() - 1] {
            let options = Options::default().handshake_timeout(Duration::from_millis(20));
            let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, options);
            script.send(&all[..sent]);
            let expected = match we {
                We::Connect if sent >= 64 => [greeting(1), our_ready(SocketType::Dealer, b"")].concat(),
                We::Bind if sent < VERSIONED => greeting(1)[..VERSIONED].to_vec(),
                _ => greeting(1),
            };
            assert_eq!(script.expect_close(), expected, "{we:?} {sent}");
        }
    }
}

#[test]
fn the_handshake_timeout_ends_with_the_handshake() {
    let runtime = Runtime::new();
    let options = Options::default().handshake_timeout(Duration::from_millis(50));
    let dealer = Dealer::with_options(options);
    let at = runtime.bind(&dealer);
    let mut through = Script::join(&at, "DEALER", 1);
    // The end of this handshake shows that the timeout has passed.
    Script::connect(&at).expect_close();
    through.send(&message(&["still here"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("still here".into()));
}

fn quick() -> Options {
    Options::default().reconnect_interval(Duration::from_millis(1))
}

#[test]
fn no_message_is_sent_before_the_peers_ready() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let (dealer, sub) = (Dealer::with_options(quick()), Sub::with_options(quick()));
    dealer.connect(&at).unwrap();
    dealer.try_send("waits").unwrap();
    let mut script = listener.accept();
    script.send(&greeting(1));
    script.expect(&greeting(1));
    script.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
    script.finish();
    assert_eq!(script.expect_close(), b"");
    let mut script = listener.accept();
    script.handshake("ROUTER", 1);
    script.expect(&message(&["waits"]));
    drop(dealer);
    drop(script);
    // Subscriptions wait for READY, too.
    let (listener, at) = ScriptListener::bind();
    sub.subscribe("topic");
    sub.connect(&at).unwrap();
    let mut script = listener.accept();
    script.send(&greeting(1));
    script.expect(&greeting(1));
    script.expect(&ready(&[("Socket-Type", b"SUB")]));
    script.finish();
    assert_eq!(script.expect_close(), b"");
}

#[test]
fn a_peer_that_disconnects_during_the_handshake_is_retried() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(quick());
    let (mut script, listener) = runtime.connect_to_listener(&dealer);
    let all = [greeting(1), ready(&[("Socket-Type", b"ROUTER")])].concat();
    for sent in [0, 1, 10, 11, 63, 64, 65, all.len() - 1] {
        script.send(&all[..sent]);
        script.leave();
        script = listener.accept();
    }
    dealer.try_send("after all").unwrap();
    script.handshake("ROUTER", 1);
    script.expect(&message(&["after all"]));
}

#[test]
fn bytes_after_an_error_command_are_ignored() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let ready = ready(&[("Socket-Type", b"DEALER")]);
    let error = command("ERROR", b"\x03no!");
    let mut rejecting = Script::connect(&at);
    rejecting.send(&[greeting(1), error, ready, message(&["smuggled"])].concat());
    rejecting.expect_close();
    let mut healthy = Script::join(&at, "DEALER", 1);
    healthy.send(&message(&["healthy"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("healthy".into()));
}

#[test]
fn the_socket_type_is_checked_under_any_case_of_its_property_name() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    for name in ["Socket-Type", "socket-type", "SOCKET-TYPE"] {
        let mut wrong = Script::connect(&at);
        wrong.send(&[greeting(1), ready(&[(name, b"PUB")])].concat());
        wrong.expect_close();
        let mut right = Script::connect(&at);
        right.send(&[greeting(1), ready(&[(name, b"ROUTER")])].concat());
        right.expect(&greeting(1));
        right.expect(&self::ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
        right.settle();
    }
}
