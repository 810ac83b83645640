//! The connection's side of a peer's queue: it connects, takes messages, reports written messages, and disconnects.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::{Bytes, BytesMut};

use super::{EndMode, Outbox};
use crate::queue::Run;
use crate::size::Size;
use crate::tuning::ENCODE_BUFFER_BYTES;

/// Progress that a connection reports to its socket when it takes more to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteReport {
    /// Messages that the kernel has taken since the last report, or that a peer within the process has received.
    pub(crate) written: Size,
    /// Messages that were put into the inbox of a peer within the process, received or not.
    pub(crate) handed: Size,
    /// Limit of the inbox of a peer within the process: it counts as room in this socket's queue.
    pub(crate) room: Size,
    /// Whether the kernel, or the peer within the process, takes no more for now.
    pub(crate) blocked: bool,
    /// Whether all commands that were handed over before are written.
    pub(crate) wants_control: bool,
    /// Whether the connection is idle, so that unused memory can be given back.
    pub(crate) may_shrink: bool,
}

impl WriteReport {
    /// Returns the report of a connection that has written these messages, and takes messages and commands.
    pub(crate) fn of(written: Size) -> Self {
        Self {
            written,
            handed: Size::default(),
            room: Size::default(),
            blocked: false,
            wants_control: true,
            may_shrink: false,
        }
    }
}

/// Messages and commands that a connection takes in one exchange.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) control: Bytes,
    pub(crate) runs: VecDeque<Run>,
    /// How the connection is to end, if it is.
    pub(crate) end: Option<EndMode>,
    /// Empty buffers of written messages, which the connection returns.
    pub(crate) spare: Vec<BytesMut>,
}

impl Taken {
    /// Returns whether the buffer has a capacity that suits an encode buffer.
    pub(crate) fn is_worth_keeping(buffer: &BytesMut) -> bool {
        (ENCODE_BUFFER_BYTES / 2..=ENCODE_BUFFER_BYTES * 4).contains(&buffer.capacity())
    }
}

impl Outbox {
    /// Returns credit for written messages, and moves the staged messages and commands into `taken`, or keeps the waker
    /// if there are none. While the kernel takes no bytes, messages stay here, where more messages can join them;
    /// commands are taken all the same, if the connection wants them.
    ///
    /// Returns whether senders that found no room should try again.
    pub(crate) fn exchange(&mut self, report: &WriteReport, taken: &mut Taken, waker: &Waker) -> bool {
        let look_again = self.settle(report);
        self.staging.reuse(&mut taken.spare);
        if report.wants_control {
            self.control.take(&mut taken.control);
        }
        if !report.blocked {
            self.staging.take(&mut taken.runs, self.credit.sent().messages);
        }
        taken.end = self.connection.end();
        let nothing = taken.control.is_empty() && taken.runs.is_empty();
        if nothing || report.blocked {
            self.connection.sleep(waker);
        } else {
            self.connection.stay_awake();
        }
        if report.may_shrink {
            self.give_back_memory();
        }
        look_again
    }

    /// Applies a report to the credit. Returns whether senders that found no room should try again: there is room, or
    /// they no longer have reason to wait for it.
    fn settle(&mut self, report: &WriteReport) -> bool {
        self.credit.hand_over(report.handed);
        let is_roomier = self.credit.set_room(report.room);
        let (had_room, was_moving) = (self.has_room(), self.is_moving());
        self.credit.settle(report.written);
        self.connection.set_blocked(report.blocked);
        is_roomier || (!had_room && self.has_room()) || (was_moving && !self.is_moving())
    }

    /// Frees unused memory: so an idle peer costs next to nothing. A busy connection doesn't ask for it, and the peer
    /// keeps its buffers.
    fn give_back_memory(&mut self) {
        self.staging.drop_spare();
        if self.queued() == 0 {
            self.staging.shrink();
        }
    }

    /// Handles the start of a connection, to a peer that has so much room itself.
    pub(crate) fn connect(&mut self, room: Size) {
        self.connection.handle_connect();
        self.credit.set_room(room);
        self.control.handle_connect();
    }

    /// Handles the end of a connection. `unsent`, the messages that it had taken and not written, wait for the next
    /// connection.
    pub(crate) fn disconnect(&mut self, unsent: Vec<Run>) {
        self.connection.handle_disconnect();
        self.control.handle_disconnect();
        self.credit.set_room(Size::default());
        self.staging.put_back(unsent);
        self.credit.refund(self.staging.drop_greeting());
        self.credit.settle_all_but(self.staging.size_of_runs());
        self.credit.refund(self.staging.drop_taken_greeting(self.credit.sent().messages));
        if self.staging.conflates() {
            self.credit.drop_queued(self.staging.keep_last());
        }
    }
}
