//! Routing of replies to their clients (RFC 28, "The REP Socket").

use super::{Outboxes, Routing};
use crate::queue::Outbox;

/// A gate that holds back requests until replies are written. Without it, a server that always has requests would fill
/// the queues even of clients that read their replies, and lose replies.
#[derive(Debug, Default)]
pub(crate) struct ReplyGate {
    /// Whether a reply took the last room in a queue.
    filled: bool,
}

impl ReplyGate {
    /// Records that a reply was pushed into this queue.
    pub(crate) const fn note_reply(&mut self, outbox: &Outbox) {
        self.filled |= !outbox.has_room();
    }

    /// Returns whether requests may be received. They may not while the queue of a client is full and its connection is
    /// writing, since there will be room in a moment. A client that doesn't read its replies doesn't hold back
    /// requests.
    pub(crate) fn may_receive(&mut self, outboxes: &Outboxes) -> bool {
        self.filled = self.filled && outboxes.values().any(|outbox| !outbox.has_room() && outbox.is_moving());
        !self.filled
    }
}

impl Routing for ReplyGate {
    const KEEPS_QUEUE: bool = false;
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use enfonet_zmtp::{Envelope, Message};

    use super::*;
    use crate::queue::{Taken, WriteReport};
    use crate::routing::tests::add_queue;
    use crate::size::Size;

    #[test]
    fn requests_wait_while_replies_are_about_to_be_written() {
        let (mut gate, mut outboxes) = (ReplyGate::default(), Outboxes::new());
        let id = add_queue(&mut outboxes, Size::new(2, usize::MAX));
        outboxes[id].connect(Size::default());
        let mut taken = Taken::default();
        for expected in [true, false] {
            outboxes[id].push(&Envelope::none(), &Message::from("reply"));
            gate.note_reply(&outboxes[id]);
            assert_eq!(gate.may_receive(&outboxes), expected);
        }
        outboxes[id].exchange(&WriteReport::of(Size::default()), &mut taken, Waker::noop());
        assert!(!gate.may_receive(&outboxes), "taken isn't written");
        outboxes[id].exchange(&WriteReport::of(Size::new(1, 7)), &mut Taken::default(), Waker::noop());
        assert!(gate.may_receive(&outboxes));
    }

    #[test]
    fn a_client_that_does_not_read_its_replies_does_not_delay_other_clients() {
        let (mut gate, mut outboxes) = (ReplyGate::default(), Outboxes::new());
        let id = add_queue(&mut outboxes, Size::new(1, usize::MAX));
        outboxes[id].connect(Size::default());
        outboxes[id].push(&Envelope::none(), &Message::from("reply"));
        gate.note_reply(&outboxes[id]);
        assert!(!gate.may_receive(&outboxes));
        outboxes[id].exchange(
            &WriteReport { blocked: true, ..WriteReport::of(Size::default()) },
            &mut Taken::default(),
            Waker::noop(),
        );
        assert!(gate.may_receive(&outboxes));
    }
}
