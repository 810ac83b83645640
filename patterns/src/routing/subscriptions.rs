//! Who wants what: an index from topics to peers, made for the question "who wants this message?".
//!
//! A radix tree: each node stands for a topic, its label is what the topic has beyond the parent's. One walk
//! along a message's topic meets every subscription that is a prefix of it, whatever the number of peers.
//!
//! ```text
//!   ""  ── "weather." ── "lisbon"   {2}
//!   {1}               └─ "porto"    {2, 3}
//! ```

use std::collections::HashSet;

use bytes::Bytes;
use slotmap::SecondaryMap;

use crate::PeerId;

const ROOT: NodeId = 0;
type NodeId = u32;

#[derive(Debug)]
pub(crate) struct Subscriptions {
    nodes: Vec<Node>,
    vacant: Vec<NodeId>,
    /// The nodes at which each peer stands, so that its going costs no walk over the tree.
    held: SecondaryMap<PeerId, Held>,
    /// Topics that anybody wants, and their octets.
    topics: usize,
    octets: usize,
}

#[derive(Debug, Default)]
struct Node {
    label: Box<[u8]>,
    parent: NodeId,
    /// By the first octet of the child's label, in order.
    children: Vec<(u8, NodeId)>,
    /// In order.
    peers: Vec<PeerId>,
}

#[derive(Debug, Default)]
struct Held {
    nodes: HashSet<NodeId>,
    octets: usize,
}

/// What a change of one peer's subscriptions meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: it was so already.
    None,
    /// For this peer only.
    Peer,
    /// For all: the topic's first subscriber came, or its last one went.
    Topic,
}

impl Default for Subscriptions {
    fn default() -> Self {
        let nodes = vec![Node::default()];
        Self { nodes, vacant: Vec::new(), held: SecondaryMap::new(), topics: 0, octets: 0 }
    }
}

impl Subscriptions {
    /// What [`insert`](Self::insert) would change.
    pub(crate) fn would_insert(&self, topic: &[u8], id: PeerId) -> Change {
        let peers = self.find(topic).map_or(&[][..], |at| &self.nodes[at as usize].peers);
        match peers.binary_search(&id) {
            Ok(_) => Change::None,
            Err(_) if peers.is_empty() => Change::Topic,
            Err(_) => Change::Peer,
        }
    }

    pub(crate) fn insert(&mut self, topic: &[u8], id: PeerId) -> Change {
        let at = self.make(topic);
        let peers = &mut self.nodes[at as usize].peers;
        let Err(place) = peers.binary_search(&id) else {
            return Change::None;
        };
        peers.insert(place, id);
        let first = peers.len() == 1;
        let held = self.held.entry(id).expect("a subscribing peer is connected").or_default();
        held.nodes.insert(at);
        held.octets += topic.len();
        if !first {
            return Change::Peer;
        }
        self.topics += 1;
        self.octets += topic.len();
        Change::Topic
    }

    pub(crate) fn remove(&mut self, topic: &[u8], id: PeerId) -> Change {
        let Some(at) = self.find(topic) else {
            return Change::None;
        };
        let Some(held) = self.held.get_mut(id).filter(|held| held.nodes.contains(&at)) else {
            return Change::None;
        };
        held.nodes.remove(&at);
        held.octets -= topic.len();
        if !self.leave(at, id) {
            return Change::Peer;
        }
        self.topics -= 1;
        self.octets -= topic.len();
        Change::Topic
    }

    /// Removes all of a peer; `removed` is told of each of its topics, and what that changed.
    pub(crate) fn remove_peer(&mut self, id: PeerId, mut removed: impl FnMut(Bytes, Change)) {
        for at in self.held.remove(id).unwrap_or_default().nodes {
            let topic = self.topic(at);
            let change = if self.leave(at, id) { Change::Topic } else { Change::Peer };
            if change == Change::Topic {
                self.topics -= 1;
                self.octets -= topic.len();
            }
            removed(topic, change);
        }
    }

    /// How many subscriptions a peer holds, and how many octets their topics have.
    pub(crate) fn held_by(&self, id: PeerId) -> (usize, usize) {
        self.held.get(id).map_or((0, 0), |held| (held.nodes.len(), held.octets))
    }

    /// How many topics anybody wants, and how many octets they have.
    pub(crate) const fn held_by_all(&self) -> (usize, usize) {
        (self.topics, self.octets)
    }

    /// How many peers hold a subscription at least.
    pub(crate) fn subscribers(&self) -> usize {
        self.held.values().filter(|held| !held.nodes.is_empty()).count()
    }

    /// The subscribers, when every one of them wants everything and nothing else: then messages needn't be
    /// looked at.
    pub(crate) fn of_all(&self) -> Option<&[PeerId]> {
        let root = &self.nodes[ROOT as usize];
        root.children.is_empty().then_some(&root.peers)
    }

