//! Routing to the peer of a name (RFC 28, "The ROUTER Socket").

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use slotmap::SecondaryMap;

use super::{Refusal, Routing};
use crate::queue::Outbox;
use crate::{PeerId, PeerInfo};

/// Index of peers by identity. A peer without an identity of its own gets one: a zero and a number.
#[derive(Debug)]
pub(crate) struct Directory {
    by_identity: HashMap<Bytes, PeerId>,
    names: SecondaryMap<PeerId, Name>,
    /// Whether a newcomer takes over the identity of a connected peer.
    hands_over: bool,
    /// The peer whose identity was taken over last.
    replaced: Option<PeerId>,
    next: u32,
}

#[derive(Debug)]
struct Name {
    text: Bytes,
    /// Whether the application gave the name: then no newcomer takes it over.
    is_given: bool,
    /// Whether the name stays with the queue, whichever peer is connected and whatever that peer calls itself: so it is
    /// with a given name until the queue is retired.
    stays: bool,
}

impl Directory {
    /// `start` is where the made-up identities begin to count: at random, so that a peer can't be taken for
    /// one of an earlier run.
    pub(crate) fn new(start: u32, hands_over: bool) -> Self {
        let (by_identity, names) = (HashMap::new(), SecondaryMap::new());
        Self { by_identity, names, hands_over, replaced: None, next: start }
    }

    pub(crate) fn find(&self, identity: &[u8]) -> Option<PeerId> {
        self.by_identity.get(identity).copied()
    }

    /// The identity of a peer that is connected, or that is to be.
    pub(crate) fn identity(&self, id: PeerId) -> Option<&Bytes> {
        self.names.get(id).map(|name| &name.text)
    }

    /// Gives the peer of a queue its name, before the peer is there. Returns `false` if another peer has the name.
    pub(crate) fn give(&mut self, id: PeerId, name: Bytes) -> bool {
        let is_free = !self.by_identity.contains_key(&name);
        if is_free {
            self.enter(id, name, true);
        }
        is_free
    }

    fn enter(&mut self, id: PeerId, text: Bytes, is_given: bool) {
        self.by_identity.insert(text.clone(), id);
        self.names.insert(id, Name { text, is_given, stays: is_given });
    }

    /// Makes an identity free for a newcomer, if it may have it.
    fn vacate(&mut self, identity: &Bytes) -> Result<(), Refusal> {
        let Some(holder) = self.find(identity) else { return Ok(()) };
        if !self.hands_over || self.names.get(holder).is_some_and(|name| name.is_given) {
            return Err(Refusal::IdentityInUse);
        }
        self.remove(holder);
        self.replaced = Some(holder);
        Ok(())
    }

    fn remove(&mut self, id: PeerId) {
        if let Some(name) = self.names.remove(id) {
            self.by_identity.remove(&name.text);
        }
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

    /// A second peer of the same identity is refused, and let in once the first has gone; or, if identities are handed
    /// over, takes the place of the first. (libzmq keeps a second one connected and never reads or answers it.)
    fn join(&mut self, peer: &mut PeerInfo, _outbox: &mut Outbox) -> Result<(), Refusal> {
        if let Some(name) = self.names.get(peer.id) {
            peer.routing_id = name.text.clone();
            return Ok(());
        }
        if peer.routing_id.is_empty() {
            peer.routing_id = self.make_up();
        }
        self.vacate(&peer.routing_id)?;
        self.enter(peer.id, peer.routing_id.clone(), false);
        Ok(())
    }

    fn replaced(&mut self) -> Option<PeerId> {
        self.replaced.take()
    }

    /// Frees the name as soon as the peer parts: a peer that was sent everything then has time to close, and the name
    /// is free meanwhile.
    fn retire(&mut self, id: PeerId) {
        if let Some(name) = self.names.get_mut(id) {
            name.stays = false;
        }
    }

    fn part(&mut self, id: PeerId) -> bool {
        if self.names.get(id).is_some_and(|name| !name.stays) {
            self.remove(id);
        }
        false
    }

    fn close(&mut self, id: PeerId) -> bool {
        self.remove(id);
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
    fn made_up_identities_are_five_bytes_with_a_leading_zero_and_count_on() {
        let (mut directory, mut ids) = (Directory::new(u32::MAX, false), Outboxes::new());
        let first = join(&mut directory, &mut ids, "").unwrap();
        let second = join(&mut directory, &mut ids, "").unwrap();
        assert_eq!(directory.identity(first).unwrap(), &b"\0\xff\xff\xff\xff"[..]);
        assert_eq!(directory.identity(second).unwrap(), &b"\0\0\0\0\0"[..]);
        assert_eq!(directory.find(b"\0\0\0\0\0"), Some(second));
    }

    #[test]
    fn a_name_belongs_to_one_peer_until_it_goes() {
        let (mut directory, mut ids) = (Directory::new(0, false), Outboxes::new());
        let first = join(&mut directory, &mut ids, "X").unwrap();
        assert_eq!(join(&mut directory, &mut ids, "X"), Err(Refusal::IdentityInUse));
        assert_eq!(directory.find(b"X"), Some(first));
        directory.part(first);
        assert_eq!(directory.find(b"X"), None);
        let second = join(&mut directory, &mut ids, "X").unwrap();
        assert_eq!(directory.find(b"X"), Some(second));
    }

    #[test]
    fn a_name_is_handed_over_to_the_newcomer_and_does_not_go_with_the_one_that_had_it() {
        let (mut directory, mut ids) = (Directory::new(0, true), Outboxes::new());
        let first = join(&mut directory, &mut ids, "X").unwrap();
        assert_eq!(directory.replaced(), None);
        let second = join(&mut directory, &mut ids, "X").unwrap();
        assert_eq!((directory.replaced(), directory.replaced()), (Some(first), None));
        directory.part(first);
        assert_eq!((directory.find(b"X"), directory.identity(first)), (Some(second), None));
    }

    #[test]
    fn a_name_that_the_application_gave_stays_with_the_queue_whatever_the_peer_calls_itself() {
        let (mut directory, mut ids) = (Directory::new(0, true), Outboxes::new());
        let id = add_queue(&mut ids, Load::new(1, 1));
        assert!(directory.give(id, "conn1".into()));
        assert!(!directory.give(add_queue(&mut ids, Load::new(1, 1)), "conn1".into()));
        let mut peer = peer(id, enfonet_zmtp::Version::V3_1, "itself");
        directory.join(&mut peer, &mut ids[id]).unwrap();
        assert_eq!(peer.routing_id, "conn1");
        directory.part(id);
        assert_eq!(directory.find(b"conn1"), Some(id), "it may come back");
        assert_eq!(
            join(&mut directory, &mut ids, "conn1"),
            Err(Refusal::IdentityInUse),
            "nobody else gets it"
        );
        directory.close(id);
        assert_eq!(directory.find(b"conn1"), None);
    }

    #[test]
    fn a_given_name_stays_when_its_peer_goes_and_is_free_then_if_its_queue_is_retired() {
        let (mut directory, mut ids) = (Directory::new(0, true), Outboxes::new());
        let id = add_queue(&mut ids, Load::new(1, 1));
        assert!(directory.give(id, "a".into()));
        assert!(!directory.part(id));
        assert_eq!(join(&mut directory, &mut ids, "a"), Err(Refusal::IdentityInUse));
        directory.retire(id);
        assert_eq!(
            join(&mut directory, &mut ids, "a"),
            Err(Refusal::IdentityInUse),
            "something may wait for it"
        );
        assert!(!directory.part(id));
        assert!(join(&mut directory, &mut ids, "a").is_ok());
    }
}
