//! The handshake over a buffer, from the first byte to the outcome.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::greeting::{Greeting, Mechanism, VERSIONED, Version, peer_major};
use crate::handshake::command::Received;
use crate::handshake::config::HandshakeConfig;
use crate::handshake::entropy::Entropy;
use crate::handshake::error::HandshakeError;
use crate::handshake::properties::LocalProperties;
use crate::handshake::state::{AwaitCommand, AwaitVerdict, HandshakeOutcome, Next};
use crate::handshake::{curve, null, plain, zmtp2};
use crate::security::config::Security;
use crate::security::credentials::Credentials;
use crate::security::verdict::Verdict;

/// A handshake in progress.
pub struct Handshake {
    state: State,
    output: BytesMut,
    max_metadata: usize,
}

#[derive(Debug)]
enum State {
    /// The rest of our greeting waits for the peer's version, which decides how the handshake goes on.
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

/// Debug output with the length of the output only: a password may be in it.
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

/// Data for the time after the peer's greeting.
#[derive(Debug)]
struct Opening {
    local: LocalProperties,
    security: Security,
    entropy: Entropy,
    is_acceptor: bool,
    /// Whether a peer of ZMTP 2.0 is served.
    may_downgrade: bool,
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
    /// Send the output, decide whether to admit the peer, and call [`Handshake::handle_verdict`]. With PLAIN and CURVE
    /// this is a step of the server, with NULL of both ends. CURVE clients verify the server by its key.
    ///
    /// Only with NULL may the peer send more before the verdict. Those bytes stay in the input.
    Authenticate(Credentials),
    /// Send the output, or close the connection to reject the peer after all: the output is empty, or the READY that
    /// the peer still waits for. The rest of the input is traffic.
    Complete(Box<HandshakeOutcome>),
}

impl Handshake {
    /// Starts a handshake. The greeting is ready to be sent at once: up to the version by an end that accepted the
    /// connection or serves ZMTP 2.0, and all 64 bytes by any other end. The bytes behind the version wait for the
    /// peer's version: libzmq reads first, and disconnects before it has sent anything if the mechanism isn't its own.
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

    /// Takes bytes off the front of `input` as far as they are whole, and returns the next step.
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

    /// Answers [`HandshakeStep::Authenticate`]. Call [`handle_input`](Self::handle_input) next, even without more
    /// bytes.
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
    /// `false` if too few bytes have arrived to know the version.
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

/// Checks that the peer has sent nothing before an answer that it has to wait for.
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
