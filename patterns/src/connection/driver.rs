//! The traffic of one connection: moves bytes from the stream into the socket's inbox, and from its outbox to the
//! stream. One task does both, and holds no lock during a system call.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use enfonet_zmtp::{Command, Event, HandshakeOutcome, HeartbeatConfig, Incoming, PeerProperties, Version};

use super::drain::Drain;
use super::handshake::CompletedHandshake;
use super::heartbeat_timer::{HeartbeatFrame, HeartbeatTimer};
use super::idle_timer::IdleTimer;
use super::peer_guard::PeerGuard;
use super::wake_flag::{WakeFlag, wake_after_io_poll};
use super::write_queue::WriteQueue;
use crate::error::ConnectionError;
use crate::queue::{EndMode, IdleEnd, ReadPosition, Taken, WriteReport};
use crate::size::Size;
use crate::transport::{CloseMode, Stream};
use crate::tuning::{
    CONNECTION_BUDGET_BYTES, MANY_COMMAND_BYTES, MAX_READ_BYTES, MAX_READ_FACTOR, MIN_READ_BYTES,
    SUBSCRIBER_BUDGET_BYTES,
};

/// Bytes that TCP sends at once, without an acknowledgement (the initial window of RFC 6928).
const INITIAL_WINDOW_BYTES: usize = 14_600;

/// An established connection: the stream, the peer, the bytes that are read and not delivered, and the messages that
/// are taken and not written.
#[derive(Debug)]
pub(super) struct Driver<'a> {
    stream: &'a Stream,
    peer: PeerGuard,
    incoming: Incoming,
    /// Whether the peer knows commands: a peer before ZMTP 3 doesn't.
    has_commands: bool,
    /// Whether the peer sends subscriptions rather than messages. A subscription of 20 bytes costs a thousand
    /// instructions.
    is_subscriber: bool,
    /// Whether the last exchange brought many subscriptions for the peer, which were looked up for it.
    has_taken_many: bool,
    read_size: usize,
    queue: WriteQueue,
    taken: Taken,
    /// Messages that are written and not yet reported to the socket.
    written: Size,
    wake_flag: WakeFlag,
    /// Whether all messages are written and reported, and the socket had no more: it sets the wake flag when it has.
    is_idle: bool,
    /// Whether the kernel had no room at the last write.
    is_blocked: bool,
    /// Whether there was an exchange since the last check for the end.
    has_exchanged: bool,
    /// Whether any message was written.
    has_sent: bool,
    /// Bytes written since the peer sent anything.
    unanswered: usize,
    /// The way in which the socket wants the connection to end, if it does.
    end: Option<EndMode>,
    /// Timer of a connection of which this side's half is closed.
    drain: Option<Drain>,
    heartbeat_timer: HeartbeatTimer,
    idle_timer: IdleTimer,
}

/// State of the connection in which it exchanges messages with its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteState {
    /// It can write.
    Writable,
    /// The kernel takes no more for now.
    Blocked,
    /// It can write, and has been idle for a while: unused memory is given back.
    Idle,
}

/// State of one direction after it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The driver is blocked or has no work: its waker is called when that changes.
    Waits,
    /// It has used up its budget, and has more to do.
    Yields,
}

impl<'a> Driver<'a> {
    /// Adds the peer to the socket by `join`. If that succeeds, our READY is the first that is written.
    pub(super) fn start<E>(
        stream: &'a Stream,
        CompletedHandshake { outcome, received, ready }: CompletedHandshake,
        join: impl FnOnce(PeerProperties) -> Result<PeerGuard, E>,
    ) -> Result<Self, E> {
        let HandshakeOutcome { peer, sealer, opener } = outcome;
        let version = peer.version;
        let peer = join(peer)?;
        let settings = peer.session().settings();
        let limits = settings.limits;
        let is_subscriber = peer.session().is_publisher();
        let is_asked = version >= Version::V3_1 || (version == Version::V3_0 && settings.heartbeat.to_zmtp30);
        let heartbeat = if is_asked { settings.heartbeat.config } else { HeartbeatConfig::default() };
        let received = if received.is_empty() { BytesMut::new() } else { received };
        Ok(Self {
            stream,
            peer,
            incoming: Incoming::new(received, limits, opener),
            has_commands: version >= Version::V3_0,
            is_subscriber,
            has_taken_many: false,
            read_size: MIN_READ_BYTES,
            queue: WriteQueue::new(ready, sealer),
            taken: Taken::default(),
            written: Size::default(),
            wake_flag: WakeFlag::default(),
            is_idle: false,
            is_blocked: false,
            has_exchanged: false,
            has_sent: false,
            unanswered: 0,
            end: None,
            drain: None,
            heartbeat_timer: HeartbeatTimer::new(heartbeat),
            idle_timer: IdleTimer::default(),
        })
    }

