//! The header of a frame.

use bytes::BufMut;

/// Flag of a frame that another frame of the message follows (RFC 37, bit 0).
const MORE: u8 = 0x01;
/// Flag of a length of eight bytes (bit 1).
const LONG: u8 = 0x02;
/// Flag of a command (bit 2).
const COMMAND: u8 = 0x04;

/// Flags of ZMTP 3.1. Bits 3 to 7 are reserved: they are never sent, and never passed on.
const KNOWN: u8 = MORE | LONG | COMMAND;
const SHORT_HEADER: usize = 2;
const LONG_HEADER: usize = 9;

/// The flags of a frame and the length of its body, as they stand on the wire.
///
/// ```
/// use enfonet_zmtp::FrameHeader;
///
/// let header = FrameHeader::parse(&[0x01, 0x03, b'a'])?.expect("two bytes are a whole short header");
/// assert!(header.more() && !header.is_command());
/// assert_eq!((header.header_len(), header.body_len()), (2, 3));
/// # Ok::<(), enfonet_zmtp::FrameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    flags: u8,
    body_len: usize,
}

impl FrameHeader {
    /// Returns the header of a frame that carries a part of a message.
    #[must_use]
    pub const fn message(body_len: usize, more: bool) -> Self {
        Self::new(if more { MORE } else { 0 }, body_len)
    }

    /// Returns the header of a frame that carries a command.
    #[must_use]
    pub const fn command(body_len: usize) -> Self {
        Self::new(COMMAND, body_len)
    }

    /// Returns a canonical header: the short form wherever the length fits into one byte.
    const fn new(kind: u8, body_len: usize) -> Self {
        let long = if body_len > u8::MAX as usize { LONG } else { 0 };
        Self { flags: kind | long, body_len }
    }

    /// Reads the header at the beginning of `bytes`; `Ok(None)` when it isn't complete.
    ///
    /// # Errors
    /// [`FrameError::Length`] when the announced length has bit 63 set, or is more than this machine
    /// can address (RFC 37: a long size is 0 to 2^63-1).
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        let [flags, rest @ ..] = bytes else {
            return Ok(None);
        };
        let body_len = if flags & LONG == 0 {
            let [len, ..] = rest else { return Ok(None) };
            usize::from(*len)
        } else {
            let Some((len, _)) = rest.split_first_chunk::<8>() else {
                return Ok(None);
            };
            let len = u64::from_be_bytes(*len);
            match usize::try_from(len) {
                Ok(body_len) if len >> 63 == 0 => body_len,
                _ => return Err(FrameError::Length { announced: len }),
            }
        };
        Ok(Some(Self { flags: *flags, body_len }))
    }

    /// Returns whether another frame of the same message follows. Never true of a command.
    #[must_use]
    #[inline]
    pub const fn more(&self) -> bool {
        self.flags & (MORE | COMMAND) == MORE
    }

    /// Returns whether the frame is a command.
    #[must_use]
    #[inline]
    pub const fn is_command(&self) -> bool {
        self.flags & COMMAND != 0
    }

    /// Returns the bytes of the header on the wire: 2 or 9.
    #[must_use]
    #[inline]
    pub const fn header_len(&self) -> usize {
        if self.flags & LONG == 0 { SHORT_HEADER } else { LONG_HEADER }
    }

    /// Returns the bytes of the body.
    #[must_use]
    #[inline]
    pub const fn body_len(&self) -> usize {
        self.body_len
    }

    /// Returns the bytes of header and body together. Never overflows, since a length stays below 2^63.
    #[must_use]
    #[inline]
    pub const fn frame_len(&self) -> usize {
        self.header_len() + self.body_len
    }

    /// Returns the canonical header: no reserved bits, no long form for a short body, no MORE on a command.
    #[must_use]
    pub(crate) const fn canonical(&self) -> Self {
        let kind = self.flags & KNOWN & !LONG;
        Self::new(if kind & COMMAND != 0 { COMMAND } else { kind }, self.body_len)
    }

    /// Appends the header to `out`.
    #[inline]
    pub fn encode(&self, out: &mut impl BufMut) {
        if self.flags & LONG == 0 {
            out.put_slice(&[self.flags, self.body_len as u8]);
        } else {
            out.put_u8(self.flags);
            out.put_u64(self.body_len as u64);
        }
    }
}

/// Error of a frame that breaks the framing or exceeds a limit. The stream can't be read any further: close the
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A length that ZMTP doesn't allow.
    #[error("peer announced a frame of {announced} bytes, more than ZMTP allows")]
    Length {
        /// The length as it stood on the wire.
        announced: u64,
    },
    /// A message whose frames together exceed [`Limits::message`](crate::Limits::message).
    #[error("peer sent a message of at least {announced} bytes, the limit is {limit}")]
    MessageTooLarge {
        /// Bytes of the message's frames so far, with the frame just announced.
        announced: usize,
        /// The limit in force.
        limit: usize,
    },
    /// A frame that exceeds [`Limits::frame`](crate::Limits::frame).
    #[error("peer sent a frame of {announced} bytes, the limit is {limit}")]
    FrameTooLarge {
        /// Bytes of the frame's body.
        announced: usize,
        /// The limit in force.
        limit: usize,
    },
    /// A message that exceeds [`Limits::frames`](crate::Limits::frames).
    #[error("peer sent a message of more than {limit} frames")]
    TooManyFrames {
        /// The limit in force.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(header: FrameHeader) -> Vec<u8> {
        let mut out = Vec::new();
        header.encode(&mut out);
        out
    }

    #[test]
    fn bodies_up_to_255_bytes_take_the_short_form() {
        assert_eq!(encoded(FrameHeader::message(0, false)), [0x00, 0x00]);
        assert_eq!(encoded(FrameHeader::message(255, true)), [0x01, 0xff]);
        assert_eq!(encoded(FrameHeader::message(256, false)), [0x02, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(encoded(FrameHeader::command(255)), [0x04, 0xff]);
        assert_eq!(encoded(FrameHeader::command(256)), [0x06, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_cut_off_header_needs_more_bytes() {
        let long = encoded(FrameHeader::message(70_000, true));
        for end in 0..long.len() {
            assert_eq!(FrameHeader::parse(&long[..end]), Ok(None));
        }
        let header = FrameHeader::parse(&long).unwrap().unwrap();
        assert_eq!((header.more(), header.body_len(), header.header_len()), (true, 70_000, 9));
    }

    #[test]
    fn a_length_with_bit_63_is_an_error() {
        let bytes = [0x02, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(FrameHeader::parse(&bytes), Err(FrameError::Length { announced: 1 << 63 }));
    }

    #[test]
    fn a_canonical_header_has_no_reserved_bits_no_needless_length_and_no_more_flag_on_commands() {
        let sloppy = FrameHeader::parse(&[0xf9 | LONG, 0, 0, 0, 0, 0, 0, 0, 7]).unwrap().unwrap();
        assert_eq!(encoded(sloppy.canonical()), [0x01, 7]);
        let command = FrameHeader::parse(&[0x05, 7]).unwrap().unwrap();
        assert!(command.is_command() && !command.more());
        assert_eq!(encoded(command.canonical()), [0x04, 7]);
    }
}
