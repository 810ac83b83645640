//! Handshakes with PLAIN, byte by byte.

use super::*;
use crate::command::error::CommandError;
use crate::security::credentials::PlainCredentials;

fn server() -> Bench {
    let mut bench = Bench::new(security(SocketType::Rep, Security::PlainServer));
    bench.feed(&greeting(Mechanism::Plain)).unwrap();
    assert_eq!(bench.sent()[64..], *b"", "the client speaks first");
    bench
}

fn client(username: &'static str, password: &str) -> Bench {
    let login = PlainCredentials::new(username, password).unwrap();
    let mut bench = Bench::new(security(SocketType::Req, Security::PlainClient(login)));
    bench.feed(&greeting(Mechanism::Plain)).unwrap();
    bench
}

const HELLO: &[u8] = b"\x04\x13\x05HELLO\x05admin\x06secret";

#[test]
fn hello_has_the_name_and_the_password_after_their_lengths() {
    assert_eq!(client("admin", "secret").sent()[64..], *HELLO);
    assert_eq!(client("", "").sent()[64..], *b"\x04\x08\x05HELLO\0\0");
}

#[test]
fn a_plain_server_sends_welcome_and_ready() {
    let mut bench = server();
    bench.verdict = Some(Verdict::Allow(User::named("Ada")));
    assert!(bench.feed(HELLO).unwrap().is_none());
    assert_eq!(bench.asked, [Credentials::Plain(PlainCredentials::new("admin", "secret").unwrap())]);
    assert_eq!(bench.sent(), b"\x04\x08\x07WELCOME");
    let announced = metadata(&[("Socket-Type", b"REQ"), ("Identity", b"me")]);
    let peer = bench.complete(&command("INITIATE", &[announced.as_wire()]));
    assert_eq!((peer.socket_type, &peer.identity[..]), (Some(SocketType::Req), &b"me"[..]));
    assert_eq!(peer.user.id, "Ada");
    assert_eq!(bench.sent(), ready(&[("Socket-Type", b"REP")]));
}

#[test]
fn a_plain_client_sends_hello_and_initiate() {
    let mut bench = client("admin", "secret");
    bench.sent();
    assert!(bench.feed(b"\x04\x08\x07WELCOME").unwrap().is_none());
    let announced = metadata(&[("Socket-Type", b"REQ"), ("Identity", b"")]);
    assert_eq!(bench.sent(), command("INITIATE", &[announced.as_wire()]));
    assert_eq!(bench.complete(&ready(&[("Socket-Type", b"REP")])).socket_type, Some(SocketType::Rep));
    assert!(bench.asked.is_empty(), "a client doesn't decide on its server");
}

#[test]
fn empty_metadata_is_accepted_on_both_sides() {
    let mut bench = server();
    bench.feed(HELLO).unwrap();
    assert_eq!(bench.complete(&command("INITIATE", &[])).socket_type, None);
    let mut bench = client("a", "b");
    bench.feed(b"\x04\x08\x07WELCOME").unwrap();
    assert_eq!(bench.complete(&command("READY", &[])).socket_type, None);
}

#[test]
fn a_hello_that_does_not_end_with_the_password_is_malformed() {
    for data in [
        &b""[..],
        b"\0",
        b"\x05admi",
        b"\x05admin",
        b"\x05admin\x06secre",
        b"\x05admin\x06secret!",
        b"\xff\0",
        b"\0\xff",
    ] {
        let mut bench = server();
        let rejected = bench.expect_error(&command("HELLO", &[data]));
        assert_eq!(rejected, CommandError::Malformed(CommandName::Hello).into(), "{data:?}");
        assert!(bench.asked.is_empty());
    }
}

#[test]
fn names_and_passwords_may_have_255_bytes() {
    let (username, password) = ([b'u'; 255], [b'p'; 255]);
    let mut bench = server();
    bench.feed(&command("HELLO", &[&[255], &username, &[255], &password])).unwrap();
    let login = PlainCredentials::new(username.to_vec(), password).unwrap();
    assert_eq!(bench.asked, [Credentials::Plain(login)]);
}

#[test]
fn a_welcome_with_a_body_is_malformed() {
    let rejected = client("a", "b").expect_error(&command("WELCOME", &[b"!"]));
    assert_eq!(rejected, CommandError::Malformed(CommandName::Welcome).into());
}

