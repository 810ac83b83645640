//! PING and PONG (RFC 37, "Connection Heartbeating").

use std::time::Duration;

use enfonet::peer::SocketType;
use enfonet::{Dealer, Options, Req, Sub};
use enfonet_tests::{DEADLINE, Runtime, Script, ScriptListener, bound, command, connected, message};

use crate::setup::{KINDS, We, meet};

/// Returns a socket type that is compatible with `kind`.
fn partner(kind: SocketType) -> &'static str {
    let partner = SocketType::ALL.into_iter().find(|other| kind.is_compatible(*other));
    partner.unwrap().name()
}

#[test]
fn every_socket_type_answers_a_ping_with_its_context() {
    let runtime = Runtime::new();
    for (kind, minor) in KINDS.iter().flat_map(|kind| [(*kind, 0), (*kind, 1)]) {
        for we in [We::Bind, We::Connect] {
            let (_socket, mut script) = meet(&runtime, we, kind, Options::default());
            script.handshake(partner(kind), minor);
            script.send(b"\x04\x0a\x04PING\0\0LOL");
            script.expect(b"\x04\x08\x04PONGLOL");
            script.send(b"\x04\x07\x04PING\0\0");
            script.expect(b"\x04\x05\x04PONG");
        }
    }
}

#[test]
fn pings_are_answered_in_order() {
    let (_runtime, _dealer, mut script) = bound(Dealer::new(), "DEALER");
    let pings = (0..100u8).map(|n| command("PING", &[0, 0, n])).collect::<Vec<_>>().concat();
    script.send(&pings);
    (0..100u8).for_each(|n| script.expect(&command("PONG", &[n])));
}

#[test]
fn a_ping_context_is_truncated_at_16_bytes() {
    let (_runtime, _dealer, mut script) = bound(Dealer::new(), "DEALER");
    for (len, answered) in [(15, 15), (16, 16), (17, 16), (240, 16)] {
        let context: Vec<u8> = (0..len).collect();
        script.send(&command("PING", &[&[0, 0], &context[..]].concat()));
        script.expect(&command("PONG", &context[..answered]));
    }
    // The long form of a command.
    script.send(&[&b"\x06\0\0\0\0\0\0\x01\x2f\x04PING\0\0"[..], &[7; 296]].concat());
    script.expect(&[&b"\x04\x15\x04PONG"[..], &[7; 16]].concat());
}

#[test]
fn pings_and_pongs_do_not_reach_the_application() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    script.send(&command("PONG", b"unasked for"));
    script.send(&command("PING", b"\0\0"));
    script.send(&message(&["message"]));
    script.expect(&command("PONG", b""));
    assert_eq!(runtime.run(dealer.recv()), Ok("message".into()));
}

#[test]
fn a_ping_does_not_disturb_a_request() {
    let (runtime, req, mut script) = connected(Req::new(), "REP");
    runtime.run(req.send("q")).unwrap();
    script.expect(b"\x01\0\0\x01q");
    script.settle();
    script.send(b"\x01\0");
    script.settle();
    script.send(b"\0\x01a");
    assert_eq!(runtime.run(req.recv()), Ok("a".into()));
}

#[test]
fn our_pings_repeat_and_a_silent_peer_is_disconnected() {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        let options = Options::default()
            .heartbeat_interval(Duration::from_millis(5))
            .heartbeat_timeout(Duration::from_millis(500))
            .heartbeat_ttl(Duration::from_millis(1230));
        let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, options);
        script.handshake("DEALER", 1);
        for _ in 0..10 {
            script.expect(b"\x04\x07\x04PING\0\x0c");
            script.send(&command("PONG", b""));
        }
        // Any byte is an answer, and the next PING follows it.
        script.expect(b"\x04\x07\x04PING\0\x0c");
        script.send(b"\x01");
        script.expect(b"\x04\x07\x04PING\0\x0c");
        assert_eq!(script.expect_close(), b"");
    }
}

