//! One request, one reply (RFC 28, "The REQ Socket").
//!
//! ```text
//!            request                reply             taken
//!   Idle ──────────────► Awaiting ─────────► Replied ───────► Idle
//!                      ▲  │    │
//!       resend, again  │  │    └─ gone, sent ──► Lost ──┐ again
//!                      │  └─ gone, unsent ──► Unsent ───┤ resend
//!                      └────────────────────────────────┘
//!   any ── give up ──► Idle      any, if relaxed ── request ──► Awaiting
//! ```
//!
//! A late reply of a peer that was asked before another counts in `Lost` and `Unsent`, too.

use enfonet_zmtp::{Batch, Envelope, Message};
use smallvec::SmallVec;

use super::{Choose, Outboxes, RoundRobin, Routing};
use crate::PeerId;
use crate::options::Settings;

/// Requests go to the peers in turn, and only the reply of a peer that was asked counts.
#[derive(Debug)]
pub(crate) struct Lockstep {
    robin: RoundRobin,
    relaxed: bool,
    correlate: bool,
    /// Number of the last request.
    ticket: Ticket,
    state: State,
    /// Peers that may reply to the last request: several, if it was sent again. The last of them has to reply.
    asked: SmallVec<[PeerId; 2]>,
}

/// The number of a request: on the wire, if requests and replies are correlated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u32);

#[derive(Debug)]
enum State {
    Idle,
    Awaiting,
    /// The peer that was asked has gone, and can't have got the request.
    Unsent(Message),
    /// The peer that was asked has gone, perhaps with the request.
    Lost,
    Replied(Message),
}

/// How a request stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is no reply yet.
    Awaiting,
    /// The reply, which is given once.
    Replied(Message),
    /// The peer that was asked last has gone with it.
    Lost,
    /// Its reply has been taken, or it has been given up.
    Over,
    /// Another request was sent in its place.
    Abandoned,
}

impl Lockstep {
    /// The first request has the number after `seed`.
    pub(crate) fn new(settings: &Settings, seed: u32) -> Self {
        // A request that is sent again may be replied to twice.
        let repeats = settings.retries > 0 || settings.reply_timeout.is_some();
        Self {
            robin: RoundRobin::default(),
            relaxed: settings.relaxed,
            correlate: settings.correlate || repeats,
            ticket: Ticket(seed),
            state: State::Idle,
            asked: SmallVec::new(),
        }
    }

    /// Whether a request may be sent now.
    pub(crate) const fn may_request(&self) -> bool {
        self.relaxed || self.is_idle()
    }

    /// Whether there is no request that could be replied to.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// The last request.
    pub(crate) const fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Sends a request to the next peer with room, and abandons a request that is under way. Returns the peer; `None`
    /// if no peer has room.
    pub(crate) fn request(&mut self, outboxes: &mut Outboxes, message: &Message) -> Option<PeerId> {
        let id = self.robin.choose(outboxes)?;
        self.ticket.0 = self.ticket.0.wrapping_add(1);
        self.asked.clear();
        self.ask(id, outboxes, message);
        Some(id)
    }

    /// Sends the request of this number again, to the next peer with room, unless it is no longer wanted. Returns the
    /// peer, if the request was sent.
    pub(crate) fn again(
        &mut self,
        ticket: Ticket,
        outboxes: &mut Outboxes,
        message: &Message,
    ) -> Option<PeerId> {
        if self.ticket != ticket || matches!(self.state, State::Idle | State::Replied(_)) {
            return None;
        }
        self.take_back(outboxes);
        let id = self.robin.choose(outboxes)?;
        self.ask(id, outboxes, message);
        Some(id)
    }

    /// Takes the request back where it waits for a peer that is away. It stands last there, since no other can have
    /// been sent after it.
    fn take_back(&mut self, outboxes: &mut Outboxes) {
        for id in &self.asked {
            let Some(away) = outboxes.get_mut(*id).filter(|outbox| !outbox.has_peer()) else { continue };
            let mut runs = away.drain();
            if let Some(last) = runs.last_mut() {
                *last = last.split_to(last.len() - 1);
            }
            for run in &runs {
                away.push_run(run, run.wire_len());
            }
            self.robin.room(*id);
        }
    }

    /// Sends the request that came back to the next peer with room. Returns the peer, if the request was sent.
    pub(crate) fn resend(&mut self, outboxes: &mut Outboxes) -> Option<PeerId> {
        let State::Unsent(message) = &self.state else { return None };
        let message = message.clone();
        let id = self.robin.choose(outboxes)?;
        self.ask(id, outboxes, &message);
        Some(id)
    }

    fn ask(&mut self, id: PeerId, outboxes: &mut Outboxes, message: &Message) {
        outboxes[id].push(&self.envelope(), message);
        self.asked.retain(|asked| *asked != id);
        self.asked.push(id);
        self.state = State::Awaiting;
    }

    /// Returns the envelope that stands before the request, and has to stand before its reply.
    fn envelope(&self) -> Envelope {
        if self.correlate {
            Envelope::of(&[&self.ticket.0.to_be_bytes()[..], b""])
        } else {
            Envelope::delimiter()
        }
    }

    /// Takes a message from a peer, and returns whether it is the reply. Other messages are dropped: messages of peers
    /// that weren't asked, and messages that don't begin with the envelope of the request.
    pub(crate) fn reply(&mut self, id: PeerId, message: Message) -> bool {
        if !self.is_open() || !self.asked.contains(&id) {
            return false;
        }
        match message.split_envelope() {
            Ok((envelope, reply)) if envelope == self.envelope() => {
                self.state = State::Replied(reply);
                true
            }
            _ => false,
        }
    }

    /// Whether there may still be a reply.
    const fn is_open(&self) -> bool {
        matches!(self.state, State::Awaiting | State::Unsent(_) | State::Lost)
    }

    /// A peer has gone; `unsent` wasn't sent to it.
    pub(crate) fn gone(&mut self, id: PeerId, unsent: Vec<Batch>) {
        if !self.is_open() {
            return;
        }
        let was_last = self.asked.last() == Some(&id);
        self.asked.retain(|asked| *asked != id);
        if !was_last || !matches!(self.state, State::Awaiting) {
            return;
        }
        // The request was queued last: if it wasn't sent, it is the last unsent message.
        let request = unsent.into_iter().flatten().last().and_then(|wire| wire.split_envelope().ok());
        self.state = request.map_or(State::Lost, |(_, request)| State::Unsent(request));
    }

    /// Returns how a request stands. This takes its reply.
    pub(crate) fn standing(&mut self, ticket: Ticket) -> Standing {
        if self.ticket != ticket {
            return Standing::Abandoned;
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Replied(reply) => Standing::Replied(reply),
            State::Idle => Standing::Over,
            open => {
                let lost = matches!(open, State::Lost);
                self.state = open;
                if lost { Standing::Lost } else { Standing::Awaiting }
            }
        }
    }

    /// Gives up waiting for a reply to this request. A peer that is away and hasn't got the request doesn't get it.
    pub(crate) fn give_up(&mut self, ticket: Ticket, outboxes: &mut Outboxes) {
        if self.ticket == ticket && !self.is_idle() {
            self.take_back(outboxes);
            self.state = State::Idle;
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

    /// The socket has to know only of peers that have the request: others may come and go unseen.
    fn part(&mut self, id: PeerId) -> bool {
        self.is_open() && self.asked.contains(&id)
    }

    fn close(&mut self, id: PeerId) -> bool {
        self.robin.close(id);
        self.is_open() && self.asked.contains(&id)
    }
}

#[cfg(test)]
mod tests;
