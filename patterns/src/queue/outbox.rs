//! Queue of messages and commands to be written to one peer.
//!
//! ```text
//!   control │ runs: shared slices, large messages │ buffer: small messages, encoded │   in the connection's hands
//!                                                                                 └─► counted until written
//! ```
//!
//! Small messages are copied behind each other into the buffer; longer runs that a peer sent, and large bodies,
//! are shared. The connection takes everything at once and returns the credit when the kernel has it.
//! Control (commands, which don't count) goes out before the messages that are taken with it.

mod connection_state;
mod control;
mod credit;
mod staging;
mod writing;

use std::task::Waker;

use bytes::BytesMut;
use enfonet_zmtp::{Batch, Envelope, Message};

use connection_state::ConnectionState;
pub(crate) use connection_state::{AbortCause, EndMode};
use control::Control;
use credit::Credit;
use staging::Staging;

pub(crate) use writing::{Taken, WriteReport};

use super::Run;
use crate::size::Size;

/// The queue to one peer. It puts together four parts that don't know of each other: the staged messages, their
/// credit, the waiting commands, and the state of the connection that takes them.
#[derive(Debug)]
pub(crate) struct Outbox {
    staging: Staging,
    credit: Credit,
    control: Control,
    connection: ConnectionState,
}

impl Outbox {
    /// Creates a queue that admits messages up to a high-water mark.
    pub(crate) fn new(limit: Size) -> Self {
        Self::with(Staging::default(), limit)
    }

    /// Creates a queue that keeps only the last message, and so needs no high-water mark.
    pub(crate) fn conflating() -> Self {
        Self::with(Staging::conflating(), Size::MAX)
    }

    fn with(staging: Staging, limit: Size) -> Self {
        Self {
            staging,
            credit: Credit::new(limit),
            control: Control::default(),
            connection: ConnectionState::default(),
        }
    }

    /// Returns whether one more message is admitted.
    #[inline]
    pub(crate) const fn has_room(&self) -> bool {
        self.credit.has_room()
    }

    /// Sets the high-water mark from now on. Messages that wait already aren't lost.
    pub(crate) fn set_limit(&mut self, limit: Size) {
        if !self.staging.conflates() {
            self.credit.set_limit(limit);
        }
    }

    /// Retires the queue: it admits no new messages, and waiting messages are still sent.
    pub(crate) fn retire(&mut self) {
        self.credit.retire();
    }

    /// Reserves a place for a message. The caller has checked that there is [room](Self::has_room).
    pub(crate) const fn reserve(&mut self) {
        self.credit.reserve();
    }

    /// Releases a reserved place: its message is pushed next, or isn't sent.
    pub(crate) const fn unreserve(&mut self) {
        self.credit.unreserve();
    }

    /// Returns whether a sender may expect room soon: the connection is up and the kernel takes bytes.
    pub(crate) const fn is_moving(&self) -> bool {
        self.connection.is_writing() && self.is_open()
    }

    /// Returns whether the peer is connected, and gets new messages.
    pub(crate) const fn is_connected(&self) -> bool {
        self.has_peer() && self.is_open()
    }

    /// Returns whether the peer is connected, even if it gets no new messages any more.
    pub(crate) const fn has_peer(&self) -> bool {
        self.connection.is_connected()
    }

    /// Returns whether the queue admits new messages now or once it has room: it isn't retired.
    pub(crate) const fn is_open(&self) -> bool {
        !self.credit.is_retired()
    }

    /// Returns the number of messages that aren't written yet.
    pub(crate) const fn queued(&self) -> usize {
        self.credit.queued().messages as usize
    }

    /// Returns the size of the messages that aren't sent yet.
    pub(crate) const fn unsent(&self) -> Size {
        self.credit.unsent()
    }

    /// Returns the size of the messages that were sent since the queue began.
    pub(crate) const fn sent(&self) -> Size {
        self.credit.sent()
    }

    /// Returns the number of messages that the peer doesn't get.
    pub(crate) const fn dropped(&self) -> u64 {
        self.credit.dropped()
    }

    /// Counts messages that the peer doesn't get.
    pub(crate) const fn lose(&mut self, messages: usize) {
        self.credit.lose(messages);
    }

    /// Stages one message behind `envelope`. The caller has checked that there is [room](Self::has_room).
    #[inline]
    pub(crate) fn push(&mut self, envelope: &Envelope, message: &Message) {
        if message.is_large() {
            self.push_large(envelope, message);
        } else {
            self.push_small(envelope, |wire| message.encode(wire));
        }
    }

