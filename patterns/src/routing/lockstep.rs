//! One request, one reply (RFC 28, "The REQ Socket").
//!
//! ```text
//!          sent(peer)
//!   Idle ─────────────► Awaiting(peer)
//!    ▲                    │   │ gone(peer), request unsent ──► Idle: it goes to another
//!    └────────────────────┘◄──┘ gone(peer), request sent: it is lost
//!       reply(peer)
//! ```

use enfonet_zmtp::{Envelope, Message, Peer, Subscription};

use super::{Outboxes, Refusal, RoundRobin, Routing};
use crate::PeerId;
use crate::queue::Outbox;

/// Requests go to the peers in turn, and only the reply of the peer last asked counts.
#[derive(Debug, Default)]
pub(crate) struct Lockstep {
    robin: RoundRobin,
    awaiting: Option<PeerId>,
}

impl Lockstep {
    pub(crate) const fn is_awaiting(&self) -> bool {
        self.awaiting.is_some()
    }

    /// Sends a request to the next peer with room. Who got it; `None` if nobody has room.
    pub(crate) fn request(&mut self, outboxes: &mut Outboxes, message: &Message) -> Option<PeerId> {
        let id = self.robin.pick(outboxes)?;
        outboxes[id].push(&Envelope::delimiter(), message);
        self.awaiting = Some(id);
        Some(id)
    }

    /// A message has come from a peer: the reply, if it is that. Others are dropped: late replies to a
    /// request that was given up, and whatever doesn't begin with the delimiter.
    pub(crate) fn reply(&mut self, id: PeerId, message: Message) -> Option<Message> {
        if self.awaiting != Some(id) {
            return None;
        }
        let (envelope, reply) = message.split_envelope().ok()?;
        if envelope != Envelope::delimiter() {
            return None;
        }
        self.awaiting = None;
        Some(reply)
    }

    /// A peer has gone: whether the request under way went with it.
    pub(crate) fn gone(&mut self, id: PeerId) -> bool {
        let lost = self.awaiting == Some(id);
        if lost {
            self.awaiting = None;
        }
        lost
    }
}

impl Routing for Lockstep {
    const KEEPS_QUEUE: bool = true;

    fn open(&mut self, id: PeerId) {
        self.robin.open(id);
    }

    fn join(&mut self, id: PeerId, peer: &Peer, outbox: &mut Outbox) -> Result<(), Refusal> {
        self.robin.join(id, peer, outbox)
    }

    fn room(&mut self, id: PeerId) {
        self.robin.room(id);
    }

    /// Only of the peer that has the request: others may come and go unseen.
    fn part(&mut self, id: PeerId, _cancelled: &mut dyn FnMut(Subscription)) -> bool {
        self.awaiting == Some(id)
    }

    fn close(&mut self, id: PeerId) {
        self.robin.close(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Load;

    fn setup(peers: usize) -> (Lockstep, Outboxes, Vec<PeerId>) {
        let (mut routing, mut outboxes) = (Lockstep::default(), Outboxes::with_key());
        let ids: Vec<_> = (0..peers).map(|_| outboxes.insert(Outbox::new(Load::new(9, 999)))).collect();
        ids.iter().for_each(|id| routing.open(*id));
        (routing, outboxes, ids)
    }

    fn wire(body: &'static str) -> Message {
        Message::from_frames(["", body])
    }

    #[test]
    fn only_the_peer_last_asked_can_reply_and_only_once() {
        let (mut routing, mut outboxes, ids) = setup(2);
        assert_eq!(routing.reply(ids[0], wire("early")), None);
        assert_eq!(routing.request(&mut outboxes, &Message::from("q")), Some(ids[0]));
        assert_eq!(routing.reply(ids[1], wire("other")), None);
        assert_eq!(routing.reply(ids[0], wire("a")), Some(Message::from("a")));
        assert_eq!(routing.reply(ids[0], wire("again")), None);
        assert_eq!(routing.request(&mut outboxes, &Message::from("q")), Some(ids[1]));
    }

    #[test]
    fn a_reply_without_the_delimiter_is_dropped() {
        let (mut routing, mut outboxes, ids) = setup(1);
        routing.request(&mut outboxes, &Message::from("q"));
        for malformed in [Message::from("a"), Message::from(""), Message::from_frames(["x", "", "a"])] {
            assert_eq!(routing.reply(ids[0], malformed), None);
        }
        assert!(routing.is_awaiting());
    }

    #[test]
    fn a_request_is_lost_with_the_peer_that_has_it_and_no_other() {
        let (mut routing, mut outboxes, ids) = setup(2);
        routing.request(&mut outboxes, &Message::from("q"));
        assert!(!routing.gone(ids[1]));
        assert!(routing.is_awaiting());
        assert!(routing.gone(ids[0]));
        assert!(!routing.is_awaiting());
    }
}
