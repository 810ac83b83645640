//! Read buffers of a connection, reused once no slice of their bytes is held.
//!
//! Bytes that are read leave their buffer as shared slices, so the next read needs another buffer. At this size the
//! allocator gives memory back to the system and takes it again, page by page. A few buffers used in turn keep their
//! pages, and stay in the caches.

use bytes::BytesMut;

use crate::tuning::{LARGE_FRAME_BYTES, LARGE_FRAME_FACTOR, MAX_KEPT_BUFFER_BYTES, MAX_KEPT_BUFFERS};

/// Returns the room behind a buffer's bytes.
pub(crate) fn spare(buffer: &BytesMut) -> usize {
    buffer.capacity() - buffer.len()
}

/// Returns the room for the `missing` bytes of a frame: for as many bytes as have arrived, or, if these are at least
/// `LARGE_FRAME_BYTES` and the buffer has less to spare, for `LARGE_FRAME_FACTOR` times as many. So an announced size
/// costs the peer its bytes first.
pub(crate) fn room_ahead(missing: usize, buffer: &BytesMut) -> usize {
    let arrived = buffer.len();
    let as_much = missing.min(arrived);
    if as_much <= spare(buffer) || arrived < LARGE_FRAME_BYTES {
        as_much
    } else {
        missing.min(arrived.saturating_mul(LARGE_FRAME_FACTOR))
    }
}

/// The buffers of one connection that were read into and may be used again, oldest first. All are of one size.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    used: Vec<BytesMut>,
    size: usize,
    /// Whether the buffer that is read into is of another size.
    is_odd: bool,
}

impl Buffers {
    /// Makes room in `buffer` behind its bytes, for at least half of `room`.
    pub(crate) fn make_room(&mut self, buffer: &mut BytesMut, room: usize) {
        if buffer.len() > room / 2 || room > MAX_KEPT_BUFFER_BYTES {
            self.grow(buffer, room);
        } else if !buffer.try_reclaim(room - buffer.len()) {
            self.fit_size(room);
            let mut next = self.take();
            next.extend_from_slice(buffer);
            buffer.clear();
            let used = std::mem::replace(buffer, next);
            if !std::mem::take(&mut self.is_odd) {
                self.used.push(used);
            }
        }
    }

    /// Makes room for all of `room`, for the rest of a frame. The buffer won't be kept.
    pub(crate) fn grow(&mut self, buffer: &mut BytesMut, room: usize) {
        buffer.reserve(room);
        self.is_odd = true;
    }

    /// Drops all kept buffers.
    pub(crate) fn clear(&mut self) {
        (self.used, self.is_odd) = (Vec::new(), true);
    }

    /// Drops the kept buffers if they are too small for `size`, or more than four times as large. Requested sizes go up
    /// and down, so a smaller excess is kept.
    fn fit_size(&mut self, size: usize) {
        if size > self.size || size < self.size / 4 {
            self.size = size;
            self.clear();
        }
    }

    /// Takes a buffer with no bytes that are still held. If there is none, drops the oldest if `MAX_KEPT_BUFFERS` are
    /// kept, and allocates one.
    fn take(&mut self) -> BytesMut {
        let size = self.size;
        if let Some(free) = self.used.iter_mut().position(|used| used.try_reclaim(size)) {
            return self.used.remove(free);
        }
        if self.used.len() == MAX_KEPT_BUFFERS {
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

    const SIZE: usize = 1000;

    /// A reader that records where its buffers lie.
    #[derive(Default)]
    struct Reader {
        buffers: Buffers,
        buffer: BytesMut,
        places: HashSet<*const u8>,
        /// Allocations that occupy free memory, so that the reader can't get it again.
        taken: Vec<Vec<u8>>,
    }

    impl Reader {
        fn read(&mut self) -> Bytes {
            self.buffers.make_room(&mut self.buffer, SIZE);
            self.places.insert(self.buffer.as_ptr());
            self.buffer.resize(self.buffer.capacity(), 7);
            assert!(self.buffers.used.len() <= MAX_KEPT_BUFFERS);
            self.buffer.split().freeze()
        }

        fn take_free_memory(&mut self) {
            self.taken.push(Vec::with_capacity(SIZE));
        }
    }

    #[test]
    fn a_buffer_that_is_no_longer_held_is_reused() {
        for held in 0..=MAX_KEPT_BUFFERS {
            let (mut reader, mut holding) = (Reader::default(), VecDeque::new());
            for _ in 0..100 {
                holding.push_back(reader.read());
                holding.drain(..holding.len().saturating_sub(held));
                reader.take_free_memory();
            }
            assert_eq!(reader.places.len(), held + 1, "{held} held");
        }
    }

    #[test]
    fn a_buffer_that_is_held_for_ever_does_not_keep_other_buffers_from_being_reused() {
        let mut reader = Reader::default();
        let _for_ever = reader.read();
        let mut last = Bytes::new();
        for _ in 0..100 {
            let this = reader.read();
            drop(std::mem::replace(&mut last, this));
            reader.take_free_memory();
        }
        assert_eq!(reader.places.len(), 3);
    }

    #[test]
    fn the_number_of_kept_buffers_is_bounded_however_many_are_held() {
        let mut reader = Reader::default();
        let held: Vec<Bytes> = (0..100).map(|_| reader.read()).collect();
        assert_eq!((reader.places.len(), held.len()), (100, 100));
    }

    #[test]
    fn unread_bytes_stay_in_a_buffer_with_at_least_half_the_requested_room() {
        let (mut buffers, mut buffer, mut held) = (Buffers::default(), BytesMut::new(), Vec::new());
        for rest in [0, 1, 500, 501, 5000] {
            buffer.extend_from_slice(&[1; 100]);
            held.push(buffer.split());
            buffer.extend(std::iter::repeat_n(2, rest));
            buffers.make_room(&mut buffer, SIZE);
            assert_eq!(buffer, vec![2; rest]);
            assert!(buffer.capacity() - buffer.len() >= SIZE / 2);
            buffer.clear();
        }
    }

    #[test]
    fn only_buffers_of_a_requested_size_are_kept() {
        let (mut buffers, mut buffer, mut held) = (Buffers::default(), BytesMut::new(), Vec::new());
        let kept = [MAX_KEPT_BUFFER_BYTES * 2, SIZE, SIZE, SIZE, SIZE * 2, SIZE * 2, SIZE / 2, SIZE / 2 - 1]
            .map(|size| {
                buffers.make_room(&mut buffer, size);
                buffer.resize(buffer.capacity(), 7);
                held.push(buffer.split());
                buffers.used.len()
            });
        assert_eq!(kept, [0, 0, 1, 2, 0, 1, 2, 0]);
        buffers.clear();
        assert!(buffers.used.is_empty());
    }
}
