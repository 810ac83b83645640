//! Slots of the handshakes in progress at one endpoint: their limit, and which handshake is evicted at the limit.
//!
//! A peer that connects and sends nothing holds a slot until the handshake times out. To keep slots free for other
//! peers, a new connection always gets a slot: the oldest handshake of the origin with the most handshakes is evicted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::error::ConnectionError;
use crate::transport::Origin;

/// The handshake slots of one endpoint.
#[derive(Debug)]
pub(super) struct HandshakeSlots {
    limit: usize,
    /// Limit of the connections of the endpoint, with and without a handshake in progress.
    max_connections: usize,
    table: Mutex<Table>,
}

/// A resource that is missing for another handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortage {
    Handshakes,
    Connections,
    Descriptors,
}

/// The slot of one handshake. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct HandshakeSlot {
    slots: Arc<HandshakeSlots>,
    origin: Origin,
    serial: u64,
    /// Receives the reason when the handshake is evicted.
    evicted: oneshot::Receiver<Shortage>,
}

#[derive(Debug, Default)]
struct Table {
    count: usize,
    next_serial: u64,
    /// Handshakes of each origin, oldest first.
    by_origin: HashMap<Origin, BTreeMap<u64, oneshot::Sender<Shortage>>>,
    /// Each origin with its number of handshakes and its oldest. The last entry is evicted next.
    ranking: BTreeSet<(usize, Reverse<u64>, Origin)>,
}

impl HandshakeSlots {
    pub(super) fn new(limit: usize, max_connections: usize) -> Arc<Self> {
        Arc::new(Self { limit, max_connections, table: Mutex::default() })
    }

    /// Returns whether an endpoint with so many connections has room for another.
    pub(super) const fn has_room(&self, connections: usize) -> bool {
        connections < self.max_connections
    }

    /// Acquires a slot, and evicts another handshake at the limit.
    ///
    /// # Errors
    /// No handshake is in progress that could be evicted.
    pub(super) fn admit(self: &Arc<Self>, origin: Origin) -> Result<HandshakeSlot, Shortage> {
        let mut table = self.table();
        if table.count >= self.limit {
            table.evict(Shortage::Handshakes)?;
        }
        let (serial, evicted) = table.enter(origin);
        drop(table);
        Ok(HandshakeSlot { slots: self.clone(), origin, serial, evicted })
    }

    /// Evicts a handshake, to free the resource that is missing.
    ///
    /// # Errors
    /// No handshake is in progress.
    pub(super) fn evict(&self, shortage: Shortage) -> Result<(), Shortage> {
        self.table().evict(shortage)
    }