    /// Stages one small message, which `encode` writes, behind `envelope`. The caller has checked that there is
    /// [room](Self::has_room).
    #[inline]
    pub(crate) fn push_small(&mut self, envelope: &Envelope, encode: impl FnOnce(&mut BytesMut)) {
        if self.staging.conflates() {
            self.forget_staged();
        }
        let bytes = self.staging.encode(1, |wire| {
            envelope.encode(wire);
            encode(wire);
        });
        self.credit.charge(Size::new(1, bytes));
    }

    fn push_large(&mut self, envelope: &Envelope, message: &Message) {
        if self.staging.conflates() {
            self.forget_staged();
        }
        let run = Run::from(message.clone().with_envelope(envelope));
        self.credit.charge(run.size());
        self.staging.push_shared(run);
    }

    /// Stages as many messages of a batch as there is room for, and takes them off the batch. `source` is the number of
    /// bytes of the buffer that the batch was cut from.
    pub(crate) fn push_batch(&mut self, batch: &mut Batch, source: usize) {
        let mut run = Run::from(std::mem::take(batch));
        self.push_run(&mut run, source);
        *batch = run.into_batch();
    }

    /// Stages as many messages of a run as there is room for, takes them off the run, and returns their number.
    /// `source` is the number of bytes of the buffer that the run was cut from.
    pub(crate) fn push_run(&mut self, run: &mut Run, source: usize) -> usize {
        if !self.has_room() || run.is_empty() {
            return 0;
        }
        let given = run.len();
        let admitted = if self.staging.conflates() {
            self.forget_staged();
            let _ = run.split_to(given - 1);
            self.lose(given - 1);
            given
        } else {
            self.credit.admitted(run)
        };
        let run = run.split_to(admitted);
        self.credit.charge(run.size());
        self.staging.push_run(run, source);
        admitted
    }

    /// Stages messages before all that wait: the peer that has just connected gets them first.
    pub(crate) fn greet(&mut self, greeting: Batch) {
        let greeting = Run::from(greeting);
        self.credit.charge(greeting.size());
        self.staging.greet(greeting);
    }

    /// Drops the messages that the connection hasn't taken.
    pub(crate) fn forget_staged(&mut self) {
        let dropped = self.staging.clear();
        self.credit.drop_queued(dropped);
    }

    /// Returns the buffer of waiting commands: they go out at the next message boundary, before the staged messages.
    pub(crate) const fn control(&mut self) -> &mut BytesMut {
        self.control.buffer()
    }

    /// Returns whether more commands wait than a peer that reads at all would let pile up: its connection is closed.
    pub(crate) fn is_overrun(&self) -> bool {
        self.control.is_overrun()
    }

    /// Adds the answer to a PING, unless so many wait already that the peer doesn't read them.
    pub(crate) fn pong(&mut self, context: &[u8]) {
        self.control.pong(context);
    }

    /// Takes the waker of a sleeping connection that has new work.
    #[inline]
    pub(crate) fn wake(&mut self) -> Option<Waker> {
        self.connection.wake(&self.control)
    }

    /// Takes the waker out whatever there is to do: the socket is closing, or the connection is to end.
    pub(crate) const fn wake_to_close(&mut self) -> Option<Waker> {
        self.connection.wake_to_close()
    }

    /// Has the peer's connection end at once. Returns the waker of the connection.
    pub(crate) const fn abort(&mut self, cause: AbortCause) -> Option<Waker> {
        self.connection.abort(cause)
    }

    /// Returns why the peer's connection is to end at once, if it is.
    pub(crate) const fn aborted(&self) -> Option<AbortCause> {
        self.connection.aborted()
    }

    /// Asks the peer's connection to end while the socket goes on. Returns the waker of the connection.
    pub(crate) const fn end(&mut self, mode: EndMode) -> Option<Waker> {
        self.connection.set_end(Some(mode));
        self.connection.wake_to_close()
    }

    /// Lets the peer's connection go on after all.
    pub(crate) const fn call_off_end(&mut self) {
        self.connection.set_end(None);
    }

    /// Removes and returns all waiting messages, in order.
    pub(crate) fn drain(&mut self) -> Vec<Run> {
        self.credit.clear();
        self.staging.drain()
    }
}

#[cfg(test)]
mod tests;
