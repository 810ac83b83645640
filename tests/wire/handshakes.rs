//! READY and ERROR (RFC 37, "The NULL Security Mechanism").

use std::time::Duration;

use enfonet::peer::SocketType;
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Options, Router};
use enfonet_tests::{Runtime, Script, ScriptListener, VERSIONED, command, greeting, message, ready};

use crate::setup::{ANYWHERE, KINDS, Kept, We, dealer, meet};

/// Returns the kinds of socket that a kind may talk to.
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
    let _guard = runtime.enter();
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
    let _guard = runtime.enter();
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
    let _guard = runtime.enter();
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
    let _guard = runtime.enter();
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
    let _guard = runtime.enter();
    let odd = ["", "dealer", "DEALERX", "DEALE", "STREAM", "CLIENT"];
    for (we, kind) in KINDS.iter().flat_map(|kind| [(We::Bind, *kind), (We::Connect, *kind)]) {
        let strangers = SocketType::ALL.map(SocketType::name).into_iter().chain(odd);
        for stranger in strangers.filter(|name| !partners(kind.name()).contains(name)) {
            let (_socket, mut script) = meet(&runtime, we, kind, Options::default());
            script.send(&[greeting(1), ready(&[("Socket-Type", stranger.as_bytes())])].concat());
            script.expect(&greeting(1));
            // The end that connects has introduced itself before it heard of the peer.
            if matches!(we, We::Connect) {
                script.expect(&our_ready(kind, b""));
            }
            let error = script.expect_close();
            assert_eq!(&error[..8], [4, error[1], 5, b'E', b'R', b'R', b'O', b'R'], "{kind} {stranger}");
            assert_eq!((error.len(), usize::from(error[8])), (usize::from(error[1]) + 2, error.len() - 9));
            assert!(error[9..].iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '));
        }
    }
}

/// A peer that has said this of itself to a DEALER.
fn saying(runtime: &Runtime, we: We, said: &[u8]) -> (Kept, Script) {
    let (socket, mut script) = meet(runtime, we, SocketType::Dealer, Options::default());
    script.send(&[&greeting(1), said].concat());
    script.expect(&greeting(1));
    (socket, script)
}

fn is_taken(said: &[u8]) {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for we in [We::Bind, We::Connect] {
        let (_socket, mut script) = saying(&runtime, we, said);
        script.expect(&our_ready(SocketType::Dealer, b""));
        script.settle();
    }
}

fn is_turned_away(said: &[u8]) {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
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
    is_taken(b"\x04\x06\x05READY");
    is_taken(&ready(&[("socket-type", b"ROUTER"), ("IDENTITY", b"x")]));
    is_taken(&ready(&[
        ("X-Anything", b""),
        ("Socket-Type", b"REP"),
        ("Resource", b"/a/b"),
        ("X-Anything", b"2"),
    ]));
    is_taken(&ready(&[("Socket-Type", b"DEALER"), ("Identity", &[b'i'; 200])]));
    // The long form, of a short body and of a long one.
    is_taken(b"\x06\0\0\0\0\0\0\0\x06\x05READY");
    let long = [&b"\x05READY\x06X-Long\0\0\x27\x10"[..], &[0; 10_000]].concat();
    is_taken(
        &[&[6, 0, 0, 0, 0, 0, 0], &u16::try_from(long.len()).unwrap().to_be_bytes()[..], &long].concat(),
    );
}

#[test]
fn an_identity_may_have_255_bytes_and_a_leading_zero_makes_it_empty() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let router = Router::builder().peer_events(true).build();
    let at = runtime.run(router.bind(ANYWHERE)).unwrap().to_string();
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
    // A name of no bytes; a name, a length and a value that are cut off; a length as large as there is.
    for properties in [
        &b"\0\0\0\0\0"[..],
        b"\x05Nam",
        b"\x04Name",
        b"\x04Name\0\0",
        b"\x04Name\0\0\0\x02v",
        b"\x04Name\xff\xff\xff\xff",
        b"\x04Name\0\0\0\x01v!",
    ] {
        is_turned_away(&command("READY", properties));
    }
    let identity = [&b"\x05READY\x08Identity\0\0\x01\0"[..], &[b'i'; 256]].concat();
    is_turned_away(&[&[6, 0, 0, 0, 0, 0, 0, 1, 19], &identity[..]].concat());
}

#[test]
fn ready_must_be_the_first_command() {
    is_turned_away(&message(&["hello"]));
    is_turned_away(&message(&["", "hello"]));
    is_turned_away(&command("PING", b"\0\0"));
    is_turned_away(&command("SUBSCRIBE", b""));
    is_turned_away(&command("ready", b""));
    is_turned_away(&command("READYX", b""));
    // READY, but as a message.
    is_turned_away(b"\0\x06\x05READY");
    // No name, or one that is cut off.
    is_turned_away(b"\x04\0");
    is_turned_away(b"\x04\x01\0");
    is_turned_away(b"\x04\x03\x05RE");
}

#[test]
fn an_oversized_ready_is_rejected_by_its_length() {
    is_turned_away(b"\x06\0\0\0\0\0\x10\0\0");
    is_turned_away(b"\x06\x7f\xff\xff\xff\xff\xff\xff\xff");
    is_turned_away(b"\x06\xff\xff\xff\xff\xff\xff\xff\xff");
}

#[test]
fn an_error_command_ends_the_connection() {
    is_turned_away(&command("ERROR", b"\x03400"));
    is_turned_away(&command("ERROR", b"\x00"));
    is_turned_away(&command("ERROR", b""));
    is_turned_away(&command("ERROR", b"\x09short"));
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
    let _guard = runtime.enter();
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
    let _guard = runtime.enter();
    let options = Options::default().handshake_timeout(Duration::from_millis(50));
    let (dealer, at) = dealer(&runtime, options);
    let mut through = Script::join(&at, "DEALER", 1);
    // One that is given up shows that the time is over.
    Script::connect(&at).expect_close();
    through.send(&message(&["still here"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("still here".into()));
}
