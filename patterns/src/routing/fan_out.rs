//! Routing to every peer that wants a message (RFC 29, "The PUB Socket", "The XPUB Socket").

use enfonet_zmtp::{Batch, Envelope, IntoMessage, Span, Subscription};

use super::marked_queues::{MarkMap, MarkedQueues, Marks, OpenRun};
use super::subscribers::Subscribers;
use super::{Outboxes, Routing};
use crate::error::RejectReason;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::{Outbox, Outgoing, Recipients, Run};
use crate::settings::PubSubSettings;

/// Routing of PUB and XPUB: the subscribers, and the push of a message or batch into their queues.
#[derive(Debug)]
pub(crate) struct FanOut {
    pub(crate) subscribers: Subscribers,
    marks: MarkMap,
    /// Whether a message that one peer has no room for is sent to no peer.
    nodrop: bool,
    /// Serial number of the current message.
    serial: u64,
    /// Peers with an open run of the current batch.
    touched: Vec<PeerId>,
    /// Number of messages that no peer wanted.
    unmatched: u64,
}

/// Messages that peers had no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) messages: usize,
    /// Peer that lost a message last.
    pub(crate) peer: PeerId,
}

impl Lost {
    /// Counts messages that a peer loses.
    pub(crate) fn add(&mut self, peer: PeerId, outbox: &mut Outbox, messages: usize) {
        outbox.lose(messages);
        // A retired peer gets no new messages, so it loses none.
        if messages > 0 && outbox.is_open() {
            self.messages += messages;
            self.peer = peer;
        }
    }
}

/// A run that a queue had no room for, though its connection is writing: worth another try before it is dropped.
#[derive(Debug)]
pub(crate) struct Unplaced {
    pub(crate) id: PeerId,
    pub(crate) run: Run,
}

/// The part of a publication that found no room.
#[derive(Debug, Default)]
pub(crate) struct Remainder {
    /// Runs that are tried again.
    pub(crate) unplaced: Vec<Unplaced>,
    /// Messages that peers have lost, and that aren't logged yet.
    pub(crate) lost: Lost,
}

impl Remainder {
    /// Returns whether all recipients have got the publication.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.unplaced.is_empty() && self.lost.messages == 0
    }
}

/// Outcome of publishing a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// A peer has the message, or may still get it, or no peer wanted it.
    Taken,
    /// No peer that wanted the message had room.
    Lost,
    /// With `nodrop`: a peer has no room, so no peer has the message.
    NoRoom,
}

impl FanOut {
    pub(crate) fn new(settings: &PubSubSettings) -> Self {
        let subscribers = Subscribers::new(settings);
        Self {
            subscribers,
            marks: MarkMap::new(),
            nodrop: settings.nodrop,
            serial: 0,
            touched: Vec::new(),
            unmatched: 0,
        }
    }

    /// Puts a message into the queue of each peer that it is for; calls `touched` with each queue that got it. A
    /// peer without room loses the message, unless it is about to have room: then the message is in `unplaced`.
    pub(crate) fn publish(
        &mut self,
        outboxes: &mut Outboxes,
        message: &Outgoing<impl IntoMessage>,
        remainder: &mut Remainder,
        mut touched: impl FnMut(&mut Outbox),
    ) -> Published {
        self.serial += 1;
        let (serial, topic) = (self.serial, message.topic());
        if self.nodrop && !self.has_room(outboxes, topic) {
            return Published::NoRoom;
        }
        let (mut got, mut lost) = (false, false);
        let mut queues = MarkedQueues { outboxes, marks: &mut self.marks };
        self.subscribers.for_each_recipient(&mut queues, topic, serial, |id, outbox, marks| {
            if marks.last_serial == serial {
                return;
            }
            marks.last_serial = serial;
            if outbox.has_room() {
                message.push_to(outbox, &Envelope::none());
                touched(outbox);
                got = true;
            } else if outbox.is_moving() {
                remainder.unplaced.push(Unplaced { id, run: message.to_run() });
                got = true;
            } else {
                remainder.lost.add(id, outbox, 1);
                lost = true;
            }
        });
        self.unmatched += u64::from(!lost && !got);
        if lost && !got { Published::Lost } else { Published::Taken }
    }

    /// Returns whether every peer that gets messages of this topic has room for a message, or gets no new messages
    /// anyway.
    fn has_room(&mut self, outboxes: &mut Outboxes, topic: &[u8]) -> bool {
        let mut room = true;
        let mut queues = MarkedQueues { outboxes, marks: &mut self.marks };
        self.subscribers.for_each_recipient(&mut queues, topic, self.serial, |_, outbox, _| {
            room &= outbox.has_room() || !outbox.is_open();
        });
        room
    }

