//! Messages for one peer, put together to be sent at once.

use enfonet::message::{Batch, BatchBuilder, Envelope, Span};

/// Messages for one peer. Small messages are copied behind each other, large messages stay in the buffer they arrived
/// in.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    /// Batches before the messages in `small`, with the envelope before the message: only a large message has an
    /// envelope, and is in a batch of its own.
    batches: Vec<(Envelope, Batch)>,
    small: BatchBuilder,
}

impl Bundle {
    /// Adds a message of `batch`, or the rest of a message.
    // Not inlined, this function and the next take 30 of 1,045 instructions more for a request and its reply
    // (callgrind).
    #[inline(always)]
    pub(super) fn push(&mut self, batch: &Batch, message: &Span<'_>) {
        if message.is_large() {
            self.push_large(Envelope::none(), batch, message);
        } else {
            self.small.push(message);
        }
    }

    /// Adds a message of `batch`, or the rest of a message, after one more frame.
    #[inline(always)]
    pub(super) fn push_behind(&mut self, frame: &[u8], batch: &Batch, message: &Span<'_>) {
        if message.is_large() {
            self.push_large(Envelope::of(&[frame]), batch, message);
        } else {
            self.small.push_behind(frame, message);
        }
    }

    #[cold]
    fn push_large(&mut self, envelope: Envelope, batch: &Batch, message: &Span<'_>) {
        self.close();
        self.batches.push((envelope, batch.slice(message.range.clone(), 1)));
    }

    /// Removes the messages, in order, each batch with the envelope before its message.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Envelope, Batch)> {
        self.close();
        self.batches.drain(..)
    }

    fn close(&mut self) {
        if !self.small.is_empty() {
            self.batches.push((Envelope::none(), self.small.take()));
        }
    }
}

#[cfg(test)]
mod tests {
    use enfonet::Message;

    use super::*;

    #[test]
    fn messages_stay_in_order_and_large_messages_are_not_copied() {
        let bodies = ["a", "b", &"x".repeat(5000), "c"];
        let came: Batch = bodies.into_iter().map(|body| Message::from(["id", body])).collect();
        let mut bundle = Bundle::default();
        for message in came.spans() {
            bundle.push(&came, &message.rest().unwrap());
        }
        let batches: Vec<_> = bundle.drain().map(|(_, batch)| batch).collect();
        assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [2, 1, 1]);
        let (all, one) = (came.wire().as_ptr_range(), batches[1].wire().as_ptr());
        assert!(all.contains(&one));
        assert!(batches.into_iter().flatten().eq(bodies.map(Message::from)));
        assert_eq!(bundle.drain().count(), 0);
    }

    #[test]
    fn each_message_follows_its_frame() {
        let came: Batch = ["a", &"x".repeat(5000)].into_iter().map(Message::from).collect();
        let mut bundle = Bundle::default();
        for (message, name) in came.spans().zip(["1", "2"]) {
            bundle.push_behind(name.as_bytes(), &came, &message);
        }
        let [(none, small), (name, large)] = <[_; 2]>::try_from(bundle.drain().collect::<Vec<_>>()).unwrap();
        assert_eq!((none, small.into_iter().last()), (Envelope::none(), Some(["1", "a"].into())));
        assert_eq!((name, large), (Envelope::of(&["2"]), came.slice(came.spans().nth(1).unwrap().range, 1)));
    }
}
