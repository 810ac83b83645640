//! Routing to the peers in rotation, if they have room (RFC 28, "The REQ Socket" and "The DEALER Socket").

use std::collections::VecDeque;

use super::{Choose, Outboxes, Routing};
use crate::peer::PeerId;
use crate::queue::{Outbox, rotate_front};

/// Queue of the peers that may have room. A chosen peer moves to the end of the queue. A full peer is removed until its
/// outbox has room again, so that a choice doesn't walk over all full peers.
#[derive(Debug, Default)]
pub(crate) struct RoundRobin {
    queue: VecDeque<PeerId>,
}

impl Choose for RoundRobin {
    #[inline]
    fn choose(&mut self, outboxes: &Outboxes) -> Option<PeerId> {
        while let Some(&id) = self.queue.front() {
            if outboxes.get(id).is_some_and(Outbox::has_room) {
                rotate_front(&mut self.queue);
                return Some(id);
            }
            self.queue.pop_front();
        }
        None
    }

    fn is_ready(&self, outboxes: &Outboxes) -> bool {
        self.queue.iter().any(|id| outboxes.get(*id).is_some_and(Outbox::has_room))
    }

    fn has_alternatives(&self) -> bool {
        self.queue.len() > 1
    }
}

impl Routing for RoundRobin {
    const KEEPS_QUEUE: bool = true;

    fn open(&mut self, id: PeerId) {
        self.queue.push_back(id);
    }

    fn instead(&mut self, outboxes: &Outboxes) -> Option<PeerId> {
        self.choose(outboxes)
    }

    fn room(&mut self, id: PeerId) {
        if !self.queue.contains(&id) {
            self.queue.push_back(id);
        }
    }

    fn close(&mut self, id: PeerId) -> bool {
        self.queue.retain(|peer| *peer != id);
        false
    }
}

#[cfg(test)]
mod tests {
    use enfonet_zmtp::{Envelope, Message};
    use proptest::prelude::*;

    use super::*;
    use crate::queue::{Taken, WriteReport};
    use crate::routing::tests::add_queue;
    use crate::size::Size;

    fn setup(peers: usize, hwm: usize) -> (RoundRobin, Outboxes, Vec<PeerId>) {
        let (mut routing, mut outboxes) = (RoundRobin::default(), Outboxes::new());
        let ids: Vec<_> = (0..peers).map(|_| add_queue(&mut outboxes, Size::new(hwm, usize::MAX))).collect();
        ids.iter().for_each(|id| routing.open(*id));
        (routing, outboxes, ids)
    }

    fn send(routing: &mut RoundRobin, outboxes: &mut Outboxes, ids: &[PeerId]) -> Option<usize> {
        let id = routing.choose(outboxes)?;
        outboxes[id].push(&Envelope::none(), &Message::from("x"));
        ids.iter().position(|peer| *peer == id)
    }