    /// Calls `matched` for every subscription that is a prefix of the topic: once or more for a peer.
    #[inline]
    pub(crate) fn for_each_match(&self, topic: &[u8], mut matched: impl FnMut(PeerId)) {
        let (mut node, mut rest) = (&self.nodes[ROOT as usize], topic);
        loop {
            node.peers.iter().copied().for_each(&mut matched);
            let Some(child) = rest.first().and_then(|octet| node.child(*octet)) else {
                return;
            };
            node = &self.nodes[child as usize];
            match rest.strip_prefix(&node.label[..]) {
                Some(after) => rest = after,
                None => return,
            }
        }
    }

    /// The node that stands for exactly this topic.
    fn find(&self, topic: &[u8]) -> Option<NodeId> {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(octet) = rest.first() {
            at = self.nodes[at as usize].child(*octet)?;
            rest = rest.strip_prefix(&self.nodes[at as usize].label[..])?;
        }
        Some(at)
    }

    /// The same, made if it isn't there.
    fn make(&mut self, topic: &[u8]) -> NodeId {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(octet) = rest.first() {
            let Some(child) = self.nodes[at as usize].child(*octet) else {
                return self.add(at, rest.into());
            };
            let label = &self.nodes[child as usize].label;
            let common = label.iter().zip(rest).take_while(|(a, b)| a == b).count();
            at = if common == label.len() { child } else { self.split(child, common) };
            rest = &rest[common..];
        }
        at
    }

    fn add(&mut self, parent: NodeId, label: Box<[u8]>) -> NodeId {
        let octet = label[0];
        let node = Node { label, parent, ..Node::default() };
        let id = match self.vacant.pop() {
            Some(id) => {
                self.nodes[id as usize] = node;
                id
            }
            None => {
                self.nodes.push(node);
                NodeId::try_from(self.nodes.len() - 1).expect("fewer than 2^32 topics fit into memory")
            }
        };
        self.nodes[parent as usize].set_child(octet, id);
        id
    }

    /// Puts a node between `child` and its parent that takes the first `at` octets of its label.
    /// `child` keeps its id: peers know it by that.
    fn split(&mut self, child: NodeId, at: usize) -> NodeId {
        let node = &mut self.nodes[child as usize];
        let (parent, label) = (node.parent, std::mem::take(&mut node.label));
        let (upper, lower) = label.split_at(at);
        node.label = lower.into();
        let middle = self.add(parent, upper.into());
        self.nodes[child as usize].parent = middle;
        self.nodes[middle as usize].set_child(lower[0], child);
        middle
    }

    /// Takes a peer off a node. Whether it was the last one.
    fn leave(&mut self, at: NodeId, id: PeerId) -> bool {
        let peers = &mut self.nodes[at as usize].peers;
        if let Ok(place) = peers.binary_search(&id) {
            peers.remove(place);
        }
        let last = peers.is_empty();
        if last {
            *peers = Vec::new();
            self.prune(at);
        }
        last
    }

    /// Removes a node that no peer stands at: joins it with its only child, or drops it if it has none.
    fn prune(&mut self, at: NodeId) {
        let node = &self.nodes[at as usize];
        if at == ROOT || !node.peers.is_empty() {
            return;
        }
        let (parent, octet) = (node.parent, node.label[0]);
        match node.children[..] {
            [] => {
                self.nodes[parent as usize].remove_child(octet);
                self.vacate(at);
                self.prune(parent);
            }
            [(_, child)] => {
                let label = [&node.label[..], &self.nodes[child as usize].label].concat();
                let lower = &mut self.nodes[child as usize];
                (lower.label, lower.parent) = (label.into(), parent);
                self.nodes[parent as usize].set_child(octet, child);
                self.vacate(at);
            }
            _ => {}
        }
    }

    fn vacate(&mut self, at: NodeId) {
        self.nodes[at as usize] = Node::default();
        self.vacant.push(at);
    }

    fn topic(&self, at: NodeId) -> Bytes {
        let (mut labels, mut at) = (Vec::new(), at);
        while at != ROOT {
            let node = &self.nodes[at as usize];
            labels.push(&node.label[..]);
            at = node.parent;
        }
        labels.reverse();
        labels.concat().into()
    }
}

impl Node {
    #[inline]
    fn child(&self, octet: u8) -> Option<NodeId> {
        let place = self.children.binary_search_by_key(&octet, |(first, _)| *first).ok()?;
        Some(self.children[place].1)
    }

    fn set_child(&mut self, octet: u8, id: NodeId) {
        match self.children.binary_search_by_key(&octet, |(first, _)| *first) {
            Ok(place) => self.children[place].1 = id,
            Err(place) => self.children.insert(place, (octet, id)),
        }
    }

