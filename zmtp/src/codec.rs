//! ZMTP for `tokio_util::codec::Framed` (feature `codec`).
//!
//! [`connect`] runs the handshake over any stream of bytes, and returns a `Framed` of the traffic behind it: a stream
//! of [`Traffic`], and a sink of messages and commands. The example `subscriber` is a whole peer in a few lines.
//!
//! The codec sends nothing by itself: answer PINGs ([`Traffic::Command`]) with PONGs, and close the stream of a silent
//! peer. The sockets of `enfonet` do both.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_util::codec::{Decoder, Encoder, Framed};

use crate::command::error::CommandError;
use crate::command::traffic::Command;
use crate::curve::error::CurveError;
use crate::curve::traffic::Sealer;
use crate::decoder::Event;
use crate::frame::limits::Limits;
use crate::greeting::Version;
use crate::handshake::config::HandshakeConfig;
use crate::handshake::entropy::Entropy;
use crate::handshake::error::HandshakeError;
use crate::handshake::machine::{Handshake, HandshakeStep};
use crate::handshake::properties::PeerProperties;
use crate::handshake::state::HandshakeOutcome;
use crate::incoming::{Incoming, TrafficError};
use crate::message::batch::Batch;
use crate::message::message::Message;
use crate::security::credentials::Credentials;
use crate::security::verdict::Verdict;

/// Maximum bytes of the peer's handshake, beside its metadata, that are received while ours is being sent.
const MAX_AHEAD_BYTES: usize = 4 << 10;

/// A message or command that a peer sends after the handshake.
#[derive(Clone, Debug, PartialEq)]
pub enum Traffic {
    /// A whole message.
    Message(Message),
    /// A command.
    Command(Command),
}

/// Decoder and encoder for the traffic of one connection, encrypted if its mechanism encrypts.
#[derive(Debug)]
pub struct Codec {
    incoming: Incoming,
    sealer: Option<Sealer>,
    version: Version,
    /// Messages received and not returned yet.
    batch: Batch,
}

impl Codec {
    /// Returns a codec for the traffic behind a handshake, and the peer. `received` is the rest of the handshake's
    /// input.
    #[must_use]
    pub fn new(outcome: HandshakeOutcome, received: BytesMut, limits: Limits) -> (Self, PeerProperties) {
        let HandshakeOutcome { peer, sealer, opener } = outcome;
        let incoming = Incoming::new(received, limits, opener);
        (Self { incoming, sealer, version: peer.version, batch: Batch::default() }, peer)
    }
}

impl Decoder for Codec {
    type Item = Traffic;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Traffic>, CodecError> {
        if !src.is_empty() {
            self.incoming.reserve(src.len()).unsplit(src.split());
        }
        loop {
            if let Some(message) = self.batch.pop_front() {
                return Ok(Some(Traffic::Message(message)));
            }
            match self.incoming.poll_event()? {
                None => return Ok(None),
                Some(Event::Batch(batch)) => self.batch = batch,
                Some(Event::Command(body)) => return Ok(Some(Traffic::Command(Command::parse(body)?))),
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Traffic>, CodecError> {
        match self.decode(src)? {
            None if !self.incoming.is_empty() => Err(CodecError::Io(io::ErrorKind::UnexpectedEof.into())),
            traffic => Ok(traffic),
        }
    }
}

impl Encoder<Message> for Codec {
    type Error = CodecError;

    fn encode(&mut self, message: Message, dst: &mut BytesMut) -> Result<(), CodecError> {
        match &mut self.sealer {
            None => message.encode(dst),
            Some(sealer) => sealer.seal_message(&message, dst)?,
        }
        Ok(())
    }
}

impl Encoder<Command> for Codec {
    type Error = CodecError;

    fn encode(&mut self, command: Command, dst: &mut BytesMut) -> Result<(), CodecError> {
        let mut frame = BytesMut::new();
        command.encode(self.version, &mut frame);
        match &mut self.sealer {
            None => dst.extend_from_slice(&frame),
            Some(sealer) => sealer.seal_frames(&frame, dst)?,
        }
        Ok(())
    }
}

/// Runs the handshake over a connected stream, whichever end connected it. `decide` is called if there is anything to
/// decide: see [`HandshakeStep::Authenticate`]. There is no time limit: wrap the call in a timeout.
///
/// # Errors
/// [`CodecError`]: close the stream.
pub async fn connect<T, D>(
    mut io: T,
    config: HandshakeConfig,
    entropy: Entropy,
    limits: Limits,
    decide: D,
) -> Result<(Framed<T, Codec>, PeerProperties), CodecError>
where
    T: AsyncRead + AsyncWrite + Unpin,
    D: AsyncFn(Credentials) -> Verdict,
{
    let enough = config.max_metadata.saturating_add(MAX_AHEAD_BYTES);
    let (mut handshake, mut input) = (Handshake::new(config, entropy), BytesMut::new());
    loop {
        let step = handshake.handle_input(&mut input);
        // A failed step may leave an ERROR to send.
        let sent = send(&mut io, handshake.poll_output(), &mut input, enough).await;
        let step = step?;
        sent?;
        match step {
            HandshakeStep::NeedInput => {
                if io.read_buf(&mut input).await? == 0 {
                    return Err(CodecError::Io(io::ErrorKind::UnexpectedEof.into()));
                }
            }
            HandshakeStep::Authenticate(credentials) => {
                if let Err(error) = handshake.handle_verdict(decide(credentials).await) {
                    let _ = send(&mut io, handshake.poll_output(), &mut input, enough).await;
                    return Err(error.into());
                }
            }
            HandshakeStep::Complete(outcome) => {
                let (codec, peer) = Codec::new(*outcome, input, limits);
                return Ok((codec.framed(io), peer));
            }
        }
    }
}

/// Sends `output`, and meanwhile receives until `input` has `enough` bytes: two ends that only send would wait for each
/// other for ever.
async fn send<T>(io: &mut T, mut output: Bytes, input: &mut BytesMut, enough: usize) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        loop {
            let sent = match output.is_empty() {
                true => Pin::new(&mut *io).poll_flush(cx).map_ok(|()| None),
                false => Pin::new(&mut *io).poll_write(cx, &output).map_ok(Some),
            };
            match sent? {
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Some(bytes)) => output.advance(bytes),
                Poll::Pending if input.len() >= enough => return Poll::Pending,
                // At the end of the input only the write is left to wait for.
                Poll::Pending => match pin!(io.read_buf(input)).poll(cx)? {
                    Poll::Pending | Poll::Ready(0) => return Poll::Pending,
                    Poll::Ready(_) => {}
                },
            }
        }
    })
    .await
}

/// An error that ends a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The stream failed, or ended in the handshake.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// Traffic that can't be accepted.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// A command that can't be read.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Nothing more can be encrypted.
    #[error(transparent)]
    Curve(#[from] CurveError),
}

#[cfg(test)]
mod tests;
