//! Handshakes with NULL.

use proptest::prelude::*;

use super::*;
use crate::frame::header::FrameError;
use crate::greeting::GreetingError;

fn null() -> [u8; 64] {
    greeting(Mechanism::Null)
}

#[test]
fn the_greeting_of_the_connecting_end_waits_for_no_byte_of_the_peer() {
    assert_eq!(Bench::of(SocketType::Pub).sent(), null());
}

#[test]
fn ready_follows_the_greeting_of_the_peer_and_does_not_wait_for_its_ready() {
    let mut bench = Bench::of(SocketType::XPub);
    assert!(bench.feed(&null()).unwrap().is_none());
    assert_eq!(&bench.sent()[64..], b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB");
}

#[test]
fn the_accepting_end_sends_its_mechanism_after_the_version_of_the_peer() {
    let curve = Security::CurveServer { keys: key(1) };
    for (security, mechanism) in [(Security::Null, Mechanism::Null), (curve, Mechanism::Curve)] {
        let ours = Greeting::new(mechanism, mechanism == Mechanism::Curve).to_wire();
        let (version, rest) = ours.split_at(11);
        let mut config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Pub) };
        config.is_acceptor = true;
        let mut bench = Bench::new(config);
        assert_eq!(bench.sent(), version);
        bench.feed(&null()[..10]).unwrap();
        assert_eq!(bench.sent(), b"", "a signature has no version");
        bench.feed(&null()[10..11]).unwrap();
        assert_eq!(bench.sent(), rest);
    }
}

#[test]
fn a_peer_with_another_mechanism_gets_all_of_our_greeting() {
    let mut bench = acceptor(SocketType::Pub);
    let rejected = bench.expect_error(&greeting(Mechanism::Plain));
    assert!(matches!(rejected, HandshakeError::Greeting(GreetingError::Mechanism { .. })), "{rejected}");
    assert_eq!(bench.sent(), null());
}

fn acceptor(socket_type: SocketType) -> Bench {
    Bench::new(HandshakeConfig { is_acceptor: true, ..HandshakeConfig::new(socket_type) })
}

