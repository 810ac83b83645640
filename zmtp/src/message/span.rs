//! Spans: the messages of a batch, in place.

use std::ops::Range;

use crate::message::wire;
use crate::tuning::LARGE_BODY_BYTES;

/// One message in the wire form of a [`Batch`](crate::Batch).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The place of the message: all frames with their headers.
    pub range: Range<usize>,
    /// The body of the first frame.
    pub first: &'a [u8],
    /// All frames with their headers.
    pub(super) wire: &'a [u8],
}

impl Span<'_> {
    /// Returns the frames behind the first, if there are any, as a message by itself.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> Option<Self> {
        let (_, more, wire) = wire::split_frame(self.wire);
        more.then(|| {
            let (first, ..) = wire::split_frame(wire);
            Self { range: self.range.end - wire.len()..self.range.end, first, wire }
        })
    }

    /// Returns whether the message begins with an envelope; see
    /// [`Message::split_envelope`](crate::Message::split_envelope).
    #[must_use]
    #[inline]
    pub fn has_envelope(&self) -> bool {
        wire::envelope_len(self.wire).is_some()
    }

    /// Returns whether the message is large enough to be written from where it is. A smaller message is cheaper to
    /// copy.
    #[must_use]
    #[inline]
    pub const fn is_large(&self) -> bool {
        self.wire.len() >= LARGE_BODY_BYTES
    }
}

/// Iterator over the messages of a [`Batch`](crate::Batch), in place.
#[derive(Clone, Debug)]
pub struct Spans<'a> {
    wire: &'a [u8],
    at: usize,
}

impl<'a> Spans<'a> {
    pub(super) fn new(wire: &'a [u8]) -> Self {
        Self { wire, at: 0 }
    }
}

impl<'a> Iterator for Spans<'a> {
    type Item = Span<'a>;

    #[inline]
    fn next(&mut self) -> Option<Span<'a>> {
        let (start, wire) = (self.at, &self.wire[self.at..]);
        if wire.is_empty() {
            return None;
        }
        let (first, len) = wire::first_and_len(wire);
        self.at += len;
        Some(Span { range: start..self.at, first, wire: &wire[..len] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::batch::Batch;
    use crate::message::message::Message;

    #[test]
    fn a_span_has_the_first_frame_and_the_place_of_its_message() {
        let batch: Batch = [Message::from("ab"), Message::from_frames(["c", "d"])].into_iter().collect();
        let spans: Vec<_> = batch.spans().map(|s| (s.range, s.first)).collect();
        assert_eq!(spans, [(0..4, &b"ab"[..]), (4..10, b"c")]);
        assert_eq!(batch.slice(4..10, 1), Message::from(["c", "d"]).into());
    }

    #[test]
    fn the_rest_of_a_message_is_a_message_that_shares_the_memory() {
        let batch: Batch = [["a", "", "b"], ["c", "d", "e"]].map(Message::from).into_iter().collect();
        let rests: Vec<_> = batch.spans().map(|span| span.rest().unwrap()).collect();
        assert_eq!([rests[0].first, rests[1].first], [b"", &b"d"[..]]);
        assert_eq!(batch.message(&rests[0]), ["", "b"]);
        assert_eq!(batch.message(&rests[1]), ["d", "e"]);
        let last = rests[0].rest().unwrap();
        assert_eq!((batch.message(&last), last.rest()), ("b".into(), None));
    }

    #[test]
    fn an_envelope_is_found_without_a_copy() {
        for frames in [&["a", "", "b"][..], &["", "b"], &["a", ""], &["a"], &["a", "b"], &[""]] {
            let message = Message::from_frames(frames.iter().copied());
            let batch = Batch::from(message.clone());
            let span = batch.spans().next().unwrap();
            assert_eq!(span.has_envelope(), message.has_envelope(), "{frames:?}");
        }
    }

    #[test]
    fn a_message_of_4096_bytes_is_large() {
        for (len, is_large) in [(LARGE_BODY_BYTES - 1, false), (LARGE_BODY_BYTES, true)] {
            let batch = Batch::from(Message::copy_from(&vec![b'x'; len - 9]));
            assert_eq!((batch.wire_len(), batch.spans().next().unwrap().is_large()), (len, is_large));
        }
    }
}
