//! The frames before a request's or reply's body: who is to get the answer (RFC 28).

use bytes::{Bytes, BytesMut};

use super::wire::{self, Frames};

/// Frames that go before others, in wire form: all of them with MORE set.
///
/// A REP socket, or a broker, keeps the envelope of a request and puts it before the reply unchanged:
/// that is one slice and one copy, however deep it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Envelope(Bytes);

impl Envelope {
    /// The empty frame alone: what REQ puts before a request.
    pub const DELIMITER: Self = Self(Bytes::from_static(b"\x01\x00"));

    /// No frames at all.
    pub const NONE: Self = Self(Bytes::new());

    /// An envelope of the given frames, in order.
    #[must_use]
    pub fn of<T: AsRef<[u8]>>(frames: &[T]) -> Self {
        let mut wire = BytesMut::new();
        for frame in frames {
            wire::put_frame(&mut wire, frame.as_ref(), true);
        }
        Self(wire.freeze())
    }

    pub(super) fn from_wire(wire: Bytes) -> Self {
        Self(wire)
    }

    /// The frames as they go before a message's own.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The bodies of the frames.
    pub fn frames(&self) -> impl Iterator<Item = Bytes> {
        Frames::of_wire(&self.0).map(|body| self.0.slice_ref(body))
    }

    /// A copy that shares no memory with the buffer that the request arrived in: an envelope outlives
    /// its request, and must not keep what arrived beside it.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}
