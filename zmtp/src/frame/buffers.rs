//! Buffers to read into, used again once nobody holds anything of what was in them.
//!
//! What is read leaves its buffer as shared slices, so the next read needs another. Memory from the allocator is given
//! back to the system and taken again, page by page, where a few buffers in turn stay where they are, in the caches too.

use bytes::BytesMut;

/// So many are kept: what is read in one turn, and what is received of it in the next.
const KEPT: usize = 4;
/// Larger ones are for single messages, and aren't kept.
const LARGEST: usize = 256 << 10;

/// The buffers of one connection that are still looked at, oldest first.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    used: Vec<BytesMut>,
    /// The one that is read into is larger than others.
    is_large: bool,
}

impl Buffers {
    /// Makes room in `buffer` behind what is in it, for `room` octets; or for less, but at least half of that, where
    /// another takes its place.
    pub(super) fn make_room(&mut self, buffer: &mut BytesMut, room: usize) {
        if buffer.len() > room / 2 || room > LARGEST {
            buffer.reserve(room);
            self.is_large |= buffer.capacity() > LARGEST;
        } else if !buffer.try_reclaim(room - buffer.len()) {
            let mut next = self.take(room);
            next.extend_from_slice(buffer);
            buffer.clear();
            let used = std::mem::replace(buffer, next);
            if !std::mem::take(&mut self.is_large) {
                self.used.push(used);
            }
        }
    }

    /// One of which nothing is held any more; the oldest is let go where there is none.
    fn take(&mut self, size: usize) -> BytesMut {
        if let Some(free) = self.used.iter_mut().position(|used| used.try_reclaim(size)) {
            return self.used.remove(free);
        }
        if self.used.len() == KEPT {
            self.used.remove(0);
        }
        BytesMut::with_capacity(size)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashSet, VecDeque};

    use bytes::Bytes;

    use super::*;

    /// Reads something, as often as that, with so much of it held; how many places that took.
    fn places(held: usize, size: usize, times: usize) -> usize {
        let (mut buffers, mut buffer) = (Buffers::default(), BytesMut::new());
        let (mut holding, mut places) = (VecDeque::<Bytes>::new(), HashSet::new());
        for _ in 0..times {
            buffers.make_room(&mut buffer, size);
            places.insert(buffer.as_ptr());
            buffer.resize(buffer.capacity(), 7);
            holding.push_back(buffer.split().freeze());
            holding.drain(..holding.len().saturating_sub(held));
        }
        places.len()
    }

    #[test]
    fn what_nobody_holds_any_more_is_used_again() {
        for held in 0..=KEPT {
            assert_eq!(places(held, 1000, 100), held + 1, "{held} held");
        }
    }

    #[test]
    fn one_that_is_held_for_ever_does_not_keep_others_from_being_used_again() {
        let (mut buffers, mut buffer) = (Buffers::default(), BytesMut::new());
        let mut places = HashSet::new();
        let mut read = |held: &mut Vec<Bytes>| {
            buffers.make_room(&mut buffer, 1000);
            places.insert(buffer.as_ptr());
            buffer.resize(buffer.capacity(), 7);
            held.push(buffer.split().freeze());
        };
        let (mut for_ever, mut for_a_while) = (Vec::new(), Vec::new());
        read(&mut for_ever);
        for _ in 0..100 {
            read(&mut for_a_while);
            for_a_while.drain(..for_a_while.len() - 1);
        }
        assert_eq!(places.len(), 3);
    }

    #[test]
    fn what_has_come_is_there_still_with_at_least_half_the_room_that_was_asked_for() {
        let (mut buffers, mut buffer, mut held) = (Buffers::default(), BytesMut::new(), Vec::new());
        for rest in [0, 1, 500, 501, 5000] {
            buffer.extend_from_slice(&[1; 100]);
            held.push(buffer.split());
            buffer.extend(std::iter::repeat_n(2, rest));
            buffers.make_room(&mut buffer, 1000);
            assert_eq!(buffer, vec![2; rest]);
            assert!(buffer.capacity() - buffer.len() >= 500);
            buffer.clear();
        }
    }

    #[test]
    fn a_large_one_is_not_kept() {
        let (mut buffers, mut buffer) = (Buffers::default(), BytesMut::new());
        buffers.make_room(&mut buffer, LARGEST * 2);
        let large = buffer.as_ptr();
        buffer.resize(buffer.capacity(), 7);
        let held = buffer.split();
        buffers.make_room(&mut buffer, 1000);
        assert!(buffers.used.is_empty() && buffer.as_ptr() != large);
        drop(held);
        buffer.resize(buffer.capacity(), 7);
        let _held = buffer.split();
        buffers.make_room(&mut buffer, 1000);
        assert_eq!(buffers.used.len(), 1);
    }
}