#[test]
fn the_accepting_end_sends_ready_after_the_ready_of_the_peer() {
    let mut bench = acceptor(SocketType::XPub);
    assert!(bench.feed(&null()).unwrap().is_none());
    assert_eq!(bench.asked, [Credentials::Null]);
    assert_eq!(bench.sent(), null());
    assert_eq!(bench.complete(&ready(&[("Socket-Type", b"SUB")])).socket_type, Some(SocketType::Sub));
    assert_eq!(bench.sent(), b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB");
}

#[test]
fn the_accepting_end_sends_no_ready_to_an_incompatible_peer() {
    let mut bench = acceptor(SocketType::XPub);
    let hello = [&null()[..], &ready(&[("Socket-Type", b"PUB")])].concat();
    assert!(matches!(bench.expect_error(&hello), HandshakeError::SocketType { .. }));
    let sent = bench.sent();
    assert_eq!((sent[64], &sent[66..72]), (4, &b"\x05ERROR"[..]), "{}", sent.escape_ascii());
    let mut bench = acceptor(SocketType::XPub);
    bench.expect_error(&[&null()[..], &error("400")].concat());
    assert_eq!(bench.sent(), null());
}

#[test]
fn ready_has_the_bytes_of_the_conformance_example() {
    let mut bench = Bench::of(SocketType::Dealer);
    bench.feed(&null()).unwrap();
    let sent = bench.sent();
    assert_eq!(&sent[64..], b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0");
    assert_eq!(sent.len(), 64 + 43);
}

#[test]
fn only_req_dealer_and_router_announce_an_identity() {
    for socket_type in SocketType::ALL {
        let mut config = HandshakeConfig::new(socket_type);
        config.local.identity = Bytes::from_static(b"me");
        let mut bench = Bench::new(config);
        bench.feed(&null()).unwrap();
        let announce = [SocketType::Req, SocketType::Dealer, SocketType::Router];
        assert_eq!(contains(&bench.sent(), b"\x08Identity\0\0\0\x02me"), announce.contains(&socket_type));
    }
}

#[test]
fn properties_of_the_application_follow_ours() {
    let mut config = HandshakeConfig::new(SocketType::Pub);
    config.local.metadata = metadata(&[("X-Shard", b"7")]);
    let mut bench = Bench::new(config);
    bench.feed(&null()).unwrap();
    assert_eq!(bench.sent()[64..], ready(&[("Socket-Type", b"PUB"), ("X-Shard", b"7")]));
    let peer = bench.complete(&ready(&[("Socket-Type", b"SUB"), ("x-color", b"red")]));
    assert_eq!(peer.metadata.get("X-Color"), Some(&b"red"[..]));
}

#[test]
fn every_pair_of_types_is_accepted_or_rejected_as_the_rfc_says() {
    for ours in SocketType::ALL {
        for theirs in SocketType::ALL {
            let mut bench = Bench::of(ours);
            let hello = [&null()[..], &ready(&[("Socket-Type", theirs.name().as_bytes())])].concat();
            if ours.is_compatible(theirs) {
                assert_eq!(bench.complete(&hello).socket_type, Some(theirs));
            } else {
                assert!(
                    matches!(bench.expect_error(&hello), HandshakeError::SocketType { .. }),
                    "{ours} {theirs}"
                );
                assert!(contains(&bench.sent(), b"\x05ERROR"), "the peer gets an ERROR");
            }
        }
    }
}

#[test]
fn a_peer_without_a_type_is_accepted_and_a_peer_of_an_unknown_type_is_rejected() {
    let hello = |properties: &[(&str, &[u8])]| [&null()[..], &ready(properties)].concat();
    assert_eq!(Bench::of(SocketType::Pub).complete(&hello(&[])).socket_type, None);
    for name in ["", "sub", "SUBX", "STREAM"] {
        let error = Bench::of(SocketType::Pub).expect_error(&hello(&[("Socket-Type", name.as_bytes())]));
        assert!(matches!(error, HandshakeError::SocketType { .. }), "{name}");
    }
}

#[test]
fn identities_are_bounded_and_a_reserved_identity_counts_as_none() {
    let bench = |identity: &[u8]| {
        let mut bench = Bench::of(SocketType::Router);
        let hello = [&null()[..], &ready(&[("Socket-Type", b"DEALER"), ("identity", identity)])].concat();
        bench.feed(&hello).map(|outcome| outcome.unwrap().peer.identity)
    };
    assert_eq!(bench(&[7; 255]).unwrap(), [7; 255][..]);
    assert_eq!(bench(&[7; 256]), Err(HandshakeError::Identity { len: 256 }));
    assert_eq!(bench(b"\0abc").unwrap(), b""[..]);
}

#[test]
fn a_command_other_than_ready_or_error_is_rejected() {
    let rejection = |bytes: &[u8]| {
        let mut bench = Bench::of(SocketType::Pub);
        bench.feed(&null()).unwrap();
        bench.expect_error(bytes)
    };
    for message in [&b"\x00\x01a"[..], b"\x01\x00", b"\x00\x06\x05READY"] {
        assert_eq!(rejection(message), HandshakeError::Message, "{message:?}");
    }
    for (frame, got) in [(&b"\x04\x07\x04PING\0\0"[..], "PING"), (b"\x04\x02\x01X", "X")] {
        assert_eq!(
            rejection(frame),
            HandshakeError::Unexpected {
                wanted: CommandName::Ready,
                got: CommandName::from_wire(got.as_bytes())
            }
        );
    }
    let deny_reason = Some(DenyReason::Credentials);
    assert_eq!(
        rejection(&error("400")),
        HandshakeError::RejectedByPeer { reason: "400".into(), deny_reason }
    );
    assert!(matches!(rejection(b"\x04\0"), HandshakeError::Command(_)));
    assert!(matches!(rejection(&command("READY", &[b"\x01"])), HandshakeError::Metadata(_)));
    assert!(matches!(rejection(b"\x06\0\0\0\0\x7f\0\0\0"), HandshakeError::TooLarge { .. }));
    let too_long = HandshakeError::Frame(FrameError::Length { announced: 1 << 63 });
    assert_eq!(rejection(b"\x06\x80\0\0\0\0\0\0\0"), too_long);
}

#[test]
fn metadata_is_bounded_by_the_option() {
    for (len, fits) in [(900, true), (2000, false)] {
        let config = HandshakeConfig { max_metadata: 1000, ..HandshakeConfig::new(SocketType::Pub) };
        let mut bench = Bench::new(config);
        bench.feed(&null()).unwrap();
        let outcome = bench.feed(&ready(&[("X-Large", &vec![0; len])]));
        assert_eq!(outcome.is_ok(), fits);
        if let Err(error) = outcome {
            assert!(matches!(error, HandshakeError::TooLarge { limit: 1512, .. }));
            assert_eq!(error.origin(), ErrorOrigin::Limit);
        }
    }
}

#[test]
fn our_ready_waits_for_the_verdict_and_the_ready_of_the_peer_does_not() {
    let mut bench = Bench::of(SocketType::Pub);
    bench.verdict = None;
    assert!(bench.feed(&null()).unwrap().is_none());
    assert_eq!(bench.asked, [Credentials::Null]);
    assert!(bench.feed(&ready(&[("Socket-Type", b"SUB")])).unwrap().is_none());
    assert_eq!(bench.sent().len(), 64);
    let user = User::named("alice");
    bench.handshake.handle_verdict(Verdict::Allow(user.clone())).unwrap();
    assert_eq!(bench.complete(b"").user, user);
    assert_eq!(bench.sent(), ready(&[("Socket-Type", b"PUB")]));
}

#[test]
fn a_rejected_peer_gets_the_status_of_zap() {
    for (deny_reason, answer) in [
        (DenyReason::Credentials, error("400")),
        (DenyReason::Internal, error("500")),
        (DenyReason::TryLater, vec![]),
    ] {
        let mut bench = Bench::of(SocketType::Pub);
        bench.verdict = Some(Verdict::Deny(deny_reason));
        let rejected = bench.expect_error(&null());
        assert_eq!(rejected, HandshakeError::Denied(deny_reason));
        assert_eq!(bench.sent()[64..], answer);
    }
}

#[test]
fn a_finished_handshake_returns_an_error() {
    let mut bench = Bench::of(SocketType::Pub);
    assert_eq!(bench.handshake.handle_verdict(Verdict::allow()), Err(HandshakeError::Over));
    let mut bench = Bench::of(SocketType::Pub);
    bench.complete(&[&null()[..], &ready(&[])].concat());
    assert_eq!(bench.expect_error(b""), HandshakeError::Over);
    assert_eq!(HandshakeError::Over.origin(), ErrorOrigin::Caller);
}

#[test]
fn a_greeting_of_another_mechanism_is_rejected_without_an_auth_request() {
    for (ours, theirs) in [
        (Security::Null, Mechanism::Curve),
        (Security::PlainServer, Mechanism::Null),
        (Security::PlainServer, Mechanism::Curve),
        (Security::CurveServer { keys: key(1) }, Mechanism::Null),
        (Security::CurveClient { keys: key(1), server: *key(2).public() }, Mechanism::Plain),
    ] {
        let mut bench = Bench::new(security(SocketType::Pub, ours.clone()));
        let rejected = bench.expect_error(&greeting(theirs));
        assert!(matches!(rejected, HandshakeError::Greeting(_)));
        assert_eq!(rejected.origin(), ErrorOrigin::Configuration);
        assert!(bench.asked.is_empty());
        assert_eq!(bench.sent(), Greeting::new(ours.mechanism(), ours.is_server()).to_wire());
    }
}

proptest! {
    #[test]
    fn any_split_leaves_the_traffic_behind_the_handshake_untouched(cuts in prop::collection::vec(0usize..100, 0..6)) {
        let mut stream = [&null()[..], &ready(&[("Socket-Type", b"SUB")])].concat();
        stream.extend(b"\x00\x02\x01A");
        let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let mut bench = Bench::of(SocketType::Pub);
        let mut peer = None;
        for cut in at.windows(2) {
            let piece = &stream[cut[0]..cut[1]];
            match peer {
                None => peer = bench.feed(piece).unwrap(),
                Some(_) => bench.input.extend_from_slice(piece),
            }
        }
        prop_assert_eq!(peer.unwrap().peer.socket_type, Some(SocketType::Sub));
        prop_assert_eq!(&bench.input[..], b"\x00\x02\x01A");
    }
}
