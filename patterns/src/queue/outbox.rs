//! Queue of messages and commands to be written to one peer.
//!
//! ```text
//!   control │ runs: shared slices, large messages │ buffer: small messages, encoded │   in the connection's hands
//!                                                                                 └─► counted until written
//! ```
//!
//! Small messages are copied behind each other into the buffer; longer runs that a peer sent, and large bodies,
//! are shared. The connection takes everything at once and gives the credit back when the kernel has it.
//! Control (commands, which don't count) goes out before the messages that are taken with it.

mod writing;

use std::collections::VecDeque;
use std::task::Waker;

use bytes::BytesMut;
use enfonet_zmtp::{Batch, Command, Envelope, Message};

pub(crate) use writing::Taken;

use crate::size::Size;

/// Minimum bytes of a run that is shared. Copying a shorter run is cheaper than a shared slice, and the copy doesn't
/// keep a read buffer alive.
const MIN_SHARED_BYTES: usize = 2048;
/// Maximum factor by which the buffer that a shared slice keeps alive may be larger than the slice. A run that is a
/// smaller part of its buffer is copied, even if it is long.
const MAX_PINNED_FACTOR: usize = 4;
/// Bytes at which the buffer is closed, so that writing needs no larger buffer.
const BUFFER_BYTES: usize = 64 << 10;
/// Maximum number of buffers kept for later buffers.
const MAX_SPARE_BUFFERS: usize = 32;
/// Maximum bytes of commands waiting for a peer that doesn't take them. After the next handshake the peer is told the
/// subscriptions as they are then.
const MAX_CONTROL_BYTES: usize = 64 << 20;
/// Bytes of waiting commands from which PINGs are no longer answered.
const MAX_PENDING_PONG_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Outbox {
    control: BytesMut,
    control_limit: usize,
    /// Messages that the peer gets first, before all that wait. They don't wait for the next peer.
    greeting: Batch,
    /// Number of greeting messages that the connection has taken, and number of messages sent before them.
    greeted: (usize, u64),
    runs: VecDeque<Batch>,
    buffer: EncodeBuffer,
    /// Buffers for later buffers.
    spare: Vec<BytesMut>,
    /// Size of the messages that are staged here, or taken by the connection and not yet written.
    queued: Size,
    /// Bound on `queued`: `set` by the socket, plus `room` at the other end of a pipe. Zero if `retired`.
    limit: Size,
    set: Size,
    room: Size,
    /// Whether the peer gets nothing new.
    retired: bool,
    /// Whether the peer's connection is to end at once.
    pub(crate) replaced: bool,
    /// How the peer's connection is to end, if the socket goes on without it.
    pub(crate) end: Option<EndMode>,
    /// Only the last message is kept, whatever the limit.
    conflates: bool,
    /// Places that are kept for messages to come.
    reserved: u64,
    /// Size of the messages that were sent since the queue began.
    sent: Size,
    /// Size of the messages in the inbox of an inproc peer that aren't received yet: they still take up room here.
    ahead: Size,
    /// Messages that found no room and didn't wait for any, or that newer ones took the place of.
    dropped: u64,
    /// The connection's waker, while the connection has nothing to write, or waits for the kernel.
    sleeping: Option<Waker>,
    /// The kernel takes no more for now.
    blocked: bool,
    connected: bool,
    /// Serial number of the last message that fan-out pushed, so that a peer with two matching subscriptions gets it
    /// once.
    pub(crate) last_serial: u64,
    /// Serial number of the last publication with an unplaced run: later runs of it have to wait behind that run.
    pub(crate) blocked_serial: u64,
    /// The run of a batch that fan-out is collecting for this peer.
    pub(crate) open_run: OpenRun,
}

/// How the connection to one peer is to end once all that waits for the peer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndMode {
    /// If nothing of the peer is under way at the connection's next turn.
    WhenIdle,
    /// By closing this side's half only: the peer is read until it closes its own.
    HalfClose,
}

/// Messages that lie behind each other in a batch, all for the same peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenRun {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) messages: usize,
}

#[derive(Debug, Default)]
struct EncodeBuffer {
    wire: BytesMut,
    messages: usize,
}

impl Outbox {
    pub(crate) fn new(limit: Size, conflates: bool) -> Self {
        let limit = if conflates { Size::MAX } else { limit };
        Self {
            control: BytesMut::new(),
            control_limit: MAX_CONTROL_BYTES,
            greeting: Batch::default(),
            greeted: (0, 0),
            runs: VecDeque::new(),
            buffer: EncodeBuffer::default(),
            spare: Vec::new(),
            queued: Size::default(),
            limit,
            set: limit,
            room: Size::default(),
            retired: false,
            replaced: false,
            end: None,
            conflates,
            reserved: 0,
            sent: Size::default(),
            ahead: Size::default(),
            dropped: 0,
            sleeping: None,
            blocked: false,
            connected: false,
            last_serial: 0,
            blocked_serial: 0,
            open_run: OpenRun::default(),
        }
    }

    /// Returns whether one more message is admitted.
    #[inline]
    pub(crate) const fn has_room(&self) -> bool {
        self.queued.messages + self.reserved < self.limit.messages && self.queued.bytes < self.limit.bytes
    }

    /// Sets the high-water mark from now on. Messages that wait already aren't lost.
    pub(crate) fn set_limit(&mut self, limit: Size) {
        if !self.conflates {
            self.set = limit;
            self.adjust();
        }
    }