    /// Runs until the connection ends. Returns `Ok` when this side ended it and all is written.
    pub(super) async fn run(&mut self) -> Result<(), Arc<ConnectionError>> {
        let outcome = match self.deliver() {
            Ok(()) => std::future::poll_fn(|cx| self.poll(cx)).await,
            failed => failed,
        };
        outcome.map_err(|error| self.peer.reason.insert(Arc::new(error)).clone())
    }

    /// Removes the peer from the socket, and returns a future that closes the stream in order. The future borrows
    /// nothing of the driver.
    pub(super) fn finish(self) -> impl Future<Output = ()> {
        let mode = match self.end {
            // The peer has closed too, or is quiet.
            _ if self.drain.is_some() => CloseMode::Immediate,
            Some(EndMode::WhenIdle) if self.unanswered <= INITIAL_WINDOW_BYTES => CloseMode::UntilInput,
            _ if self.has_sent => CloseMode::UntilRead,
            _ => CloseMode::Graceful,
        };
        self.stream.finish(mode)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        self.wake_flag.register(cx.waker());
        if self.drain.is_some() {
            return self.poll_drain(cx);
        }
        let read = self.poll_read(cx)?;
        self.poll_heartbeat(cx)?;
        let write = self.poll_write(cx)?;
        if write == Progress::Waits && self.is_over(cx)? {
            return Poll::Ready(Ok(()));
        }
        if write == Progress::Waits && self.queue.is_empty() {
            let end = self.end;
            if end == Some(EndMode::HalfClose) {
                // A peer that sends without a pause has to see the end of this half too, or it would never stop.
                return self.close_half(cx);
            }
            if end.is_some() && read == Progress::Waits && self.ends_idle() {
                return Poll::Ready(Ok(()));
            }
        }
        let has_taken_many = std::mem::take(&mut self.has_taken_many);
        match (read, write) {
            (Progress::Waits, Progress::Waits) => {}
            // The receiver takes all that was read before more is read, also in the future of `block_on`.
            _ if read == Progress::Yields || has_taken_many => wake_after_io_poll(cx),
            _ => cx.waker().wake_by_ref(),
        }
        if self.idle_timer.poll(cx) {
            self.incoming.shrink();
            self.queue.shrink();
            if self.queue.is_empty() {
                self.exchange_again(cx, WriteState::Idle)?;
            }
        }
        Poll::Pending
    }

    /// Returns whether the connection ends now because its peer is idle.
    fn ends_idle(&mut self) -> bool {
        let position =
            if self.incoming.is_empty() { ReadPosition::Boundary } else { ReadPosition::WithinMessage };
        match self.peer.session().end_if_idle(self.peer.id(), position) {
            IdleEnd::Now => true,
            IdleEnd::Later => false,
            IdleEnd::CalledOff => {
                self.end = None;
                false
            }
        }
    }

    /// Closes this side's half, and reads on.
    fn close_half(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        // An error of the stream is seen when it is read.
        let _ = self.stream.close_half();
        self.drain = Some(Drain::new());
        self.poll_drain(cx)
    }

