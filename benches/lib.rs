//! Helpers of the benches: handshakes of two ends in memory.

use bytes::BytesMut;
use enfonet_measure::keys::{CLIENT_SECRET, SERVER_SECRET};
use enfonet_zmtp::{
    Entropy, Handshake, HandshakeConfig, HandshakeOutcome, HandshakeStep, KeyPair, SecretKey, Security,
    SocketType, Verdict,
};

/// Returns the security of a CURVE server and a CURVE client, with the keys of the load programs.
///
/// # Panics
/// Never: the keys are valid.
#[must_use]
pub fn curve() -> [Security; 2] {
    let keys = |secret: &str| KeyPair::new(secret.parse::<SecretKey>().expect("a secret key"));
    let (server_keys, client_keys) = (keys(SERVER_SECRET), keys(CLIENT_SECRET));
    let server = *server_keys.public();
    [Security::CurveServer { keys: server_keys }, Security::CurveClient { keys: client_keys, server }]
}

/// Creates the two ends of a handshake.
#[must_use]
pub fn start_handshake([server, client]: [Security; 2]) -> [Handshake; 2] {
    let end = |kind, security, byte: u8| {
        let config = HandshakeConfig { security, ..HandshakeConfig::new(kind) };
        Handshake::new(config, [byte; Entropy::LEN].into())
    };
    [end(SocketType::Router, server, 3), end(SocketType::Dealer, client, 4)]
}

/// Runs a handshake to its end.
#[must_use]
pub fn run_handshake(mut ends: [Handshake; 2]) -> [Box<HandshakeOutcome>; 2] {
    let (mut inputs, mut outcome) = ([BytesMut::new(), BytesMut::new()], [None, None]);
    while outcome.iter().any(Option::is_none) {
        for at in 0..2 {
            inputs[at].extend_from_slice(&ends[1 - at].poll_output());
            if outcome[at].is_none() {
                outcome[at] = advance(&mut ends[at], &mut inputs[at]);
            }
        }
    }
    outcome.map(|outcome| outcome.expect("both are done"))
}

fn advance(end: &mut Handshake, input: &mut BytesMut) -> Option<Box<HandshakeOutcome>> {
    loop {
        match end.handle_input(input).expect("two honest ends") {
            HandshakeStep::NeedInput => return None,
            HandshakeStep::Authenticate(_) => end.handle_verdict(Verdict::allow()).expect("it was asked"),
            HandshakeStep::Complete(outcome) => return Some(outcome),
        }
    }
}
