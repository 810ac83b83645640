//! To every peer that wants it (RFC 29, "The PUB Socket", "The XPUB Socket").

use enfonet_zmtp::{Batch, Envelope, Message, Span, Subscription};

use super::subscriptions::{Change, Subscriptions};
use super::{Outboxes, Refusal, Routing};
use crate::PeerId;
use crate::queue::{Outbox, PendingRun};

/// The subscriptions of all peers, and the way of a message or a run of them into the queues.
#[derive(Debug)]
pub(crate) struct FanOut {
    index: Subscriptions,
    max_subscriptions: usize,
    max_octets: usize,
    /// Serial number of the message at hand.
    serial: u64,
    /// The peers that the batch at hand has a run for.
    touched: Vec<PeerId>,
}

/// What a queue had no room for, though its connection is writing: worth another try before it is dropped.
#[derive(Debug)]
pub(crate) struct Leftover {
    pub(crate) id: PeerId,
    pub(crate) run: Batch,
}

impl FanOut {
    pub(crate) fn new(max_subscriptions: usize, max_octets: usize) -> Self {
        Self {
            index: Subscriptions::default(),
            max_subscriptions,
            max_octets,
            serial: 0,
            touched: Vec::new(),
        }
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.index.subscribers()
    }

    /// Puts a message into the queue of each peer that wants it; `touched` is told of those that got it. A
    /// peer without room loses it, unless it is about to have room: then it is in `leftovers`.
    pub(crate) fn publish(
        &mut self,
        outboxes: &mut Outboxes,
        message: &Message,
        leftovers: &mut Vec<Leftover>,
        mut touched: impl FnMut(&mut Outbox),
    ) {
        self.serial += 1;
        let serial = self.serial;
        self.index.for_each_match(message.first(), |id| {
            let outbox = &mut outboxes[id];
            if outbox.mark == serial {
                return;
            }
            outbox.mark = serial;
            if outbox.has_room() {
                outbox.push(&Envelope::none(), message);
                touched(outbox);
            } else if outbox.is_moving() {
                leftovers.push(Leftover { id, run: message.clone().into() });
            }
        });
    }

    /// The same for a batch: a peer gets neighbouring messages as one run, shared where it is long.
    pub(crate) fn publish_batch(
        &mut self,
        outboxes: &mut Outboxes,
        batch: &Batch,
        leftovers: &mut Vec<Leftover>,
        mut touched: impl FnMut(&mut Outbox),
    ) {
        if batch.wire().is_none() && self.index.of_all().is_none() {
            let mut messages = batch.clone().into_iter();
            return messages.by_ref().for_each(|m| self.publish(outboxes, &m, leftovers, &mut touched));
        }
        self.serial += 1;
        let source = batch.wire_len();
        let mut admission = Admission { serial: self.serial, source, leftovers, touched };
        if let Some(everyone) = self.index.of_all() {
            for id in everyone.iter().copied() {
                admission.admit(&mut outboxes[id], id, batch.clone());
            }
        } else {
            self.publish_runs(outboxes, batch, &mut admission);
        }
    }

    /// One walk over the messages: each either goes on with a peer's run, or ends it and begins another.
    fn publish_runs(
        &mut self,
        outboxes: &mut Outboxes,
        batch: &Batch,
        admission: &mut Admission<'_, impl FnMut(&mut Outbox)>,
    ) {
        for Span { range, first } in batch.spans() {
            self.index.for_each_match(first, |id| {
                let outbox = &mut outboxes[id];
                let run = outbox.pending;
                if run.messages == 0 {
                    self.touched.push(id);
                    outbox.pending.start = range.start;
                } else if run.end == range.end {
                    return; // it has this message already: another of its subscriptions matched
                } else if run.end != range.start {
                    outbox.pending = PendingRun { start: range.start, ..PendingRun::default() };
                    admission.admit(outbox, id, batch.slice(run.start..run.end, run.messages));
                }
                outbox.pending.end = range.end;
                outbox.pending.messages += 1;
            });
        }
        for id in self.touched.drain(..) {
            let outbox = &mut outboxes[id];
            let run = std::mem::take(&mut outbox.pending);
            admission.admit(outbox, id, batch.slice(run.start..run.end, run.messages));
        }
    }