    /// Reads until the peer has closed, or has been silent for a while.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        if self.wake_flag.is_set() {
            // Nothing can be written any more, but the socket may end the connection at once.
            self.exchange(WriteState::Blocked)?;
        }
        match self.poll_read(cx) {
            Ok(Progress::Yields) => cx.waker().wake_by_ref(),
            Ok(Progress::Waits) if self.peer.is_ending() => return Poll::Ready(Ok(())),
            Ok(Progress::Waits) => {}
            Err(ConnectionError::Eof) => return Poll::Ready(Ok(())),
            Err(error) => return Poll::Ready(Err(error)),
        }
        self.drain.as_mut().map_or(Poll::Pending, |drain| drain.poll(cx)).map(Ok)
    }

    /// Reads until the kernel has no more, the inbox is full, or the budget is used up.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<Progress, ConnectionError> {
        let mut budget = if self.is_subscriber { SUBSCRIBER_BUDGET_BYTES } else { CONNECTION_BUDGET_BYTES };
        loop {
            if !self.peer.session().may_read(self.peer.id(), cx.waker()) {
                self.heartbeat_timer.handle_unread();
                if let Some(drain) = &mut self.drain {
                    drain.handle_traffic();
                }
                return Ok(Progress::Waits);
            }
            if self.stream.poll_readable(cx)?.is_pending() {
                // A PING may lie behind all that the kernel still has: only now the peer is read again.
                self.heartbeat_timer.handle_reading();
                return Ok(Progress::Waits);
            }
            let Some(bytes) = self.read()? else { continue };
            self.heartbeat_timer.handle_traffic();
            if let Some(drain) = &mut self.drain {
                drain.handle_traffic();
            }
            self.unanswered = 0;
            self.idle_timer.handle_traffic();
            self.deliver()?;
            budget = budget.saturating_sub(bytes);
            if budget == 0 {
                return Ok(Progress::Yields);
            }
        }
    }

    /// Reads once. Returns the bytes, or `None` if the kernel has no bytes after all.
    fn read(&mut self) -> Result<Option<usize>, ConnectionError> {
        // A buffer that has some room left is used up first, so that small reads share a buffer.
        let hint = if self.incoming.spare() >= MIN_READ_BYTES { 1 } else { self.read_size };
        let buffer = self.incoming.reserve(hint);
        let room = buffer.capacity() - buffer.len();
        match self.stream.try_read(buffer) {
            Ok(0) => Err(ConnectionError::Eof),
            Ok(bytes) => {
                if bytes >= room {
                    let most = if self.is_subscriber { SUBSCRIBER_BUDGET_BYTES } else { MAX_READ_BYTES };
                    self.read_size = (self.read_size * 2).min(most);
                } else if bytes < self.read_size / 4 {
                    self.read_size = (self.read_size / 2).max(MIN_READ_BYTES);
                }
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Delivers the messages and commands that have arrived whole.
    fn deliver(&mut self) -> Result<(), ConnectionError> {
        while let Some(event) = self.incoming.poll_event()? {
            match event {
                // A batch that is small against the buffer that it came in must not keep the buffer.
                Event::Batch(batch) if batch.wire_len() * MAX_READ_FACTOR < self.read_size => {
                    self.peer.deliver(batch.detach().into())?;
                }
                Event::Batch(batch) => self.peer.deliver(batch.into())?,
                // A peer before ZMTP 3 knows no commands, so also no answer.
                Event::Command(_) if !self.has_commands => {}
                Event::Command(body) => {
                    let command = Command::parse(body)?;
                    if let Command::Ping(ping) = &command {
                        self.heartbeat_timer.handle_ping(ping);
                    }
                    self.peer.command(command)?;
                }
            }
        }
        Ok(())
    }

    /// Queues a PING or PONG that is due at the next message boundary. Fails when the peer is silent for too long.
    fn poll_heartbeat(&mut self, cx: &mut Context<'_>) -> Result<(), ConnectionError> {
        loop {
            match self.heartbeat_timer.poll(cx) {
                Ok(None) => return Ok(()),
                Ok(Some(HeartbeatFrame::Ping(ping))) => self.queue.push_ping(ping),
                // A command that waits here is a sign of life when it is written.
                Ok(Some(HeartbeatFrame::Pong(_))) if self.queue.has_control() => {}
                Ok(Some(HeartbeatFrame::Pong(pong))) => {
                    self.queue.extend(&mut Taken { control: pong, ..Taken::default() });
                }
                // The runtime reports a writable stream only when much of its buffer is free. So the kernel is asked
                // itself before the peer is given up: any room means that the peer reads.
                Err(_) if self.is_blocked && self.write(Stream::write_now)? > 0 => {}
                Err(timeout) => return Err(timeout),
            }
        }
    }

    /// Writes until nothing is staged, the kernel takes no more, or the budget is used up.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<Progress, ConnectionError> {
        let mut budget = CONNECTION_BUDGET_BYTES;
        loop {
            if self.queue.is_empty() && (!self.is_idle || self.wake_flag.is_set()) {
                self.exchange(WriteState::Writable)?;
            }
            if self.queue.is_empty() {
                return Ok(Progress::Waits);
            }
            let bytes = self.write(Stream::try_write)?;
            if bytes == 0 {
                self.exchange(WriteState::Blocked)?;
                if self.stream.poll_writable(cx)?.is_pending() {
                    return Ok(Progress::Waits);
                }
            }
            budget = budget.saturating_sub(bytes);
            if budget == 0 {
                self.exchange(WriteState::Writable)?;
                return Ok(Progress::Yields);
            }
        }
    }

    /// Writes once. Returns the bytes: 0 when the kernel has no room.
    fn write(
        &mut self,
        write: impl FnOnce(&Stream, &[IoSlice<'_>]) -> io::Result<usize>,
    ) -> Result<usize, ConnectionError> {
        self.queue.prepare()?;
        let bytes = match self.queue.with_slices(|slices| write(self.stream, slices)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            written => written?,
        };
        if bytes == 0 {
            self.is_blocked = true;
            return Ok(0);
        }
        let done = self.queue.advance(bytes);
        self.has_sent |= done.messages > 0;
        self.unanswered += bytes;
        self.written.add(done);
        self.idle_timer.handle_traffic();
        if std::mem::take(&mut self.is_blocked) {
            self.heartbeat_timer.handle_progress();
        }
        if self.queue.take_written_ping() {
            self.heartbeat_timer.handle_written();
        }
        Ok(bytes)
    }

    /// Returns whether the connection is to end and all is written.
    fn is_over(&mut self, cx: &Context<'_>) -> Result<bool, ConnectionError> {
        // All connections of an endpoint share the token, whose state is behind a lock: it isn't asked at each poll.
        if !self.queue.is_empty() || !std::mem::take(&mut self.has_exchanged) || !self.peer.is_ending() {
            return Ok(false);
        }
        // Messages that were queued between the last exchange and the end are still sent.
        self.exchange_again(cx, WriteState::Writable)?;
        Ok(self.queue.is_empty())
    }

    /// Does another exchange at the end of a poll. Messages that it takes are written in the next poll.
    fn exchange_again(&mut self, cx: &Context<'_>, state: WriteState) -> Result<(), ConnectionError> {
        self.exchange(state)?;
        if !self.queue.is_empty() {
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// Reports the written messages to the socket, and takes the staged messages.
    fn exchange(&mut self, state: WriteState) -> Result<(), ConnectionError> {
        self.queue.take_spare(&mut self.taken.spare);
        let report = WriteReport {
            blocked: state == WriteState::Blocked,
            wants_control: !self.queue.has_control(),
            may_shrink: state == WriteState::Idle,
            ..WriteReport::of(std::mem::take(&mut self.written))
        };
        self.peer.session().exchange(self.peer.id(), report, &mut self.taken, self.wake_flag.arm())?;
        self.has_taken_many |= self.taken.control.len() >= MANY_COMMAND_BYTES;
        self.queue.extend(&mut self.taken);
        self.end = self.taken.end;
        self.is_idle = self.queue.is_empty();
        self.has_exchanged = true;
        Ok(())
    }
}

impl Drop for Driver<'_> {
    fn drop(&mut self) {
        self.peer.unsent = std::mem::take(&mut self.queue).into_unsent();
    }
}
