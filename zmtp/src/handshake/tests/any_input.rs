//! Handshakes with any input.

use proptest::prelude::*;

use super::*;
use crate::security::credentials::PlainCredentials;

fn securities() -> [Security; 5] {
    [
        Security::Null,
        Security::PlainServer,
        Security::PlainClient(PlainCredentials::new("user", "word").unwrap()),
        Security::CurveServer { keys: key(1) },
        Security::CurveClient { keys: key(2), server: *key(1).public() },
    ]
}

/// Returns random bytes, and commands with the names of the handshake and random data.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let names = prop::sample::select(vec!["HELLO", "WELCOME", "INITIATE", "READY", "ERROR", "X"]);
    let data = prop::collection::vec(any::<u8>(), 0..300);
    let commands = prop::collection::vec((names, data), 0..4);
    let commands =
        commands.prop_map(|list| list.iter().flat_map(|(name, data)| command(name, &[data])).collect());
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), commands]
}

proptest! {
    #[test]
    fn no_input_panics_with_any_mechanism_on_either_side(input in input(), greeted: bool, zmtp2: bool) {
        for security in securities() {
            let mechanism = security.mechanism();
            let config = HandshakeConfig { security, zmtp2, ..HandshakeConfig::new(SocketType::Rep) };
            let mut bench = Bench::new(config);
            if greeted {
                bench.feed(&greeting(mechanism)).unwrap();
            }
            let _ = bench.feed(&input);
            prop_assert!(bench.sent.len() <= 1024, "no answer is much longer than what it answers");
        }
    }
}
