//! What a connection is writing: pieces for vectored writes, and what they mean.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;
use enfonet_zmtp::Batch;
use smallvec::{SmallVec, smallvec};

use crate::queue::{Load, Staged};

/// Pieces in one system call; Linux takes up to 1024.
const MAX_PIECES: usize = 64;

#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    entries: VecDeque<Entry>,
    /// Pieces of the first entry that are written whole.
    piece: usize,
    /// Octets of the next piece that are.
    written: usize,
    control_entries: usize,
}

/// Ends at a message boundary.
#[derive(Debug)]
struct Entry {
    pieces: SmallVec<[Bytes; 2]>,
    /// What the pieces are; `None` for commands.
    run: Option<Batch>,
}

impl WriteQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether commands wait here.
    pub(super) const fn has_control(&self) -> bool {
        self.control_entries > 0
    }

    /// Takes over what was staged. Commands overtake messages, at the next message boundary.
    pub(super) fn extend(&mut self, staged: &mut Staged) {
        if !staged.control.is_empty() {
            let control = std::mem::take(&mut staged.control);
            let entry = Entry { pieces: smallvec![control], run: None };
            let boundary = usize::from(self.piece > 0 || self.written > 0);
            self.entries.insert(boundary, entry);
            self.control_entries += 1;
        }
        let entry = |run: Batch| Entry { pieces: run.clone().into_pieces(), run: Some(run) };
        self.entries.extend(staged.runs.drain(..).map(entry));
    }

    /// Calls `write` with the next pieces.
    pub(super) fn with_slices<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let pieces = self.entries.iter().flat_map(|entry| &entry.pieces).skip(self.piece);
        let mut slices: SmallVec<[IoSlice<'_>; MAX_PIECES]> =
            pieces.take(MAX_PIECES).map(|piece| IoSlice::new(piece)).collect();
        if let Some(first) = slices.first_mut() {
            first.advance(self.written);
        }
        write(&slices)
    }

    /// So many octets are written. Gives the messages that are so completely.
    pub(super) fn advance(&mut self, octets: usize) -> Load {
        self.written += octets;
        let mut load = Load::default();
        while let Some(entry) = self.entries.front() {
            let Some(piece) = entry.pieces.get(self.piece) else {
                match &entry.run {
                    Some(run) => load.add(Load::new(run.len(), run.wire_len())),
                    None => self.control_entries -= 1,
                }
                self.entries.pop_front();
                self.piece = 0;
                continue;
            };
            if self.written < piece.len() {
                break;
            }
            self.written -= piece.len();
            self.piece += 1;
        }
        load
    }

    /// What the peer hasn't got whole: the messages that no octet, or not the last one, is written of.
    pub(super) fn into_unsent(self) -> Vec<Batch> {
        let first = self.entries.front().map_or(&[][..], |entry| &entry.pieces[..self.piece]);
        let mut written = self.written + first.iter().map(Bytes::len).sum::<usize>();
        let mut unsent = Vec::new();
        for entry in self.entries {
            let Some(mut run) = entry.run else {
                written = 0;
                continue;
            };
            let whole = run.spans().take_while(|span| span.range.end <= written).count();
            let _ = run.split_to(whole);
            unsent.push(run);
            written = 0;
        }
        unsent
    }
}

#[cfg(test)]
mod tests {
    use enfonet_zmtp::Message;

    use super::*;

    fn staged(control: &'static [u8], runs: &[&[&str]]) -> Staged {
        let run = |texts: &&[&str]| texts.iter().copied().map(Message::from).collect();
        Staged { control: Bytes::from_static(control), runs: runs.iter().map(run).collect() }
    }

    fn pending(queue: &WriteQueue) -> Vec<u8> {
        queue.with_slices(|slices| slices.iter().flat_map(|s| s.to_vec()).collect())
    }

    #[test]
    fn credit_comes_with_whole_runs() {
        let mut queue = WriteQueue::default();
        queue.extend(&mut staged(b"", &[&["a", "b"], &["c"]]));
        assert_eq!(queue.advance(5), Load::default());
        assert_eq!(queue.advance(1), Load::new(2, 6));
        assert_eq!(pending(&queue), b"\0\x01c");
        assert_eq!(queue.advance(3), Load::new(1, 3));
        assert!(queue.is_empty());
    }

    #[test]
    fn commands_go_before_messages_but_never_into_one() {
        let mut queue = WriteQueue::default();
        queue.extend(&mut staged(b"", &[&["a"], &["b"]]));
        queue.advance(1);
        queue.extend(&mut staged(b"CC", &[]));
        assert_eq!(pending(&queue), b"\x01aCC\0\x01b");
        assert!(queue.has_control());
        assert_eq!(queue.advance(4), Load::new(1, 3));
        assert!(!queue.has_control());
    }

    #[test]
    fn what_is_unsent_begins_with_the_message_that_was_cut_off() {
        for (written, expected) in [(0, "abc"), (1, "abc"), (3, "bc"), (5, "bc"), (6, "c"), (8, "c")] {
            let mut queue = WriteQueue::default();
            queue.extend(&mut staged(b"", &[&["a", "b"], &["c"]]));
            queue.advance(written);
            let texts: String = queue
                .into_unsent()
                .into_iter()
                .flatten()
                .map(|m| String::from_utf8(m.first().to_vec()).unwrap())
                .collect();
            assert_eq!(texts, expected, "after {written} octets");
        }
    }

    #[test]
    fn a_message_of_many_large_frames_is_written_whole() {
        let message = Message::from_frames((0..200u8).map(|n| vec![n; 5000]));
        let mut expected = bytes::BytesMut::new();
        message.encode(&mut expected);
        let mut queue = WriteQueue::default();
        queue.extend(&mut Staged { runs: [message.into()].into(), ..Staged::default() });
        let mut written = Vec::new();
        while !queue.is_empty() {
            let part = pending(&queue);
            let part = &part[..part.len().min(70_001)];
            written.extend_from_slice(part);
            queue.advance(part.len());
        }
        assert!(written == expected);
    }
}
