//! Handshakes of two ends of this crate with each other.

use super::*;
use crate::decoder::Event;
use crate::frame::limits::Limits;
use crate::incoming::Incoming;
use crate::message::message::Message;
use crate::security::credentials::PlainCredentials;

fn curve() -> [Security; 2] {
    [Security::CurveServer { keys: key(1) }, Security::CurveClient { keys: key(2), server: *key(1).public() }]
}

fn plain() -> [Security; 2] {
    [Security::PlainServer, Security::PlainClient(PlainCredentials::new("user", "word").unwrap())]
}

fn benches(securities: [Security; 2]) -> [Bench; 2] {
    let [one, two] = securities;
    [Bench::new(security(SocketType::Router, one)), Bench::new(security(SocketType::Dealer, two))]
}

#[test]
fn the_handshake_of_every_mechanism_succeeds_in_pieces_of_any_size() {
    for securities in [[Security::Null, Security::Null], plain(), curve()] {
        for size in [1, 2, 7, 63, 64, 65, 1000] {
            let [mut one, mut two] = benches(securities.clone());
            let outcomes = shake([&mut one, &mut two], size);
            let types = outcomes.map(|outcome| outcome.unwrap().expect("it is over").peer.socket_type);
            assert_eq!(types, [Some(SocketType::Dealer), Some(SocketType::Router)]);
            assert!(one.input.is_empty() && two.input.is_empty());
        }
    }
}

#[test]
fn the_server_asks_for_a_verdict_on_the_credentials_of_the_client() {
    for (securities, shown) in [
        (plain(), Credentials::Plain(PlainCredentials::new("user", "word").unwrap())),
        (curve(), Credentials::Curve(*key(2).public())),
    ] {
        let [mut server, mut client] = benches(securities);
        let _ = shake([&mut server, &mut client], 1000);
        assert_eq!((server.asked, client.asked), (vec![shown], vec![]));
    }
}

#[test]
fn two_ends_of_the_same_role_do_not_finish_the_handshake() {
    for [server, client] in [plain(), curve()] {
        let [mut one, mut two] = benches([server.clone(), server]);
        let outcomes = shake([&mut one, &mut two], 1000);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(None))), "both wait");
        let [mut one, mut two] = benches([client.clone(), client]);
        for outcome in shake([&mut one, &mut two], 1000) {
            let error = outcome.unwrap_err();
            assert!(matches!(error, HandshakeError::Unexpected { .. }));
            assert_eq!(error.origin(), ErrorOrigin::Configuration);
        }
    }
}

#[test]
fn encrypted_traffic_goes_both_ways() {
    let [mut one, mut two] = benches(curve());
    let [one, two] = shake([&mut one, &mut two], 1000).map(|outcome| outcome.unwrap().unwrap());
    for (from, to) in [(one.sealer, two.opener), (two.sealer, one.opener)] {
        let mut incoming = Incoming::new(BytesMut::new(), Limits::default(), to);
        let mut from = from.expect("CURVE encrypts");
        for body in ["first", "second"] {
            from.seal(&Message::from(body).into(), incoming.reserve(0)).unwrap();
            assert_eq!(incoming.poll_event(), Ok(Some(Event::Batch(Message::from(body).into()))));
        }
    }
}