    /// Tries again what was left over, in order; keeps what still has hope.
    pub(crate) fn retry(
        &mut self,
        outboxes: &mut Outboxes,
        leftovers: &mut Vec<Leftover>,
        touched: impl FnMut(&mut Outbox),
    ) {
        self.serial += 1;
        let again = std::mem::take(leftovers);
        let mut admission = Admission { serial: self.serial, source: 0, leftovers, touched };
        for Leftover { id, run } in again {
            if let Some(outbox) = outboxes.get_mut(id) {
                admission.admit(outbox, id, run);
            }
        }
    }
}

/// The putting of runs into queues, during one publication.
struct Admission<'a, F> {
    serial: u64,
    /// Octets of the batch that the runs are cut from.
    source: usize,
    leftovers: &'a mut Vec<Leftover>,
    touched: F,
}

impl<F: FnMut(&mut Outbox)> Admission<'_, F> {
    /// Stages as much of a run as there is room for; the rest is left over if the connection is writing, or lost.
    fn admit(&mut self, outbox: &mut Outbox, id: PeerId, mut run: Batch) {
        // What is left over of an earlier run goes first, or the order would be lost.
        let waits = outbox.behind == self.serial;
        let admitted = if waits { 0 } else { outbox.push_run(&run, self.source) };
        if admitted > 0 {
            (self.touched)(outbox);
        }
        if admitted < run.len() && outbox.is_moving() {
            outbox.behind = self.serial;
            let _ = run.split_to(admitted);
            self.leftovers.push(Leftover { id, run });
        }
    }
}

impl Routing for FanOut {
    const KEEPS_QUEUE: bool = false;

    fn subscription(&mut self, id: PeerId, subscription: &Subscription) -> Result<bool, Refusal> {
        let change = match subscription {
            Subscription::Subscribe(topic) => {
                let passes = |(topics, octets)| {
                    topics >= self.max_subscriptions || octets + topic.len() > self.max_octets
                };
                let (of_peer, of_all) = (self.index.held_by(id), self.index.held_by_all());
                match self.index.would_insert(topic, id) {
                    Change::None => return Ok(false),
                    Change::Peer if passes(of_peer) => return Err(Refusal::Subscriptions),
                    Change::Topic if passes(of_peer) || passes(of_all) => return Err(Refusal::Subscriptions),
                    Change::Peer | Change::Topic => self.index.insert(topic, id),
                }
            }
            Subscription::Cancel(topic) => self.index.remove(topic, id),
        };
        Ok(change == Change::Topic)
    }