    fn remove_child(&mut self, octet: u8) {
        if let Ok(place) = self.children.binary_search_by_key(&octet, |(first, _)| *first) {
            self.children.remove(place);
        }
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
    fn subscribers_of_everything_are_known_without_a_walk() {
        let (mut index, ids) = (Subscriptions::default(), ids(2));
        assert_eq!(index.of_all(), Some(&[][..]));
        index.insert(b"", ids[0]);
        assert_eq!(index.of_all(), Some(&ids[..1]));
        index.insert(b"a", ids[1]);
        assert_eq!(index.of_all(), None);
    }

    #[test]
    fn an_emptied_tree_has_given_all_nodes_back() {
        let (mut index, ids) = (Subscriptions::default(), ids(1));
        for topic in ["abc", "abd", "ab", "x", "", "abcdef"] {
            index.insert(topic.as_bytes(), ids[0]);
        }
        let mut gone = Vec::new();
        index.remove_peer(ids[0], |topic, _| gone.push(topic));
        gone.sort();
        assert_eq!(gone, ["", "ab", "abc", "abcdef", "abd", "x"]);
        assert_eq!(index.nodes.len() - index.vacant.len(), 1);
        assert!(index.nodes[0].children.is_empty());
    }

    /// Whether each node but the root stands for a topic or parts two: so there are fewer than two for each topic.
    fn is_compact(index: &Subscriptions) -> bool {
        let needed = |node: &&Node| !node.peers.is_empty() || node.children.len() > 1;
        let live = index.nodes.len() - 1 - index.vacant.len();
        index.nodes[1..].iter().filter(needed).count() == live
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(String, usize),
        Remove(String, usize),
        RemovePeer(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => ("[ab]{0,5}", 0usize..4).prop_map(|(t, p)| Step::Insert(t, p)),
            3 => ("[ab]{0,5}", 0usize..4).prop_map(|(t, p)| Step::Remove(t, p)),
            1 => (0usize..4).prop_map(Step::RemovePeer),
        ]
    }

    fn change(changed: bool, was_empty_or_is: bool) -> Change {
        match (changed, was_empty_or_is) {
            (false, _) => Change::None,
            (true, false) => Change::Peer,
            (true, true) => Change::Topic,
        }
    }

    proptest! {
        #[test]
        fn the_index_agrees_with_a_plain_map(steps in prop::collection::vec(step(), 0..60), probes in prop::collection::vec("[abc]{0,7}", 5)) {
            let (mut index, ids) = (Subscriptions::default(), ids(4));
            let mut model = BTreeMap::<String, BTreeSet<PeerId>>::new();
            for step in steps {
                match step {
                    Step::Insert(topic, peer) => {
                        let set = model.entry(topic.clone()).or_default();
                        let first = set.is_empty();
                        let predicted = index.would_insert(topic.as_bytes(), ids[peer]);
                        prop_assert_eq!(predicted, change(!set.contains(&ids[peer]), first));
                        prop_assert_eq!(index.insert(topic.as_bytes(), ids[peer]), change(set.insert(ids[peer]), first));
                    }
                    Step::Remove(topic, peer) => {
                        let set = model.entry(topic.clone()).or_default();
                        let changed = set.remove(&ids[peer]);
                        prop_assert_eq!(index.remove(topic.as_bytes(), ids[peer]), change(changed, set.is_empty()));
                    }
                    Step::RemovePeer(peer) => {
                        let mut gone = BTreeSet::new();
                        index.remove_peer(ids[peer], |topic, change| { gone.insert((topic, change == Change::Topic)); });
                        let mut expected = BTreeSet::new();
                        for (topic, set) in &mut model {
                            if set.remove(&ids[peer]) {
                                expected.insert((Bytes::from(topic.clone()), set.is_empty()));
                            }
                        }
                        prop_assert_eq!(gone, expected);
                    }
                }
                prop_assert!(is_compact(&index));
                let wanted: Vec<_> = model.iter().filter(|(_, set)| !set.is_empty()).map(|(t, _)| t.len()).collect();
                prop_assert_eq!(index.held_by_all(), (wanted.len(), wanted.iter().sum()));
                let holders: BTreeSet<_> = model.values().flatten().collect();
                prop_assert_eq!(index.subscribers(), holders.len());
                for (peer, id) in ids.iter().enumerate() {
                    let held: Vec<_> = model.iter().filter(|(_, set)| set.contains(id)).map(|(t, _)| t.len()).collect();
                    prop_assert_eq!(index.held_by(*id), (held.len(), held.iter().sum()), "peer {}", peer);
                }
            }
            for probe in probes {
                let expected: BTreeSet<_> = model.iter().filter(|(t, _)| probe.starts_with(&***t)).flat_map(|(_, set)| set.iter().copied()).collect();
                prop_assert_eq!(matches(&index, probe.as_bytes()), expected);
            }
        }
    }
}