    /// Sets the room that the peer, within the process, has itself. Returns whether there is room here now where there
    /// was none.
    #[inline]
    pub(crate) fn set_room(&mut self, room: Size) -> bool {
        if self.room == room {
            return false;
        }
        let had_room = self.has_room();
        self.room = room;
        self.adjust();
        !had_room && self.has_room()
    }

    /// Retires the queue: it admits no new messages, and waiting messages are still sent.
    pub(crate) fn retire(&mut self) {
        self.retired = true;
        self.adjust();
    }

    fn adjust(&mut self) {
        self.limit = if self.retired { Size::default() } else { self.set.saturating_add(self.room) };
    }

    /// Keeps a place for a message. The caller has seen to it that there is [room](Self::has_room).
    pub(crate) const fn reserve(&mut self) {
        self.reserved += 1;
    }

    /// Gives the place back, or is about to fill it.
    pub(crate) const fn unreserve(&mut self) {
        self.reserved -= 1;
    }

    /// Whether a sender may expect room soon: the connection is up and the kernel is taking bytes.
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
        self.queued.messages as usize
    }

    /// Returns the size of the messages that aren't sent yet.
    pub(crate) const fn unsent(&self) -> Size {
        let mut unsent = self.queued;
        unsent.sub(self.ahead);
        unsent
    }

    pub(crate) const fn sent(&self) -> Size {
        self.sent
    }

    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Counts messages that the peer doesn't get.
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

    /// Stages one small message, which `encode` writes, behind `envelope`. The caller has seen to it that there is
    /// [room](Self::has_room).
    #[inline]
    pub(crate) fn push_small(&mut self, envelope: &Envelope, encode: impl FnOnce(&mut BytesMut)) {
        if self.conflates {
            self.forget_staged();
        }
        let before = self.buffer.wire.len();
        envelope.encode(&mut self.buffer.wire);
        encode(&mut self.buffer.wire);
        self.buffer.messages += 1;
        self.queued.add(Size::new(1, self.buffer.wire.len() - before));
        if self.buffer.wire.len() >= BUFFER_BYTES {
            self.close_buffer();
        }
    }

    fn push_large(&mut self, envelope: &Envelope, message: &Message) {
        if self.conflates {
            self.forget_staged();
        }
        self.close_buffer();
        let run = Batch::enveloped(envelope, message.clone());
        self.queued.add(Size::new(1, run.wire_len()));
        self.runs.push_back(run);
    }

    /// Stages as many messages of the run as there is room for; how many that were. `source` is how many
    /// bytes the run was cut from.
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
        let mut space = self.limit;
        space.sub(self.queued);
        space.messages -= self.reserved;
        let (places, room) = space.to_usize();
        let (fitting, bytes) = run.fitting(room);
        // Where there is room, there is room for a message, whatever its size: as for single ones. So what is
        // not admitted found no room, and is told when there is some.
        let admitted = (fitting + usize::from(bytes < room)).min(run.len());
        let admitted = admitted.min(places);
        if admitted < run.len() {
            run = run.split_to(admitted);
        }
        self.stage_run(run, source);
        admitted
    }

    fn stage_run(&mut self, run: Batch, source: usize) {
        self.queued.add(Size::of(&run));
        match run.wire() {
            Some(wire) if wire.len() < MIN_SHARED_BYTES || wire.len() * MAX_PINNED_FACTOR < source => {
                self.buffer.wire.extend_from_slice(wire);
                self.buffer.messages += run.len();
                if self.buffer.wire.len() >= BUFFER_BYTES {
                    self.close_buffer();
                }
            }
            _ => {
                self.close_buffer();
                self.runs.push_back(run);
            }
        }
    }

    /// Puts messages before all that waits: the peer that has just come gets them first.
    pub(crate) fn greet(&mut self, greeting: Batch) {
        self.queued.add(Size::of(&greeting));
        self.greeting = greeting;
    }

    /// Drops what the connection hasn't taken.
    pub(crate) fn forget_staged(&mut self) {
        let before = self.queued.messages;
        self.queued.sub(Size::new(self.buffer.messages, self.buffer.wire.len()));
        (self.buffer.messages, self.buffer.wire) = (0, BytesMut::new());
        for run in self.runs.drain(..) {
            self.queued.sub(Size::of(&run));
        }
        self.dropped += before - self.queued.messages;
    }

    /// Where commands are put: they go out at the next message boundary, ahead of what is staged.
    pub(crate) fn control(&mut self) -> &mut BytesMut {
        &mut self.control
    }

    fn close_buffer(&mut self) {
        if self.buffer.messages > 0 {
            let messages = std::mem::take(&mut self.buffer.messages);
            let wire = if self.buffer.wire.len() < BUFFER_BYTES / 2 {
                self.buffer.wire.split()
            } else {
                // By itself, so that it can be used again.
                std::mem::replace(&mut self.buffer.wire, self.spare.pop().unwrap_or_default())
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
        if self.control.len() < MAX_PENDING_PONG_BYTES {
            Command::encode_pong(context, &mut self.control);
        }
    }

    /// All that waits, in order; nothing waits afterwards.
    pub(crate) fn drain(&mut self) -> Vec<Batch> {
        self.close_buffer();
        self.queued = Size::default();
        std::mem::take(&mut self.runs).into()
    }
}

#[cfg(test)]
mod tests;
