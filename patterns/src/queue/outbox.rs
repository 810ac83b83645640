//! What waits to be written to one peer.
//!
//! ```text
//!   control │ runs: shared slices, large messages │ tail: small messages, encoded │   in the connection's hands
//!                                                                                 └─► counted until written
//! ```
//!
//! Small messages are copied behind each other into the tail; longer runs of what a peer sent, and large
//! bodies, are shared. The connection takes everything at once and gives the credit back when the kernel has
//! it. Control (commands, which don't count) goes out before the messages that are taken with it.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{Batch, Command, Envelope, Message};

use super::Load;
use crate::Amount;

/// Shorter runs are copied: cheaper than a shared slice, and they don't keep a read buffer alive.
const SHARE_FROM: usize = 2048;
/// A shared slice may keep a buffer alive that is larger by this factor: longer runs are copied, too, when
/// they are a smaller part than that of what they were cut from.
const PINNED: usize = 4;
/// The tail is closed at this size, so that writing needs no buffer that is larger.
const TAIL: usize = 64 << 10;
/// So many buffers are kept for tails to come.
const SPARE: usize = 32;
/// So many octets of commands may wait for a peer that doesn't take them. After the next handshake it is
/// told its subscriptions as they are then.
const MAX_CONTROL: usize = 64 << 20;
/// So many octets of commands may wait before PINGs are no longer answered.
const MAX_PONGS: usize = 64 << 10;

/// All that one exchange hands to the connection.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    pub(crate) control: Bytes,
    pub(crate) runs: VecDeque<Batch>,
    /// The other way: buffers of what is written, empty.
    pub(crate) spare: Vec<BytesMut>,
}

impl Staged {
    /// Whether a buffer is such as a tail would need.
    pub(crate) fn is_worth_keeping(buffer: &BytesMut) -> bool {
        (TAIL / 2..=TAIL * 4).contains(&buffer.capacity())
    }
}

#[derive(Debug)]
pub(crate) struct Outbox {
    control: BytesMut,
    control_limit: usize,
    /// What the peer gets first: it goes before all that waits, and doesn't wait for the next peer.
    greeting: Batch,
    /// How many messages of that the connection has taken, and how many had been handed over before.
    greeted: (usize, u64),
    runs: VecDeque<Batch>,
    tail: Tail,
    /// Buffers for the tails to come.
    spare: Vec<BytesMut>,
    /// Staged here, or in the connection's hands and not yet written.
    queued: Load,
    /// How much of that is admitted: what the socket has set, and the room at the other end of a pipe.
    limit: Load,
    set: Load,
    room: Load,
    /// It gets nothing new.
    retired: bool,
    /// Its connection is to end at once.
    pub(crate) replaced: bool,
    /// Only the last message is kept, whatever the limit.
    conflates: bool,
    /// Places that are kept for messages to come.
    reserved: usize,
    /// All that was handed over since the queue began.
    sent: Amount,
    /// What the peer has, and hasn't received: within the process it takes up room here.
    ahead: Load,
    /// Messages that found no room and didn't wait for any, or that newer ones took the place of.
    dropped: u64,
    /// The connection's, when it has nothing to write, or waits for the kernel.
    sleeping: Option<Waker>,
    /// The kernel takes no more for now.
    blocked: bool,
    connected: bool,
    /// Serial number of the last message that fan-out put here, so that a peer that matches twice gets it once.
    pub(crate) mark: u64,
    /// Serial number of the last publication that left something over: what follows has to wait behind it.
    pub(crate) behind: u64,
    /// The run of a batch that fan-out is collecting for this peer.
    pub(crate) pending: PendingRun,
}

/// Messages that lie behind each other in a batch, all for the same peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingRun {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) messages: usize,
}

#[derive(Debug, Default)]
struct Tail {
    wire: BytesMut,
    messages: usize,
}

impl Outbox {
    pub(crate) fn new(limit: Load, conflates: bool) -> Self {
        let limit = if conflates { Load::new(usize::MAX, usize::MAX) } else { limit };
        Self {
            control: BytesMut::new(),
            control_limit: MAX_CONTROL,
            greeting: Batch::default(),
            greeted: (0, 0),
            runs: VecDeque::new(),
            tail: Tail::default(),
            spare: Vec::new(),
            queued: Load::default(),
            limit,
            set: limit,
            room: Load::default(),
            retired: false,
            replaced: false,
            conflates,
            reserved: 0,
            sent: Amount::default(),
            ahead: Load::default(),
            dropped: 0,
            sleeping: None,
            blocked: false,
            connected: false,
            mark: 0,
            behind: 0,
            pending: PendingRun::default(),
        }
    }

