//! A message that is about to be pushed into queues.

use bytes::BytesMut;
use enfonet_zmtp::{Batch, Envelope, IntoMessage, Message, Small};

use super::{Outbox, Run};

/// A message that is about to be pushed into queues. A small message is encoded straight from the caller's value; no
/// [`Message`] is made of it first.
#[derive(Debug)]
pub(crate) enum Outgoing<M> {
    Small(Small<M>),
    Whole(Message),
}

/// Number of peers that a message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipients {
    One,
    /// As many as want it. They share a large body.
    Any,
}

impl<M: IntoMessage> Outgoing<M> {
    /// Wraps a message for one peer.
    #[inline]
    pub(crate) fn new(message: M) -> Self {
        Self::to(Recipients::One, message)
    }

    /// Wraps a message for one peer, or for several that share it.
    #[inline]
    pub(crate) fn to(recipients: Recipients, message: M) -> Self {
        let small = match recipients {
            Recipients::One => Small::or_borrowed(message),
            Recipients::Any => Small::new(message),
        };
        small.map_or_else(Self::Whole, Self::Small)
    }

    /// Stages the message behind `envelope`, where there is [room](Outbox::has_room).
    // As a call it costs 3 ns more for each message, of 42.
    #[inline(always)]
    pub(crate) fn push_to(&self, outbox: &mut Outbox, envelope: &Envelope) {
        match self {
            Self::Small(small) => outbox.push_small(envelope, |wire| small.encode(wire)),
            Self::Whole(message) => outbox.push(envelope, message),
        }
    }

    /// Returns the body of the first frame.
    #[inline]
    pub(crate) fn topic(&self) -> &[u8] {
        match self {
            Self::Small(small) => small.first(),
            Self::Whole(message) => message.first(),
        }
    }

    /// Returns the number of bytes of the message's wire form.
    #[inline]
    pub(crate) fn wire_len(&self) -> usize {
        match self {
            Self::Small(small) => small.wire_len(),
            Self::Whole(message) => message.wire_len(),
        }
    }

    /// Returns the message as a run of its own.
    pub(crate) fn to_run(&self) -> Run {
        match self {
            Self::Small(small) => {
                let mut wire = BytesMut::with_capacity(small.wire_len());
                small.encode(&mut wire);
                Batch::from_encoded(wire.freeze(), 1).into()
            }
            Self::Whole(message) => message.clone().into(),
        }
    }
}

/// Conversion for a message that can't be sent and goes back to the caller.
impl<M: IntoMessage> From<Outgoing<M>> for Message {
    fn from(outgoing: Outgoing<M>) -> Self {
        match outgoing {
            Outgoing::Small(small) => small.into_message(),
            Outgoing::Whole(message) => message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::Size;

    #[test]
    fn a_small_value_is_queued_as_its_message_would_be() {
        for text in ["", "text"] {
            let message = Message::from(text);
            let (whole, small) = (Outgoing::new(message.clone()), Outgoing::new(text));
            assert!(matches!((&whole, &small), (Outgoing::Whole(_), Outgoing::Small(_))));
            assert_eq!((whole.topic(), small.topic()), (text.as_bytes(), text.as_bytes()));
            assert_eq!((whole.to_run(), small.to_run()), (message.clone().into(), message.clone().into()));
            assert_eq!((whole.wire_len(), small.wire_len()), (message.wire_len(), message.wire_len()));
            for envelope in [Envelope::none(), Envelope::delimiter()] {
                let mut outbox = Outbox::new(Size::new(10, usize::MAX));
                whole.push_to(&mut outbox, &envelope);
                small.push_to(&mut outbox, &envelope);
                let enveloped = message.clone().with_envelope(&envelope);
                assert_eq!(outbox.unsent(), Size::new(2, 2 * enveloped.wire_len()));
                let staged: Vec<_> = outbox.drain().into_iter().flatten().collect();
                assert_eq!(staged, [enveloped.clone(), enveloped]);
            }
            assert_eq!((Message::from(whole), Message::from(small)), (message.clone(), message));
        }
    }

    #[test]
    fn a_large_borrowed_body_is_copied_once_if_several_peers_share_it() {
        let body = [1_u8; 5000];
        assert!(matches!(Outgoing::to(Recipients::One, &body[..]), Outgoing::Small(_)));
        assert!(matches!(Outgoing::to(Recipients::Any, &body[..]), Outgoing::Whole(_)));
    }
}
