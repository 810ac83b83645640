//! Index from topics to subscribed peers. One walk along a message's topic meets every subscription that is a prefix of
//! it, whatever the number of peers.
//!
//! A departing peer may hold a million subscriptions. It is no subscriber from then on, and its subscriptions are
//! removed in slices. Until then its id is in the index, which does no harm: ids are never used twice.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use slotmap::SecondaryMap;
use thin_vec::{ThinVec, thin_vec};

use super::topics::{NodeId, ROOT, TopicTree, Value};
use crate::peer::PeerId;

#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    topics: TopicTree<Peers>,
    /// Subscriptions of each peer.
    held: SecondaryMap<PeerId, Held>,
    /// Subscriptions of departed peers that aren't removed yet.
    left: BTreeMap<PeerId, Held>,
    /// Totals of `left`.
    left_total: TopicTotals,
    /// Totals of the index.
    total: TopicTotals,
}

/// Subscribers of a topic, in order: 16 bytes, and no more if there is only one.
#[derive(Debug, Default)]
enum Peers {
    #[default]
    None,
    One(PeerId),
    /// Two at least.
    Many(ThinVec<PeerId>),
}

impl Value for Peers {
    fn is_vacant(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl Peers {
    #[inline]
    fn as_slice(&self) -> &[PeerId] {
        match self {
            Self::None => &[],
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }

    /// Adds a peer, unless it is a subscriber already. Returns whether it was added.
    fn insert(&mut self, id: PeerId) -> bool {
        match self {
            Self::None => *self = Self::One(id),
            Self::One(first) if *first == id => return false,
            Self::One(first) => *self = Self::Many(thin_vec![id.min(*first), id.max(*first)]),
            Self::Many(ids) => match ids.binary_search(&id) {
                Ok(_) => return false,
                Err(place) => ids.insert(place, id),
            },
        }
        true
    }

    fn remove(&mut self, id: PeerId) {
        match self {
            Self::One(first) if *first == id => *self = Self::None,
            Self::Many(ids) => {
                if let Ok(place) = ids.binary_search(&id) {
                    ids.remove(place);
                }
                if let [last] = ids[..] {
                    *self = Self::One(last);
                }
            }
            Self::None | Self::One(_) => {}
        }
    }
}

/// A number of topics, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TopicTotals {
    pub(crate) topics: usize,
    pub(crate) bytes: usize,
}

impl TopicTotals {
    const fn add(&mut self, topic: &[u8]) {
        self.topics += 1;
        self.bytes += topic.len();
    }

    const fn sub(&mut self, topic: &[u8]) {
        self.topics -= 1;
        self.bytes -= topic.len();
    }
}

/// Subscriptions of one peer, so that its departure costs no walk over the tree.
#[derive(Debug, Default)]
struct Held {
    nodes: BTreeSet<NodeId>,
    bytes: usize,
}

impl Held {
    fn totals(&self) -> TopicTotals {
        TopicTotals { topics: self.nodes.len(), bytes: self.bytes }
    }

    fn renumber(&mut self, from: NodeId, to: NodeId) {
        if self.nodes.remove(&from) {
            self.nodes.insert(to);
        }
    }
}

/// Effect of a change of one peer's subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// No change: the subscription existed already, or didn't exist.
    None,
    /// A change for this peer only.
    Peer,
    /// A change for the topic: its first subscriber was added, or its last subscriber removed.
    Topic,
}

impl Subscriptions {
    /// Returns the change that [`insert`](Self::insert) would make.
    pub(crate) fn would_insert(&self, topic: &[u8], id: PeerId) -> Change {
        let peers = self.topics.find(topic).map_or(&[][..], |at| self.topics.value(at).as_slice());
        match peers.binary_search(&id) {
            Ok(_) => Change::None,
            Err(_) if peers.is_empty() => Change::Topic,
            Err(_) => Change::Peer,
        }
    }

    pub(crate) fn insert(&mut self, topic: &[u8], id: PeerId) -> Change {
        let at = self.topics.make(topic);
        let peers = self.topics.value_mut(at);
        if !peers.insert(id) {
            return Change::None;
        }
        let first = matches!(peers, Peers::One(_));
        let held = self.held.entry(id).expect("a subscribing peer is connected").or_default();
        held.nodes.insert(at);
        held.bytes += topic.len();
        if !first {
            return Change::Peer;
        }
        self.total.add(topic);
        Change::Topic
    }

    pub(crate) fn remove(&mut self, topic: &[u8], id: PeerId) -> Change {
        let Some(at) = self.topics.find(topic) else {
            return Change::None;
        };
        let Some(held) = self.held.get_mut(id).filter(|held| held.nodes.contains(&at)) else {
            return Change::None;
        };
        held.nodes.remove(&at);
        held.bytes -= topic.len();
        self.leave(at, topic, id)
    }

    /// Handles the departure of a peer: it is no subscriber any more. [`sweep`](Self::sweep) removes its subscriptions.
    pub(crate) fn part(&mut self, id: PeerId) {
        if let Some(held) = self.held.remove(id).filter(|held| !held.nodes.is_empty()) {
            self.left_total.topics += held.nodes.len();
            self.left_total.bytes += held.bytes;
            self.left.insert(id, held);
        }
    }

