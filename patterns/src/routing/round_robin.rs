//! To each peer in turn, as long as it has room (RFC 28, "The REQ Socket" and "The DEALER Socket").

use super::{Choose, Outboxes, Routing};
use crate::PeerId;

/// The peers that may have room, in order, and whose turn it is. A peer found full is taken out until its
/// queue has room again, so that choosing doesn't cost a walk over all that are full.
#[derive(Debug, Default)]
pub(crate) struct RoundRobin {
    active: Vec<PeerId>,
    next: usize,
}

impl Choose for RoundRobin {
    #[inline]
    fn choose(&mut self, outboxes: &Outboxes) -> Option<PeerId> {
        while !self.active.is_empty() {
            if self.next >= self.active.len() {
                self.next = 0;
            }
            let id = self.active[self.next];
            if outboxes.get(id).is_some_and(crate::queue::Outbox::has_room) {
                self.next += 1;
                return Some(id);
            }
            self.active.remove(self.next);
        }
        None
    }

    fn is_ready(&self, outboxes: &Outboxes) -> bool {
        self.active.iter().any(|id| outboxes.get(*id).is_some_and(crate::queue::Outbox::has_room))
    }

    fn has_alternatives(&self) -> bool {
        self.active.len() > 1
    }
}

impl Routing for RoundRobin {
    const KEEPS_QUEUE: bool = true;

    fn open(&mut self, id: PeerId) {
        self.active.push(id);
    }

    fn instead(&mut self, outboxes: &Outboxes) -> Option<PeerId> {
        self.choose(outboxes)
    }

    fn room(&mut self, id: PeerId) {
        if !self.active.contains(&id) {
            self.active.push(id);
        }
    }

    fn close(&mut self, id: PeerId) -> bool {
        if let Some(at) = self.active.iter().position(|peer| *peer == id) {
            self.active.remove(at);
            self.next -= usize::from(at < self.next);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use enfonet_zmtp::{Envelope, Message};

    use super::*;
    use crate::queue::{Load, Staged};
    use crate::routing::tests::add_queue;

    fn setup(peers: usize, hwm: usize) -> (RoundRobin, Outboxes, Vec<PeerId>) {
        let (mut routing, mut outboxes) = (RoundRobin::default(), Outboxes::new());
        let ids: Vec<_> = (0..peers).map(|_| add_queue(&mut outboxes, Load::new(hwm, usize::MAX))).collect();
        ids.iter().for_each(|id| routing.open(*id));
        (routing, outboxes, ids)
    }

    fn send(routing: &mut RoundRobin, outboxes: &mut Outboxes, ids: &[PeerId]) -> Option<usize> {
        let id = routing.choose(outboxes)?;
        outboxes[id].push(&Envelope::none(), &Message::from("x"));
        ids.iter().position(|peer| *peer == id)
    }

    #[test]
    fn peers_take_turns_in_the_order_of_their_coming() {
        let (mut routing, mut outboxes, ids) = setup(3, 10);
        let turns: Vec<_> = (0..7).map(|_| send(&mut routing, &mut outboxes, &ids).unwrap()).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn a_full_peer_is_passed_over_until_it_has_room() {
        let (mut routing, mut outboxes, ids) = setup(2, 1);
        let send = |r: &mut RoundRobin, o: &mut Outboxes| send(r, o, &ids);
        assert_eq!(send(&mut routing, &mut outboxes), Some(0));
        assert_eq!(send(&mut routing, &mut outboxes), Some(1));
        assert_eq!(send(&mut routing, &mut outboxes), None);
        let mut staged = Staged::default();
        outboxes[ids[1]].exchange(Load::default(), false, true, &mut staged, std::task::Waker::noop());
        let written = Load::new(1, staged.runs[0].wire_len());
        assert!(outboxes[ids[1]].exchange(written, false, true, &mut staged, std::task::Waker::noop()));
        routing.room(ids[1]);
        assert_eq!(send(&mut routing, &mut outboxes), Some(1));
    }

    #[test]
    fn a_peer_that_goes_does_not_cost_another_its_turn() {
        let (mut routing, mut outboxes, ids) = setup(3, 10);
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(0));
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(1));
        routing.close(ids[0]);
        outboxes.remove(ids[0]);
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(2));
        assert_eq!(send(&mut routing, &mut outboxes, &ids), Some(1));
    }
}
