//! Topics as a radix tree that takes little memory: each node stands for a topic, and its label is the part of that
//! topic behind the parent's.
//!
//! ```text
//!   ""  ── "weather." ── "lisbon"
//!                     └─ "porto"
//! ```
//!
//! A node is known by its number. Numbers have no gaps: when a node is removed, the last node takes its number. So
//! memory is freed as topics are removed. A callback reports each change of a number to callers that keep numbers.

mod blocks;
mod label;

use bytes::Bytes;
use thin_vec::ThinVec;

use blocks::Blocks;
use label::Label;

pub(super) type NodeId = u32;
/// Node of the empty topic. It always exists, and its number never changes.
pub(super) const ROOT: NodeId = 0;

/// Value that a [`TopicTree`] keeps for each topic.
pub(super) trait Value: Default {
    /// Returns whether the topic can be removed.
    fn is_vacant(&self) -> bool;
}

/// A map from topics to values. Every node but the root has a value that isn't vacant, or two children at least: so
/// there are fewer than two nodes for each topic.
#[derive(Debug)]
pub(super) struct TopicTree<V> {
    nodes: Blocks<Node<V>>,
}

#[derive(Debug)]
struct Node<V> {
    label: Label,
    /// Children, in the order of the first byte of their labels.
    children: ThinVec<Edge>,
    parent: NodeId,
    value: V,
}

/// A child, and the first byte of its label. Five bytes instead of the eight of a tuple.
#[derive(Clone, Copy, Debug)]
struct Edge {
    first: u8,
    child: [u8; 4],
}

impl Edge {
    const fn new(first: u8, child: NodeId) -> Self {
        Self { first, child: child.to_ne_bytes() }
    }

    const fn child(self) -> NodeId {
        NodeId::from_ne_bytes(self.child)
    }
}

impl<V: Value> Default for TopicTree<V> {
    fn default() -> Self {
        let mut nodes = Blocks::default();
        nodes.push(Node::new(Label::default(), ROOT));
        Self { nodes }
    }
}

impl<V: Value> TopicTree<V> {
    /// Returns the node of exactly this topic, if there is one. Its value may be vacant.
    pub(super) fn find(&self, topic: &[u8]) -> Option<NodeId> {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(first) = rest.first() {
            at = self.nodes[at].child(*first)?;
            rest = rest.strip_prefix(self.nodes[at].label.as_slice())?;
        }
        Some(at)
    }

    /// Returns the node of exactly this topic, which is made if there is none. The caller gives it a value that isn't
    /// vacant.
    pub(super) fn make(&mut self, topic: &[u8]) -> NodeId {
        let (mut at, mut rest) = (ROOT, topic);
        while let Some(first) = rest.first() {
            let Some(child) = self.nodes[at].child(*first) else {
                return self.add(at, rest);
            };
            let label = self.nodes[child].label.as_slice();
            let common = common_len(label, rest);
            at = if common == label.len() { child } else { self.split(child, common) };
            rest = &rest[common..];
        }
        at
    }

    pub(super) fn value(&self, at: NodeId) -> &V {
        &self.nodes[at].value
    }

    pub(super) fn value_mut(&mut self, at: NodeId) -> &mut V {
        &mut self.nodes[at].value
    }

    /// Returns whether there is no topic except the empty topic.
    pub(super) fn has_root_only(&self) -> bool {
        self.nodes[ROOT].children.is_empty()
    }

