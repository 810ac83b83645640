//! Traffic under CURVE: every frame, of a message or a command, is a MESSAGE with the frame in a box.
//!
//! ```text
//!   on the wire   flags len │ 7 "MESSAGE" │ nonce 8 │ tag 16 │ inner flags 1 │ body │
//!                           │             in clear           │      encrypted       │
//! ```
//!
//! The outer frame is that of a plain message, as libzmq sends it (RFC 37 has a command). The inner flags tell what it
//! carries: MORE for a part of a message, and libzmq's COMMAND for a command.

use bytes::{BufMut, BytesMut};
use enfonet_secretbox::{Key, Series};

use crate::command::name::CommandName;
use crate::curve::boxes::{OVERHEAD, SHORT_NONCE};
use crate::curve::error::CurveError;
use crate::frame::header::FrameHeader;
use crate::message::batch::Batch;

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
    /// Appends the MESSAGEs that carry a run of messages, a frame each.
    ///
    /// # Errors
    /// [`CurveError::Exhausted`] after 2^64 frames: close the connection.
    pub fn seal(&mut self, batch: &Batch, out: &mut BytesMut) -> Result<(), CurveError> {
        // Enough unless messages have several frames.
        out.reserve(batch.wire_len() + batch.len() * (LONG_HEADER + MESSAGE_OVERHEAD));
        if let Some(wire) = batch.wire() {
            return self.seal_frames(wire, out);
        }
        for message in batch.clone() {
            let mut frames = message.iter().peekable();
            while let Some(body) = frames.next() {
                self.seal_frame(if frames.peek().is_some() { MORE } else { 0 }, body, out)?;
            }
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::message::Message;

    fn key() -> Key {
        Key::new(&[5; 32])
    }

    fn ends() -> (Sealer, Opener) {
        (pair(&key(), Side::Client, 2, 1).0, pair(&key(), Side::Server, 1, 2).1)
    }

    /// Returns the bodies of the outer frames.
    fn bodies(mut wire: &[u8]) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        while let Some(header) = FrameHeader::parse(wire).unwrap() {
            assert!(!header.is_command() && !header.more(), "the outer frame is that of a plain message");
            bodies.push(wire[header.header_len()..header.frame_len()].to_vec());
            wire = &wire[header.frame_len()..];
        }
        bodies
    }

    #[test]
    fn a_frame_is_a_message_of_33_bytes_more_with_a_nonce_that_goes_up() {
        let (mut sealer, _) = ends();
        let mut out = BytesMut::new();
        sealer.seal(&Message::from_frames(["a", "bc"]).into(), &mut out).unwrap();
        let bodies = bodies(&out);
        assert_eq!(bodies.iter().map(Vec::len).collect::<Vec<_>>(), [34, 35]);
        assert_eq!(bodies[0][..16], *b"\x07MESSAGE\0\0\0\0\0\0\0\x03");
        assert_eq!(bodies[1][..16], *b"\x07MESSAGE\0\0\0\0\0\0\0\x04");
    }

    #[test]
    fn more_and_command_come_through_and_other_inner_flags_do_not() {
        let (mut sealer, mut opener) = ends();
        let (mut out, mut opened) = (BytesMut::new(), BytesMut::new());
        let frames = b"\x01\x01a\x04\x06\x05ABCDE\x00\x00";
        sealer.seal_frames(frames, &mut out).unwrap();
        sealer.seal_frame(0xf9, b"x", &mut out).unwrap();
        for body in bodies(&out) {
            opener.open(&body, &mut opened).unwrap();
        }
        assert_eq!(opened, [&frames[..], b"\x01\x01x"].concat());
    }

    #[test]
    fn nonces_may_skip_but_never_repeat_or_go_back() {
        let (mut sealer, mut opener) = ends();
        let mut out = BytesMut::new();
        sealer.seal_frames(b"\0\0\0\0\0\0\0\0", &mut out).unwrap();
        let bodies = bodies(&out);
        let mut open = |at: usize| opener.open(&bodies[at], &mut BytesMut::new());
        assert_eq!(open(1), Ok(()));
        assert_eq!(open(1), Err(CurveError::Replay { nonce: 4, last: 4 }));
        assert_eq!(open(0), Err(CurveError::Replay { nonce: 3, last: 4 }));
        assert_eq!(open(3), Ok(()));
    }

    #[test]
    fn the_handshakes_nonces_count() {
        let (_, mut opener) = ends();
        let mut old = pair(&key(), Side::Client, 1, 1).0;
        let mut out = BytesMut::new();
        old.seal_frames(b"\0\0", &mut out).unwrap();
        let replayed = opener.open(&bodies(&out)[0], &mut BytesMut::new());
        assert_eq!(replayed, Err(CurveError::Replay { nonce: 2, last: 2 }));
    }

    #[test]
    fn what_is_no_message_of_the_peers_is_refused() {
        let (mut sealer, mut opener) = ends();
        let mut out = BytesMut::new();
        sealer.seal_frames(b"\0\x01x", &mut out).unwrap();
        let body = bodies(&out).remove(0);
        let mut open = |body: &[u8]| opener.open(body, &mut BytesMut::new());
        for end in 0..body.len() {
            let expected = match end {
                0..8 => CurveError::Unencrypted,
                8..16 => CurveError::Length { command: CommandName::Message, len: end },
                _ => CurveError::Box { command: CommandName::Message },
            };
            assert_eq!(open(&body[..end]), Err(expected), "{end}");
        }
        assert_eq!(open(b"\x04PING\0\0"), Err(CurveError::Unencrypted));
        let mut other = body.clone();
        other[7] = b'F';
        assert_eq!(open(&other), Err(CurveError::Unencrypted));
        assert_eq!(open(&body), Ok(()), "failures don't count");
        // Its own boxes, sent back.
        let (mut ours, _) = pair(&key(), Side::Server, 9, 9);
        let mut out = BytesMut::new();
        ours.seal_frames(b"\0\0", &mut out).unwrap();
        let reflected = opener.open(&bodies(&out)[0], &mut BytesMut::new());
        assert_eq!(reflected, Err(CurveError::Box { command: CommandName::Message }));
    }

    #[test]
    fn an_empty_box_is_no_frame() {
        let (mut sealer, mut opener) = ends();
        let mut body = BytesMut::from(&b"\x07MESSAGE\0\0\0\0\0\0\0\x09"[..]);
        sealer.boxes.seal(9, &[], &mut body);
        let opened = opener.open(&body, &mut BytesMut::new());
        assert_eq!(opened, Err(CurveError::Length { command: CommandName::Message, len: 32 }));
    }

    #[test]
    fn the_last_nonce_ends_the_connection() {
        let (mut sealer, _) = ends();
        sealer.last = u64::MAX - 1;
        assert_eq!(sealer.seal_frames(b"\0\0", &mut BytesMut::new()), Ok(()));
        assert_eq!(sealer.seal_frames(b"\0\0", &mut BytesMut::new()), Err(CurveError::Exhausted));
    }

    proptest! {
        #[test]
        fn messages_come_through_and_take_as_much_as_foretold(
            messages in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4), 0..5)
        ) {
            let (mut sealer, mut opener) = ends();
            let (mut sealed, mut opened, mut foretold) = (BytesMut::new(), BytesMut::new(), 0);
            let batch: Batch = messages.iter().map(|frames| Message::from_frames(frames.clone())).collect();
            for message in batch.clone() {
                foretold += Sealer::sealed_len(&message.clone().into_pieces().concat());
                // Half of them in parts, half in wire form.
                let parts = Message::from_frames(message.iter().map(<[u8]>::to_vec));
                sealer.seal(&if foretold % 2 == 0 { parts.into() } else { message.into() }, &mut sealed).unwrap();
            }
            prop_assert_eq!(sealed.len(), foretold);
            for body in bodies(&sealed) {
                opener.open(&body, &mut opened).unwrap();
            }
            prop_assert_eq!(&opened[..], &batch.wire().unwrap()[..]);
        }
    }
}