    /// Publishes a batch: a peer gets neighbouring messages as one run, shared where it is long. Returns the number of
    /// messages taken: only a socket with `nodrop` may leave messages, from the first message without room on.
    pub(crate) fn publish_batch(
        &mut self,
        outboxes: &mut Outboxes,
        batch: &Batch,
        remainder: &mut Remainder,
        mut touched: impl FnMut(&mut Outbox),
    ) -> usize {
        if self.nodrop {
            let messages = batch.clone().into_iter();
            let publish = |m| self.publish(outboxes, &Outgoing::new(m), remainder, &mut touched);
            return messages.map(publish).take_while(|p| *p != Published::NoRoom).count();
        }
        self.serial += 1;
        let source = batch.wire_len();
        let mut admission = Admission { serial: self.serial, source, remainder, touched };
        if let Some(everyone) = self.subscribers.of_all() {
            let mut queues = MarkedQueues { outboxes, marks: &mut self.marks };
            let mut is_matched = false;
            for id in everyone.iter().copied() {
                if let Some((outbox, marks)) = queues.get(id) {
                    is_matched = true;
                    admission.admit(outbox, marks, id, batch.clone().into());
                }
            }
            self.unmatched += if is_matched { 0 } else { batch.len() as u64 };
        } else {
            self.publish_runs(outboxes, batch, &mut admission);
        }
        batch.len()
    }

    /// Publishes a batch in one walk over its messages: each message either extends a peer's open run, or ends it and
    /// begins another.
    fn publish_runs(
        &mut self,
        outboxes: &mut Outboxes,
        batch: &Batch,
        admission: &mut Admission<'_, impl FnMut(&mut Outbox)>,
    ) {
        let mut queues = MarkedQueues { outboxes, marks: &mut self.marks };
        for Span { range, first, .. } in batch.spans() {
            self.serial += 1;
            let mut is_matched = false;
            self.subscribers.for_each_recipient(&mut queues, first, self.serial, |id, outbox, marks| {
                let run = marks.open_run;
                is_matched = true;
                if run.messages == 0 {
                    self.touched.push(id);
                    marks.open_run.start = range.start;
                } else if run.end == range.end {
                    return; // it has this message already: another of its subscriptions matched
                } else if run.end != range.start {
                    marks.open_run = OpenRun { start: range.start, ..OpenRun::default() };
                    admission.admit(outbox, marks, id, batch.slice(run.start..run.end, run.messages).into());
                }
                marks.open_run.end = range.end;
                marks.open_run.messages += 1;
            });
            self.unmatched += u64::from(!is_matched);
        }
        for id in self.touched.drain(..) {
            if let Some((outbox, marks)) = queues.get(id) {
                let run = std::mem::take(&mut marks.open_run);
                admission.admit(outbox, marks, id, batch.slice(run.start..run.end, run.messages).into());
            }
        }
    }

    /// Tries the unplaced again, in order; keeps the runs that still have hope.
    pub(crate) fn retry(
        &mut self,
        outboxes: &mut Outboxes,
        remainder: &mut Remainder,
        touched: impl FnMut(&mut Outbox),
    ) {
        self.serial += 1;
        let again = std::mem::take(&mut remainder.unplaced);
        let mut admission = Admission { serial: self.serial, source: 0, remainder, touched };
        let mut queues = MarkedQueues { outboxes, marks: &mut self.marks };
        for Unplaced { id, run } in again {
            if let Some((outbox, marks)) = queues.get(id) {
                admission.admit(outbox, marks, id, run);
            }
        }
    }
}

/// Pushes of runs into queues, during one publication.
struct Admission<'a, F> {
    serial: u64,
    /// Bytes of the batch that the runs are cut from.
    source: usize,
    remainder: &'a mut Remainder,
    touched: F,
}

impl<F: FnMut(&mut Outbox)> Admission<'_, F> {
    /// Stages as much of a run as there is room for; the rest stays unplaced if the connection is writing, or lost.
    fn admit(&mut self, outbox: &mut Outbox, marks: &mut Marks, id: PeerId, mut run: Run) {
        // The leftover of an earlier run goes first, or the order would be lost.
        let waits = marks.blocked_serial == self.serial;
        let admitted = if waits { 0 } else { outbox.push_run(&mut run, self.source) };
        if admitted > 0 {
            (self.touched)(outbox);
        }
        if !outbox.is_moving() {
            self.remainder.lost.add(id, outbox, run.len());
        } else if !run.is_empty() {
            marks.blocked_serial = self.serial;
            self.remainder.unplaced.push(Unplaced { id, run });
        }
    }
}

impl Routing for FanOut {
    const KEEPS_QUEUE: bool = false;
    const RECIPIENTS: Recipients = Recipients::Any;

    fn open(&mut self, id: PeerId) {
        self.marks.insert(id, Marks::default());
    }

    fn join(&mut self, peer: &mut PeerInfo, _outbox: &mut Outbox) -> Result<(), RejectReason> {
        self.subscribers.join(peer);
        Ok(())
    }

    fn subscription(&mut self, id: PeerId, subscription: &Subscription) -> Result<bool, RejectReason> {
        self.subscribers.apply(id, subscription)
    }

    fn unmatched(&self) -> u64 {
        self.unmatched
    }

    fn part(&mut self, id: PeerId) -> bool {
        self.subscribers.part(id);
        false
    }

    fn close(&mut self, id: PeerId) -> bool {
        self.marks.remove(id);
        false
    }

    fn sweep(&mut self, most: usize, cancelled: &mut dyn FnMut(PeerId, Subscription)) -> bool {
        self.subscribers.sweep(most, |id, topic| cancelled(id, Subscription::Cancel(topic)))
    }
}

#[cfg(test)]
mod tests;