    /// Returns whether no subscriptions of departed peers are left.
    pub(crate) fn is_swept(&self) -> bool {
        self.left.is_empty()
    }

    /// Removes at most `most` subscriptions of departed peers. Calls `removed` with the peer, the topic and the change
    /// of each. Returns their number.
    pub(crate) fn sweep(&mut self, most: usize, mut removed: impl FnMut(PeerId, Bytes, Change)) -> usize {
        for done in 0..most {
            let Some(mut first) = self.left.first_entry() else { return done };
            // From the last to the first, so that a removed node hardly ever has another node take its number.
            let (id, Some(at)) = (*first.key(), first.get_mut().nodes.pop_last()) else { return done };
            if first.get().nodes.is_empty() {
                first.remove();
            }
            let topic = self.topics.topic(at);
            self.left_total.sub(&topic);
            let change = self.leave(at, &topic, id);
            removed(id, topic, change);
        }
        most
    }

    /// Returns the number of subscriptions that a peer holds, and the bytes of their topics.
    pub(crate) fn held_by(&self, id: PeerId) -> TopicTotals {
        self.held.get(id).map(Held::totals).unwrap_or_default()
    }

    /// Returns the number of topics that any peer holds, and their bytes. Topics that only departed peers hold may be
    /// among them.
    pub(crate) const fn held_by_all(&self) -> TopicTotals {
        self.total
    }

    /// Returns [`held_by_all`](Self::held_by_all) less all that departed peers still hold: a lower bound on the wanted
    /// topics.
    pub(crate) const fn wanted_at_least(&self) -> TopicTotals {
        TopicTotals {
            topics: self.total.topics.saturating_sub(self.left_total.topics),
            bytes: self.total.bytes.saturating_sub(self.left_total.bytes),
        }
    }

    /// Returns the number of peers with a subscription.
    pub(crate) fn subscribers(&self) -> usize {
        self.held.values().filter(|held| !held.nodes.is_empty()).count()
    }

    /// Returns the subscribers, if the only topic is the empty topic: then messages needn't be matched. Departed peers
    /// may be among them.
    pub(crate) fn of_all(&self) -> Option<&[PeerId]> {
        self.topics.has_root_only().then(|| self.topics.value(ROOT).as_slice())
    }

    /// Calls `matched` for every subscription that is a prefix of the topic: once or more for a peer, and also for
    /// departed peers.
    #[inline]
    pub(crate) fn for_each_match(&self, topic: &[u8], mut matched: impl FnMut(PeerId)) {
        self.topics.find_prefix(topic, |peers| {
            peers.as_slice().iter().copied().for_each(&mut matched);
            false
        });
    }

    /// Removes a peer from a topic that it has.
    fn leave(&mut self, at: NodeId, topic: &[u8], id: PeerId) -> Change {
        let peers = self.topics.value_mut(at);
        peers.remove(id);
        if !peers.is_vacant() {
            return Change::Peer;
        }
        self.total.sub(topic);
        let (held, left) = (&mut self.held, &mut self.left);
        self.topics.prune(at, &mut |peers, from, to| {
            for id in peers.as_slice() {
                let holder = held.get_mut(*id).or_else(|| left.get_mut(id));
                holder.into_iter().for_each(|held| held.renumber(from, to));
            }
        });
        Change::Topic
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use slotmap::SlotMap;

    use super::*;

    fn ids(n: usize) -> Vec<PeerId> {
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        (0..n).map(|_| ids.insert(())).collect()
    }

    fn matches(index: &Subscriptions, topic: &[u8]) -> BTreeSet<PeerId> {
        let mut found = BTreeSet::new();
        index.for_each_match(topic, |id| {
            found.insert(id);
        });
        found
    }

    #[test]
    fn only_the_first_and_the_last_subscriber_change_the_topic() {
        let (mut index, ids) = (Subscriptions::default(), ids(2));
        assert_eq!(index.insert(b"a", ids[0]), Change::Topic);
        assert_eq!(index.insert(b"a", ids[0]), Change::None);
        assert_eq!(index.insert(b"a", ids[1]), Change::Peer);
        assert_eq!(index.remove(b"a", ids[0]), Change::Peer);
        assert_eq!(index.remove(b"a", ids[0]), Change::None);
        assert_eq!(index.remove(b"b", ids[1]), Change::None);
        assert_eq!(index.remove(b"a", ids[1]), Change::Topic);
    }

    #[test]
    fn a_subscriber_takes_no_memory_beside_the_topic() {
        assert_eq!(size_of::<Peers>(), 16);
    }

    #[test]
    fn subscribers_of_the_empty_topic_are_known_without_a_walk() {
        let (mut index, ids) = (Subscriptions::default(), ids(2));
        assert_eq!(index.of_all(), Some(&[][..]));
        index.insert(b"", ids[0]);
        assert_eq!(index.of_all(), Some(&ids[..1]));
        index.insert(b"a", ids[1]);
        assert_eq!(index.of_all(), None);
    }

    #[test]
    fn the_subscriptions_of_a_departed_peer_are_removed() {
        let (mut index, ids) = (Subscriptions::default(), ids(1));
        for topic in ["abc", "abd", "ab", "x", "", "abcdef"] {
            index.insert(topic.as_bytes(), ids[0]);
        }
        let mut gone = Vec::new();
        index.part(ids[0]);
        assert_eq!(index.sweep(usize::MAX, |_, topic, _| gone.push(topic)), 6);
        gone.sort();
        assert_eq!(gone, ["", "ab", "abc", "abcdef", "abd", "x"]);
        assert!(index.topics.has_root_only() && index.is_swept());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(String, usize),
        Remove(String, usize),
        /// The peer departs, and a new peer takes its place.
        Part(usize),
        Sweep(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => ("[ab]{0,5}", 0usize..4).prop_map(|(t, p)| Step::Insert(t, p)),
            4 => ("[ab]{0,5}", 0usize..4).prop_map(|(t, p)| Step::Remove(t, p)),
            1 => (0usize..4).prop_map(Step::Part),
            2 => (0usize..4).prop_map(Step::Sweep),
        ]
    }

    fn change(changed: bool, was_empty_or_is: bool) -> Change {
        match (changed, was_empty_or_is) {
            (false, _) => Change::None,
            (true, false) => Change::Peer,
            (true, true) => Change::Topic,
        }
    }

    /// Holders of each topic, departed peers included.
    type Model = BTreeMap<Bytes, BTreeSet<PeerId>>;

    fn totals<'a>(topics: impl Iterator<Item = &'a Bytes>) -> TopicTotals {
        let mut totals = TopicTotals::default();
        topics.for_each(|topic| totals.add(topic));
        totals
    }

