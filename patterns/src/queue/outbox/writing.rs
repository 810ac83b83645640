//! The connection's side of a peer's queue: it takes messages, reports those written, comes and goes.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::Batch;

use super::{BUFFER_BYTES, EndMode, MAX_CONTROL_BYTES, MAX_SPARE_BUFFERS, Outbox};
use crate::size::Size;

/// Messages and commands that a connection takes in one exchange.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) control: Bytes,
    pub(crate) runs: VecDeque<Batch>,
    /// How the connection is to end, if it is.
    pub(crate) end: Option<EndMode>,
    /// Empty buffers of written messages, which the connection returns.
    pub(crate) spare: Vec<BytesMut>,
}

impl Taken {
    /// Returns whether the buffer has a capacity that suits an encode buffer.
    pub(crate) fn is_worth_keeping(buffer: &BytesMut) -> bool {
        (BUFFER_BYTES / 2..=BUFFER_BYTES * 4).contains(&buffer.capacity())
    }
}

impl Outbox {
    /// Counts messages in the inbox of an inproc peer as sent. They count as written only when they are received.
    pub(crate) const fn hand_over(&mut self, size: Size) {
        self.ahead.add(size);
        self.sent.add(size);
    }

    /// Counts written messages as sent, unless they were counted before.
    fn count(&mut self, mut written: Size) {
        let counted = written.min(self.ahead);
        self.ahead.sub(counted);
        written.sub(counted);
        self.sent.add(written);
    }

    /// Gives credit for what was written, and takes what is staged, or leaves its
    /// waker when there is nothing. While the kernel takes nothing (`blocked`), messages stay here, where
    /// more can join them; commands are handed over if there are none to be written yet (`wants_control`).
    ///
    /// Returns whether senders that found no room should try again.
    pub(crate) fn exchange(
        &mut self,
        written: Size,
        blocked: bool,
        wants_control: bool,
        taken: &mut Taken,
        waker: &Waker,
    ) -> bool {
        let look_again = self.credit(written, blocked);
        if !taken.spare.is_empty() {
            self.spare.append(&mut taken.spare);
            self.spare.truncate(MAX_SPARE_BUFFERS);
        }
        if wants_control && !self.control.is_empty() {
            taken.control = self.control.split().freeze();
        }
        if !blocked && (self.buffer.messages > 0 || !self.runs.is_empty()) {
            self.close_buffer();
            std::mem::swap(&mut taken.runs, &mut self.runs);
        }
        if !blocked && !self.greeting.is_empty() {
            self.greeted = (self.greeting.len(), self.sent.messages);
            taken.runs.push_front(std::mem::take(&mut self.greeting));
        }
        taken.end = self.end;
        let nothing = taken.control.is_empty() && taken.runs.is_empty();
        if nothing || blocked {
            match &mut self.sleeping {
                Some(sleeping) => sleeping.clone_from(waker),
                sleeping => *sleeping = Some(waker.clone()),
            }
        } else {
            self.sleeping = None;
        }
        look_again
    }

    /// The connection has written so much, and the kernel takes more or not. Whether a sender that found no room should
    /// look again.
    fn credit(&mut self, written: Size, blocked: bool) -> bool {
        let (had_room, was_moving) = (self.has_room(), self.is_moving());
        self.queued.sub(written);
        self.count(written);
        self.blocked = blocked;
        (!had_room && self.has_room()) || (was_moving && !self.is_moving())
    }

    /// An idle peer costs next to nothing; a busy one keeps its buffers.
    pub(crate) fn give_back_memory(&mut self) {
        self.spare = Vec::new();
        if self.queued.messages == 0 {
            self.runs = VecDeque::new();
            self.buffer.wire = BytesMut::new();
        }
    }

    /// The connection is up, to a peer that has so much room itself.
    pub(crate) fn connect(&mut self, room: Size) {
        (self.connected, self.blocked) = (true, false);
        self.room = room;
        self.adjust();
        // Commands that wait already don't count: they aren't the peer's fault.
        self.control_limit = self.control.len() + MAX_CONTROL_BYTES;
    }

    /// The connection has gone. `unsent`, what it had taken and not written, waits for the next one.
    pub(crate) fn disconnect(&mut self, unsent: Vec<Batch>) {
        (self.connected, self.blocked, self.sleeping) = (false, false, None);
        self.room = Size::default();
        self.adjust();
        self.control.clear();
        self.close_buffer();
        for run in unsent.into_iter().rev() {
            self.runs.push_front(run);
        }
        let greeting = std::mem::take(&mut self.greeting);
        self.queued.sub(Size::of(&greeting));
        let mut written = self.queued;
        self.queued = self.runs.iter().fold(Size::default(), |mut sum, run| {
            sum.add(Size::of(run));
            sum
        });
        // The difference was written by the connection, which ended before it could report that.
        written.sub(self.queued);
        self.count(written);
        self.forget_greeting();
        if self.conflates {
            let last = self.runs.pop_back();
            self.forget_staged();
            self.runs.extend(last);
        }
    }

    /// Drops the messages of the greeting that the connection had taken and hadn't written.
    fn forget_greeting(&mut self) {
        let (greeted, sent_before) = std::mem::take(&mut self.greeted);
        let sent = usize::try_from(self.sent.messages - sent_before).unwrap_or(usize::MAX);
        let mut unsent = greeted.saturating_sub(sent);
        while unsent > 0 {
            let Some(mut run) = self.runs.pop_front() else { return };
            let dropped = run.split_to(unsent);
            self.queued.sub(Size::of(&dropped));
            unsent -= dropped.len();
            if !run.is_empty() {
                self.runs.push_front(run);
            }
        }
    }
}
