//! From the first byte to the first message.
//!
//! ```text
//!    we                                            the peer
//!    new() ── greeting ──────────────────────────► │     who accepts tells its mechanism
//!    │ ◄──────────────────────────────── greeting ─│     once it knows the peer's version
//!    │ ◄──────── commands of the mechanism ──────► │     NULL, PLAIN or CURVE: see there
//!    HandshakeStep::Authenticate ─► handle_verdict()        │     may it come in?
//!    │ ◄──────── commands of the mechanism ──────► │
//!    HandshakeStep::Complete: traffic may flow
//! ```
//!
//! The end that can reject a peer speaks last: the server with PLAIN and CURVE, and with NULL the end that
//! [accepted](HandshakeConfig::is_acceptor) the connection. Its READY is the output that is left at
//! [`HandshakeStep::Complete`]. A peer that hasn't got it has sent no message, so a peer that is rejected there loses none.
//!
//! [`Handshake`] drives it over a buffer. Call [`handle_input`](Handshake::handle_input) whenever bytes have
//! arrived, and again after [`handle_verdict`](Handshake::handle_verdict); send what
//! [`poll_output`](Handshake::poll_output) gives after each call, errors included: they may have told the peer.
//!
//! Each state of a mechanism is a type that is consumed to make the next, so no step can be taken twice or out
//! of order.

mod command;
mod curve;
mod error;
mod introduction;
mod null;
mod plain;
#[cfg(test)]
mod tests;
mod zmtp2;

use std::fmt;

use bytes::{Bytes, BytesMut};
use zeroize::Zeroizing;

pub use error::{ErrorOrigin, HandshakeError};
pub use introduction::{LocalProperties, PeerProperties};

use crate::greeting::{VERSIONED, peer_major};
use crate::{
    Credentials, DenyReason, Greeting, Mechanism, Opener, Sealer, Security, SocketType, User, Verdict,
    Version,
};
use command::{Received, encode_error};

/// The configuration of a socket's handshakes.
#[derive(Clone, Debug)]
pub struct HandshakeConfig {
    /// The properties that the socket announces.
    pub local: LocalProperties,
    /// The mechanism, with its keys or credentials.
    pub security: Security,
    /// Maximum bytes of metadata that a peer may announce; its commands may have 512 more, for their other data.
    /// Default 64 KiB.
    pub max_metadata: usize,
    /// Whether peers of ZMTP 2.0 (libzmq 3.x) are served. Default no; never with a mechanism other than NULL,
    /// which they know nothing of.
    pub zmtp2: bool,
    /// Whether this end accepted the connection. It then waits for the peer's version before it tells its mechanism, and
    /// with NULL for the peer's READY, with ZMTP 2.0 for the peer's socket type, before it sends its own. The connecting
    /// end never waits, so one of the two always goes first. Default no. The other mechanisms have an order of their own.
    pub is_acceptor: bool,
}

impl HandshakeConfig {
    /// The defaults, with NULL, for a socket of this kind.
    #[must_use]
    pub fn new(socket_type: SocketType) -> Self {
        Self {
            local: LocalProperties::new(socket_type),
            security: Security::Null,
            max_metadata: 64 << 10,
            zmtp2: false,
            is_acceptor: false,
        }
    }
}

/// Random bytes for one handshake. CURVE's secrets and nonces are made of them: they must come from the
/// system's generator, and never be used twice. The other mechanisms need none.
#[derive(Clone)]
pub struct Entropy(Zeroizing<[u8; Self::LEN]>);

impl Entropy {
    /// Bytes of entropy for one handshake.
    pub const LEN: usize = 96;

    /// Returns all zeros, for NULL and PLAIN. CURVE would not be secure with them.
    #[must_use]
    pub fn none() -> Self {
        [0; Self::LEN].into()
    }

    fn part<const AT: usize, const N: usize>(&self) -> &[u8; N] {
        self.0[AT..].first_chunk().expect("the parts are within its length")
    }

    fn key(&self) -> &[u8; 32] {
        self.part::<0, 32>()
    }

    fn nonce(&self) -> &[u8; 16] {
        self.part::<32, 16>()
    }

    fn cookie_nonce(&self) -> &[u8; 16] {
        self.part::<48, 16>()
    }

    fn cookie_key(&self) -> &[u8; 32] {
        self.part::<64, 32>()
    }
}

impl From<[u8; Self::LEN]> for Entropy {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(…)")
    }
}

/// A handshake under way.
pub struct Handshake {
    state: State,
    output: BytesMut,
    max_metadata: usize,
}

