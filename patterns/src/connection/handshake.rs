//! The handshake over a stream: reads, writes, asks the authenticator, and keeps the time limit.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{
    Credentials, Entropy, Handshake, HandshakeConfig, HandshakeError, HandshakeOutcome, HandshakeStep,
    Mechanism, Verdict,
};
use zeroize::Zeroizing;

use crate::auth::AuthRequest;
use crate::error::ConnectionError;
use crate::peer::PeerId;
use crate::session::Session;
use crate::transport::Stream;
use crate::tuning::HANDSHAKE_BUFFER_BYTES;

/// The side of a connection that this socket is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// The peer has connected to this side. Its queue begins with the connection.
    Accepting,
    /// This side connects to the peer; with the peer's queue, if that exists already.
    Connecting(Option<PeerId>),
}

impl Side {
    pub(super) const fn is_accepting(self) -> bool {
        matches!(self, Self::Accepting)
    }

    /// Returns the peer's queue, if it exists before the peer is connected.
    pub(super) const fn queue(self) -> Option<PeerId> {
        match self {
            Self::Accepting => None,
            Self::Connecting(queue) => queue,
        }
    }
}

/// A handshake that is complete, except that our READY may still have to be sent.
#[derive(Debug)]
pub(super) struct CompletedHandshake {
    pub(super) outcome: HandshakeOutcome,
    /// Bytes that the peer sent after its last handshake command.
    pub(super) received: BytesMut,
    /// Our READY, if the peer still waits for it. It is sent only after the peer has joined the socket: a peer that is
    /// rejected then hasn't sent any messages, which would be lost.
    pub(super) ready: Bytes,
}

/// Runs the handshake within the time limit.
pub(super) async fn handshake(
    stream: &Stream,
    session: &dyn Session,
    side: Side,
) -> Result<CompletedHandshake, ConnectionError> {
    let run = async {
        let handshake = Handshake::new(config(session, side), entropy(session)?);
        let input = BytesMut::with_capacity(HANDSHAKE_BUFFER_BYTES);
        let mut running = RunningHandshake { stream, session, side, handshake, input, has_received: false };
        match running.run().await {
            Ok((outcome, ready)) => Ok(CompletedHandshake { outcome, received: running.input, ready }),
            Err(error) if running.is_abandoned(&error) => Err(ConnectionError::Abandoned),
            Err(error) => Err(error),
        }
    };
    match session.settings().handshake.timeout {
        Duration::ZERO => run.await,
        limit => tokio::time::timeout(limit, run).await.unwrap_or(Err(ConnectionError::HandshakeTimeout)),
    }
}

/// Returns the configuration of the handshake, from the options of the socket.
fn config(session: &dyn Session, side: Side) -> HandshakeConfig {
    let (settings, local) = (session.settings(), session.local());
    HandshakeConfig {
        security: settings.handshake.security.clone(),
        max_metadata: settings.handshake.max_metadata,
        zmtp2: settings.handshake.zmtp2 && !settings.handshake.auth_policy.is_set(),
        is_acceptor: side.is_accepting(),
        local,
    }
}

/// Returns randomness from the system's generator, if the mechanism needs any.
fn entropy(session: &dyn Session) -> io::Result<Entropy> {
    if session.settings().handshake.security.mechanism() != Mechanism::Curve {
        return Ok(Entropy::none());
    }
    let mut bytes = Zeroizing::new([0; Entropy::LEN]);
    getrandom::fill(&mut *bytes)?;
    Ok(Entropy::from(*bytes))
}

/// A handshake in progress.
struct RunningHandshake<'a> {
    stream: &'a Stream,
    session: &'a dyn Session,
    side: Side,
    handshake: Handshake,
    input: BytesMut,
    /// Whether any bytes have arrived from the peer.
    has_received: bool,
}

/// Returns whether the error means that the peer has closed the connection, in order or not.
fn is_end(error: &ConnectionError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error {
        ConnectionError::Eof => true,
        ConnectionError::Io(error) => {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
        }
        _ => false,
    }
}

