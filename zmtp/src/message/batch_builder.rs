//! A builder that makes a batch of copied messages.

use bytes::BytesMut;

use crate::message::batch::Batch;
use crate::message::span::Span;
use crate::message::wire;
use crate::tuning::BATCH_BUILDER_BYTES;

/// A builder of a batch: copies small messages of other batches behind each other.
///
/// ```
/// use enfonet_zmtp::{Batch, BatchBuilder, Message};
///
/// let came: Batch = ["a", "b"].map(Message::from).into_iter().collect();
/// let mut builder = BatchBuilder::default();
/// for message in came.spans() {
///     builder.push_behind(b"me", &message);
///     builder.push(&message);
/// }
/// let messages: [&[&str]; 4] = [&["me", "a"], &["a"], &["me", "b"], &["b"]];
/// let sent: Batch = messages.map(|frames| Message::from_frames(frames.iter().copied())).into_iter().collect();
/// assert_eq!(builder.take(), sent);
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    wire: BytesMut,
    messages: usize,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self { wire: BytesMut::with_capacity(BATCH_BUILDER_BYTES), messages: 0 }
    }
}

impl BatchBuilder {
    /// Appends a copy of a message.
    #[inline]
    pub fn push(&mut self, message: &Span<'_>) {
        self.wire.extend_from_slice(message.wire);
        self.messages += 1;
    }

    /// Appends a copy of a message, with one more frame before its frames.
    #[inline]
    pub fn push_behind(&mut self, frame: &[u8], message: &Span<'_>) {
        wire::encode_frame(&mut self.wire, frame, true);
        self.push(message);
    }

    /// Returns the number of messages.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.messages
    }

    /// Returns whether there are no messages.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Takes the messages out. Their memory is reused once all batches that were taken before are dropped.
    #[must_use]
    pub fn take(&mut self) -> Batch {
        Batch::from_encoded(self.wire.split().freeze(), std::mem::take(&mut self.messages))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::message::Message;

    #[test]
    fn messages_are_appended_with_or_without_a_preceding_frame() {
        let came: Batch = [["", "a"], ["x", "b"]].map(Message::from).into_iter().collect();
        let mut builder = BatchBuilder::default();
        for (message, name) in came.spans().zip(["1", "2"]) {
            builder.push_behind(name.as_bytes(), &message);
            builder.push(&message.rest().unwrap());
        }
        assert_eq!(builder.len(), 4);
        let batch = builder.take();
        assert_eq!((batch.len(), batch.wire_len()), (4, 23));
        let messages: Vec<_> =
            batch.into_iter().map(|message| message.iter().collect::<Vec<_>>().concat()).collect();
        assert_eq!(messages, [&b"1a"[..], b"a", b"2xb", b"b"]);
        assert!(builder.is_empty() && builder.take().is_empty());
    }
}
