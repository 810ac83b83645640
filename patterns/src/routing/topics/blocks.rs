//! A vector that never moves its items, and frees memory as it shrinks.

use std::ops::{Index, IndexMut};

use crate::tuning::TOPIC_BLOCK_NODES;

/// A vector that grows by blocks instead of doubling: a doubling vector of a million nodes would have room for another
/// million, and be copied each time that it grows.
#[derive(Debug)]
pub(super) struct Blocks<T> {
    /// All but the last are full, and the last isn't empty.
    blocks: Vec<Vec<T>>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T> Blocks<T> {
    pub(super) fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * TOPIC_BLOCK_NODES + last.len())
    }

    /// Returns the index of the last item. The caller has pushed an item.
    pub(super) fn last(&self) -> u32 {
        u32::try_from(self.len() - 1).expect("fewer than 2^32 topics fit into memory")
    }

    /// Appends an item, and returns its index.
    pub(super) fn push(&mut self, item: T) -> u32 {
        match self.blocks.last_mut() {
            Some(last) if last.len() < TOPIC_BLOCK_NODES => last.push(item),
            // The first block grows with its content: most trees are small.
            Some(_) => {
                let mut block = Vec::with_capacity(TOPIC_BLOCK_NODES);
                block.push(item);
                self.blocks.push(block);
            }
            None => self.blocks.push(vec![item]),
        }
        self.last()
    }

    /// Removes the last item.
    pub(super) fn pop(&mut self) -> Option<T> {
        let last = self.blocks.last_mut()?;
        let item = last.pop();
        if last.is_empty() {
            self.blocks.pop();
            if self.blocks.len() < self.blocks.capacity() / 4 {
                self.blocks.shrink_to(self.blocks.len() * 2);
            }
        }
        item
    }
}

impl<T> Index<u32> for Blocks<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: u32) -> &T {
        let at = at as usize;
        &self.blocks[at / TOPIC_BLOCK_NODES][at % TOPIC_BLOCK_NODES]
    }
}

impl<T> IndexMut<u32> for Blocks<T> {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut T {
        let at = at as usize;
        &mut self.blocks[at / TOPIC_BLOCK_NODES][at % TOPIC_BLOCK_NODES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_index_and_a_block_is_freed_with_its_last_item() {
        let mut blocks = Blocks::default();
        for n in 0..3 * TOPIC_BLOCK_NODES {
            assert_eq!(blocks.push(n) as usize, n);
        }
        assert_eq!((blocks.len(), blocks.blocks.len()), (3 * TOPIC_BLOCK_NODES, 3));
        assert!((0..3 * TOPIC_BLOCK_NODES).all(|n| blocks[n as u32] == n));
        blocks[7] = 0;
        assert_eq!(blocks[7], 0);
        for n in (2 * TOPIC_BLOCK_NODES..3 * TOPIC_BLOCK_NODES).rev() {
            assert_eq!(blocks.pop(), Some(n));
        }
        assert_eq!((blocks.len(), blocks.blocks.len()), (2 * TOPIC_BLOCK_NODES, 2));
        while blocks.pop().is_some() {}
        assert_eq!((blocks.len(), blocks.blocks.len()), (0, 0));
    }
}