#[test]
fn a_command_in_the_wrong_order_is_rejected() {
    let unexpected = |wanted, got: &str| HandshakeError::Unexpected {
        wanted,
        got: CommandName::from_wire(got.as_bytes()),
    };
    for got in ["WELCOME", "INITIATE", "READY", "ERROR", "PING", "hello"] {
        assert_eq!(server().expect_error(&command(got, &[])), unexpected(CommandName::Hello, got));
    }
    for got in ["HELLO", "WELCOME", "READY", "ERROR"] {
        let mut bench = server();
        bench.feed(HELLO).unwrap();
        assert_eq!(bench.expect_error(&command(got, &[])), unexpected(CommandName::Initiate, got));
    }
    for got in ["HELLO", "INITIATE", "READY"] {
        assert_eq!(client("a", "b").expect_error(&command(got, &[])), unexpected(CommandName::Welcome, got));
    }
    for got in ["HELLO", "WELCOME", "INITIATE"] {
        let mut bench = client("a", "b");
        bench.feed(b"\x04\x08\x07WELCOME").unwrap();
        assert_eq!(bench.expect_error(&command(got, &[])), unexpected(CommandName::Ready, got));
    }
    assert_eq!(server().expect_error(b"\0\x06sneaky"), HandshakeError::Message);
}

#[test]
fn a_client_that_sends_on_before_the_answer_is_rejected() {
    let mut bench = server();
    bench.verdict = None;
    bench.feed(HELLO).unwrap();
    assert_eq!(bench.expect_error(&command("INITIATE", &[])), HandshakeError::OutOfTurn);
    // At once, it isn't even asked about.
    let mut bench = server();
    assert_eq!(bench.expect_error(&[HELLO, &command("INITIATE", &[])].concat()), HandshakeError::OutOfTurn);
    assert_eq!((bench.asked, &bench.sent[..]), (vec![], &b""[..]));
}

#[test]
fn a_rejected_client_gets_the_status_and_nothing_else() {
    for (deny_reason, answer) in [
        (DenyReason::Credentials, error("400")),
        (DenyReason::Internal, error("500")),
        (DenyReason::TryLater, vec![]),
    ] {
        let mut bench = server();
        bench.verdict = Some(Verdict::Deny(deny_reason));
        assert_eq!(bench.expect_error(HELLO), HandshakeError::Denied(deny_reason));
        assert_eq!(bench.sent(), answer);
        assert_eq!(
            HandshakeError::Denied(deny_reason).is_transient(),
            deny_reason != DenyReason::Credentials
        );
    }
}

#[test]
fn a_client_accepts_an_error_in_place_of_welcome_and_of_ready() {
    for (reason, deny_reason) in
        [("400", Some(DenyReason::Credentials)), ("500", Some(DenyReason::Internal)), ("no", None)]
    {
        let rejected = HandshakeError::RejectedByPeer { reason: reason.into(), deny_reason };
        assert_eq!(client("a", "b").expect_error(&error(reason)), rejected);
        let mut bench = client("a", "b");
        bench.feed(b"\x04\x08\x07WELCOME").unwrap();
        assert_eq!(bench.expect_error(&error(reason)), rejected);
        assert_eq!(rejected.is_transient(), deny_reason == Some(DenyReason::Internal));
    }
}

#[test]
fn a_client_understands_the_misspelt_error_of_libzmq() {
    let rejected =
        HandshakeError::RejectedByPeer { reason: "400".into(), deny_reason: Some(DenyReason::Credentials) };
    assert_eq!(client("a", "b").expect_error(b"\x04\x09^RROR\x03400"), rejected);
}

#[test]
fn an_incompatible_socket_type_is_reported_to_the_client_only() {
    let mut bench = server();
    bench.feed(HELLO).unwrap();
    bench.sent();
    let rejected =
        bench.expect_error(&command("INITIATE", &[metadata(&[("Socket-Type", b"SUB")]).as_wire()]));
    assert!(matches!(rejected, HandshakeError::SocketType { .. }));
    assert_eq!(bench.sent(), error(&rejected.to_string()));
    let mut bench = client("a", "b");
    bench.feed(b"\x04\x08\x07WELCOME").unwrap();
    bench.sent();
    assert!(matches!(
        bench.expect_error(&ready(&[("Socket-Type", b"SUB")])),
        HandshakeError::SocketType { .. }
    ));
    assert_eq!(bench.sent(), b"", "clients send no ERROR");
}

#[test]
fn a_password_that_waits_to_be_sent_is_not_printed() {
    let login = PlainCredentials::new("admin", "hunter2").unwrap();
    let config = security(SocketType::Req, Security::PlainClient(login));
    let mut handshake = Handshake::new(config, Entropy::none());
    handshake.handle_input(&mut BytesMut::from(&greeting(Mechanism::Plain)[..])).unwrap();
    let shown = format!("{handshake:?}");
    assert!(shown.starts_with("Handshake {") && !shown.contains("hunter2"), "{shown}");
}