    fn held_by(model: &Model, id: PeerId) -> TopicTotals {
        totals(model.iter().filter(|(_, set)| set.contains(&id)).map(|(topic, _)| topic))
    }

    /// Sweeps, and the model too.
    fn sweep(index: &mut Subscriptions, model: &mut Model, most: usize, present: &[PeerId]) {
        let left: usize = model.values().flatten().filter(|id| !present.contains(id)).count();
        let mut removed = 0;
        let swept = index.sweep(most, |id, topic, change| {
            assert!(!present.contains(&id), "{id:?} is there");
            let set = model.get_mut(&topic).unwrap();
            assert!(set.remove(&id));
            assert_eq!(change == Change::Topic, set.is_empty());
            removed += 1;
        });
        assert_eq!((swept, removed), (most.min(left), most.min(left)));
    }

    proptest! {
        #[test]
        fn the_subscription_index_agrees_with_a_plain_map(steps in prop::collection::vec(step(), 0..80), probes in prop::collection::vec("[abc]{0,7}", 5)) {
            let mut slots = SlotMap::<PeerId, ()>::with_key();
            let (mut index, mut ids) = (Subscriptions::default(), [(); 4].map(|()| slots.insert(())));
            let mut model = Model::new();
            for step in steps {
                match step {
                    Step::Insert(topic, peer) => {
                        let set = model.entry(topic.clone().into()).or_default();
                        let first = set.is_empty();
                        let predicted = index.would_insert(topic.as_bytes(), ids[peer]);
                        prop_assert_eq!(predicted, change(!set.contains(&ids[peer]), first));
                        prop_assert_eq!(index.insert(topic.as_bytes(), ids[peer]), change(set.insert(ids[peer]), first));
                    }
                    Step::Remove(topic, peer) => {
                        let set = model.entry(topic.clone().into()).or_default();
                        let changed = set.remove(&ids[peer]);
                        prop_assert_eq!(index.remove(topic.as_bytes(), ids[peer]), change(changed, set.is_empty()));
                    }
                    Step::Part(peer) => {
                        index.part(ids[peer]);
                        slots.remove(ids[peer]);
                        ids[peer] = slots.insert(());
                    }
                    Step::Sweep(most) => sweep(&mut index, &mut model, most, &ids),
                }
                model.retain(|_, set| !set.is_empty());
                let total = totals(model.keys());
                prop_assert_eq!(index.held_by_all(), total);
                let gone: BTreeSet<_> = model.values().flatten().filter(|id| !ids.contains(id)).copied().collect();
                prop_assert_eq!(index.is_swept(), gone.is_empty());
                let left: usize = gone.iter().map(|id| held_by(&model, *id).topics).sum();
                prop_assert_eq!(index.wanted_at_least().topics, total.topics.saturating_sub(left));
                let holders = ids.iter().filter(|id| held_by(&model, **id).topics > 0).count();
                prop_assert_eq!(index.subscribers(), holders);
                for id in ids {
                    prop_assert_eq!(index.held_by(id), held_by(&model, id));
                }
            }
            for probe in probes {
                let expected: BTreeSet<_> = model.iter().filter(|(t, _)| probe.as_bytes().starts_with(t)).flat_map(|(_, set)| set.iter().copied()).collect();
                prop_assert_eq!(matches(&index, probe.as_bytes()), expected);
            }
            sweep(&mut index, &mut model, usize::MAX, &ids);
            prop_assert!(index.is_swept());
        }
    }
}
