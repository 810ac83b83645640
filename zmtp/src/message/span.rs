//! The messages of a batch in place.

use std::ops::Range;

use super::wire;
use crate::FrameHeader;

/// One message in the wire form of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// Where it lies, all frames with their headers.
    pub range: Range<usize>,
    /// The body of its first frame.
    pub first: &'a [u8],
}

/// The messages of a [`Batch`] in place.
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
        let start = self.at;
        let wire = &self.wire[start..];
        // The common message, one short frame, without the general walk.
        let (len, first) = if let [0, len, rest @ ..] = wire {
            let len = usize::from(*len);
            (2 + len, &rest[..len])
        } else if wire.is_empty() {
            return None;
        } else {
            let (header, rest): (FrameHeader, _) = wire::split_header(wire);
            (wire::message_len(wire), &rest[..header.body_len()])
        };
        self.at = start + len;
        Some(Span { range: start..self.at, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Message};

    #[test]
    fn spans_name_the_first_frame_and_the_place() {
        let batch: Batch = [Message::from("ab"), Message::from_frames(["c", "d"])].into_iter().collect();
        let spans: Vec<_> = batch.spans().map(|s| (s.range, s.first)).collect();
        assert_eq!(spans, [(0..4, &b"ab"[..]), (4..10, b"c")]);
        assert_eq!(batch.slice(4..10, 1), Message::from_frames(["c", "d"]).into());
    }
}
