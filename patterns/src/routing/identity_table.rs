//! Routing to the peer of an identity (RFC 28, "The ROUTER Socket").

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use enfonet_zmtp::User;
use slotmap::SecondaryMap;

use super::Routing;
use crate::error::RejectReason;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::Outbox;
use crate::settings::Handover;

/// Index of peers by identity. A peer without an identity gets a generated identity: a zero and a number.
#[derive(Debug)]
pub(crate) struct IdentityTable {
    by_identity: HashMap<Bytes, PeerId>,
    names: SecondaryMap<PeerId, Name>,
    /// Peers that take over the identity of a connected peer.
    handover: Handover,
    /// The last peer that lost its identity to a new peer.
    replaced: Option<PeerId>,
    next: u32,
}

#[derive(Debug)]
struct Name {
    text: Bytes,
    /// The name of the user that the peer was authenticated as, if the same user may take over the identity.
    user_id: Option<Bytes>,
    /// Whether the application assigned the identity: then no new peer takes it over.
    is_given: bool,
    /// Whether the identity belongs to the queue, whatever identity the connected peer announces. That holds for an
    /// assigned identity until the queue is retired.
    stays: bool,
}

impl IdentityTable {
    /// Makes an empty table. Generated identities count from `start`: a random number, so that no peer is mistaken for
    /// a peer of an earlier run of the program.
    pub(crate) fn new(start: u32, handover: Handover) -> Self {
        let (by_identity, names) = (HashMap::new(), SecondaryMap::new());
        Self { by_identity, names, handover, replaced: None, next: start }
    }

    pub(crate) fn find(&self, identity: &[u8]) -> Option<PeerId> {
        self.by_identity.get(identity).copied()
    }

    /// Returns the identity of a peer that is connected, or will be.
    pub(crate) fn identity(&self, id: PeerId) -> Option<&Bytes> {
        self.names.get(id).map(|name| &name.text)
    }

    /// Assigns an identity to the peer of a queue, before the peer is connected. Returns `false` if another peer has
    /// the identity.
    pub(crate) fn assign(&mut self, id: PeerId, name: Bytes) -> bool {
        let is_free = !self.by_identity.contains_key(&name);
        if is_free {
            self.enter(id, Name { text: name, user_id: None, is_given: true, stays: true });
        }
        is_free
    }

    fn enter(&mut self, id: PeerId, name: Name) {
        self.by_identity.insert(name.text.clone(), id);
        self.names.insert(id, name);
    }