    /// Returns the error of a handshake that is evicted.
    pub(super) const fn error(&self, shortage: Shortage) -> ConnectionError {
        match shortage {
            Shortage::Handshakes => ConnectionError::TooManyHandshakes { limit: self.limit },
            Shortage::Connections => ConnectionError::TooManyConnections { limit: self.max_connections },
            Shortage::Descriptors => ConnectionError::OutOfDescriptors,
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandshakeSlot {
    /// Waits until the handshake is evicted, and returns the error. Cancel safe.
    pub(super) async fn evicted(&mut self) -> ConnectionError {
        match (&mut self.evicted).await {
            Ok(shortage) => self.slots.error(shortage),
            // The sender is dropped without an eviction only when this slot is dropped.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for HandshakeSlot {
    fn drop(&mut self) {
        let _ = self.slots.table().remove(self.origin, self.serial);
    }
}

impl Table {
    fn enter(&mut self, origin: Origin) -> (u64, oneshot::Receiver<Shortage>) {
        let (serial, (sender, evicted)) = (self.next_serial, oneshot::channel());
        self.next_serial += 1;
        self.unrank(origin);
        self.by_origin.entry(origin).or_default().insert(serial, sender);
        self.count += 1;
        self.rank(origin);
        (serial, evicted)
    }

    /// Evicts the oldest handshake of the origin with the most.
    fn evict(&mut self, shortage: Shortage) -> Result<(), Shortage> {
        let (_, Reverse(oldest), origin) = *self.ranking.last().ok_or(shortage)?;
        if let Some(handshake) = self.remove(origin, oldest) {
            // Sending fails if the handshake has ended already, and its slot is being dropped.
            let _ = handshake.send(shortage);
        }
        Ok(())
    }

    fn remove(&mut self, origin: Origin, serial: u64) -> Option<oneshot::Sender<Shortage>> {
        if !self.by_origin.get(&origin)?.contains_key(&serial) {
            return None;
        }
        self.unrank(origin);
        let handshakes = self.by_origin.get_mut(&origin)?;
        let removed = handshakes.remove(&serial);
        if handshakes.is_empty() {
            self.by_origin.remove(&origin);
        }
        self.count -= 1;
        self.rank(origin);
        removed
    }

    fn unrank(&mut self, origin: Origin) {
        if let Some(key) = self.rank_of(origin) {
            self.ranking.remove(&key);
        }
    }

    fn rank(&mut self, origin: Origin) {
        if let Some(key) = self.rank_of(origin) {
            self.ranking.insert(key);
        }
    }

    fn rank_of(&self, origin: Origin) -> Option<(usize, Reverse<u64>, Origin)> {
        let handshakes = self.by_origin.get(&origin)?;
        Some((handshakes.len(), Reverse(*handshakes.first_key_value()?.0), origin))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin(number: u8) -> Origin {
        Origin::of(std::net::Ipv4Addr::new(10, 0, 0, number).into())
    }

    fn is_evicted(slot: &mut HandshakeSlot) -> bool {
        slot.evicted.try_recv().is_ok()
    }

    #[test]
    fn the_oldest_handshake_of_the_address_with_most_handshakes_is_evicted() {
        let slots = HandshakeSlots::new(5, usize::MAX);
        let mut greedy: Vec<_> = (0..3).map(|_| slots.admit(origin(1)).unwrap()).collect();
        let mut modest: Vec<_> = (0..2).map(|_| slots.admit(origin(2)).unwrap()).collect();
        let mut new = slots.admit(origin(3)).unwrap();
        assert_eq!(greedy.iter_mut().map(is_evicted).collect::<Vec<_>>(), [true, false, false]);
        // Two origins have two handshakes each: the oldest handshake is evicted.
        let _another = slots.admit(origin(4)).unwrap();
        assert_eq!(greedy.iter_mut().map(is_evicted).collect::<Vec<_>>(), [false, true, false]);
        assert!(!modest.iter_mut().any(is_evicted) && !is_evicted(&mut new));
        // A handshake that has ended makes room.
        modest.pop();
        let _room = slots.admit(origin(5)).unwrap();
        assert!(!greedy.iter_mut().any(is_evicted) && !modest.iter_mut().any(is_evicted));
    }

    #[test]
    fn without_handshakes_eviction_fails() {
        let slots = HandshakeSlots::new(5, usize::MAX);
        assert_eq!(slots.evict(Shortage::Descriptors), Err(Shortage::Descriptors));
        let mut first = slots.admit(origin(1)).unwrap();
        assert_eq!(slots.evict(Shortage::Descriptors), Ok(()));
        assert!(is_evicted(&mut first));
        assert_eq!(HandshakeSlots::new(0, usize::MAX).admit(origin(1)).unwrap_err(), Shortage::Handshakes);
    }

    proptest! {
        #[test]
        fn handshake_slots_agree_with_a_plain_list(steps in prop::collection::vec((0u8..4, any::<bool>(), 0usize..6), 1..100)) {
            let slots = HandshakeSlots::new(6, usize::MAX);
            let mut model: Vec<HandshakeSlot> = Vec::new();
            for (number, leaves, at) in steps {
                if leaves {
                    if at < model.len() {
                        model.remove(at);
                    }
                    continue;
                }
                let expected = (model.len() == 6).then(|| {
                    let count = |origin| model.iter().filter(|slot| slot.origin == origin).count();
                    let most = model.iter().map(|slot| count(slot.origin)).max().unwrap();
                    model.iter().find(|slot| count(slot.origin) == most).unwrap().serial
                });
                let new = slots.admit(origin(number)).unwrap();
                let evicted = model.iter_mut().position(is_evicted).map(|at| model.remove(at).serial);
                prop_assert_eq!(evicted, expected);
                model.push(new);
                let table = slots.table();
                prop_assert_eq!((table.count, table.ranking.len()), (model.len(), table.by_origin.len()));
            }
            model.clear();
            let table = slots.table();
            prop_assert_eq!((table.count, table.ranking.len()), (0, 0));
        }
    }
}