    #[test]
    fn peers_are_served_in_the_order_of_their_joins() {
        let (mut routing, mut outboxes, ids) = setup(3, 10);
        let turns: Vec<_> = (0..7).map(|_| send(&mut routing, &mut outboxes, &ids).unwrap()).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn a_peer_has_alternatives_only_with_other_peers_in_the_queue() {
        for (peers, expected) in [(0, false), (1, false), (2, true)] {
            assert_eq!(setup(peers, 1).0.has_alternatives(), expected, "{peers} peers");
        }
    }

    #[test]
    fn a_departed_peer_is_replaced_by_another_peer_with_room() {
        let (mut routing, mut outboxes, ids) = setup(2, 1);
        assert!(!routing.close(ids[0]), "nobody has to know of it");
        outboxes.remove(ids[0]);
        assert_eq!(routing.instead(&outboxes), Some(ids[1]));
        outboxes[ids[1]].push(&Envelope::none(), &Message::from("x"));
        assert_eq!(routing.instead(&outboxes), None);
    }

    #[test]
    fn a_departed_peer_is_not_in_the_queue() {
        let (mut routing, _, ids) = setup(2, 1);
        routing.close(ids[0]);
        assert_eq!(routing.queue, [ids[1]]);
    }

    #[test]
    fn a_full_peer_is_passed_over_until_it_has_room() {
        let (mut routing, mut outboxes, ids) = setup(2, 1);
        let send = |r: &mut RoundRobin, o: &mut Outboxes| send(r, o, &ids);
        assert_eq!(send(&mut routing, &mut outboxes), Some(0));
        assert_eq!(send(&mut routing, &mut outboxes), Some(1));
        assert_eq!(send(&mut routing, &mut outboxes), None);
        let mut taken = Taken::default();
        outboxes[ids[1]].exchange(&WriteReport::of(Size::default()), &mut taken, std::task::Waker::noop());
        let written = taken.runs[0].size();
        assert!(outboxes[ids[1]].exchange(&WriteReport::of(written), &mut taken, std::task::Waker::noop()));
        routing.room(ids[1]);
        assert_eq!(send(&mut routing, &mut outboxes), Some(1));
    }

    #[test]
    fn a_departed_peer_does_not_cost_another_peer_its_turn() {
        let (mut routing, mut outboxes, ids) = setup(3, 10);
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(0));
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(1));
        routing.close(ids[0]);
        outboxes.remove(ids[0]);
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(2));
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(1));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Send,
        /// All that waits for a peer is written.
        Write(usize),
        Open,
        Close(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            10 => Just(Step::Send),
            4 => (0usize..8).prop_map(Step::Write),
            1 => Just(Step::Open),
            1 => (0usize..8).prop_map(Step::Close),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        /// Compares the policy with a model: a queue of the peers that have room. A full peer leaves the queue, and
        /// joins its end when it has room again.
        #[test]
        fn the_round_robin_agrees_with_a_plain_queue_of_peers_with_room(steps in prop::collection::vec(step(), 0..120)) {
            const HWM: usize = 3;
            let (mut routing, mut outboxes, mut ids) = setup(3, HWM);
            let mut waits = vec![0; 3];
            let mut line: std::collections::VecDeque<usize> = (0..3).collect();
            for step in steps {
                match step {
                    Step::Send => {
                        // A full peer is noticed in its turn.
                        while line.front().is_some_and(|at| waits[*at] == HWM) {
                            line.pop_front();
                        }
                        let expected = line.pop_front();
                        prop_assert_eq!(routing.is_ready(&outboxes), expected.is_some());
                        prop_assert_eq!(send(&mut routing, &mut outboxes, &ids), expected);
                        if let Some(at) = expected {
                            waits[at] += 1;
                            line.push_back(at);
                        }
                    }
                    Step::Write(at) if at < ids.len() && outboxes.contains_key(ids[at]) => {
                        let mut taken = Taken::default();
                        outboxes[ids[at]].exchange(&WriteReport::of(Size::default()), &mut taken, std::task::Waker::noop());
                        let bytes = taken.runs.iter().map(|run| run.size().bytes as usize).sum();
                        let written = Size::new(waits[at], bytes);
                        let has_room_again = outboxes[ids[at]].exchange(&WriteReport::of(written), &mut taken, std::task::Waker::noop());
                        if has_room_again {
                            routing.room(ids[at]);
                            if !line.contains(&at) {
                                line.push_back(at);
                            }
                        }
                        waits[at] = 0;
                    }
                    Step::Open => {
                        let id = add_queue_after(&mut outboxes, &ids, HWM);
                        routing.open(id);
                        line.push_back(ids.len());
                        ids.push(id);
                        waits.push(0);
                    }
                    Step::Close(at) if at < ids.len() && outboxes.remove(ids[at]).is_some() => {
                        routing.close(ids[at]);
                        line.retain(|other| *other != at);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Adds a queue under an id that no earlier queue had, and returns the id.
    fn add_queue_after(outboxes: &mut Outboxes, ids: &[PeerId], hwm: usize) -> PeerId {
        let id = PeerId::from(slotmap::KeyData::from_ffi((1 << 32) | (ids.len() as u64 + 1)));
        outboxes.insert(id, crate::queue::Outbox::new(Size::new(hwm, usize::MAX)));
        id
    }
}