    fn part(&mut self, id: PeerId, cancelled: &mut dyn FnMut(Subscription)) -> bool {
        self.index.remove_peer(id, |topic| cancelled(Subscription::Cancel(topic)));
        false
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use proptest::prelude::*;

    use super::*;
    use crate::queue::{Load, Staged};
    use crate::routing::tests::add_queue;

    struct Fan {
        routing: FanOut,
        outboxes: Outboxes,
        ids: Vec<PeerId>,
        leftovers: Vec<Leftover>,
    }

    impl Fan {
        fn new(topics: &[&[&str]], hwm: usize) -> Self {
            let (mut routing, mut outboxes) = (FanOut::new(100, 1000), Outboxes::new());
            let ids: Vec<_> = topics
                .iter()
                .map(|topics| {
                    let id = add_queue(&mut outboxes, Load::new(hwm, usize::MAX));
                    outboxes[id].connect(Load::default());
                    for topic in *topics {
                        routing.subscription(id, &Subscription::Subscribe(topic.to_string().into())).unwrap();
                    }
                    id
                })
                .collect();
            Self { routing, outboxes, ids, leftovers: Vec::new() }
        }

        fn publish(&mut self, batch: &Batch) {
            self.routing.publish_batch(&mut self.outboxes, batch, &mut self.leftovers, |_| {});
        }

        /// What peer `at` gets to write, as text; with `write` its credit returns.
        fn take(&mut self, at: usize, written: &mut Load) -> Vec<String> {
            let mut staged = Staged::default();
            let outbox = &mut self.outboxes[self.ids[at]];
            outbox.exchange(std::mem::take(written), false, true, &mut staged, Waker::noop());
            let taken: Vec<_> = staged.runs.iter().cloned().flatten().collect();
            *written = Load::new(taken.len(), staged.runs.iter().map(Batch::wire_len).sum());
            taken.iter().map(|m| String::from_utf8_lossy(m.first()).into_owned()).collect()
        }
    }

    fn batch(topics: &[&str]) -> Batch {
        topics.iter().map(|t| Message::from_frames([t.to_string(), "body".into()])).collect()
    }

    #[test]
    fn each_peer_gets_what_it_wants_once_and_in_order() {
        let mut fan = Fan::new(&[&["a", "", "ab"], &["b"], &[], &["ab", "c"]], 100);
        fan.publish(&batch(&["ab1", "b1", "x1", "ab2", "c1", "a1"]));
        let none = || Load::default();
        assert_eq!(fan.take(0, &mut none()), ["ab1", "b1", "x1", "ab2", "c1", "a1"]);
        assert_eq!(fan.take(1, &mut none()), ["b1"]);
        assert!(fan.take(2, &mut none()).is_empty());
        assert_eq!(fan.take(3, &mut none()), ["ab1", "ab2", "c1"]);
    }

    #[test]
    fn what_has_no_room_waits_for_a_writing_connection_and_is_lost_to_a_blocked_one() {
        let mut fan = Fan::new(&[&[""], &[""]], 2);
        let blocked = fan.ids[1];
        fan.outboxes[blocked].exchange(Load::default(), true, true, &mut Staged::default(), Waker::noop());
        fan.publish(&batch(&["1", "2", "3", "4", "5"]));
        fan.publish(&batch(&["6"]));
        assert_eq!(
            fan.leftovers.iter().map(|l| (l.id, l.run.len())).collect::<Vec<_>>(),
            [(fan.ids[0], 3), (fan.ids[0], 1)]
        );
        let (mut seen, mut written) = (Vec::new(), Load::default());
        while !fan.leftovers.is_empty() {
            seen.extend(fan.take(0, &mut written));
            fan.routing.retry(&mut fan.outboxes, &mut fan.leftovers, |_| {});
        }
        seen.extend(fan.take(0, &mut written));
        assert_eq!(seen, ["1", "2", "3", "4", "5", "6"]);
        assert_eq!(fan.take(1, &mut Load::default()), ["1", "2"]);
    }

    #[test]
    fn a_peer_that_passes_a_limit_of_subscriptions_is_refused() {
        let mut fan = Fan::new(&[&[]], 1);
        let (id, subscribe) = (fan.ids[0], |topic: String| Subscription::Subscribe(topic.into()));
        assert_eq!(fan.routing.subscription(id, &subscribe("x".repeat(1001))), Err(Refusal::Subscriptions));
        for n in 0..100 {
            assert_eq!(fan.routing.subscription(id, &subscribe(n.to_string())), Ok(true));
        }
        assert_eq!(fan.routing.subscription(id, &subscribe("more".into())), Err(Refusal::Subscriptions));
    }

    proptest! {
        #[test]
        fn a_batch_goes_where_its_messages_would_go_one_by_one(
            wants in prop::collection::vec(prop::collection::vec("[ab]{0,2}", 0..3), 1..5),
            topics in prop::collection::vec("[abc]{0,3}", 0..40),
        ) {
            let wants: Vec<Vec<&str>> = wants.iter().map(|w| w.iter().map(String::as_str).collect()).collect();
            let wants: Vec<&[&str]> = wants.iter().map(Vec::as_slice).collect();
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            let mut fan = Fan::new(&wants, usize::MAX);
            fan.publish(&batch(&topics));
            for (at, wanted) in wants.iter().enumerate() {
                let expected: Vec<_> = topics.iter().filter(|t| wanted.iter().any(|w| t.starts_with(w))).copied().collect();
                prop_assert_eq!(fan.take(at, &mut Load::default()), expected);
            }
        }
    }
}