#[test]
fn a_peer_that_is_not_read_is_kept_and_a_silent_peer_is_disconnected() {
    let runtime = Runtime::new();
    let options = Options::default()
        .recv_hwm(1)
        .heartbeat_interval(Duration::from_millis(5))
        .heartbeat_timeout(Duration::from_millis(300));
    // The first message fills the inbox; most of the second, if any, stays in the kernel.
    let long = "b".repeat(100_000);
    for more in [vec![], vec![&long[..]]] {
        let dealer = Dealer::with_options(options.clone());
        let at = runtime.bind(&dealer);
        let mut unread = Script::join(&at, "DEALER", 1);
        let bodies = [&["a"][..], &more].concat();
        unread.send(&bodies.iter().flat_map(|body| message(&[body])).collect::<Vec<_>>());
        let mut silent = Script::join(&at, "DEALER", 1);
        silent.expect(b"\x04\x07\x04PING\0\0");
        assert_eq!(silent.expect_close(), b"");
        unread.send(&message(&["c"]));
        for body in [&bodies[..], &["c"]].concat() {
            assert_eq!(runtime.run(dealer.recv()), Ok(body.into()));
        }
    }
}

#[test]
fn a_peer_is_disconnected_after_its_own_ttl() {
    let (_runtime, _dealer, mut script) = bound(Dealer::new(), "DEALER");
    // A TTL of a tenth of a second.
    script.send(b"\x04\x07\x04PING\0\x01");
    script.expect(b"\x04\x05\x04PONG");
    assert_eq!(script.expect_close(), b"");
}

#[test]
fn pings_are_sent_only_when_configured() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let mut silent = Script::join(&at, "DEALER", 1);
    // The TTL of another peer passes, and its connection ends.
    let mut other = Script::join(&at, "DEALER", 1);
    other.send(b"\x04\x07\x04PING\0\x02");
    other.expect_close();
    silent.settle();
}

#[test]
fn a_silent_publisher_of_either_version_is_pinged_reconnected_and_subscribed_to_again() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let options = Options::default().heartbeat_interval(Duration::from_millis(20));
    let sub = Sub::with_options(options.reconnect_interval(Duration::from_millis(1)));
    sub.subscribe("A");
    sub.connect(at).unwrap();
    for (minor, subscribe) in [(0, &b"\0\x02\x01A"[..]), (1, b"\x04\x0b\x09SUBSCRIBEA"), (0, b"\0\x02\x01A")]
    {
        let mut script = listener.accept();
        script.handshake("PUB", minor);
        script.expect(subscribe);
        script.expect(b"\x04\x07\x04PING\0\0");
        assert_eq!(script.expect_close(), b"");
    }
}

#[test]
fn every_socket_type_disconnects_a_silent_peer_after_its_ttl_and_keeps_an_answering_peer() {
    let runtime = Runtime::new();
    for (kind, we) in KINDS.iter().flat_map(|kind| [(*kind, We::Bind), (*kind, We::Connect)]) {
        let asking = Options::default().heartbeat_interval(Duration::from_millis(5));
        let (_asking, mut answers) = meet(&runtime, we, kind, asking.heartbeat_timeout(DEADLINE));
        answers.handshake(partner(kind), 1);
        // Our socket sends no PING, and keeps the peer's TTL.
        let (_silent, mut silent) = meet(&runtime, we, kind, Options::default());
        silent.handshake(partner(kind), 1);
        silent.send(b"\x04\x07\x04PING\0\x01");
        for _ in 0..3 {
            answers.expect(b"\x04\x07\x04PING\0\0");
            answers.send(&command("PONG", b""));
        }
        silent.expect(&command("PONG", b""));
        assert_eq!(silent.expect_close(), b"", "{kind} {we:?}");
        answers.expect(b"\x04\x07\x04PING\0\0");
    }
}

#[test]
fn a_peer_that_is_not_read_still_gets_occasional_pongs() {
    let (runtime, dealer, mut asking) = bound(Dealer::with_options(Options::default().recv_hwm(1)), "DEALER");
    asking.send(&command("PING", b"\0\0context"));
    asking.expect(&command("PONG", b"context"));
    // There is no room for the second message, so a PING after it is not read.
    asking.send(&message(&["1"]));
    asking.send(&message(&["2"]));
    for _ in 0..3 {
        asking.expect(&command("PONG", b""));
    }
    for n in ["1", "2"] {
        assert_eq!(runtime.run(dealer.recv()), Ok(n.into()));
    }
    // PINGs are answered once the peer is read again.
    asking.send(&command("PING", b"\0\0again"));
    let answer = command("PONG", b"again");
    let mut heard = Vec::new();
    while !heard.ends_with(&answer) {
        heard.extend(asking.read(1));
    }
}
