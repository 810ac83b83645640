//! Credit of one peer's queue: the messages that may still be queued, and the counts of queued messages.

use crate::queue::Run;
use crate::size::Size;

/// The bound on the messages of a queue, and the count of each message from its admission to its end.
#[derive(Debug)]
pub(super) struct Credit {
    /// Size of the messages that are staged, or taken by the connection and not yet written.
    queued: Size,
    /// Bound on `queued`: `set` by the socket, plus `room` at the other end of a pipe. Zero if `retired`.
    limit: Size,
    set: Size,
    room: Size,
    /// Whether no new messages are admitted.
    retired: bool,
    /// Number of places that are reserved for messages to come.
    reserved: u64,
    /// Size of the messages in the inbox of an inproc peer that aren't received yet: they are sent, and still take up
    /// room.
    ahead: Size,
    /// Size of the messages that were sent since the queue began.
    sent: Size,
    /// Number of messages that found no room and didn't wait for any, or that newer messages replaced.
    dropped: u64,
}

impl Credit {
    pub(super) fn new(limit: Size) -> Self {
        Self {
            queued: Size::default(),
            limit,
            set: limit,
            room: Size::default(),
            retired: false,
            reserved: 0,
            ahead: Size::default(),
            sent: Size::default(),
            dropped: 0,
        }
    }

    /// Returns whether one more message is admitted.
    #[inline]
    pub(super) const fn has_room(&self) -> bool {
        self.queued.messages + self.reserved < self.limit.messages && self.queued.bytes < self.limit.bytes
    }

    /// Returns how many messages of a run are admitted. The caller has checked that there is room for at least one
    /// message.
    pub(super) fn admitted(&self, run: &Run) -> usize {
        let mut space = self.limit;
        space.sub(self.queued);
        space.messages -= self.reserved;
        let (places, room) = space.to_usize();
        let (fitting, bytes) = run.fitting(room);
        // Where there is room, there is room for a message, whatever its size: as for single messages. So a message
        // that isn't admitted found no room, and its sender learns when there is some.
        (fitting + usize::from(bytes < room)).min(run.len()).min(places)
    }

    /// Sets the socket's high-water mark.
    pub(super) fn set_limit(&mut self, limit: Size) {
        self.set = limit;
        self.adjust();
    }

    /// Sets the room that the peer, within the process, has itself. Returns whether there is room here now where there
    /// was none.
    #[inline]
    pub(super) fn set_room(&mut self, room: Size) -> bool {
        if self.room == room {
            return false;
        }
        let had_room = self.has_room();
        self.room = room;
        self.adjust();
        !had_room && self.has_room()
    }

    /// Admits no new messages from now on.
    pub(super) fn retire(&mut self) {
        self.retired = true;
        self.adjust();
    }

    pub(super) const fn is_retired(&self) -> bool {
        self.retired
    }

    fn adjust(&mut self) {
        self.limit = if self.retired { Size::default() } else { self.set.saturating_add(self.room) };
    }

    pub(super) const fn reserve(&mut self) {
        self.reserved += 1;
    }

    pub(super) const fn unreserve(&mut self) {
        self.reserved -= 1;
    }

    /// Counts messages as queued.
    #[inline]
    pub(super) const fn charge(&mut self, size: Size) {
        self.queued.add(size);
    }

    /// Counts messages in the inbox of an inproc peer as sent. They count as written only when they are received.
    pub(super) const fn hand_over(&mut self, size: Size) {
        self.ahead.add(size);
        self.sent.add(size);
    }

    /// Counts queued messages as written.
    pub(super) fn settle(&mut self, written: Size) {
        self.queued.sub(written);
        self.count_sent(written);
    }

    /// Counts as written all queued messages but `left`: the connection ended before it could report them.
    pub(super) fn settle_all_but(&mut self, left: Size) {
        let mut written = self.queued;
        written.sub(left);
        self.settle(written);
    }

    /// Counts written messages as sent, unless they were counted when they were handed over.
    fn count_sent(&mut self, mut written: Size) {
        let counted = written.min(self.ahead);
        self.ahead.sub(counted);
        written.sub(counted);
        self.sent.add(written);
    }

    /// Removes messages from the count of queued messages, without counting them as sent or dropped: they were for a
    /// departed peer.
    pub(super) const fn refund(&mut self, size: Size) {
        self.queued.sub(size);
    }

    /// Counts queued messages as dropped.
    pub(super) const fn drop_queued(&mut self, size: Size) {
        self.queued.sub(size);
        self.dropped += size.messages;
    }

    /// Counts messages that the peer doesn't get, and that weren't queued.
    pub(super) const fn lose(&mut self, messages: usize) {
        self.dropped += messages as u64;
    }

    /// Takes all queued messages off the count.
    pub(super) fn clear(&mut self) {
        self.queued = Size::default();
    }

    pub(super) const fn queued(&self) -> Size {
        self.queued
    }

    pub(super) const fn unsent(&self) -> Size {
        let mut unsent = self.queued;
        unsent.sub(self.ahead);
        unsent
    }

    pub(super) const fn sent(&self) -> Size {
        self.sent
    }

    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }
}
