//! Messages that wait for the connection to take them, in the form in which they are written.

use std::collections::VecDeque;

use bytes::BytesMut;
use enfonet_zmtp::Batch;

use crate::queue::Run;
use crate::size::Size;
use crate::tuning::{ENCODE_BUFFER_BYTES, MAX_SHARED_BUFFER_FACTOR, MAX_SPARE_BUFFERS, MIN_SHARED_RUN_BYTES};

/// The staged messages of one peer.
#[derive(Debug, Default)]
pub(super) struct Staging {
    /// Messages that the peer gets first, before all that wait. They don't wait for the next peer.
    greeting: Run,
    /// Number of greeting messages that the connection has taken, and number of messages sent before them.
    greeted: (usize, u64),
    runs: VecDeque<Run>,
    buffer: EncodeBuffer,
    /// Buffers for later buffers.
    spare: Vec<BytesMut>,
    /// Whether only the last message is kept.
    conflates: bool,
}

/// Small messages, encoded behind each other. They follow all runs.
#[derive(Debug, Default)]
struct EncodeBuffer {
    wire: BytesMut,
    messages: usize,
}

impl Staging {
    /// Creates a staging of which the caller keeps only the last message.
    pub(super) fn conflating() -> Self {
        Self { conflates: true, ..Self::default() }
    }

    /// Returns whether only the last message is kept.
    #[inline]
    pub(super) const fn conflates(&self) -> bool {
        self.conflates
    }

    /// Stages small messages, which `encode` writes. Returns their bytes.
    #[inline]
    pub(super) fn encode(&mut self, messages: usize, encode: impl FnOnce(&mut BytesMut)) -> usize {
        let before = self.buffer.wire.len();
        encode(&mut self.buffer.wire);
        self.buffer.messages += messages;
        let end = self.buffer.wire.len();
        if end >= ENCODE_BUFFER_BYTES {
            self.close_buffer();
        }
        end - before
    }

    /// Stages a run: shared, or copied if it is short or a small part of a buffer of `source` bytes.
    pub(super) fn push_run(&mut self, run: Run, source: usize) {
        match &run {
            Run::Wire(batch)
                if batch.wire_len() < MIN_SHARED_RUN_BYTES
                    || batch.wire_len() * MAX_SHARED_BUFFER_FACTOR < source =>
            {
                self.encode(batch.len(), |buffer| buffer.extend_from_slice(batch.wire()));
            }
            _ => self.push_shared(run),
        }
    }

    /// Stages a run as it is.
    pub(super) fn push_shared(&mut self, run: Run) {
        self.close_buffer();
        self.runs.push_back(run);
    }

    /// Stages messages before all staged messages.
    pub(super) fn greet(&mut self, greeting: Run) {
        self.greeting = greeting;
    }

    /// Moves all that waits into `runs`, which is empty. `sent` is the number of messages sent before them.
    pub(super) fn take(&mut self, runs: &mut VecDeque<Run>, sent: u64) {
        if self.buffer.messages > 0 || !self.runs.is_empty() {
            self.close_buffer();
            std::mem::swap(runs, &mut self.runs);
        }
        if !self.greeting.is_empty() {
            self.greeted = (self.greeting.len(), sent);
            runs.push_front(std::mem::take(&mut self.greeting));
        }
    }

    /// Takes over the buffers of written messages.
    pub(super) fn reuse(&mut self, spare: &mut Vec<BytesMut>) {
        if !spare.is_empty() {
            self.spare.append(spare);
            self.spare.truncate(MAX_SPARE_BUFFERS);
        }
    }

    /// Drops all that waits but the greeting, which is for this peer only. Returns the size of the dropped messages.
    pub(super) fn clear(&mut self) -> Size {
        let mut dropped = Size::new(self.buffer.messages, self.buffer.wire.len());
        self.buffer = EncodeBuffer::default();
        for run in self.runs.drain(..) {
            dropped.add(run.size());
        }
        dropped
    }

    /// Drops all that waits but the last run. Returns the size of the dropped messages.
    pub(super) fn keep_last(&mut self) -> Size {
        let last = self.runs.pop_back();
        let dropped = self.clear();
        self.runs.extend(last);
        dropped
    }

    /// Puts messages that the connection had taken back before all that wait.
    pub(super) fn put_back(&mut self, unsent: Vec<Run>) {
        self.close_buffer();
        for run in unsent.into_iter().rev() {
            self.runs.push_front(run);
        }
    }