#[derive(Debug)]
enum State {
    /// The peer's version decides how we go on: the rest of our greeting waits for it.
    Version(Box<Opening>),
    /// Our greeting is out; the peer's is to come.
    Greeting(Box<Opening>),
    /// The peer speaks ZMTP 2.0; its socket type is to come.
    Zmtp2Type(Box<zmtp2::AwaitType>),
    /// The peer's identity in ZMTP 2.0 is to come.
    Zmtp2Identity(zmtp2::AwaitIdentity),
    AwaitCommand(Box<dyn AwaitCommand>),
    NeedVerdict(Credentials, Box<dyn AwaitVerdict>),
    AwaitVerdict(Box<dyn AwaitVerdict>),
    Complete(Box<HandshakeOutcome>),
    Over,
}

/// Prints only the length of the output that waits to be sent: a password may be in it.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, output, max_metadata } = self;
        let mut fields = f.debug_struct("Handshake");
        fields
            .field("state", state)
            .field("output", &output.len())
            .field("max_metadata", max_metadata)
            .finish()
    }
}

/// Data that is needed once the peer's greeting is there.
#[derive(Debug)]
struct Opening {
    local: LocalProperties,
    security: Security,
    entropy: Entropy,
    is_acceptor: bool,
    /// Whether a peer of ZMTP 2.0 is served.
    may_downgrade: bool,
}

/// A state in which a command of the peer's is to come.
trait AwaitCommand: fmt::Debug + Send + Sync {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError>;
}

/// A state in which it is to be decided whether the peer may come in.
trait AwaitVerdict: fmt::Debug + Send + Sync {
    fn admit(self: Box<Self>, user: User, out: &mut BytesMut) -> Result<Next, HandshakeError>;

    /// Tells the peer that it isn't let in, if it may know.
    fn deny(&self, deny_reason: DenyReason, out: &mut BytesMut) {
        if let Some(reason) = deny_reason.reason() {
            encode_error(reason, out);
        }
    }

    /// Whether the peer may send something before it is answered.
    fn may_peer_speak(&self) -> bool {
        false
    }
}

/// The successor of a mechanism's state.
#[derive(Debug)]
enum Next {
    AwaitCommand(Box<dyn AwaitCommand>),
    NeedVerdict(Credentials, Box<dyn AwaitVerdict>),
    Complete(Box<HandshakeOutcome>),
}

impl Next {
    fn complete(peer: PeerProperties, keys: Option<(Sealer, Opener)>) -> Self {
        let (sealer, opener) = keys.unzip();
        Self::Complete(Box::new(HandshakeOutcome { peer, sealer, opener }))
    }
}

impl From<Next> for State {
    fn from(next: Next) -> Self {
        match next {
            Next::AwaitCommand(state) => Self::AwaitCommand(state),
            Next::NeedVerdict(credentials, state) => Self::NeedVerdict(credentials, state),
            Next::Complete(outcome) => Self::Complete(outcome),
        }
    }
}

/// The action that the caller has to take next.
#[derive(Debug)]
pub enum HandshakeStep {
    /// Send the output, then come back with more bytes.
    NeedInput,
    /// Send the output, and decide whether the peer may come in: [`Handshake::handle_verdict`]. PLAIN and CURVE
    /// ask on the server's side, NULL on both; CURVE clients have made sure of the server by its key.
    ///
    /// Only with NULL may the peer send more before it is answered, and that isn't taken off the input.
    Authenticate(Credentials),
    /// Send the output, or close the connection if the peer is to be rejected after all: the output is empty, or the
    /// READY that lets the peer in. The rest of the input is traffic.
    Complete(Box<HandshakeOutcome>),
}

/// The result of a complete handshake.
#[derive(Debug)]
pub struct HandshakeOutcome {
    /// The peer, with its properties.
    pub peer: PeerProperties,
    /// Encryption of sent traffic, if the mechanism encrypts.
    pub sealer: Option<Sealer>,
    /// Decryption of received traffic, if the mechanism encrypts: see [`Incoming`](crate::Incoming).
    pub opener: Option<Opener>,
}

impl Handshake {
    /// Starts. Our greeting is ready to be sent at once: up to the version by an end that accepted the connection or
    /// serves ZMTP 2.0, and all 64 bytes by any other end. The bytes behind the version wait for the peer's version:
    /// libzmq reads first, and if the mechanism isn't its own, it disconnects before it has sent anything.
    #[must_use]
    pub fn new(config: HandshakeConfig, entropy: Entropy) -> Self {
        let HandshakeConfig { local, security, max_metadata, zmtp2, is_acceptor } = config;
        let may_downgrade = zmtp2 && security.mechanism() == Mechanism::Null;
        let opening = Box::new(Opening { local, security, entropy, is_acceptor, may_downgrade });
        let greeting = opening.greeting();
        let (state, sent) = if may_downgrade || is_acceptor {
            (State::Version(opening), &greeting[..VERSIONED])
        } else {
            (State::Greeting(opening), &greeting[..])
        };
        Self { state, output: BytesMut::from(sent), max_metadata }
    }