    /// Whether one more message is admitted.
    #[inline]
    pub(crate) const fn has_room(&self) -> bool {
        self.queued.messages + self.reserved < self.limit.messages && self.queued.octets < self.limit.octets
    }

    /// What may wait here from now on. What does already isn't lost.
    pub(crate) fn set_limit(&mut self, limit: Load) {
        if !self.conflates {
            self.set = limit;
            self.adjust();
        }
    }

    /// The peer, within the process, has so much room itself. Whether there is room here now where there was none.
    #[inline]
    pub(crate) fn set_room(&mut self, room: Load) -> bool {
        if self.room == room {
            return false;
        }
        let had_room = self.has_room();
        self.room = room;
        self.adjust();
        !had_room && self.has_room()
    }

    /// It gets nothing new; what waits is still sent.
    pub(crate) fn retire(&mut self) {
        self.retired = true;
        self.adjust();
    }

    fn adjust(&mut self) {
        self.limit = if self.retired { Load::default() } else { self.set.saturating_add(self.room) };
    }

    /// Keeps a place for a message. The caller has seen to it that there is [room](Self::has_room).
    pub(crate) const fn reserve(&mut self) {
        self.reserved += 1;
    }

    /// Gives the place back, or is about to fill it.
    pub(crate) const fn unreserve(&mut self) {
        self.reserved -= 1;
    }

    /// Whether a sender may expect room soon: the connection is up and the kernel is taking octets.
    pub(crate) const fn is_moving(&self) -> bool {
        self.connected && !self.blocked && !self.retired
    }

    /// Whether the peer is there, and gets what is sent to it.
    pub(crate) const fn is_connected(&self) -> bool {
        self.connected && !self.retired
    }

    /// Whether the peer is there, though it may get nothing new any more.
    pub(crate) const fn has_peer(&self) -> bool {
        self.connected
    }

    /// Whether what is sent to it will be sent, now or once it is connected.
    pub(crate) const fn is_open(&self) -> bool {
        !self.retired
    }

    /// Messages that are not written yet.
    pub(crate) const fn queued(&self) -> usize {
        self.queued.messages
    }

    /// What is not handed over yet.
    pub(crate) const fn unsent(&self) -> Load {
        let mut unsent = self.queued;
        unsent.sub(self.ahead);
        unsent
    }

    /// So much is in the peer's inbox: it counts as sent, and as written only when it is received.
    pub(crate) const fn hand_over(&mut self, load: Load) {
        self.ahead.add(load);
        self.sent.add(load);
    }

    /// So much waits no longer: it is sent, if it wasn't counted as that before.
    fn count(&mut self, mut written: Load) {
        let counted = written.min(self.ahead);
        self.ahead.sub(counted);
        written.sub(counted);
        self.sent.add(written);
    }

    pub(crate) const fn sent(&self) -> Amount {
        self.sent
    }

    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The peer doesn't get so many messages.
    pub(crate) const fn lose(&mut self, messages: usize) {
        self.dropped += messages as u64;
    }

    /// Stages one message behind `envelope`. The caller has seen to it that there is [room](Self::has_room).
    #[inline]
    pub(crate) fn push(&mut self, envelope: &Envelope, message: &Message) {
        if message.is_large() {
            self.push_large(envelope, message);
        } else {
            self.push_small(envelope, |wire| message.encode(wire));
        }
    }

    /// The same, of what is `encode`d behind the envelope.
    #[inline]
    pub(crate) fn push_small(&mut self, envelope: &Envelope, encode: impl FnOnce(&mut BytesMut)) {
        if self.conflates {
            self.forget_staged();
        }
        let before = self.tail.wire.len();
        self.tail.wire.extend_from_slice(envelope.as_wire());
        encode(&mut self.tail.wire);
        self.tail.messages += 1;
        self.queued.add(Load::new(1, self.tail.wire.len() - before));
        if self.tail.wire.len() >= TAIL {
            self.close_tail();
        }
    }

