//! One request, one reply (RFC 28, "The REQ Socket").
//!
//! ```text
//!           request                    reply
//!   Idle ────────────► Awaiting(peer) ───────► Idle
//!                         │   ▲
//!          gone, unsent   ▼   │ resend
//!                      Unsent(request)                gone, sent: lost, Idle
//! ```

use enfonet_zmtp::{Batch, Envelope, Message, Subscription};

use super::{Choose, Outboxes, RoundRobin, Routing};
use crate::PeerId;

/// Requests go to the peers in turn, and only the reply of the peer last asked counts.
#[derive(Debug, Default)]
pub(crate) struct Lockstep {
    robin: RoundRobin,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Awaiting(PeerId),
    /// The peer that was asked has gone, and can't have got the request.
    Unsent(Message),
}

/// What the going of a peer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Nothing.
    Other,
    /// The request is to be [sent again](Lockstep::resend).
    Unsent,
    /// The request has gone with it.
    Lost,
}

impl Lockstep {
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    pub(crate) const fn is_unsent(&self) -> bool {
        matches!(self.state, State::Unsent(_))
    }

    /// Sends a request to the next peer with room. Who got it; `None` if nobody has room.
    pub(crate) fn request(&mut self, outboxes: &mut Outboxes, message: &Message) -> Option<PeerId> {
        let id = self.robin.choose(outboxes)?;
        outboxes[id].push(&Envelope::delimiter(), message);
        self.state = State::Awaiting(id);
        Some(id)
    }

    /// Sends the request that came back to the next peer with room. Who got it, if anybody.
    pub(crate) fn resend(&mut self, outboxes: &mut Outboxes) -> Option<PeerId> {
        let State::Unsent(message) = &self.state else { return None };
        let message = message.clone();
        self.request(outboxes, &message)
    }

    /// A message has come from a peer: the reply, if it is that. Others are dropped: those of peers that
    /// weren't asked, and whatever doesn't begin with the delimiter.
    pub(crate) fn reply(&mut self, id: PeerId, message: Message) -> Option<Message> {
        if !matches!(self.state, State::Awaiting(asked) if asked == id) {
            return None;
        }
        let (envelope, reply) = message.split_envelope().ok()?;
        if envelope != Envelope::delimiter() {
            return None;
        }
        self.state = State::Idle;
        Some(reply)
    }

    /// A peer has gone, with so much not sent to it.
    pub(crate) fn gone(&mut self, id: PeerId, unsent: Vec<Batch>) -> Gone {
        if !matches!(self.state, State::Awaiting(asked) if asked == id) {
            return Gone::Other;
        }
        let request = unsent.into_iter().flatten().last().and_then(|wire| wire.split_envelope().ok());
        match request {
            Some((_, request)) => {
                self.state = State::Unsent(request);
                Gone::Unsent
            }
            None => {
                self.state = State::Idle;
                Gone::Lost
            }
        }
    }
}

impl Routing for Lockstep {
    const KEEPS_QUEUE: bool = true;
    /// A request that waits goes to another peer.
    const LINGERS: bool = false;

    fn open(&mut self, id: PeerId) {
        self.robin.open(id);
    }

    fn room(&mut self, id: PeerId) {
        self.robin.room(id);
    }

    /// Only of the peer that has the request: others may come and go unseen.
    fn part(&mut self, id: PeerId, _cancelled: &mut dyn FnMut(Subscription)) -> bool {
        matches!(self.state, State::Awaiting(asked) if asked == id)
    }

    fn close(&mut self, id: PeerId) -> bool {
        self.robin.close(id);
        matches!(self.state, State::Awaiting(asked) if asked == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Load;
    use crate::routing::tests::add_queue;

    fn setup(peers: usize) -> (Lockstep, Outboxes, Vec<PeerId>) {
        let (mut routing, mut outboxes) = (Lockstep::default(), Outboxes::new());
        let ids: Vec<_> = (0..peers).map(|_| add_queue(&mut outboxes, Load::new(9, 999))).collect();
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
        assert!(!routing.is_idle());
    }

    #[test]
    fn a_request_is_lost_with_the_peer_that_has_it_and_no_other() {
        let (mut routing, mut outboxes, ids) = setup(2);
        routing.request(&mut outboxes, &Message::from("q"));
        assert_eq!(routing.gone(ids[1], Vec::new()), Gone::Other);
        assert_eq!(routing.gone(ids[0], Vec::new()), Gone::Lost);
        assert!(routing.is_idle());
    }

    #[test]
    fn a_request_that_was_not_sent_goes_to_another_peer() {
        let (mut routing, mut outboxes, ids) = setup(2);
        routing.request(&mut outboxes, &Message::from("q"));
        let unsent = outboxes[ids[0]].drain();
        assert_eq!(routing.gone(ids[0], unsent), Gone::Unsent);
        assert_eq!(routing.resend(&mut outboxes), Some(ids[1]));
        let again: Vec<_> = outboxes[ids[1]].drain().into_iter().flatten().collect();
        assert_eq!(again, [wire("q")]);
        assert_eq!(routing.reply(ids[1], wire("a")), Some(Message::from("a")));
    }
}
