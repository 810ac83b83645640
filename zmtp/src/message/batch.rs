//! Batches: runs of whole messages.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use smallvec::{SmallVec, smallvec};

use crate::message::envelope::Envelope;
use crate::message::into_message::IntoMessage;
use crate::message::message::{Message, Repr as MessageRepr};
use crate::message::message_bytes::MessageBytes;
use crate::message::small::Small;
use crate::message::span::{Span, Spans};
use crate::message::wire;
use crate::tuning::MAX_BATCH_ROOM_BYTES;

/// One or more whole messages in wire form, usually all that one read from a peer has brought.
///
/// Forwarding a batch shares its bytes: no message in it is touched, whatever their number.
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
    repr: Repr,
}

#[derive(Clone, Debug)]
enum Repr {
    /// Canonical frames of whole messages, and the number of messages.
    Wire(Bytes, usize),
    /// One message that isn't encoded (yet): large, or on its way between two sockets of one process.
    One(Message),
    /// One message in two pieces: an envelope, and the canonical frames that follow it.
    Enveloped(Envelope, Bytes),
}

impl Default for Repr {
    fn default() -> Self {
        Self::Wire(Bytes::new(), 0)
    }
}

impl Batch {
    /// Returns a batch of bytes that [`Message::encode`] wrote: exactly `messages` whole messages, one behind the
    /// other. Bytes from a peer go through a [`Decoder`](crate::Decoder) instead.
    #[must_use]
    pub fn from_encoded(wire: Bytes, messages: usize) -> Self {
        debug_assert_eq!(Spans::new(&wire).count(), messages, "whole messages, as many as counted");
        Self { repr: Repr::Wire(wire, messages) }
    }

    /// Returns a batch of one message behind an envelope. The bodies of the message aren't copied, and its frames
    /// aren't read.
    #[must_use]
    pub fn enveloped(envelope: &Envelope, message: Message) -> Self {
        match message.repr {
            _ if envelope.is_empty() => message.into(),
            MessageRepr::Wire(wire) => Self { repr: Repr::Enveloped(envelope.clone(), wire.into_bytes()) },
            MessageRepr::Frames(_) => message.with_envelope(envelope).into(),
        }
    }

