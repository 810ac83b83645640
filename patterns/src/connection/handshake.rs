//! Drives the handshake over a stream.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{
    Credentials, Entropy, Handshake, HandshakeConfig, HandshakeError, HandshakeOutcome, HandshakeStep,
    Mechanism, Verdict,
};
use zeroize::Zeroizing;

use super::session::Session;
use crate::PeerId;
use crate::auth::AuthRequest;
use crate::error::ConnectionError;
use crate::transport::Stream;

/// Room for a greeting, a READY and a little traffic behind it.
const ROOM: usize = 512;

/// The place that a peer is to have in the socket.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// A new one, of a peer that has connected to this side.
    Accepting,
    /// That of a peer that this side connects to, with its queue if that is there already.
    Connecting(Option<PeerId>),
}

impl Side {
    pub(super) const fn is_accepting(self) -> bool {
        matches!(self, Self::Accepting)
    }

    /// The queue that the peer is to have, if it is there before the peer.
    pub(super) const fn queue(self) -> Option<PeerId> {
        match self {
            Self::Accepting => None,
            Self::Connecting(queue) => queue,
        }
    }
}

/// A handshake that is complete, but for the last word.
#[derive(Debug)]
pub(super) struct CompletedHandshake {
    pub(super) outcome: HandshakeOutcome,
    /// Bytes that came behind the peer's part.
    pub(super) received: BytesMut,
    /// Our READY, if the peer still waits for it. Not sent before the socket has taken the peer in: a peer that is
    /// rejected keeps what it has to send.
    pub(super) ready: Bytes,
}

/// Shakes hands within the time limit.
pub(super) async fn handshake(
    stream: &Stream,
    session: &dyn Session,
    side: Side,
) -> Result<CompletedHandshake, ConnectionError> {
    let run = async {
        let handshake = Handshake::new(config(session, side), entropy(session)?);
        let input = BytesMut::with_capacity(ROOM);
        let mut running = RunningHandshake { stream, session, side, handshake, input, has_heard: false };
        match running.run().await {
            Ok((outcome, ready)) => Ok(CompletedHandshake { outcome, received: running.input, ready }),
            Err(error) if running.is_abandoned(&error) => Err(ConnectionError::Abandoned),
            Err(error) => Err(error),
        }
    };
    match session.options().handshake {
        Duration::ZERO => run.await,
        limit => tokio::time::timeout(limit, run).await.unwrap_or(Err(ConnectionError::HandshakeTimeout)),
    }
}

fn config(session: &dyn Session, side: Side) -> HandshakeConfig {
    let (options, local) = (session.options(), session.local());
    HandshakeConfig {
        security: options.security.clone(),
        max_metadata: options.metadata,
        zmtp2: options.zmtp2 && !options.door.is_kept(),
        is_acceptor: side.is_accepting(),
        local,
    }
}

/// From the system's generator, if the mechanism needs any.
fn entropy(session: &dyn Session) -> io::Result<Entropy> {
    if session.options().security.mechanism() != Mechanism::Curve {
        return Ok(Entropy::none());
    }
    let mut bytes = Zeroizing::new([0; Entropy::LEN]);
    getrandom::fill(&mut *bytes)?;
    Ok(Entropy::from(*bytes))
}

struct RunningHandshake<'a> {
    stream: &'a Stream,
    session: &'a dyn Session,
    side: Side,
    handshake: Handshake,
    input: BytesMut,
    /// Anything has come from the peer.
    has_heard: bool,
}

/// Whether the peer has closed the connection, in order or not.
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
                step => match self.answered(step).await? {
                    HandshakeStep::Authenticate(credentials) => self.decide(credentials).await?,
                    _ => self.receive().await?,
                },
            }
        }
    }

    /// Reads more. Where there is no place for any peer, the peer isn't answered: not every mechanism lets this end speak
    /// last, and a peer that has got all that it waits for takes itself for connected.
    async fn receive(&mut self) -> Result<(), ConnectionError> {
        receive(self.stream, &mut self.input).await?;
        self.has_heard = true;
        Ok(self.session.check_admission(self.side.queue())?)
    }

    /// Returns whether the peer has gone for a reason of its own. A peer that connects here and sends nothing may be
    /// anything, such as a probe that looks whether the port is open; a peer that this side has connected to has read
    /// our greeting before it goes.
    fn is_abandoned(&self, error: &ConnectionError) -> bool {
        is_end(error) && (self.has_heard || !self.side.is_accepting())
    }

    /// Returns the error, if any, in the last input of a peer that has gone before the decision: the peer may have told
    /// why. Nothing is sent any more.
    fn final_error(&mut self) -> Option<ConnectionError> {
        let heard = self.handshake.handle_verdict(Verdict::allow());
        heard.and_then(|()| self.handshake.handle_input(&mut self.input)).err().map(Into::into)
    }

    /// Sends what there is to send.
    async fn answered<T>(&mut self, outcome: Result<T, HandshakeError>) -> Result<T, ConnectionError> {
        let sent = self.stream.write_all(&self.handshake.poll_output()).await;
        // The peer may be told what went wrong; if that fails, it makes no difference.
        let outcome = outcome?;
        sent?;
        Ok(outcome)
    }

    /// Waits for the decision whether the peer may come in. Fails if the peer goes away meanwhile, or sends something
    /// out of turn. With NULL the peer's READY may come meanwhile: that much is read, and no more.
    async fn decide(&mut self, credentials: Credentials) -> Result<(), ConnectionError> {
        let (options, stream) = (self.session.options(), self.stream);
        let enough = options.metadata.saturating_add(ROOM);
        let request = |credentials| AuthRequest {
            credentials,
            domain: options.domain.clone(),
            address: stream.peer_address(),
            identity: options.identity.clone(),
        };
        let mut verdict = pin!(options.door.decide(credentials, request));
        loop {
            tokio::select! {
                biased;
                verdict = &mut verdict => {
                    // An answer to a peer that may come in is sent with the next step.
                    return match self.handshake.handle_verdict(verdict) {
                        Ok(()) => Ok(()),
                        denied => self.answered(denied).await,
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

async fn receive(stream: &Stream, input: &mut BytesMut) -> Result<(), ConnectionError> {
    input.reserve(ROOM / 2);
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
