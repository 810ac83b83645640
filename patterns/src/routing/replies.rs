//! To who asked (RFC 28, "The REP Socket").

use super::{Outboxes, Routing};
use crate::queue::Outbox;

/// Replies have their way before more requests are received: a server that is never out of requests would fill the
/// queues of clients that do take their replies, and lose some.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// A reply was the last that there was room for.
    filled: bool,
}

impl Replies {
    /// A reply is staged.
    pub(crate) const fn staged(&mut self, outbox: &Outbox) {
        self.filled |= !outbox.has_room();
    }

    /// Whether requests may be received: unless a client has no room for replies, and will have some in a moment. One
    /// that doesn't take its replies holds nobody up.
    pub(crate) fn may_receive(&mut self, outboxes: &Outboxes) -> bool {
        self.filled = self.filled && outboxes.values().any(|outbox| !outbox.has_room() && outbox.is_moving());
        !self.filled
    }
}

impl Routing for Replies {
    const KEEPS_QUEUE: bool = false;
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use enfonet_zmtp::{Envelope, Message};

    use super::*;
    use crate::queue::{Load, Staged};
    use crate::routing::tests::add_queue;

    #[test]
    fn requests_wait_for_replies_that_are_about_to_be_written() {
        let (mut replies, mut outboxes) = (Replies::default(), Outboxes::new());
        let id = add_queue(&mut outboxes, Load::new(2, usize::MAX));
        outboxes[id].connect(Load::default());
        let mut staged = Staged::default();
        for expected in [true, false] {
            outboxes[id].push(&Envelope::none(), &Message::from("reply"));
            replies.staged(&outboxes[id]);
            assert_eq!(replies.may_receive(&outboxes), expected);
        }
        outboxes[id].exchange(Load::default(), false, true, &mut staged, Waker::noop());
        assert!(!replies.may_receive(&outboxes), "taken isn't written");
        outboxes[id].exchange(Load::new(1, 7), false, true, &mut Staged::default(), Waker::noop());
        assert!(replies.may_receive(&outboxes));
    }

    #[test]
    fn a_client_that_does_not_take_its_replies_holds_nobody_up() {
        let (mut replies, mut outboxes) = (Replies::default(), Outboxes::new());
        let id = add_queue(&mut outboxes, Load::new(1, usize::MAX));
        outboxes[id].connect(Load::default());
        outboxes[id].push(&Envelope::none(), &Message::from("reply"));
        replies.staged(&outboxes[id]);
        assert!(!replies.may_receive(&outboxes));
        outboxes[id].exchange(Load::default(), true, true, &mut Staged::default(), Waker::noop());
        assert!(replies.may_receive(&outboxes));
    }
}
