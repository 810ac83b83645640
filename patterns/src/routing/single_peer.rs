//! Routing to a single peer (RFC 31, "The PAIR Socket").

use std::collections::VecDeque;

use super::{Choose, Outboxes, Routing};
use crate::error::RejectReason;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::Outbox;

/// Routing to the peer that joined first, until its queue ends or its endpoint is given up; then to the next peer.
#[derive(Debug, Default)]
pub(crate) struct SinglePeer {
    /// Peers in the order in which they joined. Messages go to the first.
    queue: VecDeque<PeerId>,
    /// Peers whose endpoints were given up, and that still get the messages that wait for them.
    retired: Vec<PeerId>,
}

impl Choose for SinglePeer {
    fn choose(&mut self, outboxes: &Outboxes) -> Option<PeerId> {
        self.queue.front().copied().filter(|_| self.is_ready(outboxes))
    }

    fn is_ready(&self, outboxes: &Outboxes) -> bool {
        self.queue.front().is_some_and(|id| outboxes.get(*id).is_some_and(Outbox::has_room))
    }

    fn has_alternatives(&self) -> bool {
        false
    }
}

impl Routing for SinglePeer {
    const KEEPS_QUEUE: bool = true;

    fn open(&mut self, id: PeerId) {
        self.queue.push_back(id);
    }

    fn instead(&mut self, outboxes: &Outboxes) -> Option<PeerId> {
        self.choose(outboxes)
    }

    fn check_admission(&self, queue: Option<PeerId>) -> Result<(), RejectReason> {
        let has_place = match queue {
            None => self.queue.is_empty(),
            Some(id) => self.queue.front() == Some(&id) || self.retired.contains(&id),
        };
        if has_place { Ok(()) } else { Err(RejectReason::PeerThere) }
    }

    fn join(&mut self, peer: &mut PeerInfo, _outbox: &mut Outbox) -> Result<(), RejectReason> {
        self.check_admission(Some(peer.id))
    }

    fn retire(&mut self, id: PeerId) {
        self.queue.retain(|peer| *peer != id);
        self.retired.push(id);
    }

    fn close(&mut self, id: PeerId) -> bool {
        self.queue.retain(|peer| *peer != id);
        self.retired.retain(|peer| *peer != id);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::tests::{add_queue, peer};
    use crate::size::Size;

    #[test]
    fn the_first_peer_is_the_only_peer_until_it_departs() {
        let (mut routing, mut outboxes) = (SinglePeer::default(), Outboxes::new());
        assert_eq!(routing.choose(&outboxes), None);
        let ids = [1, 1, 1].map(|hwm| add_queue(&mut outboxes, Size::new(hwm, 99)));
        ids.iter().for_each(|id| routing.open(*id));
        let mut join = |routing: &mut SinglePeer, at: usize| {
            routing.join(&mut peer(ids[at], enfonet_zmtp::Version::V3_1, ""), &mut outboxes[ids[at]])
        };
        assert_eq!(join(&mut routing, 1), Err(RejectReason::PeerThere));
        assert_eq!(join(&mut routing, 0), Ok(()));
        assert_eq!(routing.choose(&outboxes), Some(ids[0]));
        routing.close(ids[0]);
        outboxes.remove(ids[0]);
        assert_eq!(routing.choose(&outboxes), Some(ids[1]));
        routing.retire(ids[1]);
        assert_eq!(routing.choose(&outboxes), Some(ids[2]), "it takes the place at once");
        assert!(!routing.has_alternatives());
        for id in [ids[1], ids[2]] {
            routing.join(&mut peer(id, enfonet_zmtp::Version::V3_1, ""), &mut outboxes[id]).unwrap();
        }
        outboxes[ids[2]].reserve();
        assert_eq!(routing.choose(&outboxes), None, "no room");
    }

    #[test]
    fn a_retired_peer_makes_room_for_another_and_may_return_for_its_waiting_messages() {
        let (mut routing, mut outboxes) = (SinglePeer::default(), Outboxes::new());
        let ids = [1, 1, 1].map(|hwm| add_queue(&mut outboxes, Size::new(hwm, 99)));
        ids.iter().for_each(|id| routing.open(*id));
        ids[..2].iter().for_each(|id| routing.retire(*id));
        assert_eq!(routing.instead(&outboxes), Some(ids[2]), "who gets what was meant for them");
        routing.close(ids[0]);
        let mut join = |at: usize| {
            routing.join(&mut peer(ids[at], enfonet_zmtp::Version::V3_1, ""), &mut outboxes[ids[at]])
        };
        assert_eq!((join(0), join(1), join(2)), (Err(RejectReason::PeerThere), Ok(()), Ok(())));
    }
}
