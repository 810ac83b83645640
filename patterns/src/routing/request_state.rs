//! One request, one reply (RFC 28, "The REQ Socket").
//!
//! ```text
//!            request                reply             taken
//!   Idle ──────────────► Awaiting ─────────► Replied ───────► Idle
//!                      ▲  │    │
//!       resend, retry  │  │    └─ gone, sent ──► Lost ──┐ retry
//!                      │  └─ gone, unsent ──► Unsent ───┤ resend
//!                      └────────────────────────────────┘
//!   any ── give up ──► Idle      any, if relaxed ── request ──► Awaiting
//! ```
//!
//! In `Lost` and `Unsent` a late reply of an earlier recipient is still the reply.

use enfonet_zmtp::{Envelope, IntoMessage, Message};
use smallvec::SmallVec;

use super::{Choose, Outboxes, RoundRobin, Routing};
use crate::peer::PeerId;
use crate::queue::{Outgoing, Run};
use crate::settings::RequestSettings;

/// State of a REQ: requests go to the peers in rotation, and only a reply of a recipient counts.
#[derive(Debug)]
pub(crate) struct RequestState {
    robin: RoundRobin,
    relaxed: bool,
    correlate: bool,
    /// Id of the last request.
    request_id: RequestId,
    phase: Phase,
    /// Peers that may reply to the last request: several, if it was sent again. The last recipient has to reply.
    recipients: SmallVec<[PeerId; 2]>,
}

/// Serial number of a request. It is on the wire if requests and replies are correlated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(u32);

#[derive(Debug)]
enum Phase {
    Idle,
    Awaiting,
    /// The recipient disconnected before it had the request.
    Unsent(Message),
    /// The recipient disconnected, and may have the request.
    Lost,
    Replied(Message),
}

/// Status of a request, as its sender sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestStatus {
    /// There is no reply yet.
    Awaiting,
    /// The reply, which is returned once.
    Replied(Message),
    /// The last recipient disconnected, and may have the request.
    Lost,
    /// The reply has been returned, or the request has been given up.
    Over,
    /// The request was abandoned for another request.
    Abandoned,
}

impl RequestState {
    /// Makes the state of a socket that has sent nothing. The first request has the number after `seed`.
    pub(crate) fn new(settings: &RequestSettings, seed: u32) -> Self {
        // A request that is sent again may be replied to twice.
        let repeats = settings.retries > 0 || settings.reply_timeout.is_some();
        Self {
            robin: RoundRobin::default(),
            relaxed: settings.relaxed,
            correlate: settings.correlate || repeats,
            request_id: RequestId(seed),
            phase: Phase::Idle,
            recipients: SmallVec::new(),
        }
    }

    /// Returns whether a request may be sent now.
    pub(crate) const fn may_request(&self) -> bool {
        self.relaxed || self.is_idle()
    }

    /// Returns whether there is no request that could be replied to.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// Returns the id of the last request.
    pub(crate) const fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// Sends a request to the next peer with room, and abandons a request that is in flight. Returns the peer; `None`
    /// if no peer has room.
    pub(crate) fn request(
        &mut self,
        outboxes: &mut Outboxes,
        message: &Outgoing<impl IntoMessage>,
    ) -> Option<PeerId> {
        let id = self.robin.choose(outboxes)?;
        self.request_id.0 = self.request_id.0.wrapping_add(1);
        self.recipients.clear();
        self.send_to(id, outboxes, message);
        Some(id)
    }

    /// Sends the request again, to the next peer with room, unless it is no longer wanted. Returns the
    /// peer, if the request was sent.
    pub(crate) fn retry(
        &mut self,
        request_id: RequestId,
        outboxes: &mut Outboxes,
        message: &Message,
    ) -> Option<PeerId> {
        if self.request_id != request_id || matches!(self.phase, Phase::Idle | Phase::Replied(_)) {
            return None;
        }
        self.take_back(outboxes);
        let id = self.robin.choose(outboxes)?;
        self.send_to(id, outboxes, &Outgoing::new(message.clone()));
        Some(id)
    }

