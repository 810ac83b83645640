//! Drives the handshake over a stream.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use enfonet_zmtp::{
    Credentials, Entropy, Established, Handshake, HandshakeConfig, HandshakeError, Mechanism, Step, Verdict,
};
use zeroize::Zeroizing;

use super::link::Link;
use crate::auth::Claim;
use crate::error::ConnectionError;
use crate::transport::Stream;

/// Room for a greeting, a READY and a little traffic behind it.
const ROOM: usize = 512;

/// Shakes hands within the time limit. Gives what came of it, and what arrived behind the peer's part.
pub(super) async fn handshake(
    stream: &Stream,
    link: &dyn Link,
) -> Result<(Established, BytesMut), ConnectionError> {
    let shaking = async {
        let handshake = Handshake::new(config(link), entropy(link)?);
        Shaking { stream, link, handshake, input: BytesMut::with_capacity(ROOM) }.run().await
    };
    match link.options().handshake {
        Duration::ZERO => shaking.await,
        limit => tokio::time::timeout(limit, shaking).await.unwrap_or(Err(ConnectionError::HandshakeTimeout)),
    }
}

fn config(link: &dyn Link) -> HandshakeConfig {
    let (options, local) = (link.options(), link.local());
    HandshakeConfig {
        security: options.security.clone(),
        max_metadata: options.metadata,
        zmtp2: options.zmtp2 && !options.door.is_kept(),
        local,
    }
}

/// From the system's generator, if the mechanism needs any.
fn entropy(link: &dyn Link) -> io::Result<Entropy> {
    if link.options().security.mechanism() != Mechanism::Curve {
        return Ok(Entropy::none());
    }
    let mut octets = Zeroizing::new([0; Entropy::LEN]);
    getrandom::fill(&mut *octets)?;
    Ok(Entropy::from(*octets))
}

struct Shaking<'a> {
    stream: &'a Stream,
    link: &'a dyn Link,
    handshake: Handshake,
    input: BytesMut,
}

impl Shaking<'_> {
    async fn run(mut self) -> Result<(Established, BytesMut), ConnectionError> {
        loop {
            let step = self.handshake.handle_input(&mut self.input);
            match self.answered(step).await? {
                Step::NeedInput => receive(self.stream, &mut self.input).await?,
                Step::Authenticate(credentials) => self.decide(credentials).await?,
                Step::Complete(established) => return Ok((*established, self.input)),
            }
        }
    }

    /// What a peer that has gone before the decision said at last: it may have told why. Nothing is sent any more.
    fn last_words(&mut self) -> Option<ConnectionError> {
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

    /// Has it decided whether the peer may come in. If it goes away, or says something out of turn, that is seen.
    /// With NULL its READY may come meanwhile: so much is read, and no more.
    async fn decide(&mut self, credentials: Credentials) -> Result<(), ConnectionError> {
        let (options, stream) = (self.link.options(), self.stream);
        let enough = options.metadata.saturating_add(ROOM);
        let claim = |credentials| Claim {
            credentials,
            domain: options.domain.clone(),
            address: stream.peer_address(),
            identity: options.identity.clone(),
        };
        let mut verdict = pin!(options.door.decide(credentials, claim));
        loop {
            tokio::select! {
                biased;
                verdict = &mut verdict => {
                    let outcome = self.handshake.handle_verdict(verdict);
                    return self.answered(outcome).await;
                }
                received = receive(self.stream, &mut self.input), if self.input.len() < enough => {
                    if let Err(error) = received {
                        return Err(self.last_words().unwrap_or(error));
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
