//! PLAIN as bytes (RFC 24), on both sides, and the role in the greeting.

use std::time::Duration;

use enfonet::auth::{
    AuthRequest, Credentials, DenyReason, PlainCredentials, Security, User, Verdict, new_key_pair,
};
use enfonet::peer::SocketType;
use enfonet::{Dealer, Options};
use enfonet_tests::{
    DEADLINE, Runtime, Script, ScriptListener, command, greeting, greeting_of, message, properties, ready,
};

use crate::setup::{We, meet};

const HELLO: &[u8] = b"\x04\x13\x05HELLO\x05admin\x06secret";
const WELCOME: &[u8] = b"\x04\x08\x07WELCOME";

fn client(username: &'static str, password: &str) -> Options {
    Options::default().security(Security::PlainClient(PlainCredentials::new(username, password).unwrap()))
}

/// Returns options of a server that admits the admin, and denies other users by the reason that their name stands for.
fn server() -> Options {
    Options::default().security(Security::PlainServer).authenticator(async |request: AuthRequest| {
        let Credentials::Plain(login) = request.credentials else { panic!() };
        match &login.username()[..] {
            b"admin" if login.password().expose() == b"secret" => Verdict::Allow(User::named("admin")),
            b"later" => Verdict::Deny(DenyReason::TryLater),
            b"broken" => Verdict::Deny(DenyReason::Internal),
            _ => Verdict::Deny(DenyReason::Credentials),
        }
    })
}

fn introduction() -> Vec<u8> {
    properties(&[("Socket-Type", b"DEALER"), ("Identity", b"")])
}

#[test]
fn a_plain_server_sends_exactly_these_bytes() {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, server());
        script.send(&greeting_of("PLAIN", false));
        script.expect(b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01");
        script.expect(&[0; 31]);
        script.send(HELLO);
        script.expect(WELCOME);
        script.send(&command("INITIATE", &introduction()));
        script.expect(&command("READY", &introduction()));
        script.settle();
    }
}

#[test]
fn a_plain_client_sends_exactly_these_bytes() {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, client("admin", "secret"));
        script.send(&greeting_of("PLAIN", true));
        script.expect(&greeting_of("PLAIN", false));
        script.expect(HELLO);
        script.send(WELCOME);
        script.expect(&command("INITIATE", &introduction()));
        script.send(&ready(&[("Socket-Type", b"ROUTER")]));
        script.settle();
    }
}

#[test]
fn the_handshake_may_arrive_in_single_bytes_followed_by_messages() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(server());
    let at = runtime.bind(&dealer);
    let mut script = Script::connect(&at);
    [greeting_of("PLAIN", false), HELLO.to_vec()].concat().iter().for_each(|byte| script.send(&[*byte]));
    script.expect(&[&greeting_of("PLAIN", true), WELCOME].concat());
    let rest = [command("INITIATE", b""), message(&["hello", ""])].concat();
    rest.iter().for_each(|byte| script.send(&[*byte]));
    assert_eq!(runtime.run(dealer.recv()), Ok(["hello", ""].into()));
}

#[test]
fn names_and_passwords_may_be_empty_or_have_255_bytes() {
    let runtime = Runtime::new();
    for len in [0, 1, 255] {
        let login = PlainCredentials::new(vec![b'u'; len], vec![b'p'; len]).unwrap();
        let options = Options::default().security(Security::PlainClient(login));
        let (_socket, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, options);
        script.send(&greeting_of("PLAIN", true));
        script.expect(&greeting_of("PLAIN", false));
        let body =
            [&b"\x05HELLO"[..], &[len as u8], &vec![b'u'; len], &[len as u8], &vec![b'p'; len]].concat();
        let header = match u8::try_from(body.len()) {
            Ok(len) => vec![4, len],
            Err(_) => [&[6, 0, 0, 0, 0, 0, 0][..], &(body.len() as u16).to_be_bytes()].concat(),
        };
        script.expect(&[header, body].concat());
    }
}

#[test]
fn a_denied_client_gets_the_status_or_nothing_and_is_closed() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(server());
    let at = runtime.bind(&dealer);
    let denied: [(&[u8], &[u8]); 5] = [
        (b"\x05admin\x05guess", b"\x04\x0a\x05ERROR\x03400"),
        (b"\x06nobody\x06secret", b"\x04\x0a\x05ERROR\x03400"),
        (b"\0\0", b"\x04\x0a\x05ERROR\x03400"),
        (b"\x06broken\0", b"\x04\x0a\x05ERROR\x03500"),
        (b"\x05later\0", b""),
    ];
    for (login, answer) in denied {
        let mut script = Script::connect(&at);
        script.send(&[greeting_of("PLAIN", false), command("HELLO", login)].concat());
        script.expect(&greeting_of("PLAIN", true));
        assert_eq!(script.expect_close(), answer);
    }
    assert!(dealer.try_recv().is_err());
}