    /// Removes the request from the queues of recipients that aren't connected. The request is the last message there,
    /// since no message can have been sent after it.
    fn take_back(&mut self, outboxes: &mut Outboxes) {
        for id in &self.recipients {
            let Some(away) = outboxes.get_mut(*id).filter(|outbox| !outbox.has_peer()) else { continue };
            let mut runs = away.drain();
            if let Some(last) = runs.last_mut() {
                *last = last.split_to(last.len() - 1);
            }
            for mut run in runs {
                away.push_run(&mut run, 0);
            }
            self.robin.room(*id);
        }
    }

    /// Sends an unsent request to the next peer with room. Returns the peer, if the request was sent.
    pub(crate) fn resend(&mut self, outboxes: &mut Outboxes) -> Option<PeerId> {
        let Phase::Unsent(message) = &self.phase else { return None };
        let message = Outgoing::new(message.clone());
        let id = self.robin.choose(outboxes)?;
        self.send_to(id, outboxes, &message);
        Some(id)
    }

    fn send_to(&mut self, id: PeerId, outboxes: &mut Outboxes, message: &Outgoing<impl IntoMessage>) {
        message.push_to(&mut outboxes[id], &self.envelope());
        self.recipients.retain(|recipient| *recipient != id);
        self.recipients.push(id);
        self.phase = Phase::Awaiting;
    }

    /// Returns the envelope that stands before the request, and has to stand before its reply.
    fn envelope(&self) -> Envelope {
        if self.correlate {
            Envelope::of(&[&self.request_id.0.to_be_bytes()[..], b""])
        } else {
            Envelope::delimiter()
        }
    }

    /// Takes a message from a peer, and returns whether it is the reply. Other messages are dropped: messages of peers
    /// that aren't recipients, and messages that don't begin with the envelope of the request.
    pub(crate) fn reply(&mut self, id: PeerId, message: Message) -> bool {
        if !self.is_open() || !self.recipients.contains(&id) {
            return false;
        }
        match message.split_envelope() {
            Ok((envelope, reply)) if envelope == self.envelope() => {
                self.phase = Phase::Replied(reply);
                true
            }
            _ => false,
        }
    }

    /// Returns whether there may still be a reply.
    const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Awaiting | Phase::Unsent(_) | Phase::Lost)
    }

    /// Handles the loss of a peer; `unsent` are the messages that weren't sent to it.
    pub(crate) fn peer_lost(&mut self, id: PeerId, unsent: Vec<Run>) {
        if !self.is_open() {
            return;
        }
        let was_last = self.recipients.last() == Some(&id);
        self.recipients.retain(|recipient| *recipient != id);
        if !was_last || !matches!(self.phase, Phase::Awaiting) {
            return;
        }
        // The request was queued last: if it wasn't sent, it is the last unsent message.
        let request = unsent.into_iter().flatten().last().and_then(|wire| wire.split_envelope().ok());
        self.phase = request.map_or(Phase::Lost, |(_, request)| Phase::Unsent(request));
    }

    /// Returns the status of a request. This takes its reply.
    pub(crate) fn status(&mut self, request_id: RequestId) -> RequestStatus {
        if self.request_id != request_id {
            return RequestStatus::Abandoned;
        }
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Replied(reply) => RequestStatus::Replied(reply),
            Phase::Idle => RequestStatus::Over,
            open => {
                let lost = matches!(open, Phase::Lost);
                self.phase = open;
                if lost { RequestStatus::Lost } else { RequestStatus::Awaiting }
            }
        }
    }

    /// Gives up the request. It is removed from the queues of recipients that aren't connected.
    pub(crate) fn give_up(&mut self, request_id: RequestId, outboxes: &mut Outboxes) {
        if self.request_id == request_id && !self.is_idle() {
            self.take_back(outboxes);
            self.phase = Phase::Idle;
        }
    }
}

impl Routing for RequestState {
    const KEEPS_QUEUE: bool = true;
    /// A request that waits goes to another peer.
    const LINGERS: bool = false;

    fn open(&mut self, id: PeerId) {
        self.robin.open(id);
    }

    fn room(&mut self, id: PeerId) {
        self.robin.room(id);
    }

    /// Returns true only for recipients: other peers may come and go unseen.
    fn part(&mut self, id: PeerId) -> bool {
        self.is_open() && self.recipients.contains(&id)
    }

    fn close(&mut self, id: PeerId) -> bool {
        self.robin.close(id);
        self.is_open() && self.recipients.contains(&id)
    }
}

#[cfg(test)]
mod tests;
