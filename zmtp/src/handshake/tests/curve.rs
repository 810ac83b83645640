//! Handshakes with CURVE: the bytes that are sent, and the input that is rejected.

use super::*;
use crate::curve::error::CurveError;
use crate::security::keys::PublicKey;

fn server() -> Bench {
    let mut bench = Bench::new(security(SocketType::Rep, Security::CurveServer { keys: key(1) }));
    bench.feed(&greeting(Mechanism::Curve)).unwrap();
    assert_eq!(bench.sent()[64..], *b"", "the client speaks first");
    bench
}

/// Returns a client with `key(2)`, and `key(3)` for the connection. Servers have `key(1)`, and `key(7)` for the
/// connection.
fn client_of(server: PublicKey) -> Bench {
    let security = Security::CurveClient { keys: key(2), server };
    let config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Req) };
    let mut bench = Bench::with_entropy(config, 3);
    bench.feed(&greeting(Mechanism::Curve)).unwrap();
    bench.sent.drain(..64);
    bench
}

fn client() -> Bench {
    client_of(*key(1).public())
}

/// Returns the frames of a whole handshake: HELLO, WELCOME, INITIATE, READY.
fn frames() -> [Vec<u8>; 4] {
    let (mut server, mut client) = (server(), client());
    let hello = client.sent();
    server.feed(&hello).unwrap();
    let welcome = server.sent();
    client.feed(&welcome).unwrap();
    let initiate = client.sent();
    server.feed(&initiate).unwrap();
    [hello, welcome, initiate, server.sent()]
}

fn curve(error: CurveError) -> HandshakeError {
    HandshakeError::Curve(error)
}

#[test]
fn curve_commands_have_the_lengths_and_heads_of_the_rfc() {
    let [hello, welcome, initiate, ready] = frames();
    assert_eq!(hello[..10], *b"\x04\xc8\x05HELLO\x01\0");
    assert_eq!((hello.len(), &hello[10..82]), (202, &[0; 72][..]));
    assert_eq!(hello[114..122], 1u64.to_be_bytes());
    assert_eq!((welcome.len(), &welcome[..10]), (170, &b"\x04\xa8\x07WELCOME"[..]));
    let metadata = metadata(&[("Socket-Type", b"REQ"), ("Identity", b"")]).as_wire().len();
    assert_eq!(initiate.len(), 9 + 257 + metadata);
    assert_eq!(
        initiate[..18],
        [b"\x06\0\0\0\0\0\0".as_slice(), &[1, 1 + metadata as u8], b"\x08INITIATE"].concat()
    );
    assert_eq!(initiate[114..122], 2u64.to_be_bytes());
    assert_eq!(ready[2..16], [&b"\x05READY"[..], &1u64.to_be_bytes()].concat());
    assert_eq!(ready.len(), 2 + 30 + super::metadata(&[("Socket-Type", b"REP")]).as_wire().len());
}

#[test]
fn a_cookie_is_fresh_for_each_client() {
    let welcome = |byte: u8| {
        let config = security(SocketType::Rep, Security::CurveServer { keys: key(1) });
        let mut handshake = Handshake::new(config, [byte; Entropy::LEN].into());
        let mut input = BytesMut::from(&[&greeting(Mechanism::Curve)[..], &client().sent()].concat()[..]);
        assert!(matches!(handshake.handle_input(&mut input), Ok(HandshakeStep::NeedInput)));
        handshake.poll_output()
    };
    assert_ne!(welcome(7), welcome(8));
    assert_eq!(welcome(7), welcome(7));
}