    /// Takes bytes from the front of `input` as far as it can, and returns the next step.
    ///
    /// # Errors
    /// [`HandshakeError`]: send the output that is left, then close the connection.
    pub fn handle_input(&mut self, input: &mut BytesMut) -> Result<HandshakeStep, HandshakeError> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Version(opening) => match self.handle_version(opening, input)? {
                    (state, false) => return Ok(self.wait_in(state)),
                    (state, true) => state,
                },
                State::Greeting(opening) => match Greeting::parse(input, opening.security.mechanism())? {
                    None => return Ok(self.wait_in(State::Greeting(opening))),
                    Some(greeting) => {
                        let _ = input.split_to(Greeting::LEN);
                        opening.start(greeting.version, &mut self.output)?.into()
                    }
                },
                State::Zmtp2Type(state) => match state.take(input, &mut self.output)? {
                    None => return Ok(self.wait_in(State::Zmtp2Type(state))),
                    Some(next) => State::Zmtp2Identity(next),
                },
                State::Zmtp2Identity(state) => match state.take(input)? {
                    None => return Ok(self.wait_in(State::Zmtp2Identity(state))),
                    Some(peer) => State::NeedVerdict(Credentials::Null, Box::new(zmtp2::Undecided(peer))),
                },
                State::AwaitCommand(state) => match Received::take(input, self.max_metadata)? {
                    None => return Ok(self.wait_in(State::AwaitCommand(state))),
                    Some(command) => state.handle(command, &mut self.output)?.into(),
                },
                State::NeedVerdict(credentials, state) => {
                    may_wait(&*state, input)?;
                    self.state = State::AwaitVerdict(state);
                    return Ok(HandshakeStep::Authenticate(credentials));
                }
                State::AwaitVerdict(state) => {
                    may_wait(&*state, input)?;
                    return Ok(self.wait_in(State::AwaitVerdict(state)));
                }
                State::Complete(outcome) => return Ok(HandshakeStep::Complete(outcome)),
                State::Over => return Err(HandshakeError::Over),
            };
        }
    }

    fn wait_in(&mut self, state: State) -> HandshakeStep {
        self.state = state;
        HandshakeStep::NeedInput
    }

    /// Answers [`HandshakeStep::Authenticate`]. Call [`handle_input`](Self::handle_input) next, more bytes or not.
    ///
    /// # Errors
    /// [`HandshakeError`]: send the output that is left, then close the connection.
    pub fn handle_verdict(&mut self, verdict: Verdict) -> Result<(), HandshakeError> {
        let State::AwaitVerdict(state) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(HandshakeError::Over);
        };
        match verdict {
            Verdict::Allow(user) => {
                self.state = state.admit(user, &mut self.output)?.into();
                Ok(())
            }
            Verdict::Deny(deny_reason) => {
                state.deny(deny_reason, &mut self.output);
                Err(HandshakeError::Denied(deny_reason))
            }
        }
    }

    /// Returns bytes to send to the peer; empty when there are none.
    pub fn poll_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }

    /// Goes on with a peer of ZMTP 2.0, or sends the rest of our greeting to a peer of ZMTP 3. Returns the state, and
    /// `false` if too few bytes have come to tell the version.
    fn handle_version(
        &mut self,
        opening: Box<Opening>,
        input: &mut BytesMut,
    ) -> Result<(State, bool), HandshakeError> {
        match peer_major(input)? {
            None => Ok((State::Version(opening), false)),
            Some(1 | 2) if opening.may_downgrade => {
                let _ = input.split_to(VERSIONED);
                let state = zmtp2::start(opening.local, opening.is_acceptor, &mut self.output);
                Ok((State::Zmtp2Type(Box::new(state)), true))
            }
            Some(_) => {
                self.output.extend_from_slice(&opening.greeting()[VERSIONED..]);
                Ok((State::Greeting(opening), true))
            }
        }
    }
}

/// Fails if the peer went on before the answer that it has to wait for.
fn may_wait(state: &dyn AwaitVerdict, input: &BytesMut) -> Result<(), HandshakeError> {
    if input.is_empty() || state.may_peer_speak() { Ok(()) } else { Err(HandshakeError::OutOfTurn) }
}

impl Opening {
    /// Returns our greeting, as it stands on the wire.
    fn greeting(&self) -> [u8; Greeting::LEN] {
        Greeting::new(self.security.mechanism(), self.security.is_server()).to_wire()
    }

    /// Returns the first state of the mechanism.
    fn start(self, version: Version, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let Self { local, security, entropy, is_acceptor, .. } = self;
        match security {
            Security::Null => Ok(null::start(local, version, is_acceptor)),
            Security::PlainClient(login) => Ok(plain::start_client(local, version, &login, out)),
            Security::PlainServer => Ok(plain::start_server(local, version)),
            Security::CurveClient { keys, server } => {
                curve::client::start(local, version, keys, server, &entropy, out)
            }
            Security::CurveServer { keys } => Ok(curve::server::start(local, version, keys, entropy)),
        }
    }
}