    /// Returns the number of messages.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Wire(_, messages) => *messages,
            Repr::One(_) | Repr::Enveloped(..) => 1,
        }
    }

    /// Returns whether there are no messages.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of all messages with their frame headers.
    #[must_use]
    #[inline]
    pub fn wire_len(&self) -> usize {
        match &self.repr {
            Repr::Wire(wire, _) => wire.len(),
            Repr::One(message) => message.wire_len(),
            Repr::Enveloped(envelope, wire) => envelope.as_wire().len() + wire.len(),
        }
    }

    /// Returns the wire form of all messages, if they are held in it. Received messages always are.
    #[must_use]
    #[inline]
    pub fn wire(&self) -> Option<&Bytes> {
        match &self.repr {
            Repr::Wire(wire, _) => Some(wire),
            Repr::One(_) | Repr::Enveloped(..) => None,
        }
    }

    /// Returns the place of each message in [`wire`](Self::wire), with its first frame. Empty if the batch isn't held
    /// in wire form: then it has one message.
    #[must_use]
    pub fn spans(&self) -> Spans<'_> {
        Spans::new(self.wire().map_or(&[], |wire| &wire[..]))
    }

    /// Returns the `messages` that lie at `range` of [`wire`](Self::wire), and shares their bytes. `range` must come
    /// from [`spans`](Self::spans): from the start of one message to the end of another.
    #[must_use]
    pub fn slice(&self, range: Range<usize>, messages: usize) -> Self {
        match &self.repr {
            Repr::Wire(wire, all) if range == (0..wire.len()) => Self::from_encoded(wire.clone(), *all),
            Repr::Wire(wire, _) => Self::from_encoded(wire.slice(range), messages),
            Repr::One(_) | Repr::Enveloped(..) => self.clone(),
        }
    }

    /// Returns the message at `span`, which must come from [`spans`](Self::spans) of this batch, or be the rest of such
    /// a span.
    ///
    /// # Panics
    /// When the span is of another batch.
    #[must_use]
    pub fn message(&self, span: &Span<'_>) -> Message {
        let wire = self.wire().expect("a batch that has spans is kept in wire form");
        Message::from_wire(MessageBytes::take(&mut wire.slice_ref(span.wire), span.wire.len()))
    }

    /// Returns the messages in wire form. A batch in wire form, as every received batch is, stays as it is; another is
    /// copied.
    #[must_use]
    pub fn encoded(self) -> Self {
        if self.wire().is_some() { self } else { self.detach() }
    }

    /// Cuts off the first `messages`, or all if there are fewer.
    #[must_use]
    pub fn split_to(&mut self, messages: usize) -> Self {
        match &mut self.repr {
            Repr::Wire(wire, all) if messages < *all => {
                let end = messages.checked_sub(1).and_then(|n| Spans::new(wire).nth(n));
                let front = wire.split_to(end.map_or(0, |span| span.range.end));
                *all -= messages;
                Self { repr: Repr::Wire(front, messages) }
            }
            _ if messages == 0 => Self::default(),
            _ => std::mem::take(self),
        }
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
        match &mut self.repr {
            Repr::Wire(_, 0) => None,
            Repr::Wire(wire, messages) => {
                *messages -= 1;
                Some(Message::from_wire(MessageBytes::take(wire, wire::message_len(wire))))
            }
            Repr::One(_) | Repr::Enveloped(..) => self.pop_only(),
        }
    }

    #[cold]
    fn pop_only(&mut self) -> Option<Message> {
        match std::mem::take(&mut self.repr) {
            Repr::One(message) => Some(message),
            Repr::Enveloped(envelope, wire) => Some(Message::from_wire(wire).with_envelope(&envelope)),
            Repr::Wire(..) => None,
        }
    }

    /// Returns the bytes of the next message with its frame headers, or 0 if there is no message.
    #[must_use]
    #[inline]
    pub fn front_len(&self) -> usize {
        match &self.repr {
            Repr::Wire(_, 0) => 0,
            Repr::Wire(wire, _) => wire::message_len(wire),
            Repr::One(_) | Repr::Enveloped(..) => self.wire_len(),
        }
    }

    /// Returns the wire form as pieces for a vectored write; see [`Message::to_pieces`].
    #[must_use]
    pub fn into_pieces(self) -> SmallVec<[Bytes; 2]> {
        match self.repr {
            Repr::Wire(wire, _) => smallvec![wire],
            Repr::One(message) => message.to_pieces(),
            Repr::Enveloped(envelope, wire) => smallvec![Bytes::copy_from_slice(envelope.as_wire()), wire],
        }
    }

    /// Returns the memory of the wire form, emptied, if no part of it is shared: for the messages that are encoded
    /// next.
    #[must_use]
    pub fn into_buffer(self) -> Option<BytesMut> {
        let Repr::Wire(wire, _) = self.repr else { return None };
        let mut buffer = wire.try_into_mut().ok()?;
        buffer.clear();
        Some(buffer)
    }

    /// Returns a copy that shares no memory with the buffer that the messages arrived in.
    #[must_use]
    pub fn detach(&self) -> Self {
        match &self.repr {
            Repr::Wire(wire, messages) => Self { repr: Repr::Wire(Bytes::copy_from_slice(wire), *messages) },
            Repr::One(message) => message.detach().into(),
            Repr::Enveloped(envelope, wire) => {
                Message::from_wire(wire.clone()).with_envelope(envelope).into()
            }
        }
    }
}

impl From<Message> for Batch {
    fn from(message: Message) -> Self {
        Self {
            repr: match message.repr {
                MessageRepr::Wire(wire) => Repr::Wire(wire.into_bytes(), 1),
                MessageRepr::Frames(_) => Repr::One(message),
            },
        }
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
        Self { repr: Repr::Wire(wire.freeze(), count) }
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