#[test]
fn each_part_of_the_entropy_has_one_use() {
    use enfonet_secretbox::Key;

    use crate::curve::boxes::{agree, long_nonce, short_nonce};
    let bytes: [u8; Entropy::LEN] = std::array::from_fn(|at| at as u8);
    let short_term = |bytes: &[u8; Entropy::LEN]| {
        crate::security::keys::KeyPair::new(crate::security::keys::SecretKey::from_bytes(
            *bytes.first_chunk().unwrap(),
        ))
    };
    let entropies = [bytes, bytes.map(|byte| byte + 100)];
    let [server, client] = entropies.each_ref().map(short_term);
    assert_eq!(format!("{:?}", Entropy::from(bytes)), "Entropy(…)");
    let securities = [
        Security::CurveServer { keys: key(1) },
        Security::CurveClient { keys: key(2), server: *key(1).public() },
    ];
    let mut at = entropies.iter();
    let [mut at_server, mut at_client] = securities.map(|role| {
        let mut handshake = Handshake::new(security(SocketType::Pair, role), (*at.next().unwrap()).into());
        handshake.poll_output();
        (handshake, BytesMut::from(&greeting(Mechanism::Curve)[..]))
    });
    let turn = |from: &mut (Handshake, BytesMut), to: &mut BytesMut| {
        from.0.handle_input(&mut from.1).unwrap();
        let sent = from.0.poll_output();
        to.extend_from_slice(&sent);
        sent
    };
    turn(&mut at_client, &mut at_server.1);
    let welcome = turn(&mut at_server, &mut at_client.1);
    let initiate = turn(&mut at_client, &mut at_server.1);
    assert_eq!(welcome[10..26], bytes[32..48]);
    let (nonce, sealed) = initiate[18..114].split_first_chunk::<16>().unwrap();
    assert_eq!(nonce[..], bytes[48..64]);
    let cookie_key = Key::new(bytes[64..].first_chunk().unwrap());
    let cookie = cookie_key.open(&long_nonce(b"COOKIE--", nonce), sealed);
    assert_eq!(cookie.unwrap(), [&client.public().as_bytes()[..], server.secret().as_bytes()].concat());
    let key = agree(server.secret(), client.public()).unwrap();
    let opened = key.open(&short_nonce(b"CurveZMQINITIATE", 2), &initiate[122..]).unwrap();
    assert_eq!(opened[32..48], entropies[1][32..48]);
}

#[test]
fn secrets_do_not_cross_the_wire() {
    let all = frames().concat();
    for secret in [key(1), key(2), key(3), key(7)] {
        assert!(!contains(&all, secret.secret().as_bytes()));
    }
    // The client's long-term public key and its metadata don't cross in the clear either.
    assert!(!contains(&all, key(2).public().as_bytes()) && !contains(&all, b"Socket-Type"));
}

#[test]
fn a_client_that_knows_another_servers_key_fails_at_hello() {
    let mut client = client_of(*key(9).public());
    let rejected = server().expect_error(&client.sent());
    assert_eq!(rejected, curve(CurveError::Box { command: CommandName::Hello }));
    assert_eq!(rejected.origin(), ErrorOrigin::Configuration);
}

#[test]
fn a_server_without_the_key_fails_at_welcome() {
    let mut impostor = Bench::new(security(SocketType::Rep, Security::CurveServer { keys: key(9) }));
    impostor.feed(&greeting(Mechanism::Curve)).unwrap();
    impostor.sent();
    impostor.feed(&client_of(*key(9).public()).sent()).unwrap();
    assert_eq!(
        client().expect_error(&impostor.sent()),
        curve(CurveError::Box { command: CommandName::Welcome })
    );
}

#[test]
fn any_byte_changed_in_any_command_fails_the_handshake_and_nothing_is_answered() {
    let [hello, welcome, initiate, ready] = frames();
    for at in 2..hello.len() {
        // libzmq ignores the padding, and so do we.
        if !(10..82).contains(&at) {
            let mut bench = server();
            let _ = bench.expect_error(&changed(&hello, at));
            assert_eq!(bench.sent(), b"", "byte {at}");
        }
    }
    for at in 2..welcome.len() {
        let mut bench = client();
        bench.sent();
        let _ = bench.expect_error(&changed(&welcome, at));
        assert_eq!(bench.sent(), b"", "byte {at}");
    }
    for at in 9..initiate.len() {
        let mut bench = server();
        bench.feed(&hello).unwrap();
        bench.sent();
        let _ = bench.expect_error(&changed(&initiate, at));
        assert_eq!(bench.sent(), b"", "byte {at}");
        assert!(bench.asked.is_empty());
    }
    for at in 2..ready.len() {
        let mut bench = client();
        bench.feed(&welcome).unwrap();
        bench.sent();
        let _ = bench.expect_error(&changed(&ready, at));
        assert_eq!(bench.sent(), b"", "byte {at}");
    }
}

fn changed(frame: &[u8], at: usize) -> Vec<u8> {
    let mut changed = frame.to_vec();
    changed[at] ^= 0x40;
    changed
}

