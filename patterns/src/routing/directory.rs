//! To the peer of a name (RFC 28, "The ROUTER Socket").

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use enfonet_zmtp::Subscription;
use slotmap::SecondaryMap;

use super::{Refusal, Routing};
use crate::queue::Outbox;
use crate::{PeerId, PeerInfo};

/// Who is called what. A peer without an identity of its own gets one: a zero and a number.
#[derive(Debug)]
pub(crate) struct Directory {
    by_identity: HashMap<Bytes, PeerId>,
    identities: SecondaryMap<PeerId, Bytes>,
    next: u32,
}

impl Directory {
    /// `start` is where the made-up identities begin to count: at random, so that a peer can't be taken for
    /// one of an earlier run.
    pub(crate) fn new(start: u32) -> Self {
        Self { by_identity: HashMap::new(), identities: SecondaryMap::new(), next: start }
    }

    pub(crate) fn find(&self, identity: &[u8]) -> Option<PeerId> {
        self.by_identity.get(identity).copied()
    }

    /// The identity of a peer that is connected, or that went and isn't forgotten yet.
    pub(crate) fn identity(&self, id: PeerId) -> Option<&Bytes> {
        self.identities.get(id)
    }

    fn make_up(&mut self) -> Bytes {
        loop {
            let mut identity = BytesMut::with_capacity(5);
            identity.put_u8(0);
            identity.put_u32(self.next);
            self.next = self.next.wrapping_add(1);
            if !self.by_identity.contains_key(&identity[..]) {
                return identity.freeze();
            }
        }
    }
}

impl Routing for Directory {
    const KEEPS_QUEUE: bool = false;

    /// A second peer of the same identity is refused, and let in once the first has gone. (libzmq keeps it
    /// connected and never reads or answers it.)
    fn join(&mut self, peer: &mut PeerInfo, _outbox: &mut Outbox) -> Result<(), Refusal> {
        if peer.routing_id.is_empty() {
            peer.routing_id = self.make_up();
        }
        let (id, identity) = (peer.id, peer.routing_id.clone());
        if self.by_identity.contains_key(&identity) {
            return Err(Refusal::IdentityInUse);
        }
        self.by_identity.insert(identity.clone(), id);
        self.identities.insert(id, identity);
        Ok(())
    }

    fn part(&mut self, id: PeerId, _cancelled: &mut dyn FnMut(Subscription)) -> bool {
        if let Some(identity) = self.identities.remove(id) {
            self.by_identity.remove(&identity);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Load;
    use crate::routing::Outboxes;
    use crate::routing::tests::{add_queue, peer};

    fn join(
        directory: &mut Directory,
        ids: &mut Outboxes,
        identity: &'static str,
    ) -> Result<PeerId, Refusal> {
        let id = add_queue(ids, Load::new(1, 1));
        let mut peer = peer(id, enfonet_zmtp::Version::V3_1, identity);
        directory.join(&mut peer, &mut ids[id]).map(|()| id)
    }

    #[test]
    fn made_up_identities_are_five_octets_with_a_leading_zero_and_count_on() {
        let (mut directory, mut ids) = (Directory::new(u32::MAX), Outboxes::new());
        let first = join(&mut directory, &mut ids, "").unwrap();
        let second = join(&mut directory, &mut ids, "").unwrap();
        assert_eq!(directory.identity(first).unwrap(), &b"\0\xff\xff\xff\xff"[..]);
        assert_eq!(directory.identity(second).unwrap(), &b"\0\0\0\0\0"[..]);
        assert_eq!(directory.find(b"\0\0\0\0\0"), Some(second));
    }

    #[test]
    fn a_name_belongs_to_one_peer_until_it_goes() {
        let (mut directory, mut ids) = (Directory::new(0), Outboxes::new());
        let first = join(&mut directory, &mut ids, "X").unwrap();
        assert_eq!(join(&mut directory, &mut ids, "X"), Err(Refusal::IdentityInUse));
        assert_eq!(directory.find(b"X"), Some(first));
        directory.part(first, &mut |_| {});
        assert_eq!(directory.find(b"X"), None);
        let second = join(&mut directory, &mut ids, "X").unwrap();
        assert_eq!(directory.find(b"X"), Some(second));
    }
}
