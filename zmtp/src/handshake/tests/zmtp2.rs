//! Handshakes with peers of ZMTP 2.0.

use super::*;
use crate::greeting::GreetingError;
use crate::security::credentials::PlainCredentials;

fn willing(socket_type: SocketType) -> HandshakeConfig {
    HandshakeConfig { zmtp2: true, ..HandshakeConfig::new(socket_type) }
}

const SIGNATURE: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f";

#[test]
fn the_rest_of_our_greeting_waits_for_the_peers_version() {
    let mut bench = Bench::new(willing(SocketType::Pub));
    assert_eq!(bench.sent(), b"\xff\0\0\0\0\0\0\0\0\x7f\x03");
    bench.feed(SIGNATURE).unwrap();
    assert_eq!(bench.sent(), b"");
    bench.feed(&[3]).unwrap();
    assert_eq!(bench.sent(), greeting(Mechanism::Null)[11..]);
    let rest = [&greeting(Mechanism::Null)[11..], &ready(&[("Socket-Type", b"SUB")])].concat();
    assert_eq!(bench.complete(&rest).version, Version::V3_1);
}

#[test]
fn a_peer_of_zmtp_2_0_exchanges_type_and_identity() {
    for revision in [1, 2] {
        let mut config = willing(SocketType::Dealer);
        config.local.identity = Bytes::from_static(b"us");
        let mut bench = Bench::new(config);
        bench.sent();
        bench.feed(&[SIGNATURE, &[revision]].concat()).unwrap();
        assert_eq!(bench.sent(), b"\x05\0\x02us");
        let peer = bench.complete(b"\x06\0\x04them");
        assert_eq!((peer.version, peer.socket_type), (Version::V2_0, Some(SocketType::Router)));
        assert_eq!(peer.identity, "them");
        assert_eq!(bench.asked, [Credentials::Null]);
        assert_eq!(bench.sent(), b"", "there is no READY in 2.0");
    }
}

#[test]
fn the_accepting_end_answers_a_compatible_type_before_it_knows_the_identity() {
    let acceptor = || {
        let mut bench = Bench::new(HandshakeConfig { is_acceptor: true, ..willing(SocketType::Dealer) });
        bench.feed(&[SIGNATURE, &[1]].concat()).unwrap();
        assert_eq!(bench.sent(), b"\xff\0\0\0\0\0\0\0\0\x7f\x03");
        bench
    };
    let mut bench = acceptor();
    bench.feed(b"\x06").unwrap();
    assert_eq!(bench.sent(), b"\x05\0\0");
    assert_eq!(bench.complete(b"\0\x04them").identity, "them");
    assert_eq!(bench.sent(), b"");
    let mut bench = acceptor();
    bench.expect_error(b"\x02");
    assert_eq!(bench.sent(), b"");
}

#[test]
fn socket_types_have_the_numbers_of_the_rfc() {
    let numbers = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"];
    for (number, name) in numbers.iter().enumerate() {
        let ours = SocketType::try_from(name.as_bytes()).unwrap();
        let mut bench = Bench::new(willing(ours));
        bench.sent();
        bench.feed(&[SIGNATURE, &[1]].concat()).unwrap();
        assert_eq!(bench.sent(), [number as u8, 0, 0]);
    }
}

#[test]
fn the_handshake_of_a_zmtp_2_0_peer_may_arrive_in_pieces_and_leaves_the_traffic_untouched() {
    let stream = [SIGNATURE, b"\x01\x02\0\x02id\0\x01\x01"].concat();
    for size in 1..stream.len() {
        let mut bench = Bench::new(willing(SocketType::Pub));
        let mut peer = None;
        for piece in stream.chunks(size) {
            match peer {
                None => peer = bench.feed(piece).unwrap(),
                Some(_) => bench.input.extend_from_slice(piece),
            }
        }
        assert_eq!(peer.unwrap().peer.identity, "id");
        assert_eq!(&bench.input[..], b"\0\x01\x01");
    }
}

#[test]
fn an_incompatible_or_malformed_zmtp_2_0_peer_is_rejected() {
    let rejection = |bytes: &[u8]| {
        let mut bench = Bench::new(willing(SocketType::Pub));
        bench.feed(&[SIGNATURE, &[1]].concat()).unwrap();
        bench.expect_error(bytes)
    };
    let incompatible =
        |theirs: &str| HandshakeError::SocketType { theirs: theirs.into(), ours: SocketType::Pub };
    assert_eq!(rejection(b"\x04"), incompatible("REP"));
    assert_eq!(rejection(b"\x0b"), incompatible("number 11"));
    assert_eq!(rejection(b"\x02\x01\0"), HandshakeError::Message);
    assert_eq!(rejection(b"\x02\x02\0\0\0\0\0\0\x01\0"), HandshakeError::Identity { len: 256 });
}

#[test]
fn an_identity_may_have_255_bytes_and_the_verdict_names_the_user() {
    let mut bench = Bench::new(willing(SocketType::Router));
    bench.verdict = Some(Verdict::Allow(User::named("Ada")));
    bench.feed(&[SIGNATURE, &[1]].concat()).unwrap();
    let peer = bench.complete(&[&b"\x05\0\xff"[..], &[b'i'; 255]].concat());
    assert_eq!((&peer.identity[..], &peer.user.id[..]), (&[b'i'; 255][..], &b"Ada"[..]));
}

#[test]
fn a_rejected_zmtp_2_0_peer_gets_no_command() {
    let mut bench = Bench::new(willing(SocketType::Pub));
    bench.verdict = Some(Verdict::Deny(DenyReason::Credentials));
    bench.feed(&[SIGNATURE, &[1]].concat()).unwrap();
    bench.sent();
    assert_eq!(bench.expect_error(b"\x02\0\0"), HandshakeError::Denied(DenyReason::Credentials));
    assert_eq!(bench.sent(), b"");
}

#[test]
fn older_peers_are_rejected_unless_enabled_and_always_with_another_mechanism() {
    let secure = |security: Security| HandshakeConfig { security, ..willing(SocketType::Rep) };
    let login = PlainCredentials::new("a", "b").unwrap();
    for config in [
        HandshakeConfig::new(SocketType::Rep),
        secure(Security::PlainServer),
        secure(Security::PlainClient(login)),
        secure(Security::CurveServer { keys: key(1) }),
        secure(Security::CurveClient { keys: key(1), server: *key(2).public() }),
    ] {
        let mut bench = Bench::new(config);
        assert_eq!(bench.sent().len(), 64);
        let rejected = bench.expect_error(&[SIGNATURE, &[1]].concat());
        assert_eq!(rejected, GreetingError::Version { major: 1 }.into());
    }
    for bytes in [&b"\x01\0\x08\0sneaky\0"[..], b"\xff\0\0\0\0\0\0\0\x05\0hello"] {
        let rejected = Bench::new(willing(SocketType::Rep)).expect_error(bytes);
        assert_eq!(rejected, GreetingError::Unversioned.into());
    }
    let rejected = Bench::new(willing(SocketType::Rep)).expect_error(&[SIGNATURE, &[0]].concat());
    assert_eq!(rejected, GreetingError::Version { major: 0 }.into());
}