#[test]
fn each_changed_command_has_its_own_error() {
    let [hello, welcome, initiate, ready] = frames();
    let at_server = |bytes: &[u8]| {
        let mut bench = server();
        bench.feed(&hello).unwrap();
        bench.expect_error(bytes)
    };
    assert_eq!(at_server(&changed(&initiate, 30)), curve(CurveError::Cookie));
    assert_eq!(
        at_server(&changed(&initiate, 150)),
        curve(CurveError::Box { command: CommandName::Initiate })
    );
    let mut old = initiate;
    old[114..122].copy_from_slice(&1u64.to_be_bytes());
    assert_eq!(at_server(&old), curve(CurveError::Replay { nonce: 1, last: 1 }));
    assert_eq!(
        server().expect_error(&changed(&hello, 8)),
        curve(CurveError::Version { major: 0x41, minor: 0 })
    );
    assert_eq!(
        server().expect_error(&changed(&hello, 9)),
        curve(CurveError::Version { major: 1, minor: 0x40 })
    );
    assert_eq!(
        client().expect_error(&changed(&welcome, 40)),
        curve(CurveError::Box { command: CommandName::Welcome })
    );
    let mut bench = client();
    bench.feed(&welcome).unwrap();
    assert_eq!(
        bench.expect_error(&changed(&ready, 20)),
        curve(CurveError::Box { command: CommandName::Ready })
    );
}

#[test]
fn a_command_of_an_impossible_length_is_an_error() {
    let length = |command, len| curve(CurveError::Length { command, len });
    for data in [193, 195, 0] {
        assert_eq!(
            server().expect_error(&command("HELLO", &[&vec![0; data]])),
            length(CommandName::Hello, data + 6)
        );
    }
    for data in [159, 161, 0] {
        assert_eq!(
            client().expect_error(&command("WELCOME", &[&vec![0; data]])),
            length(CommandName::Welcome, data + 8)
        );
    }
    let [hello, welcome, ..] = frames();
    for data in [247, 0] {
        let mut bench = server();
        bench.feed(&hello).unwrap();
        assert_eq!(
            bench.expect_error(&command("INITIATE", &[&vec![0; data]])),
            length(CommandName::Initiate, data + 9)
        );
    }
    for data in [23, 7, 0] {
        let mut bench = client();
        bench.feed(&welcome).unwrap();
        assert_eq!(
            bench.expect_error(&command("READY", &[&vec![0; data]])),
            length(CommandName::Ready, data + 6)
        );
    }
}

#[test]
fn commands_of_another_connection_are_an_error() {
    let [hello, _, initiate, _] = frames();
    // The client's commands are repeated at a server with other secrets, which made another cookie.
    let config = security(SocketType::Rep, Security::CurveServer { keys: key(1) });
    let mut handshake = Handshake::new(config, [8; Entropy::LEN].into());
    let mut input = BytesMut::from(&[&greeting(Mechanism::Curve)[..], &hello, &initiate].concat()[..]);
    assert_eq!(handshake.handle_input(&mut input).unwrap_err(), curve(CurveError::Cookie));
}

#[test]
fn a_vouch_is_for_this_client_and_this_server() {
    // The vouch is the last secret of INITIATE. The test makes it by hand, from the keys of the client.
    use crate::curve::boxes::{agree, long_nonce, short_nonce};
    let (short_term, long_term) = (key(3), key(4));
    for (vouched, accepted) in [
        ([*short_term.public(), *key(1).public()], true),
        ([*key(5).public(), *key(1).public()], false),
        ([*short_term.public(), *key(5).public()], false),
    ] {
        let (mut bench, mut client) = (server(), client());
        bench.feed(&client.sent()).unwrap();
        let welcome = bench.sent();
        let hello_key = agree(short_term.secret(), key(1).public()).unwrap();
        let nonce = long_nonce(b"WELCOME-", welcome[10..26].try_into().unwrap());
        let opened = hello_key.open(&nonce, &welcome[26..]).unwrap();
        let (server_key, cookie) = opened.split_first_chunk::<32>().unwrap();
        let server_key = PublicKey::from_bytes(*server_key);
        let mut vouch = BytesMut::new();
        agree(long_term.secret(), &server_key).unwrap().seal(
            &long_nonce(b"VOUCH---", &[4; 16]),
            &[vouched[0].as_bytes(), vouched[1].as_bytes()],
            &mut vouch,
        );
        let mut sealed = BytesMut::new();
        agree(short_term.secret(), &server_key).unwrap().seal(
            &short_nonce(b"CurveZMQINITIATE", 2),
            &[long_term.public().as_bytes(), &[4; 16], &vouch],
            &mut sealed,
        );
        let outcome = bench.feed(&command("INITIATE", &[cookie, &2u64.to_be_bytes(), &sealed]));
        if accepted {
            assert!(outcome.unwrap().is_some());
            assert_eq!(bench.asked, [Credentials::Curve(*long_term.public())]);
        } else {
            assert_eq!(outcome.unwrap_err(), curve(CurveError::Vouch));
        }
    }
}