    fn push_large(&mut self, envelope: &Envelope, message: &Message) {
        if self.conflates {
            self.forget_staged();
        }
        self.close_tail();
        let run = Batch::enveloped(envelope, message.clone());
        self.queued.add(Load::new(1, run.wire_len()));
        self.runs.push_back(run);
    }

    /// Stages as many messages of the run as there is room for; how many that were. `source` is how many
    /// octets the run was cut from.
    pub(crate) fn push_run(&mut self, run: &Batch, source: usize) -> usize {
        if !self.has_room() || run.is_empty() {
            return 0;
        }
        let mut run = run.clone();
        if self.conflates {
            self.forget_staged();
            let given = run.len();
            let _ = run.split_to(given - 1);
            self.lose(given - 1);
            self.stage_run(run, source);
            return given;
        }
        let room = self.limit.octets - self.queued.octets;
        let (fitting, octets) = run.fitting(room);
        // Where there is room, there is room for a message, whatever its size: as for single ones. So what is
        // not admitted found no room, and is told when there is some.
        let admitted = (fitting + usize::from(octets < room)).min(run.len());
        let admitted = admitted.min(self.limit.messages - self.queued.messages - self.reserved);
        if admitted < run.len() {
            run = run.split_to(admitted);
        }
        self.stage_run(run, source);
        admitted
    }

    fn stage_run(&mut self, run: Batch, source: usize) {
        self.queued.add(Load::new(run.len(), run.wire_len()));
        match run.wire() {
            Some(wire) if wire.len() < SHARE_FROM || wire.len() * PINNED < source => {
                self.tail.wire.extend_from_slice(wire);
                self.tail.messages += run.len();
                if self.tail.wire.len() >= TAIL {
                    self.close_tail();
                }
            }
            _ => {
                self.close_tail();
                self.runs.push_back(run);
            }
        }
    }

    /// Puts messages before all that waits: the peer that has just come gets them first.
    pub(crate) fn greet(&mut self, greeting: Batch) {
        self.queued.add(Load::new(greeting.len(), greeting.wire_len()));
        self.greeting = greeting;
    }

    /// Drops what the connection hasn't taken.
    pub(crate) fn forget_staged(&mut self) {
        let before = self.queued.messages;
        self.queued.sub(Load::new(self.tail.messages, self.tail.wire.len()));
        (self.tail.messages, self.tail.wire) = (0, BytesMut::new());
        for run in self.runs.drain(..) {
            self.queued.sub(Load::new(run.len(), run.wire_len()));
        }
        self.lose(before - self.queued.messages);
    }

    /// Where commands are put: they go out at the next message boundary, ahead of what is staged.
    pub(crate) fn control(&mut self) -> &mut BytesMut {
        &mut self.control
    }

    fn close_tail(&mut self) {
        if self.tail.messages > 0 {
            let messages = std::mem::take(&mut self.tail.messages);
            let wire = if self.tail.wire.len() < TAIL / 2 {
                self.tail.wire.split()
            } else {
                // By itself, so that it can be used again.
                std::mem::replace(&mut self.tail.wire, self.spare.pop().unwrap_or_default())
            };
            self.runs.push_back(Batch::from_encoded(wire.freeze(), messages));
        }
    }

    /// Takes the connection's waker out, if it sleeps and there is something for it to do now.
    #[inline]
    pub(crate) fn wake(&mut self) -> Option<Waker> {
        if self.sleeping.is_some() && (!self.blocked || self.is_overrun()) {
            self.sleeping.take()
        } else {
            None
        }
    }

    /// Takes the waker out whatever there is to do: the socket is closing.
    pub(crate) const fn wake_to_close(&mut self) -> Option<Waker> {
        self.sleeping.take()
    }

    /// Whether more commands wait than a peer that reads at all would let pile up: its connection is closed.
    pub(crate) fn is_overrun(&self) -> bool {
        self.control.len() > self.control_limit
    }

    /// Adds the answer to a PING, unless so many wait already that the peer doesn't read them.
    pub(crate) fn pong(&mut self, context: &[u8]) {
        if self.control.len() < MAX_PONGS {
            Command::put_pong(context, &mut self.control);
        }
    }

