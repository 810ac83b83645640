//! The wire form of one message, in place or shared.

use std::ops::Deref;

use bytes::{Buf, Bytes, BytesMut};

use crate::frame::header::FrameHeader;
use crate::message::wire;
use crate::tuning::INLINE_MESSAGE_BYTES;

/// Canonical frames of one message: held in place if they are few bytes, else a view of a shared buffer.
#[derive(Clone)]
pub(super) enum MessageBytes {
    Inline(Inline),
    Shared(Bytes),
}

/// A few bytes, and their number in the last byte. Written and moved by whole words: reading bytes in other pieces than
/// they were written in stalls the processor (store forwarding fails).
#[derive(Clone)]
#[repr(align(8))]
pub(super) struct Inline([u8; Self::SIZE]);

impl Inline {
    /// Bytes of a message, and one for their number.
    const SIZE: usize = INLINE_MESSAGE_BYTES + 1;
    const WORD: usize = size_of::<u64>();

    #[inline]
    fn new(wire: &[u8]) -> Self {
        let mut bytes = [0; Self::SIZE];
        bytes[..wire.len()].copy_from_slice(wire);
        Self::of(&bytes, wire.len())
    }

    /// Returns the first `len` of `bytes`, in place.
    #[inline]
    fn of(bytes: &[u8; Self::SIZE], len: usize) -> Self {
        let mut inline = *bytes;
        let (_, last) = bytes.split_last_chunk::<{ Self::WORD }>().expect("it has several words");
        let last = u64::from_le_bytes(*last) << 8 >> 8 | (len as u64) << 56;
        inline[Self::SIZE - Self::WORD..].copy_from_slice(&last.to_le_bytes());
        Self(inline)
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        &self.0[..usize::from(self.0[INLINE_MESSAGE_BYTES])]
    }
}

impl MessageBytes {
    /// Returns one frame with a copy of the body.
    #[inline]
    pub(super) fn of_body(body: &[u8]) -> Self {
        let len = FrameHeader::message(body.len(), false).frame_len();
        if len <= INLINE_MESSAGE_BYTES {
            let mut bytes = [0; Inline::SIZE];
            // No flags, and a length of one byte.
            bytes[1] = body.len() as u8;
            bytes[2..len].copy_from_slice(body);
            return Self::Inline(Inline::of(&bytes, len));
        }
        // Without spare capacity, `freeze` needs no second allocation.
        let mut wire = BytesMut::with_capacity(len);
        wire::encode_frame(&mut wire, body, false);
        Self::Shared(wire.freeze())
    }

    /// Takes a message of `len` bytes off the front.
    #[inline]
    pub(super) fn take(wire: &mut Bytes, len: usize) -> Self {
        if len <= INLINE_MESSAGE_BYTES {
            // Copying a fixed length, with bytes behind the message, costs less than copying a variable length.
            let inline =
                wire.first_chunk().map_or_else(|| Inline::new(&wire[..len]), |all| Inline::of(all, len));
            wire.advance(len);
            return Self::Inline(inline);
        }
        Self::Shared(if len == wire.len() { std::mem::take(wire) } else { wire.split_to(len) })
    }

    /// Returns a copy that shares no memory.
    pub(super) fn detach(&self) -> Self {
        match self {
            Self::Inline(..) => self.clone(),
            Self::Shared(wire) if wire.len() <= INLINE_MESSAGE_BYTES => Self::Inline(Inline::new(wire)),
            Self::Shared(wire) => Self::Shared(Bytes::copy_from_slice(wire)),
        }
    }

    /// Removes `len` bytes at the front.
    pub(super) fn skip(self, len: usize) -> Self {
        match self {
            Self::Inline(inline) => Self::Inline(Inline::new(&inline.as_slice()[len..])),
            Self::Shared(mut wire) => {
                wire.advance(len);
                Self::Shared(wire)
            }
        }
    }

    /// Returns `part`, a slice of the wire form: shared if the wire form is.
    pub(super) fn slice(&self, part: &[u8]) -> Bytes {
        match self {
            Self::Inline(..) => Bytes::copy_from_slice(part),
            Self::Shared(wire) => wire.slice_ref(part),
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Inline(..) => Bytes::copy_from_slice(&self),
            Self::Shared(wire) => wire,
        }
    }
}

impl From<Bytes> for MessageBytes {
    fn from(wire: Bytes) -> Self {
        Self::Shared(wire)
    }
}

impl Deref for MessageBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Inline(inline) => inline.as_slice(),
            Self::Shared(wire) => wire,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_inline(bytes: &MessageBytes) -> bool {
        matches!(bytes, MessageBytes::Inline(..))
    }

    #[test]
    fn up_to_69_bytes_of_a_body_are_inline() {
        for len in [0, 69, 70, 255, 256] {
            let bytes = MessageBytes::of_body(&vec![b'x'; len]);
            assert_eq!(is_inline(&bytes), len <= INLINE_MESSAGE_BYTES - 2, "{len}");
            assert_eq!(wire::split_frame(&bytes), (&vec![b'x'; len][..], false, &[][..]));
        }
    }

    #[test]
    fn taken_bytes_are_removed_from_the_front_inline_or_shared() {
        for len in [INLINE_MESSAGE_BYTES, INLINE_MESSAGE_BYTES + 1] {
            let mut wire = Bytes::from((0..100).collect::<Vec<u8>>());
            let place = wire.as_ptr();
            let taken = MessageBytes::take(&mut wire, len);
            assert!(taken.iter().copied().eq(0..len as u8));
            assert_eq!((taken.as_ptr() == place, wire[0]), (len > INLINE_MESSAGE_BYTES, len as u8));
            let rest = MessageBytes::take(&mut wire, 100 - len);
            assert!(wire.is_empty() && rest.iter().copied().eq(len as u8..100));
        }
    }

    #[test]
    fn a_part_of_shared_bytes_shares_their_buffer() {
        for bytes in [MessageBytes::of_body(b"abc"), MessageBytes::from(Bytes::from_static(b"\0\x03abc"))] {
            let part = bytes.slice(&bytes[2..4]);
            assert_eq!((&part[..], part.as_ptr() == bytes[2..].as_ptr()), (&b"ab"[..], !is_inline(&bytes)));
            assert_eq!(&bytes.clone().skip(2)[..], b"abc");
            assert!(is_inline(&bytes.detach()) && bytes.detach()[..] == bytes[..]);
            assert_eq!(bytes.into_bytes(), &b"\0\x03abc"[..]);
        }
    }

    #[test]
    fn a_detached_copy_of_a_large_body_has_its_own_memory() {
        let shared = MessageBytes::of_body(&[7; 100]);
        let own = shared.detach();
        assert!(own[..] == shared[..] && own.as_ptr() != shared.as_ptr());
    }
}