    /// Calls `is_found` with the value of each topic that `topic` begins with, the shortest first, until it returns
    /// true. Returns whether a call returned true.
    #[inline]
    pub(super) fn find_prefix(&self, topic: &[u8], mut is_found: impl FnMut(&V) -> bool) -> bool {
        let (mut node, mut rest) = (&self.nodes[ROOT], topic);
        loop {
            if is_found(&node.value) {
                return true;
            }
            let Some(child) = rest.first().and_then(|first| node.child(*first)) else {
                return false;
            };
            node = &self.nodes[child];
            match rest.strip_prefix(node.label.as_slice()) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
    }

    /// Returns the topic that a node stands for.
    pub(super) fn topic(&self, at: NodeId) -> Bytes {
        let (mut topic, mut at) = (Vec::new(), at);
        while at != ROOT {
            let node = &self.nodes[at];
            topic.extend(node.label.as_slice().iter().rev());
            at = node.parent;
        }
        topic.reverse();
        topic.into()
    }

    /// Returns the least topic that isn't less than `bound` and whose value isn't vacant.
    pub(super) fn first_from(&self, bound: &[u8]) -> Option<NodeId> {
        let at = self.seek(bound)?;
        if self.nodes[at].value.is_vacant() { self.next(at) } else { Some(at) }
    }

    /// Returns the next greater topic whose value isn't vacant. In this order a node comes before its children.
    pub(super) fn next(&self, at: NodeId) -> Option<NodeId> {
        let mut at = at;
        loop {
            at = match self.nodes[at].children.first() {
                Some(edge) => edge.child(),
                None => self.behind(at)?,
            };
            if !self.nodes[at].value.is_vacant() {
                return Some(at);
            }
        }
    }

    /// Returns the first node whose topic isn't less than `bound`.
    fn seek(&self, bound: &[u8]) -> Option<NodeId> {
        let (mut at, mut rest) = (ROOT, bound);
        while let Some(first) = rest.first() {
            let children = &self.nodes[at].children;
            let place = children.partition_point(|edge| edge.first < *first);
            let Some(edge) = children.get(place) else { return self.behind(at) };
            let child = edge.child();
            let label = self.nodes[child].label.as_slice();
            let common = common_len(label, rest);
            if common == rest.len() || (common < label.len() && label[common] > rest[common]) {
                return Some(child);
            }
            if common < label.len() {
                return self.behind(child);
            }
            (at, rest) = (child, &rest[common..]);
        }
        Some(at)
    }

    /// Returns the first node behind a node and all below it.
    fn behind(&self, at: NodeId) -> Option<NodeId> {
        let mut at = at;
        while at != ROOT {
            let node = &self.nodes[at];
            let (parent, first) = (&self.nodes[node.parent], node.label.as_slice()[0]);
            let place = parent.children.partition_point(|edge| edge.first <= first);
            if let Some(edge) = parent.children.get(place) {
                return Some(edge.child());
            }
            at = node.parent;
        }
        None
    }

    /// Removes a node that isn't needed any more, and its parent if that isn't either. Calls `renumbered` with the
    /// value, the old number and the new number of each node that is renumbered.
    pub(super) fn prune(&mut self, at: NodeId, renumbered: &mut impl FnMut(&V, NodeId, NodeId)) {
        let mut at = at;
        while at != ROOT && self.nodes[at].value.is_vacant() {
            let node = &self.nodes[at];
            let (parent, first) = (node.parent, node.label.as_slice()[0]);
            match node.children[..] {
                [] => {
                    self.nodes[parent].remove_child(first);
                    at = self.take_out(at, parent, renumbered);
                }
                [edge] => {
                    let child = edge.child();
                    let label = self.nodes[at].label.followed_by(&self.nodes[child].label);
                    let lower = &mut self.nodes[child];
                    (lower.label, lower.parent) = (label, parent);
                    self.nodes[parent].set_child(first, child);
                    self.take_out(at, parent, renumbered);
                    return;
                }
                _ => return,
            }
        }
    }

    /// Frees the number of a node that no other node refers to: the last node takes it. Returns the number that `other`
    /// has then.
    fn take_out(
        &mut self,
        at: NodeId,
        other: NodeId,
        renumbered: &mut impl FnMut(&V, NodeId, NodeId),
    ) -> NodeId {
        let last = self.nodes.last();
        let Some(node) = self.nodes.pop() else { return other };
        if at == last {
            return other;
        }
        self.nodes[node.parent].set_child(node.label.as_slice()[0], at);
        for edge in &node.children {
            self.nodes[edge.child()].parent = at;
        }
        renumbered(&node.value, last, at);
        self.nodes[at] = node;
        if other == last { at } else { other }
    }

    fn add(&mut self, parent: NodeId, label: &[u8]) -> NodeId {
        let id = self.nodes.push(Node::new(Label::new(label), parent));
        self.nodes[parent].set_child(label[0], id);
        id
    }

    /// Puts a node between `child` and its parent that takes the first `at` bytes of its label.
    /// `child` keeps its number.
    fn split(&mut self, child: NodeId, at: usize) -> NodeId {
        let node = &mut self.nodes[child];
        let (parent, label) = (node.parent, std::mem::take(&mut node.label));
        let (upper, lower) = label.as_slice().split_at(at);
        node.label = Label::new(lower);
        let middle = self.add(parent, upper);
        self.nodes[child].parent = middle;
        self.nodes[middle].set_child(lower[0], child);
        middle
    }
}

impl<V: Value> Node<V> {
    fn new(label: Label, parent: NodeId) -> Self {
        Self { label, children: ThinVec::new(), parent, value: V::default() }
    }

    #[inline]
    fn child(&self, first: u8) -> Option<NodeId> {
        let place = self.place_of(first).ok()?;
        Some(self.children[place].child())
    }

    #[inline]
    fn place_of(&self, first: u8) -> Result<usize, usize> {
        self.children.binary_search_by_key(&first, |edge| edge.first)
    }

    fn set_child(&mut self, first: u8, id: NodeId) {
        let edge = Edge::new(first, id);
        match self.place_of(first) {
            Ok(place) => self.children[place] = edge,
            Err(place) => {
                // A quarter more at a time: doubling would leave much of it unused.
                if self.children.len() == self.children.capacity() {
                    self.children.reserve_exact(1 + self.children.len() / 4);
                }
                self.children.insert(place, edge);
            }
        }
    }

    fn remove_child(&mut self, first: u8) {
        if let Ok(place) = self.place_of(first) {
            self.children.remove(place);
        }
        if self.children.is_empty() {
            self.children = ThinVec::new();
        }
    }
}

fn common_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