impl RunningHandshake<'_> {
    async fn run(&mut self) -> Result<(HandshakeOutcome, Bytes), ConnectionError> {
        loop {
            match self.handshake.handle_input(&mut self.input) {
                Ok(HandshakeStep::Complete(outcome)) => {
                    return Ok((*outcome, self.handshake.poll_output()));
                }
                step => match self.send_output(step).await? {
                    HandshakeStep::Authenticate(credentials) => self.authenticate(credentials).await?,
                    _ => self.receive().await?,
                },
            }
        }
    }

    /// Reads more, and fails if the socket can't admit the peer.
    ///
    /// Checked before the peer is answered: not every mechanism lets this end speak last, and a peer with a complete
    /// handshake counts itself as connected.
    async fn receive(&mut self) -> Result<(), ConnectionError> {
        receive(self.stream, &mut self.input).await?;
        self.has_received = true;
        Ok(self.session.check_admission(self.side.queue())?)
    }

    /// Returns whether the peer has ended the handshake for a reason of its own. An accepted peer that has sent nothing
    /// doesn't count: it may be a probe that tests whether the port is open. A peer that this side has connected to has
    /// read our greeting before it disconnects.
    fn is_abandoned(&self, error: &ConnectionError) -> bool {
        is_end(error) && (self.has_received || !self.side.is_accepting())
    }

    /// Returns the error, if any, in the last input of a peer that disconnected before the authenticator's decision:
    /// the input may have the peer's reason. Sends nothing.
    fn final_error(&mut self) -> Option<ConnectionError> {
        let heard = self.handshake.handle_verdict(Verdict::allow());
        heard.and_then(|()| self.handshake.handle_input(&mut self.input)).err().map(Into::into)
    }

    /// Sends the pending output, then returns the outcome.
    async fn send_output<T>(&mut self, outcome: Result<T, HandshakeError>) -> Result<T, ConnectionError> {
        let sent = self.stream.write_all(&self.handshake.poll_output()).await;
        // The output may be an ERROR for the peer. Our own error counts even if that can't be sent.
        let outcome = outcome?;
        sent?;
        Ok(outcome)
    }

    /// Waits for the authenticator's decision. Fails if the peer disconnects meanwhile, or sends bytes out of turn.
    /// With NULL the peer's READY may arrive meanwhile: so many bytes are read, and no more.
    async fn authenticate(&mut self, credentials: Credentials) -> Result<(), ConnectionError> {
        let (settings, stream) = (self.session.settings(), self.stream);
        let enough = settings.handshake.max_metadata.saturating_add(HANDSHAKE_BUFFER_BYTES);
        let request = |credentials| AuthRequest {
            credentials,
            domain: settings.handshake.domain.clone(),
            address: stream.peer_address(),
            identity: settings.identity.clone(),
        };
        let mut verdict = pin!(settings.handshake.auth_policy.decide(credentials, request));
        loop {
            tokio::select! {
                biased;
                verdict = &mut verdict => {
                    // The answer to an admitted peer is sent with the next step.
                    return match self.handshake.handle_verdict(verdict) {
                        Ok(()) => Ok(()),
                        denied => self.send_output(denied).await,
                    };
                }
                received = receive(self.stream, &mut self.input), if self.input.len() < enough => {
                    if let Err(error) = received {
                        return Err(self.final_error().unwrap_or(error));
                    }
                    self.handshake.handle_input(&mut self.input)?;
                }
            }
        }
    }
}

/// Reads once into the buffer, after waiting until there is something to read.
async fn receive(stream: &Stream, input: &mut BytesMut) -> Result<(), ConnectionError> {
    input.reserve(HANDSHAKE_BUFFER_BYTES / 2);
    loop {
        stream.readable().await?;
        match stream.try_read(input) {
            Ok(0) => return Err(ConnectionError::Eof),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}
