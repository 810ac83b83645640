//! Fuzz targets for handshakes: any bytes of a peer, for each mechanism and side.
//!
//! With CURVE the bytes are a list of steps rather than a stream. Random commands never get past the first box. So an
//! honest peer does the handshake, and its bytes are changed on the way.

use arbitrary::{Arbitrary, Unstructured};
use bytes::BytesMut;
use enfonet_zmtp::{
    DenyReason, Entropy, Handshake, HandshakeConfig, HandshakeStep, KeyPair, PlainCredentials, SecretKey,
    Security, SocketType, Verdict,
};

/// Checks the NULL mechanism at both ends of a connection, with and without peers of ZMTP 2.0.
pub fn null(data: &[u8]) {
    for (zmtp2, is_acceptor) in [(false, false), (false, true), (true, false), (true, true)] {
        stream(data, |kind| HandshakeConfig { zmtp2, is_acceptor, ..HandshakeConfig::new(kind) });
    }
}

/// Checks a PLAIN client.
pub fn plain_client(data: &[u8]) {
    stream(data, |kind| {
        let login = PlainCredentials::new("user", "password").expect("short enough");
        HandshakeConfig { security: Security::PlainClient(login), ..HandshakeConfig::new(kind) }
    });
}

/// Checks a PLAIN server.
pub fn plain_server(data: &[u8]) {
    stream(data, |kind| HandshakeConfig { security: Security::PlainServer, ..HandshakeConfig::new(kind) });
}

/// Checks a CURVE client.
pub fn curve_client(data: &[u8]) {
    changed(data, SERVER);
}

/// Checks a CURVE server.
pub fn curve_server(data: &[u8]) {
    changed(data, CLIENT);
}

/// Checks a handshake with a stream of bytes. The first byte chooses the socket type of this end, and how the other
/// bytes are cut into reads.
fn stream(data: &[u8], config: impl Fn(SocketType) -> HandshakeConfig) {
    let Some((choice, stream)) = data.split_first() else {
        return;
    };
    let kinds = SocketType::ALL;
    let config = config(kinds[usize::from(*choice) % kinds.len()]);
    let (mut handshake, mut input) = (Handshake::new(config, Entropy::none()), BytesMut::new());
    for chunk in stream.chunks(usize::from(*choice / 11).max(1)) {
        input.extend_from_slice(chunk);
        if advance(&mut handshake, &mut input, usize::from(*choice)).is_none() {
            return;
        }
    }
}

/// Takes the handshake as far as the input allows; `None` when it is over, one way or the other.
fn advance(handshake: &mut Handshake, input: &mut BytesMut, choice: usize) -> Option<()> {
    loop {
        let before = input.len();
        let step = handshake.handle_input(input);
        assert!(input.len() <= before && handshake.poll_output().len() <= 1024);
        match step {
            Ok(HandshakeStep::NeedInput) => return Some(()),
            Ok(HandshakeStep::Authenticate(_)) => handshake.handle_verdict(verdict(choice)).ok()?,
            Ok(HandshakeStep::Complete(_)) | Err(_) => return None,
        }
    }
}

fn verdict(choice: usize) -> Verdict {
    match choice % 8 {
        0 => Verdict::Deny(DenyReason::Credentials),
        1 => Verdict::Deny(DenyReason::TryLater),
        _ => Verdict::allow(),
    }
}

/// The ends of a connection, by their place.
const SERVER: usize = 0;
const CLIENT: usize = 1;

/// A change to the bytes that one end sends next.
#[derive(Arbitrary, Debug)]
enum Change {
    None,
    /// XOR of a byte with `with`.
    Flip {
        at: u16,
        with: u8,
    },
    /// The last bytes are missing.
    Cut {
        bytes: u8,
    },
    /// Other bytes go before them.
    Insert {
        bytes: Vec<u8>,
    },
    /// The bytes come twice.
    Repeat,
}

/// Runs the handshake of two honest ends, and changes the bytes of `liar` on the way. If nothing is changed, both ends
/// complete it.
fn changed(data: &[u8], liar: usize) {
    let keys = [1, 2].map(|byte| KeyPair::new(SecretKey::from_bytes([byte; 32])));
    let server = *keys[SERVER].public();
    let [ours, theirs] = keys;
    let end = |kind, security, byte: u8| {
        let config = HandshakeConfig { security, ..HandshakeConfig::new(kind) };
        (Handshake::new(config, [byte; Entropy::LEN].into()), BytesMut::new(), End::GoesOn)
    };
    let mut ends = [
        end(SocketType::Rep, Security::CurveServer { keys: ours }, 3),
        end(SocketType::Req, Security::CurveClient { keys: theirs, server }, 4),
    ];
    let (mut changes, mut is_changed) = (Unstructured::new(data), false);
    for from in [SERVER, CLIENT].repeat(4) {
        let mut bytes = ends[from].0.poll_output().to_vec();
        if from == liar {
            let honest = bytes.clone();
            apply(&mut bytes, Change::arbitrary(&mut changes).unwrap_or(Change::None));
            is_changed |= bytes != honest;
        }
        let (handshake, input, end) = &mut ends[1 - from];
        input.extend_from_slice(&bytes);
        if *end == End::GoesOn {
            *end = advance_to_end(handshake, input);
        }
    }
    assert!(is_changed || ends.iter().all(|(.., end)| *end == End::Complete));
}

/// The state of a handshake at one end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    GoesOn,
    Complete,
    Failed,
}

fn advance_to_end(handshake: &mut Handshake, input: &mut BytesMut) -> End {
    loop {
        match handshake.handle_input(input) {
            Ok(HandshakeStep::NeedInput) => return End::GoesOn,
            Ok(HandshakeStep::Complete(_)) => return End::Complete,
            Ok(HandshakeStep::Authenticate(_)) if handshake.handle_verdict(Verdict::allow()).is_ok() => {}
            Ok(HandshakeStep::Authenticate(_)) | Err(_) => return End::Failed,
        }
    }
}

fn apply(bytes: &mut Vec<u8>, change: Change) {
    match change {
        Change::None => {}
        Change::Flip { at, with } => {
            let len = bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(usize::from(at) % len) {
                *byte ^= with;
            }
        }
        Change::Cut { bytes: cut } => bytes.truncate(bytes.len().saturating_sub(usize::from(cut))),
        Change::Insert { bytes: others } => drop(bytes.splice(..0, others)),
        Change::Repeat => bytes.extend_from_within(..),
    }
}