#[test]
fn a_server_without_an_authenticator_answers_500() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().security(Security::PlainServer));
    let at = runtime.bind(&dealer);
    let mut script = Script::connect(&at);
    script.send(&[&greeting_of("PLAIN", false), HELLO].concat());
    script.expect(&greeting_of("PLAIN", true));
    assert_eq!(script.expect_close(), b"\x04\x0a\x05ERROR\x03500");
}

#[test]
fn a_server_announces_its_role_in_the_greeting_and_ignores_the_peers() {
    let runtime = Runtime::new();
    let (server_keys, client_keys) = (new_key_pair(), new_key_pair());
    let server_key = *server_keys.public();
    for (mechanism, security, as_server) in [
        ("PLAIN", Security::PlainServer, true),
        ("PLAIN", Security::PlainClient(PlainCredentials::new("a", "b").unwrap()), false),
        ("CURVE", Security::CurveServer { keys: server_keys }, true),
        ("CURVE", Security::CurveClient { keys: client_keys, server: server_key }, false),
        ("NULL", Security::Null, false),
    ] {
        for (we, theirs) in [We::Bind, We::Connect].into_iter().flat_map(|we| [(we, false), (we, true)]) {
            let options = Options::default().security(security.clone());
            let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, options);
            script.send(&greeting_of(mechanism, theirs));
            script.expect(&greeting_of(mechanism, as_server));
            // The handshake goes on: clients and NULL send a command, and servers answer one.
            match (mechanism, as_server) {
                ("PLAIN", true) => {
                    script.send(HELLO);
                    script.expect(b"\x04\x0a\x05ERROR\x03500");
                }
                ("CURVE", true) => {
                    script.send(&command("HELLO", &[0; 10]));
                    assert_eq!(script.expect_close(), b"");
                }
                ("NULL", _) => {
                    if matches!(we, We::Bind) {
                        script.send(&ready(&[]));
                    }
                    script.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
                }
                _ => {
                    let flags = script.read(1);
                    assert_eq!(flags, [4]);
                    let len = usize::from(script.read(1)[0]);
                    assert_eq!(script.read(len)[..6], *b"\x05HELLO");
                }
            }
        }
    }
}

#[test]
fn an_unexpected_command_ends_the_handshake_without_an_answer() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(server());
    let at = runtime.bind(&dealer);
    for said in [
        command("INITIATE", &introduction()),
        ready(&[("Socket-Type", b"DEALER")]),
        command("ERROR", b"\x03400"),
        command("PING", b"\0\0"),
        command("HELLO", b"\x05admin\x06secre"),
        command("HELLO", b"\x05admin\x06secret!"),
        command("hello", b"\x05admin\x06secret"),
        message(&["\u{5}HELLO\u{5}admin\u{6}secret"]),
        b"\x04\0".to_vec(),
    ] {
        let mut script = Script::connect(&at);
        script.send(&[greeting_of("PLAIN", false), said].concat());
        script.expect(&greeting_of("PLAIN", true));
        assert_eq!(script.expect_close(), b"");
    }
    for said in [HELLO.to_vec(), message(&["hello"]), ready(&[]), command("PING", b"\0\0")] {
        let mut script = Script::connect(&at);
        script.send(&[&greeting_of("PLAIN", false), HELLO].concat());
        script.expect(&[&greeting_of("PLAIN", true), WELCOME].concat());
        script.send(&said);
        assert_eq!(script.expect_close(), b"");
    }
    assert!(dealer.try_recv().is_err());
}

#[test]
fn a_client_that_receives_500_retries_as_usual() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let soon = Duration::from_millis(1);
    // The second is libzmq's misspelt ERROR: C reads `"\x05ERROR"` in its source as `^RROR`.
    for (error, status) in [(&b"\x04\x0a\x05ERROR\x03"[..], "500"), (b"\x04\x09^RROR\x03", "500")] {
        let (listener, at) = ScriptListener::bind();
        let options =
            client("admin", "secret").reconnect_interval(soon).rejected_reconnect_interval(DEADLINE * 10);
        let dealer = Dealer::with_options(options);
        dealer.connect(at).unwrap();
        for _ in 0..3 {
            let mut script = listener.accept();
            script.send(&greeting_of("PLAIN", true));
            script.expect(&[&greeting_of("PLAIN", false), HELLO].concat());
            script.send(&[error, status.as_bytes()].concat());
            assert_eq!(script.expect_close(), b"", "clients send no ERROR");
        }
    }
}

#[test]
fn a_client_does_not_send_its_password_to_a_server_with_another_mechanism() {
    let runtime = Runtime::new();
    for theirs in [greeting(1), greeting(0), greeting_of("CURVE", true), greeting_of("PLAINX", true)] {
        let (_socket, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, client("admin", "secret"));
        script.send(&theirs);
        script.expect(&greeting_of("PLAIN", false));
        assert_eq!(script.expect_close(), b"");
    }
}
