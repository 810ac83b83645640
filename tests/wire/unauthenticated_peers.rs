//! Peers without credentials at sockets that require them.

use enfonet::auth::{DenyReason, PlainUsers, Security, Verdict, new_key_pair};
use enfonet::peer::SocketType;
use enfonet::{Options, Router};
use enfonet_tests::{Runtime, Script, VERSIONED, command, greeting, greeting_of, message, ready};

use crate::setup::{We, meet};

/// Returns the options of each socket that authenticates its peers, with and without ZMTP 2.0, and its greeting.
fn guarded() -> Vec<(Vec<u8>, Options)> {
    let users = || PlainUsers::new().user("admin", "secret");
    let curve = Security::CurveServer { keys: new_key_pair() };
    [("PLAIN", Security::PlainServer), ("CURVE", curve), ("NULL", Security::Null)]
        .into_iter()
        .flat_map(|(name, security)| {
            let options = Options::default().security(security).authenticator(users());
            [options.clone(), options.zmtp2(true)].map(|options| (greeting_of(name, name != "NULL"), options))
        })
        .collect()
}

/// Returns the attacks: the bytes of an attacker, in ZMTP 1.0, 2.0 and 3.
fn attacks() -> Vec<Vec<u8>> {
    let intruder = message(&["", "intruder"]);
    let through = ready(&[("Socket-Type", b"DEALER")]);
    let v2 = |revision: u8| [&b"\xff\0\0\0\0\0\0\0\x01\x7f"[..], &[revision, 5, 0, 0], &intruder].concat();
    let v1 = b"\x01\0\x01\x01\x09\0intruder".to_vec();
    let long_v1 = b"\xff\0\0\0\0\0\0\0\x01\0\x01\x01\x09\0intruder".to_vec();
    let v3 = |greeting: Vec<u8>| [&greeting[..], &through, &intruder].concat();
    let mut attacks = vec![v1, long_v1, v2(0), v2(1), v2(2), v3(greeting(0)), v3(greeting(1))];
    for mechanism in ["PLAIN", "CURVE"] {
        attacks.push(v3(greeting_of(mechanism, false)));
        attacks.push([greeting_of(mechanism, true), intruder.clone()].concat());
        attacks.push([greeting_of(mechanism, false), command("INITIATE", b""), intruder.clone()].concat());
        let hello = command("HELLO", b"\x05admin\x05guess");
        attacks.push(
            [greeting_of(mechanism, false), hello, command("INITIATE", b""), intruder.clone()].concat(),
        );
    }
    attacks
}

#[test]
fn no_message_of_an_attacker_is_received() {
    let runtime = Runtime::new();
    for (ours, options) in guarded() {
        let router = Options::<Router>::from(options).peer_events(true).build();
        let at = runtime.bind(&router);
        for attack in attacks() {
            let mut script = Script::connect(&at);
            script.try_send(&attack);
            let answer = script.expect_close();
            let Some(rest) = answer.strip_prefix(&ours[..]) else {
                // ZMTP 1.0 sends no version, so our greeting ends before the mechanism.
                assert_eq!(answer, ours[..VERSIONED], "{}", attack.escape_ascii());
                assert!(attack[0] != 0xff || attack[9] == 0, "{}", attack.escape_ascii());
                continue;
            };
            // NULL sends ERROR 400.
            assert!(rest.is_empty() || rest == b"\x04\x0a\x05ERROR\x03400", "{}", rest.escape_ascii());
        }
        assert!(router.try_recv().is_err());
    }
}

#[test]
fn a_null_authenticator_may_admit_some_peers() {
    let runtime = Runtime::new();
    for verdict in
        [Verdict::allow(), Verdict::Deny(DenyReason::Credentials), Verdict::Deny(DenyReason::TryLater)]
    {
        for we in [We::Bind, We::Connect] {
            let decided = verdict.clone();
            let options = Options::default().authenticator(move |_| std::future::ready(decided.clone()));
            let (_socket, mut script) = meet(&runtime, we, SocketType::Dealer, options);
            script.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER")])].concat());
            script.expect(&greeting(1));
            match verdict {
                Verdict::Allow(_) => {
                    script.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
                    script.settle();
                }
                Verdict::Deny(DenyReason::TryLater) => assert_eq!(script.expect_close(), b""),
                Verdict::Deny(_) => assert_eq!(script.expect_close(), b"\x04\x0a\x05ERROR\x03400"),
            }
        }
    }
}

#[test]
fn a_curve_server_does_not_answer_a_hello_that_it_cannot_open() {
    let runtime = Runtime::new();
    let hello = |version: &[u8; 2], byte: u8| {
        [&version[..], &[0; 72], &[byte; 32], &[0, 0, 0, 0, 0, 0, 0, 1], &[byte; 80]].concat()
    };
    let frame = |data: &[u8]| command("HELLO", data);
    for said in [
        frame(&hello(b"\x01\0", 7)),
        // A weak key: all zeros.
        frame(&hello(b"\x01\0", 0)),
        frame(&hello(b"\x02\0", 7)),
        frame(&hello(b"\x01\0", 7)[1..]),
        frame(b""),
        command("INITIATE", &[7; 200]),
        command("WELCOME", &[7; 160]),
        command("READY", b""),
        message(&["hello"]),
        command("HELLO", b"\x05admin\x06secret"),
    ] {
        let options = Options::default().security(Security::CurveServer { keys: new_key_pair() });
        let (_socket, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, options);
        script.send(&[greeting_of("CURVE", false), said].concat());
        script.expect(&greeting_of("CURVE", true));
        assert_eq!(script.expect_close(), b"");
    }
}

#[test]
fn a_curve_client_sends_only_its_hello_to_a_server_that_cannot_open_it() {
    let runtime = Runtime::new();
    for answer in [command("WELCOME", &[7; 160]), command("WELCOME", b""), ready(&[]), message(&["hello"])] {
        let options = Options::default();
        let security = Security::CurveClient { keys: new_key_pair(), server: *new_key_pair().public() };
        let (_socket, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, options.security(security));
        script.send(&greeting_of("CURVE", true));
        script.expect(&greeting_of("CURVE", false));
        script.expect(b"\x04\xc8\x05HELLO\x01\0");
        script.expect(&[0; 72]);
        script.read(32);
        script.expect(b"\0\0\0\0\0\0\0\x01");
        script.read(80);
        script.send(&answer);
        assert_eq!(script.expect_close(), b"");
    }
}

#[test]
fn each_connection_of_a_curve_client_has_its_own_transient_key() {
    let runtime = Runtime::new();
    let security = Security::CurveClient { keys: new_key_pair(), server: *new_key_pair().public() };
    let options = Options::default().security(security);
    let (_socket, mut first) = meet(&runtime, We::Bind, SocketType::Dealer, options.clone());
    let (_socket, mut second) = meet(&runtime, We::Bind, SocketType::Dealer, options);
    let keys = [&mut first, &mut second].map(|script| {
        script.send(&greeting_of("CURVE", true));
        script.read(64 + 82);
        script.read(32)
    });
    assert_ne!(keys[0], keys[1]);
}
