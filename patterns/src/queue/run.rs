//! Runs: the entries of the queues.

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{Batch, IntoMessage, Message};
use smallvec::{SmallVec, smallvec};

use crate::size::Size;

/// Messages that pass through the queues together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Run {
    /// Messages in wire form.
    Wire(Batch),
    /// A message with a body of 4 KiB or more. Its bodies aren't copied: they are where the application has them, up to
    /// the connection's `writev`, or up to `recv` of a socket in the same process.
    Large(Message),
}

impl Default for Run {
    fn default() -> Self {
        Self::Wire(Batch::default())
    }
}

impl From<Batch> for Run {
    #[inline]
    fn from(batch: Batch) -> Self {
        Self::Wire(batch)
    }
}

impl From<Message> for Run {
    fn from(message: Message) -> Self {
        if message.is_large() { Self::Large(message) } else { Self::Wire(message.into()) }
    }
}

/// A run of the messages in their order, encoded.
impl<M: IntoMessage> FromIterator<M> for Run {
    fn from_iter<I: IntoIterator<Item = M>>(messages: I) -> Self {
        Self::Wire(messages.into_iter().collect())
    }
}

/// Takes the messages off the front.
impl Iterator for Run {
    type Item = Message;

    #[inline]
    fn next(&mut self) -> Option<Message> {
        if let Self::Wire(batch) = self {
            return batch.pop_front();
        }
        let Self::Large(message) = std::mem::take(self) else { return None };
        Some(message)
    }
}

impl Run {
    /// Takes at most `messages` messages off the run, and returns their size too.
    pub(crate) fn cut(&mut self, messages: usize) -> (Self, Size) {
        let taken = self.split_to(messages);
        let size = taken.size();
        (taken, size)
    }

    /// Takes one message off a run that isn't empty, and returns its size too.
    #[inline]
    pub(crate) fn cut_one(&mut self) -> (Message, Size) {
        let message = self.next().expect("no run without messages waits");
        let size = Size::new(1, message.wire_len());
        (message, size)
    }

    /// Returns the messages in wire form. A large message is copied.
    pub(crate) fn into_batch(self) -> Batch {
        match self {
            Self::Wire(batch) => batch,
            Self::Large(message) => message.into(),
        }
    }

    /// Returns the number of messages.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Wire(batch) => batch.len(),
            Self::Large(_) => 1,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether `check` holds for the first frame of each message.
    pub(crate) fn all_first(&self, mut check: impl FnMut(&[u8]) -> bool) -> bool {
        match self {
            Self::Wire(batch) => batch.spans().all(|span| check(span.first)),
            Self::Large(message) => check(message.first()),
        }
    }

    /// Returns the size of all messages.
    #[inline]
    pub(crate) fn size(&self) -> Size {
        match self {
            Self::Wire(batch) => Size::new(batch.len(), batch.wire_len()),
            Self::Large(message) => Size::new(1, message.wire_len()),
        }
    }

    /// Cuts off the first `messages`, or all if there are fewer.
    pub(crate) fn split_to(&mut self, messages: usize) -> Self {
        match self {
            Self::Wire(batch) => Self::Wire(batch.split_to(messages)),
            Self::Large(_) if messages == 0 => Self::default(),
            Self::Large(_) => std::mem::take(self),
        }
    }

    /// Returns the number of messages at the front that fit into `bytes`, and the bytes that they take.
    pub(crate) fn fitting(&self, bytes: usize) -> (usize, usize) {
        match self {
            Self::Wire(batch) => batch.fitting(bytes),
            Self::Large(message) => {
                Some(message.wire_len()).filter(|len| *len <= bytes).map_or((0, 0), |len| (1, len))
            }
        }
    }

    /// Returns the wire form as pieces for a vectored write.
    pub(crate) fn to_pieces(&self) -> SmallVec<[Bytes; 2]> {
        match self {
            Self::Wire(batch) => smallvec![batch.wire().clone()],
            Self::Large(message) => message.to_pieces(),
        }
    }

    /// Returns the memory of the wire form, emptied, if no part of it is shared.
    pub(crate) fn into_buffer(self) -> Option<BytesMut> {
        match self {
            Self::Wire(batch) => batch.into_buffer(),
            Self::Large(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_message_is_a_run_of_its_own_and_is_copied_only_into_a_batch() {
        let body = Bytes::from(vec![1; 4096]);
        let (message, place) = (Message::from(body.clone()), body.as_ptr());
        let mut run = Run::from(message.clone());
        assert_eq!((run.len(), run.size()), (1, Size::new(1, 4105)));
        assert_eq!([4104, 4105].map(|bytes| run.fitting(bytes)), [(0, 0), (1, 4105)]);
        assert_eq!(run.to_pieces()[1].as_ptr(), place);
        assert!(run.split_to(0).is_empty() && run.clone().into_buffer().is_none());
        assert_eq!(run.clone().into_batch(), message.into());
        let popped = run.split_to(2).next().unwrap();
        assert_eq!((popped.first().as_ptr(), run.next()), (place, None));
        assert!(matches!(Run::from(Message::from(vec![1; 4095])), Run::Wire(_)));
    }
}
