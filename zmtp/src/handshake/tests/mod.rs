//! Handshakes against scripted bytes, and of two ends with each other.

mod any_input;
mod curve;
mod null;
mod pairs;
mod plain;
mod zmtp2;

use bytes::{Bytes, BytesMut};

use crate::command::name::CommandName;
use crate::command::wire::encode_command;
use crate::error_origin::ErrorOrigin;
use crate::greeting::{Greeting, Mechanism, Version};
use crate::handshake::config::HandshakeConfig;
use crate::handshake::entropy::Entropy;
use crate::handshake::error::HandshakeError;
use crate::handshake::machine::{Handshake, HandshakeStep};
use crate::handshake::properties::PeerProperties;
use crate::handshake::state::HandshakeOutcome;
use crate::metadata::Metadata;
use crate::security::config::Security;
use crate::security::credentials::Credentials;
use crate::security::verdict::{DenyReason, User, Verdict};
use crate::socket_type::SocketType;

/// A handshake that is fed by hand, and the bytes that it sends.
struct Bench {
    handshake: Handshake,
    input: BytesMut,
    sent: Vec<u8>,
    /// Verdict on every peer; `None` leaves the handshake without a verdict.
    verdict: Option<Verdict>,
    asked: Vec<Credentials>,
}

impl Bench {
    fn new(config: HandshakeConfig) -> Self {
        Self::with_entropy(config, 7)
    }

    fn with_entropy(config: HandshakeConfig, byte: u8) -> Self {
        let mut handshake = Handshake::new(config, [byte; Entropy::LEN].into());
        let sent = handshake.poll_output().to_vec();
        let verdict = Some(Verdict::allow());
        Self { handshake, input: BytesMut::new(), sent, verdict, asked: Vec::new() }
    }

    fn of(socket_type: SocketType) -> Self {
        Self::new(HandshakeConfig::new(socket_type))
    }

    /// Feeds bytes, and gives the verdict where the handshake asks for one.
    fn feed(&mut self, bytes: &[u8]) -> Result<Option<HandshakeOutcome>, HandshakeError> {
        self.input.extend_from_slice(bytes);
        let outcome = self.advance();
        self.sent.extend(self.handshake.poll_output());
        outcome
    }

    fn advance(&mut self) -> Result<Option<HandshakeOutcome>, HandshakeError> {
        loop {
            match self.handshake.handle_input(&mut self.input)? {
                HandshakeStep::NeedInput => return Ok(None),
                HandshakeStep::Complete(outcome) => return Ok(Some(*outcome)),
                HandshakeStep::Authenticate(credentials) => {
                    self.asked.push(credentials);
                    let Some(verdict) = self.verdict.clone() else { return Ok(None) };
                    self.handshake.handle_verdict(verdict)?;
                }
            }
        }
    }

    /// Feeds the last bytes of a handshake, and returns the peer's properties.
    fn complete(&mut self, bytes: &[u8]) -> PeerProperties {
        self.feed(bytes).unwrap().expect("the handshake is over").peer
    }

    /// Feeds bytes that the handshake rejects, and returns the error.
    fn expect_error(&mut self, bytes: &[u8]) -> HandshakeError {
        self.feed(bytes).unwrap_err()
    }

    /// Returns the bytes sent since the last call.
    fn sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent)
    }
}

fn security(socket_type: SocketType, security: Security) -> HandshakeConfig {
    HandshakeConfig { security, ..HandshakeConfig::new(socket_type) }
}

fn greeting(mechanism: Mechanism) -> [u8; 64] {
    Greeting::new(mechanism, false).to_wire()
}

/// Returns a command frame of this name and data.
fn command(name: &str, data: &[&[u8]]) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_command(name.as_bytes(), data, &mut out);
    out.to_vec()
}

fn metadata(properties: &[(&str, &[u8])]) -> Metadata {
    let mut list = Metadata::default();
    properties.iter().for_each(|(name, value)| list.push(name, value));
    list
}

fn ready(properties: &[(&str, &[u8])]) -> Vec<u8> {
    command("READY", &[metadata(properties).as_wire()])
}

fn error(reason: &str) -> Vec<u8> {
    command("ERROR", &[&[reason.len() as u8], reason.as_bytes()])
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn key(byte: u8) -> crate::security::keys::KeyPair {
    crate::security::keys::KeyPair::new(crate::security::keys::SecretKey::from_bytes([byte; 32]))
}

/// Runs two handshakes with each other, their output cut into pieces of this size.
fn shake([one, two]: [&mut Bench; 2], size: usize) -> [Result<Option<HandshakeOutcome>, HandshakeError>; 2] {
    let mut outcomes = [Ok(None), Ok(None)];
    loop {
        let flows = [one.sent(), two.sent()];
        if flows.iter().all(Vec::is_empty) {
            return outcomes;
        }
        for (outcome, (end, bytes)) in
            outcomes.iter_mut().zip([(&mut *one, &flows[1]), (&mut *two, &flows[0])])
        {
            for piece in bytes.chunks(size) {
                if matches!(outcome, Ok(None)) {
                    *outcome = end.feed(piece);
                } else {
                    end.input.extend_from_slice(piece);
                }
            }
        }
    }
}
