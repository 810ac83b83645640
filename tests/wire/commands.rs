//! Commands after the handshake (RFC 37, "Commands").

use enfonet::{Dealer, Message, Pub, Sub};
use enfonet_tests::{Runtime, Script, bound, command, message, ready};

#[test]
fn unknown_commands_are_ignored() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    script.send(&message(&["before"]));
    for unknown in [
        command("NOPE", b""),
        command("JOIN", b"group"),
        command("LEAVE", b"group"),
        command("MESSAGE", &[0; 33]),
        command("ping", b"\0\0"),
        command(&"X".repeat(253), b""),
        [&b"\x06\0\0\0\0\0\0\x40\0\x04NOPE"[..], &[0; 0x4000 - 5]].concat(),
    ] {
        script.send(&unknown);
    }
    script.settle();
    script.send(&message(&["after"]));
    for text in ["before", "after"] {
        assert_eq!(runtime.run(dealer.recv()), Ok(text.into()));
    }
}

#[test]
fn handshake_commands_are_ignored_after_the_handshake() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    script.send(&ready(&[("Socket-Type", b"PUB")]));
    script.send(&command("ERROR", b"\x03no!"));
    script.settle();
    script.send(&message(&["after"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("after".into()));
}

#[test]
fn commands_may_stand_between_the_frames_of_a_message() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    script.send(b"\x01\x01a");
    script.settle();
    script.send(&command("NOPE", b""));
    script.send(b"\x01\x01b");
    // A command with the MORE flag, which has no meaning there.
    script.send(b"\x05\x07\x04PING\0\0");
    script.expect(b"\x04\x05\x04PONG");
    script.send(b"\0\x01c");
    assert_eq!(runtime.run(dealer.recv()), Ok(["a", "b", "c"].into()));
}

#[test]
fn subscriptions_are_ignored_by_sockets_that_do_not_publish() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    script.send(&command("SUBSCRIBE", b"a"));
    script.send(&command("CANCEL", b"a"));
    script.send(&message(&["after"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("after".into()));
}

#[test]
fn a_malformed_command_ends_the_connection() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    // No name, a cut-off name, a PING without its TTL, a length above the limit of a frame.
    for malformed in [
        &b"\x04\0"[..],
        b"\x04\x01\0",
        b"\x04\x01\x05",
        b"\x04\x03\x05NO",
        b"\x04\x06\x04PING\0",
        b"\x06\0\0\0\0\x10\0\0\x01",
    ] {
        let mut script = Script::join(&at, "DEALER", 1);
        script.settle();
        script.send(malformed);
        assert_eq!(script.expect_close(), b"", "{}", malformed.escape_ascii());
    }
}

#[test]
fn publications_are_sent_as_these_bytes() {
    let runtime = Runtime::new();
    for minor in [0, 1] {
        let publisher = Pub::new();
        let at = runtime.bind(&publisher);
        let mut script = Script::join(&at, "SUB", minor);
        script.send(b"\0\x02\x01A");
        runtime.run(publisher.wait_subscribers(1));
        runtime.run(publisher.send("unwanted")).unwrap();
        runtime.run(publisher.send("ALOL")).unwrap();
        runtime.run(publisher.send(["A", "", "x"])).unwrap();
        script.expect(b"\0\x04ALOL\x01\x01A\x01\0\0\x01x");
    }
}

#[test]
fn publications_are_received_from_these_bytes() {
    let runtime = Runtime::new();
    for minor in [0, 1] {
        let sub = Sub::new();
        sub.subscribe("A");
        let mut script = runtime.connect_to_peer(&sub, "PUB", minor);
        // SUB drops messages of topics that it hasn't subscribed to.
        script.send(b"\0\x04BLOL\0\x04ALOL\0\0\x01\x01A\x01\0\0\x01x");
        for message in [Message::from("ALOL"), ["A", "", "x"].into()] {
            assert_eq!(runtime.run(sub.recv()), Ok(message));
        }
    }
}