    /// Frees an identity for a new peer, if the new peer may take it over.
    fn vacate(&mut self, identity: &Bytes, user: &User) -> Result<(), RejectReason> {
        let Some(holder) = self.find(identity) else { return Ok(()) };
        let name = self.names.get(holder);
        let hands_over = match self.handover {
            Handover::Off => false,
            Handover::SameUser => {
                !user.id.is_empty() && name.is_some_and(|name| name.user_id.as_ref() == Some(&user.id))
            }
            Handover::Any => true,
        };
        if !hands_over || name.is_some_and(|name| name.is_given) {
            return Err(RejectReason::IdentityInUse);
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

    fn generate(&mut self) -> Bytes {
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

impl Routing for IdentityTable {
    const KEEPS_QUEUE: bool = false;

    /// Adds the peer under its identity. A second peer of the same identity is rejected until the first has
    /// disconnected, or replaces the first if identities are handed over. (libzmq keeps the second connected and never
    /// reads or answers it.)
    fn join(&mut self, peer: &mut PeerInfo, _outbox: &mut Outbox) -> Result<(), RejectReason> {
        if let Some(name) = self.names.get(peer.id) {
            peer.routing_id = name.text.clone();
            return Ok(());
        }
        if peer.routing_id.is_empty() {
            peer.routing_id = self.generate();
        }
        self.vacate(&peer.routing_id, &peer.user)?;
        let user_id = (self.handover == Handover::SameUser).then(|| peer.user.id.clone());
        self.enter(peer.id, Name { text: peer.routing_id.clone(), user_id, is_given: false, stays: false });
        Ok(())
    }

    fn replaced(&mut self) -> Option<PeerId> {
        self.replaced.take()
    }

    /// Frees the identity as soon as the peer parts: a peer that was sent everything then has time to close, and the
    /// identity is free meanwhile.
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
    use crate::routing::Outboxes;
    use crate::routing::tests::{add_queue, peer};
    use crate::size::Size;

    fn join(
        table: &mut IdentityTable,
        ids: &mut Outboxes,
        identity: &'static str,
    ) -> Result<PeerId, RejectReason> {
        join_as(table, ids, identity, "")
    }

    fn join_as(
        table: &mut IdentityTable,
        ids: &mut Outboxes,
        identity: &'static str,
        user: &'static str,
    ) -> Result<PeerId, RejectReason> {
        let id = add_queue(ids, Size::new(1, 1));
        let peer = peer(id, enfonet_zmtp::Version::V3_1, identity);
        let mut peer = PeerInfo { user: User::named(user), ..peer };
        table.join(&mut peer, &mut ids[id]).map(|()| id)
    }

    #[test]
    fn generated_identities_are_five_bytes_with_a_leading_zero_and_count_up() {
        let (mut table, mut ids) = (IdentityTable::new(u32::MAX, Handover::Off), Outboxes::new());
        let first = join(&mut table, &mut ids, "").unwrap();
        let second = join(&mut table, &mut ids, "").unwrap();
        assert_eq!(table.identity(first).unwrap(), &b"\0\xff\xff\xff\xff"[..]);
        assert_eq!(table.identity(second).unwrap(), &b"\0\0\0\0\0"[..]);
        assert_eq!(table.find(b"\0\0\0\0\0"), Some(second));
    }

    #[test]
    fn an_identity_belongs_to_one_peer_until_the_peer_departs() {
        let (mut table, mut ids) = (IdentityTable::new(0, Handover::Off), Outboxes::new());
        let first = join(&mut table, &mut ids, "X").unwrap();
        assert_eq!(join(&mut table, &mut ids, "X"), Err(RejectReason::IdentityInUse));
        assert_eq!(table.find(b"X"), Some(first));
        table.part(first);
        assert_eq!(table.find(b"X"), None);
        let second = join(&mut table, &mut ids, "X").unwrap();
        assert_eq!(table.find(b"X"), Some(second));
    }

    #[test]
    fn a_handed_over_identity_stays_with_the_new_peer_when_the_old_peer_departs() {
        let (mut table, mut ids) = (IdentityTable::new(0, Handover::Any), Outboxes::new());
        let first = join(&mut table, &mut ids, "X").unwrap();
        assert_eq!(table.replaced(), None);
        let second = join(&mut table, &mut ids, "X").unwrap();
        assert_eq!((table.replaced(), table.replaced()), (Some(first), None));
        table.part(first);
        assert_eq!((table.find(b"X"), table.identity(first)), (Some(second), None));
    }

    #[test]
    fn an_identity_is_handed_over_to_the_same_user_only_and_never_to_a_user_without_a_name() {
        let (mut table, mut ids) = (IdentityTable::new(0, Handover::SameUser), Outboxes::new());
        let first = join_as(&mut table, &mut ids, "X", "ada").unwrap();
        for thief in ["eve", "", "Ada"] {
            assert_eq!(
                join_as(&mut table, &mut ids, "X", thief),
                Err(RejectReason::IdentityInUse),
                "{thief}"
            );
        }
        assert_eq!((table.find(b"X"), table.replaced()), (Some(first), None));
        let second = join_as(&mut table, &mut ids, "X", "ada").unwrap();
        assert_eq!((table.find(b"X"), table.replaced()), (Some(second), Some(first)));
        join_as(&mut table, &mut ids, "Y", "").unwrap();
        assert_eq!(join_as(&mut table, &mut ids, "Y", ""), Err(RejectReason::IdentityInUse));
    }

    #[test]
    fn an_assigned_identity_stays_with_its_queue_whatever_the_peer_announces() {
        let (mut table, mut ids) = (IdentityTable::new(0, Handover::Any), Outboxes::new());
        let id = add_queue(&mut ids, Size::new(1, 1));
        assert!(table.assign(id, "conn1".into()));
        assert!(!table.assign(add_queue(&mut ids, Size::new(1, 1)), "conn1".into()));
        let mut peer = peer(id, enfonet_zmtp::Version::V3_1, "itself");
        table.join(&mut peer, &mut ids[id]).unwrap();
        assert_eq!(peer.routing_id, "conn1");
        table.part(id);
        assert_eq!(table.find(b"conn1"), Some(id), "it may come back");
        assert_eq!(
            join(&mut table, &mut ids, "conn1"),
            Err(RejectReason::IdentityInUse),
            "nobody else gets it"
        );
        table.close(id);
        assert_eq!(table.find(b"conn1"), None);
    }

    #[test]
    fn an_assigned_identity_outlives_its_peer_until_its_queue_is_retired() {
        let (mut table, mut ids) = (IdentityTable::new(0, Handover::Any), Outboxes::new());
        let id = add_queue(&mut ids, Size::new(1, 1));
        assert!(table.assign(id, "a".into()));
        assert!(!table.part(id));
        assert_eq!(join(&mut table, &mut ids, "a"), Err(RejectReason::IdentityInUse));
        table.retire(id);
        assert_eq!(
            join(&mut table, &mut ids, "a"),
            Err(RejectReason::IdentityInUse),
            "something may wait for it"
        );
        assert!(!table.part(id));
        assert!(join(&mut table, &mut ids, "a").is_ok());
    }
}