    /// Drops the greeting that the connection hasn't taken. Returns its size.
    pub(super) fn drop_greeting(&mut self) -> Size {
        std::mem::take(&mut self.greeting).size()
    }

    /// Drops the greeting messages that the connection had taken and hadn't written, which were put back; `sent` is
    /// the number of messages sent since the queue began. Returns the size of the dropped messages.
    pub(super) fn drop_taken_greeting(&mut self, sent: u64) -> Size {
        let (greeted, sent_before) = std::mem::take(&mut self.greeted);
        let sent = usize::try_from(sent - sent_before).unwrap_or(usize::MAX);
        let (mut unsent, mut size) = (greeted.saturating_sub(sent), Size::default());
        while unsent > 0 {
            let Some(mut run) = self.runs.pop_front() else { break };
            let dropped = run.split_to(unsent);
            size.add(dropped.size());
            unsent -= dropped.len();
            if !run.is_empty() {
                self.runs.push_front(run);
            }
        }
        size
    }

    /// Returns the size of the runs. Call it when the buffer is closed.
    pub(super) fn size_of_runs(&self) -> Size {
        self.runs.iter().fold(Size::default(), |mut sum, run| {
            sum.add(run.size());
            sum
        })
    }

    /// Returns all that waits, in order.
    pub(super) fn drain(&mut self) -> Vec<Run> {
        self.close_buffer();
        std::mem::take(&mut self.runs).into()
    }

    /// Frees the spare buffers.
    pub(super) fn drop_spare(&mut self) {
        self.spare = Vec::new();
    }

    /// Frees all memory. Call it when no message waits.
    pub(super) fn shrink(&mut self) {
        self.runs = VecDeque::new();
        self.buffer.wire = BytesMut::new();
    }

    fn close_buffer(&mut self) {
        if self.buffer.messages > 0 {
            let messages = std::mem::take(&mut self.buffer.messages);
            let wire = if self.buffer.wire.len() < ENCODE_BUFFER_BYTES / 2 {
                self.buffer.wire.split()
            } else {
                // Split off, it would share its memory with the buffer, and couldn't be used again once written.
                std::mem::replace(&mut self.buffer.wire, self.spare.pop().unwrap_or_default())
            };
            self.runs.push_back(Batch::from_encoded(wire.freeze(), messages).into());
        }
    }
}

#[cfg(test)]
impl Staging {
    /// Creates a staging without messages that holds memory.
    pub(super) fn with_memory() -> Self {
        Self {
            runs: VecDeque::with_capacity(65),
            buffer: EncodeBuffer { wire: BytesMut::with_capacity(10), messages: 0 },
            spare: vec![BytesMut::with_capacity(ENCODE_BUFFER_BYTES)],
            ..Self::default()
        }
    }

    /// Returns the capacities of the runs and of the buffer, and the number of spare buffers.
    pub(super) fn capacities(&self) -> (usize, usize, usize) {
        (self.runs.capacity(), self.buffer.wire.capacity(), self.spare.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Taken;

    #[test]
    fn a_written_buffer_is_reused_for_the_messages_staged_next() {
        let mut staging = Staging::default();
        let fill = |staging: &mut Staging| {
            while staging.runs.is_empty() {
                staging.encode(1, |wire| enfonet_zmtp::Message::from(vec![b'x'; 1000]).encode(wire));
            }
        };
        fill(&mut staging);
        let run = staging.runs.pop_front().unwrap();
        let place = run.to_pieces()[0].as_ptr();
        let buffer = run.into_buffer().filter(Taken::is_worth_keeping).unwrap();
        staging.reuse(&mut vec![buffer]);
        // The current buffer was begun before the buffer came back, so the buffer is filled first.
        fill(&mut staging);
        staging.runs.clear();
        fill(&mut staging);
        assert_eq!(staging.runs[0].to_pieces()[0].as_ptr(), place);
    }

    #[test]
    fn the_number_of_spare_buffers_is_bounded() {
        let mut staging = Staging::default();
        let mut spare =
            (0..=MAX_SPARE_BUFFERS).map(|_| BytesMut::with_capacity(ENCODE_BUFFER_BYTES)).collect();
        staging.reuse(&mut spare);
        assert_eq!((staging.spare.len(), spare.len()), (MAX_SPARE_BUFFERS, 0));
    }
}
