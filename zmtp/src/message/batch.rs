//! Batches: runs of whole messages.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::message::into_message::IntoMessage;
use crate::message::message::Message;
use crate::message::message_bytes::MessageBytes;
use crate::message::small::Small;
use crate::message::span::{Span, Spans};
use crate::message::wire;
use crate::tuning::MAX_BATCH_ROOM_BYTES;

/// Whole messages in wire form, one behind the other: usually all that one read from a peer has brought.
///
/// Forwarding a batch shares its bytes: no message in it is touched, whatever their number. A batch that is made of
/// messages has copies of their bodies. A received [`Message`] becomes a batch without a copy.
///
/// ```
/// use enfonet_zmtp::{Batch, Message};
///
/// let batch: Batch = ["a", "b", "c"].map(Message::from).into_iter().collect();
/// assert_eq!(batch.len(), 3);
/// assert_eq!(batch.into_iter().last(), Some(Message::from("c")));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Canonical frames of whole messages.
    wire: Bytes,
    messages: usize,
}

impl Batch {
    /// Returns a batch of bytes that [`Message::encode`] wrote: exactly `messages` whole messages, one behind the
    /// other. Bytes from a peer go through a [`Decoder`](crate::Decoder) instead.
    #[must_use]
    pub fn from_encoded(wire: Bytes, messages: usize) -> Self {
        debug_assert_eq!(Spans::new(&wire).count(), messages, "whole messages, as many as counted");
        Self { wire, messages }
    }

    /// Returns the number of messages.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.messages
    }

    /// Returns whether there are no messages.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Returns the bytes of all messages with their frame headers.
    #[must_use]
    #[inline]
    pub const fn wire_len(&self) -> usize {
        self.wire.len()
    }

    /// Returns the wire form of all messages.
    #[must_use]
    #[inline]
    pub const fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// Returns the place of each message in [`wire`](Self::wire), with its first frame.
    #[must_use]
    pub fn spans(&self) -> Spans<'_> {
        Spans::new(&self.wire)
    }

    /// Returns the `messages` that lie at `range` of [`wire`](Self::wire), and shares their bytes. `range` must come
    /// from [`spans`](Self::spans): from the start of one message to the end of another.
    #[must_use]
    pub fn slice(&self, range: Range<usize>, messages: usize) -> Self {
        if range == (0..self.wire.len()) {
            return self.clone();
        }
        Self::from_encoded(self.wire.slice(range), messages)
    }

    /// Returns the message at `span`, which must come from [`spans`](Self::spans) of this batch, or be the rest of such
    /// a span.
    ///
    /// # Panics
    /// When the span is of another batch.
    #[must_use]
    pub fn message(&self, span: &Span<'_>) -> Message {
        Message::from_wire(MessageBytes::take(&mut self.wire.slice_ref(span.wire), span.wire.len()))
    }

    /// Cuts off the first `messages`, or all if there are fewer.
    #[must_use]
    pub fn split_to(&mut self, messages: usize) -> Self {
        if messages >= self.messages {
            return std::mem::take(self);
        }
        let end = messages.checked_sub(1).and_then(|n| self.spans().nth(n)).map_or(0, |span| span.range.end);
        self.messages -= messages;
        Self { wire: self.wire.split_to(end), messages }
    }

    /// Returns the number of messages at the front that fit into `bytes`, and the bytes that they take.
    #[must_use]
    pub fn fitting(&self, bytes: usize) -> (usize, usize) {
        if self.wire_len() <= bytes {
            return (self.len(), self.wire_len());
        }
        let fitting = self.spans().take_while(|span| span.range.end <= bytes);
        fitting.fold((0, 0), |(messages, _), span| (messages + 1, span.range.end))
    }

    /// Takes the next message off the front.
    #[inline]
    pub fn pop_front(&mut self) -> Option<Message> {
        self.messages = self.messages.checked_sub(1)?;
        let len = wire::message_len(&self.wire);
        Some(Message::from_wire(MessageBytes::take(&mut self.wire, len)))
    }

    /// Returns the bytes of the next message with its frame headers, or 0 if there is no message.
    #[must_use]
    #[inline]
    pub fn front_len(&self) -> usize {
        if self.is_empty() { 0 } else { wire::message_len(&self.wire) }
    }

    /// Returns the memory of the wire form, emptied, if no part of it is shared: for the messages that are encoded
    /// next.
    #[must_use]
    pub fn into_buffer(self) -> Option<BytesMut> {
        let mut buffer = self.wire.try_into_mut().ok()?;
        buffer.clear();
        Some(buffer)
    }

    /// Returns a copy that shares no memory with the buffer that the messages arrived in.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self { wire: Bytes::copy_from_slice(&self.wire), messages: self.messages }
    }
}

/// A batch of the message, encoded: it has copies of the bodies. A received message stays as it is.
impl From<Message> for Batch {
    fn from(message: Message) -> Self {
        Self { wire: message.into_wire(), messages: 1 }
    }
}

/// A batch of the messages in their order, encoded.
impl<M: IntoMessage> FromIterator<M> for Batch {
    fn from_iter<I: IntoIterator<Item = M>>(messages: I) -> Self {
        let messages = messages.into_iter();
        let (mut wire, mut count, expected) = (BytesMut::new(), 0, messages.size_hint().0);
        for message in messages {
            match Small::new(message) {
                Ok(small) => small.encode(&mut wire),
                Err(message) => message.encode(&mut wire),
            }
            count += 1;
            if count == 1 {
                // The other messages are likely to be as long.
                wire.reserve(wire.len().saturating_mul(expected.saturating_sub(1)).min(MAX_BATCH_ROOM_BYTES));
            }
        }
        Self { wire: wire.freeze(), messages: count }
    }
}

/// Batches are equal when their messages are, one by one.
impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        self.clone().into_iter().eq(other.clone())
    }
}

impl IntoIterator for Batch {
    type Item = Message;
    type IntoIter = Messages;

    fn into_iter(self) -> Messages {
        Messages(self)
    }
}

/// The messages of a [`Batch`], one by one.
#[derive(Debug)]
pub struct Messages(Batch);

impl Iterator for Messages {
    type Item = Message;

    #[inline]
    fn next(&mut self) -> Option<Message> {
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests;