    /// The connection's side: gives credit for what was written, and takes what is staged, or leaves its
    /// waker when there is nothing. While the kernel takes nothing (`blocked`), messages stay here, where
    /// more can join them; commands are handed over if there are none to be written yet (`wants_control`).
    ///
    /// Gives whether a sender that found no room should look again.
    pub(crate) fn exchange(
        &mut self,
        written: Load,
        blocked: bool,
        wants_control: bool,
        staged: &mut Staged,
        waker: &Waker,
    ) -> bool {
        let look_again = self.credit(written, blocked);
        if !staged.spare.is_empty() {
            self.spare.append(&mut staged.spare);
            self.spare.truncate(SPARE);
        }
        if wants_control {
            staged.control = self.control.split().freeze();
        }
        if !blocked && (self.tail.messages > 0 || !self.runs.is_empty()) {
            self.close_tail();
            std::mem::swap(&mut staged.runs, &mut self.runs);
        }
        if !blocked && !self.greeting.is_empty() {
            self.greeted = (self.greeting.len(), self.sent.messages);
            staged.runs.push_front(std::mem::take(&mut self.greeting));
        }
        let nothing = staged.control.is_empty() && staged.runs.is_empty();
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
    fn credit(&mut self, written: Load, blocked: bool) -> bool {
        let (had_room, was_moving) = (self.has_room(), self.is_moving());
        self.queued.sub(written);
        self.count(written);
        self.blocked = blocked;
        (!had_room && self.has_room()) || (was_moving && !self.is_moving())
    }

    /// The connection's side: so much is written, and it has nothing more. Gives whether a sender that found no room
    /// should look again, and what is staged, if there is room for more of it.
    pub(crate) fn report(&mut self, written: Load) -> (bool, Option<Load>) {
        let look_again = self.credit(written, false);
        (look_again, self.has_room().then_some(self.queued))
    }

    /// An idle peer costs next to nothing; a busy one keeps its buffers.
    pub(crate) fn give_back_memory(&mut self) {
        self.spare = Vec::new();
        if self.queued.messages == 0 {
            self.runs = VecDeque::new();
            self.tail.wire = BytesMut::new();
        }
    }

    /// The connection is up, to a peer that has so much room itself.
    pub(crate) fn connect(&mut self, room: Load) {
        (self.connected, self.blocked) = (true, false);
        self.room = room;
        self.adjust();
        // What the peer has to be told first isn't its fault.
        self.control_limit = self.control.len() + MAX_CONTROL;
    }

    /// The connection has gone. `unsent`, what it had taken and not written, waits for the next one.
    pub(crate) fn disconnect(&mut self, unsent: Vec<Batch>) {
        (self.connected, self.blocked, self.sleeping) = (false, false, None);
        self.room = Load::default();
        self.adjust();
        self.control.clear();
        self.close_tail();
        for run in unsent.into_iter().rev() {
            self.runs.push_front(run);
        }
        let greeting = std::mem::take(&mut self.greeting);
        self.queued.sub(Load::new(greeting.len(), greeting.wire_len()));
        let mut written = self.queued;
        self.queued = self.runs.iter().fold(Load::default(), |mut sum, run| {
            sum.add(Load::new(run.len(), run.wire_len()));
            sum
        });
        // What the connection wrote and didn't come to report.
        written.sub(self.queued);
        self.count(written);
        self.forget_greeting();
        if self.conflates {
            let last = self.runs.pop_back();
            self.forget_staged();
            self.runs.extend(last);
        }
    }

    /// Drops what the connection had taken of the greeting and hadn't written.
    fn forget_greeting(&mut self) {
        let (greeted, sent_before) = std::mem::take(&mut self.greeted);
        let sent = usize::try_from(self.sent.messages - sent_before).unwrap_or(usize::MAX);
        let mut unsent = greeted.saturating_sub(sent);
        while unsent > 0 {
            let Some(mut run) = self.runs.pop_front() else { return };
            let dropped = run.split_to(unsent);
            self.queued.sub(Load::new(dropped.len(), dropped.wire_len()));
            unsent -= dropped.len();
            if !run.is_empty() {
                self.runs.push_front(run);
            }
        }
    }

    /// All that waits, in order; nothing waits afterwards.
    pub(crate) fn drain(&mut self) -> Vec<Batch> {
        self.close_tail();
        self.queued = Load::default();
        std::mem::take(&mut self.runs).into()
    }
}

#[cfg(test)]
mod tests;
