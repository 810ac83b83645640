//! The 64 bytes that open a connection (RFC 37, "Version Negotiation").

use enfonet::peer::SocketType;
use enfonet::{Dealer, Message, Options, Sub};
use enfonet_tests::{Runtime, Script, ScriptListener, VERSIONED, greeting, message, ready};

use crate::setup::{We, meet};

/// Returns the READY of a DEALER.
fn dealer_ready() -> Vec<u8> {
    ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")])
}

fn null_greeting() -> Vec<u8> {
    let mut bytes = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL".to_vec();
    bytes.resize(64, 0);
    bytes
}

#[test]
fn a_connecting_socket_sends_its_whole_greeting_before_it_reads() {
    let runtime = Runtime::new();
    let (_socket, mut script) = meet(&runtime, We::Connect, SocketType::Dealer, Options::default());
    script.expect(&null_greeting());
}

#[test]
fn an_accepting_socket_sends_its_version_at_once_and_its_mechanism_after_the_peers_version() {
    let runtime = Runtime::new();
    let (_socket, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, Options::default());
    let (version, rest) = (&null_greeting()[..VERSIONED], &null_greeting()[VERSIONED..]);
    script.expect(version);
    script.send(&greeting(1)[..VERSIONED]);
    script.expect(rest);
    let (_socket, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, Options::default());
    script.send(&greeting(1)[..VERSIONED - 1]);
    script.finish();
    assert_eq!(script.expect_close(), version);
}

#[test]
fn the_handshake_may_arrive_in_single_bytes() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let mut script = Script::connect(&at);
    for byte in [greeting(1), dealer_ready(), message(&["hello", "", "world"])].concat() {
        script.send(&[byte]);
    }
    assert_eq!(runtime.run(dealer.recv()), Ok(["hello", "", "world"].into()));
}

#[test]
fn the_handshake_may_be_split_anywhere() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let all = [greeting(1), dealer_ready(), message(&["hello"])].concat();
    for cut in 1..all.len() {
        let mut script = Script::connect(&at);
        let (before, after) = all.split_at(cut);
        script.send(before);
        // Our version, the rest after the peer's version, and our READY after the peer's show that `before` was read.
        script.expect(&greeting(1)[..if cut < VERSIONED { VERSIONED } else { 64 }]);
        if cut >= 64 + dealer_ready().len() {
            script.expect(&dealer_ready());
        }
        script.send(after);
        assert_eq!(runtime.run(dealer.recv()), Ok("hello".into()), "cut after {cut} bytes");
    }
}

#[test]
fn the_handshake_and_messages_may_arrive_in_one_piece() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let mut script = Script::connect(&at);
    let messages = (0..100u8).map(|n| message(&[[n]])).collect::<Vec<_>>().concat();
    script.send(&[greeting(1), dealer_ready(), messages].concat());
    for n in 0..100 {
        assert_eq!(runtime.run(dealer.recv()), Ok(Message::from(&[n])));
    }
}

#[test]
fn a_peer_may_wait_for_each_part_of_our_greeting() {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, Options::default());
        // libzmq sends the signature first, with the length of a ZMTP 1.0 identity in it.
        let mut theirs = greeting(1);
        theirs[8] = 1;
        script.send(&theirs[..10]);
        script.expect(&greeting(1)[..10]);
        script.expect(&greeting(1)[10..11]);
        script.send(&theirs[10..11]);
        script.expect(&greeting(1)[11..]);
        script.send(&theirs[11..]);
        // The connecting end sends READY first.
        match we {
            We::Bind => {
                script.send(&dealer_ready());
                script.expect(&dealer_ready());
            }
            We::Connect => {
                script.expect(&dealer_ready());
                script.send(&dealer_ready());
            }
        }
        script.settle();
    }
}

#[test]
fn padding_role_and_filler_are_ignored() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let mut theirs = greeting(1);
    theirs[1..9].fill(0xaa);
    theirs[32..].fill(0x55);
    let mut script = Script::connect(&at);
    script.send(&[theirs, dealer_ready()].concat());
    script.expect(&[greeting(1), dealer_ready()].concat());
    script.settle();
}

#[test]
fn later_versions_are_treated_as_our_version() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for (major, minor) in [(3, 1), (3, 2), (3, 255), (4, 0), (127, 0), (255, 255)] {
        let (listener, at) = ScriptListener::bind();
        let sub = Sub::new();
        sub.subscribe("A");
        sub.connect(at).unwrap();
        let mut script = listener.accept();
        let mut theirs = greeting(minor);
        theirs[10] = major;
        script.send(&[theirs, ready(&[("Socket-Type", b"PUB")])].concat());
        script.expect(&[greeting(1), ready(&[("Socket-Type", b"SUB")])].concat());
        script.expect(b"\x04\x0b\x09SUBSCRIBEA");
    }
}

/// Asserts that our end replies to these bytes with its greeting, and closes. If the bytes have no version, an
/// accepting end sends its greeting only up to the version.
fn assert_rejected(bytes: &[u8]) {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, Options::default());
        script.send(bytes);
        let tells_version = bytes[0] == 0xff && bytes[9] & 1 == 1;
        script.expect(&greeting(1)[..if we == We::Bind && !tells_version { VERSIONED } else { 64 }]);
        assert_eq!(script.expect_close(), b"", "{}", bytes.escape_ascii());
    }
}

#[test]
fn zmtp_1_is_rejected() {
    // A peer without an identity, one with an identity, and one with a length of eight bytes.
    assert_rejected(b"\x01\x00");
    assert_rejected(b"\x06\x00peer1");
    assert_rejected(b"\xff\0\0\0\0\0\0\0\x01\x00");
}

#[test]
fn zmtp_2_is_rejected() {
    for revision in 0..3 {
        assert_rejected(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, revision]);
    }
}

#[test]
fn other_protocols_are_rejected() {
    assert_rejected(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_rejected(b"\x16\x03\x01\x02\x00");
    assert_rejected(b"\0");
}

#[test]
fn another_mechanism_is_rejected() {
    for mechanism in [&b"PLAIN"[..], b"CURVE", b"NULL\0x", b"null", b"", b"NULLNULLNULLNULLNULL"] {
        let mut theirs = greeting(1);
        theirs[12..32].fill(0);
        theirs[12..12 + mechanism.len()].copy_from_slice(mechanism);
        assert_rejected(&theirs);
    }
}
