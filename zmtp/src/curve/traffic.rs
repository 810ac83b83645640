//! Traffic under CURVE: every frame, of a message or a command, is a MESSAGE with the frame in a box.
//!
//! ```text
//!   on the wire   flags len │ 7 "MESSAGE" │ nonce 8 │ tag 16 │ inner flags 1 │ body │
//!                           │             in clear           │      encrypted       │
//! ```
//!
//! The outer frame is that of a plain message, as libzmq sends it (RFC 37 has a command). The inner flags name its
//! content: MORE for a part of a message, and libzmq's COMMAND for a command.

use bytes::{BufMut, BytesMut};
use enfonet_secretbox::{Key, Series};

use crate::command::name::CommandName;
use crate::curve::boxes::{OVERHEAD, SHORT_NONCE};
use crate::curve::error::CurveError;
use crate::frame::header::FrameHeader;
use crate::message::batch::Batch;
use crate::message::message::Message;

const NAME: &[u8; 8] = b"\x07MESSAGE";
const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// Bytes of a MESSAGE in addition to the body of its frame.
pub(crate) const MESSAGE_OVERHEAD: usize = NAME.len() + SHORT_NONCE + OVERHEAD + 1;

const LONG_HEADER: usize = 9;

/// The end that seals: boxes of the two directions have different nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    const fn prefix(self) -> &'static [u8; 16] {
        match self {
            Self::Client => b"CurveZMQMESSAGEC",
            Self::Server => b"CurveZMQMESSAGES",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Returns the two directions of a connection. `sent` and `received` are the last nonces of the handshake.
pub(crate) fn pair(key: &Key, us: Side, sent: u64, received: u64) -> (Sealer, Opener) {
    let sealer = Sealer { boxes: Series::new(key, us.prefix()), last: sent };
    let opener = Opener { boxes: Series::new(key, us.other().prefix()), last: received };
    (sealer, opener)
}

/// The encryption of sent frames. Every connection has its own sealer, and sends frames in the order in which they were
/// sealed.
#[derive(Debug)]
pub struct Sealer {
    boxes: Series,
    last: u64,
}

impl Sealer {
    /// Appends the MESSAGEs that carry a batch, a frame each.
    ///
    /// # Errors
    /// [`CurveError::Exhausted`] after 2^64 frames: close the connection.
    pub fn seal(&mut self, batch: &Batch, out: &mut BytesMut) -> Result<(), CurveError> {
        // Enough unless messages have several frames.
        out.reserve(batch.wire_len() + batch.len() * (LONG_HEADER + MESSAGE_OVERHEAD));
        self.seal_frames(batch.wire(), out)
    }

    /// Appends the MESSAGEs that carry a message, a frame each. The message isn't encoded first.
    ///
    /// # Errors
    /// [`CurveError::Exhausted`] after 2^64 frames: close the connection.
    pub fn seal_message(&mut self, message: &Message, out: &mut BytesMut) -> Result<(), CurveError> {
        out.reserve(message.wire_len() + LONG_HEADER + MESSAGE_OVERHEAD);
        let mut frames = message.iter().peekable();
        while let Some(body) = frames.next() {
            self.seal_frame(if frames.peek().is_some() { MORE } else { 0 }, body, out)?;
        }
        Ok(())
    }

    /// Appends a MESSAGE for each of `frames`: whole canonical frames, of messages or commands.
    ///
    /// # Errors
    /// [`CurveError::Exhausted`] after 2^64 frames: close the connection.
    pub fn seal_frames(&mut self, mut frames: &[u8], out: &mut BytesMut) -> Result<(), CurveError> {
        // Frames that this side encoded are whole; anything else ends the walk.
        while let Ok(Some(header)) = FrameHeader::parse(frames) {
            let Some((frame, rest)) = frames.split_at_checked(header.frame_len()) else { break };
            let flags = if header.is_command() { COMMAND } else { u8::from(header.more()) };
            self.seal_frame(flags, &frame[header.header_len()..], out)?;
            frames = rest;
        }
        Ok(())
    }

    /// Returns the sealed length of messages or commands in wire form.
    #[must_use]
    pub fn sealed_len(mut frames: &[u8]) -> usize {
        let mut sealed = 0;
        while let Ok(Some(header)) = FrameHeader::parse(frames) {
            sealed += FrameHeader::message(MESSAGE_OVERHEAD + header.body_len(), false).frame_len();
            frames = frames.get(header.frame_len()..).unwrap_or_default();
        }
        sealed
    }

    /// Frees memory that only makes sealing faster. Call it when the connection becomes idle.
    pub fn shrink(&mut self) {
        self.boxes.shrink();
    }

    fn seal_frame(&mut self, flags: u8, body: &[u8], out: &mut BytesMut) -> Result<(), CurveError> {
        self.last = self.last.checked_add(1).ok_or(CurveError::Exhausted)?;
        let header = FrameHeader::message(MESSAGE_OVERHEAD + body.len(), false);
        out.reserve(header.frame_len());
        header.encode(out);
        out.put_slice(NAME);
        out.put_u64(self.last);
        self.boxes.seal(self.last, &[&[flags], body], out);
        Ok(())
    }
}

/// The decryption of received frames.
#[derive(Debug)]
pub struct Opener {
    boxes: Series,
    last: u64,
}

impl Opener {
    /// Opens the body of a frame, and appends the frame in its box to `out`.
    ///
    /// # Errors
    /// [`CurveError`]: the body is no MESSAGE of the peer, or is a replay. Close the connection.
    pub(crate) fn open(&mut self, body: &[u8], out: &mut BytesMut) -> Result<(), CurveError> {
        let message = body.strip_prefix(NAME).ok_or(CurveError::Unencrypted)?;
        let wrong_length = CurveError::Length { command: CommandName::Message, len: body.len() };
        let (number, boxed) = message.split_first_chunk::<SHORT_NONCE>().ok_or(wrong_length)?;
        let number = u64::from_be_bytes(*number);
        if number <= self.last {
            return Err(CurveError::Replay { nonce: number, last: self.last });
        }
        // The inner flags take the place of the header's last byte until they are known.
        let len = boxed.len().saturating_sub(OVERHEAD + 1);
        let (start, header_len) = (out.len(), FrameHeader::message(len, false).header_len());
        out.reserve(header_len + len);
        out.put_bytes(0, header_len - 1);
        if !self.boxes.open(number, boxed, out) {
            out.truncate(start);
            return Err(CurveError::Box { command: CommandName::Message });
        }
        let Some(flags) = out.get(start + header_len - 1).copied() else {
            out.truncate(start);
            return Err(wrong_length);
        };
        self.last = number;
        let header = if flags & COMMAND != 0 {
            FrameHeader::command(len)
        } else {
            FrameHeader::message(len, flags & MORE != 0)
        };
        header.encode(&mut &mut out[start..start + header_len]);
        Ok(())
    }

    /// Frees memory that only makes opening faster. Call it when the connection becomes idle.
    pub(crate) fn shrink(&mut self) {
        self.boxes.shrink();
    }
}

#[cfg(test)]
mod tests;
