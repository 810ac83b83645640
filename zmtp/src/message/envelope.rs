//! Envelopes: the frames before the body of a request or reply, which address the reply (RFC 28).

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::frame::header::FrameHeader;
use crate::message::wire::Frames;
use crate::tuning::INLINE_ENVELOPE_BYTES;

/// The frames before the body of a message, in wire form: all of them with MORE set.
///
/// A REP socket, or a broker, keeps the envelope of a request and puts it before the reply unchanged: that is one copy
/// in and one copy out, whatever the number of frames. An envelope never shares memory with the buffer that it arrived
/// in, since it outlives that buffer. A short one needs no allocation.
///
/// ```
/// use enfonet_zmtp::Envelope;
///
/// let envelope = Envelope::of(&["client-7", ""]);
/// assert_eq!(envelope.as_wire(), b"\x01\x08client-7\x01\x00");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Envelope(SmallVec<[u8; INLINE_ENVELOPE_BYTES]>);

impl Envelope {
    /// Returns an envelope without frames.
    #[must_use]
    pub fn none() -> Self {
        Self(SmallVec::new())
    }

    /// Returns the delimiter, which is the empty frame that REQ puts before a request.
    #[must_use]
    pub fn delimiter() -> Self {
        Self(SmallVec::from_slice(b"\x01\x00"))
    }

    /// Returns an envelope of the given frames, in order.
    #[must_use]
    pub fn of<T: AsRef<[u8]>>(frames: &[T]) -> Self {
        let mut wire = SmallVec::new();
        for frame in frames.iter().map(AsRef::as_ref) {
            let mut head = [0; 9];
            let header = FrameHeader::message(frame.len(), true);
            header.encode(&mut (&mut head[..]).limit(9));
            wire.extend_from_slice(&head[..header.header_len()]);
            wire.extend_from_slice(frame);
        }
        Self(wire)
    }

    pub(super) fn from_wire(wire: &[u8]) -> Self {
        Self(SmallVec::from_slice(wire))
    }

    /// Returns the wire form of the frames.
    #[must_use]
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Appends the wire form of the frames. Costs nothing without frames, as is most frequent.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        if !self.is_empty() {
            out.extend_from_slice(self.as_wire());
        }
    }

    /// Returns whether there are no frames.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bodies of the frames.
    #[must_use]
    pub fn iter(&self) -> Frames<'_> {
        Frames::of_wire(&self.0)
    }

    /// Returns copies of the bodies of the frames.
    pub(super) fn to_frames(&self) -> impl Iterator<Item = Bytes> {
        self.iter().map(Bytes::copy_from_slice)
    }
}

impl<'a> IntoIterator for &'a Envelope {
    type Item = &'a [u8];
    type IntoIter = Frames<'a>;

    fn into_iter(self) -> Frames<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_an_empty_frame_with_the_more_flag() {
        assert_eq!(Envelope::delimiter(), Envelope::of(&[""]));
        assert_eq!(Envelope::delimiter().as_wire(), b"\x01\x00");
        assert_eq!(Envelope::none(), Envelope::of::<&str>(&[]));
        assert!(Envelope::none().is_empty() && !Envelope::delimiter().is_empty());
    }

    #[test]
    fn frames_of_any_length_survive_a_round_trip() {
        let frames = [vec![], vec![1; 5], vec![2; 300]];
        assert!(Envelope::of(&frames).iter().eq(&frames));
    }
}