#[test]
fn keys_of_zeros_are_an_error() {
    let zeros = PublicKey::from_bytes([0; 32]);
    let config = security(SocketType::Req, Security::CurveClient { keys: key(2), server: zeros });
    assert_eq!(Bench::new(config).expect_error(&greeting(Mechanism::Curve)), curve(CurveError::WeakKey));
    let mut hello = frames()[0].clone();
    hello[82..114].fill(0);
    let rejected = server().expect_error(&hello);
    assert_eq!((rejected.origin(), rejected), (ErrorOrigin::Peer, curve(CurveError::WeakPeerKey)));
}

#[test]
fn a_rejected_client_gets_the_status_and_nothing_else() {
    let [hello, _, initiate, _] = frames();
    for (deny_reason, answer) in [
        (DenyReason::Credentials, error("400")),
        (DenyReason::Internal, error("500")),
        (DenyReason::TryLater, vec![]),
    ] {
        let mut bench = server();
        bench.verdict = Some(Verdict::Deny(deny_reason));
        bench.feed(&hello).unwrap();
        bench.sent();
        assert_eq!(bench.expect_error(&initiate), HandshakeError::Denied(deny_reason));
        assert_eq!(bench.sent(), answer);
    }
}

#[test]
fn a_client_accepts_an_error_in_place_of_welcome_and_of_ready_and_a_server_accepts_none() {
    let rejected =
        HandshakeError::RejectedByPeer { reason: "400".into(), deny_reason: Some(DenyReason::Credentials) };
    let [hello, welcome, ..] = frames();
    assert_eq!(client().expect_error(&error("400")), rejected);
    let mut bench = client();
    bench.feed(&welcome).unwrap();
    assert_eq!(bench.expect_error(&error("400")), rejected);
    assert!(matches!(
        server().expect_error(&error("400")),
        HandshakeError::Unexpected { wanted: CommandName::Hello, .. }
    ));
    let mut bench = server();
    bench.feed(&hello).unwrap();
    assert!(matches!(
        bench.expect_error(&error("400")),
        HandshakeError::Unexpected { wanted: CommandName::Initiate, .. }
    ));
}

#[test]
fn a_client_that_sends_on_before_the_answer_is_rejected() {
    let [hello, _, initiate, _] = frames();
    let mut bench = server();
    bench.verdict = None;
    bench.feed(&[hello, initiate].concat()).unwrap();
    assert_eq!(bench.expect_error(b"\0"), HandshakeError::OutOfTurn);
}

#[test]
fn a_server_reports_an_incompatible_socket_type_after_the_verdict() {
    let mut bench = Bench::new(security(SocketType::Pub, Security::CurveServer { keys: key(1) }));
    bench.feed(&greeting(Mechanism::Curve)).unwrap();
    bench.sent();
    let mut client = client();
    let [at_server, at_client] = shake([&mut bench, &mut client], 1000);
    assert!(matches!(at_server, Err(HandshakeError::SocketType { .. })));
    assert!(matches!(at_client, Err(HandshakeError::RejectedByPeer { deny_reason: None, .. })));
}

#[test]
fn an_identity_may_have_255_bytes() {
    let mut config =
        security(SocketType::Dealer, Security::CurveClient { keys: key(2), server: *key(1).public() });
    config.local.identity = Bytes::from(vec![b'i'; 255]);
    let mut client = Bench::new(config);
    let mut server = Bench::new(security(SocketType::Router, Security::CurveServer { keys: key(1) }));
    let [at_server, _] = shake([&mut server, &mut client], 1000);
    assert_eq!(at_server.unwrap().unwrap().peer.identity, [b'i'; 255][..]);
}
