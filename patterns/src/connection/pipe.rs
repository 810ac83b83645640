//! Connections within the process (inproc): move messages from the outbox of one socket to the inbox of the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{self, Poll};

use bytes::BytesMut;
use enfonet_zmtp::{
    Command, Decoder, Event, Limits, LocalProperties, PeerProperties, TrafficError, User, Version,
};
use tracing::{debug, warn};

use super::backoff::{Backoff, Failure};
use super::connector::Connector;
use super::peer_guard::PeerGuard;
use super::rejection_log::RejectionLog;
use super::wake_flag::wake_after_io_poll;
use crate::context::{Bound, Context};
use crate::endpoint::Endpoint;
use crate::error::ConnectionError;
use crate::monitor::MonitorEvent;
use crate::peer::HandshakenPeer;
use crate::queue::{EndMode, IdleEnd, ReadPosition, Run, Taken, WriteReport};
use crate::size::Size;
use crate::tuning::{PIPE_BUDGET_COMMANDS, PIPE_BUDGET_RUNS};

/// Connects a socket to the socket that is bound to the name, and reconnects, until this side ends it and nothing
/// waits to be sent, or the endpoint is given up.
pub(crate) async fn connect_inproc(names: Context, name: String, connector: Connector) {
    let endpoint = Endpoint::Inproc(name.clone());
    let mut backoff = Backoff::new(connector.session().settings());
    let monitors = connector.session().monitors();
    let rejection_log = RejectionLog::default();
    loop {
        monitors.emit(|| MonitorEvent::Connecting { endpoint: endpoint.clone() });
        let Some(bound) = connector.unless_over(names.find(&name)).await else {
            return;
        };
        let failure = match join(&endpoint, &connector, &bound, &mut backoff).await {
            Ok(()) => {
                debug!(%endpoint, "disconnected");
                Failure::Passing
            }
            Err(error) => {
                match rejection_log.count(&error) {
                    Some(count) => warn!(%endpoint, %error, count, "not connected"),
                    None => debug!(%endpoint, %error, "not connected"),
                }
                Failure::of(&error)
            }
        };
        if connector.is_given_up() {
            return;
        }
        let wait = backoff.wait(failure, fastrand::f64());
        if connector.retry_after(wait).await.is_none() {
            return;
        }
    }
}

/// Runs one connection between two sockets to its end.
async fn join(
    endpoint: &Endpoint,
    near: &Connector,
    far: &Bound,
    backoff: &mut Backoff,
) -> Result<(), Arc<ConnectionError>> {
    let reconnect = near.session().settings().reconnect;
    let mut pipe = join_both(endpoint, near, far).map_err(Arc::new).inspect_err(|error| {
        near.give_up_unless(reconnect.retries_after_handshake_error());
        for session in [near.session(), &far.session] {
            session.counters().count_failed_handshake(error);
            session.monitors().emit(|| {
                let (endpoint, address) = (endpoint.clone(), String::new());
                MonitorEvent::HandshakeFailed { endpoint, address, error: error.clone() }
            });
        }
    })?;
    backoff.reset();
    // If this task is cancelled, the far socket reports that its peer has closed the connection.
    pipe.far.peer.reason = Some(ConnectionError::Eof.into());
    let flow = std::future::poll_fn(|cx| pipe.poll(cx));
    let outcome = far.tokens.abort.run_until_cancelled(flow).await.unwrap_or(Ok(())).map_err(Arc::new);
    let Pipe { near: End { peer: near_peer, .. }, far: End { peer: far_peer, .. } } = &mut pipe;
    match &outcome {
        Err(error) => (near_peer.reason, far_peer.reason) = (Some(error.clone()), Some(error.clone())),
        Ok(()) if near_peer.is_ending() => {}
        Ok(()) => near_peer.reason = far_peer.reason.take(),
    }
    // The endpoint is given up before the peers are removed: an application that sees the removal may connect again at
    // once.
    near.give_up_unless(reconnect.ever);
    outcome
}

/// Adds each socket to the other as a peer.
fn join_both(endpoint: &Endpoint, near: &Connector, far: &Bound) -> Result<Pipe, ConnectionError> {
    let (near_local, far_local) = (near.session().local(), far.session.local());
    if !near_local.socket_type.is_compatible(far_local.socket_type) {
        let theirs = far_local.socket_type.to_string();
        return Err(enfonet_zmtp::HandshakeError::SocketType { theirs, ours: near_local.socket_type }.into());
    }
    // Checked before the far socket adds this socket as a peer.
    near.session().check_admission(near.queue())?;
    let (near_room, far_room) = (near.session().room(), far.session.room());
    let near_peer = HandshakenPeer { is_accepted: true, ..peer_of(endpoint, near_local, near_room) };
    let far_peer = PeerGuard::accept(&far.session, near_peer, far.tokens.ending.clone())?;
    let near_peer = near.join(peer_of(endpoint, far_local, far_room))?;
    Ok(Pipe { near: End::new(near_peer), far: End::new(far_peer) })
}

/// Returns the peer that a handshake would give at the end that connects.
fn peer_of(endpoint: &Endpoint, local: LocalProperties, room: Size) -> HandshakenPeer {
    let metadata = local.to_metadata();
    let identity = if local.socket_type.announces_identity() { local.identity } else { Default::default() };
    let (version, socket_type) = (Version::V3_1, Some(local.socket_type));
    let peer = PeerProperties { version, socket_type, identity, metadata, user: User::default() };
    HandshakenPeer { room, ..HandshakenPeer::new(peer, endpoint.clone(), String::new(), false) }
}

/// A connection between two sockets of the process.
#[derive(Debug)]
struct Pipe {
    near: End,
    far: End,
}

/// One of the two sockets, with the messages and commands that were taken from its outbox.
#[derive(Debug)]
struct End {
    peer: PeerGuard,
    /// Runs taken from the outbox, and not yet in the other's inbox.
    runs: VecDeque<Run>,
    /// Commands taken from the outbox, and not yet delivered to the other.
    commands: Decoder,
    /// Size of the messages in the other's inbox that aren't received yet. They take up room in this socket's queue
    /// until they are received, so that the two queues together hold no more than their high-water marks allow.
    unread: Size,
    /// Size of the messages in the other's inbox that aren't reported to this socket yet.
    handed: Size,
    /// The way in which this socket wants the connection to end, if it does.
    end: Option<EndMode>,
}

/// State of the other socket's inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inbox {
    HasRoom,
    Full,
}

/// State of one direction after it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Nothing waits any more.
    Drained,
    /// The other's inbox is full.
    Full,
    /// The budget is used up.
    Yields,
}

impl Pipe {
    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), ConnectionError>> {
        let mut flows = self.poll_both(cx)?;
        if self.is_over(flows) {
            // Messages that were queued between the last exchange and the end are still delivered.
            flows = self.poll_both(cx)?;
            if self.is_over(flows) {
                return Poll::Ready(Ok(()));
            }
        }
        let has_commands = [&self.near, &self.far].iter().any(|end| !end.commands.is_empty());
        if flows.contains(&Flow::Yields) && has_commands {
            wake_after_io_poll(cx);
        } else if flows.contains(&Flow::Yields) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn poll_both(&mut self, cx: &task::Context<'_>) -> Result<[Flow; 2], ConnectionError> {
        Ok([self.near.poll_to(&self.far, cx)?, self.far.poll_to(&self.near, cx)?])
    }

    /// Returns whether one of the two sockets is to end and has nothing to send any more.
    fn is_over(&self, flows: [Flow; 2]) -> bool {
        let ends = [&self.near, &self.far];
        let is_over = |(end, flow): (&End, Flow)| {
            flow == Flow::Drained && (end.peer.is_ending() || end.is_to_end(flows))
        };
        ends.into_iter().zip(flows).any(is_over)
    }
}

impl End {
    fn new(peer: PeerGuard) -> Self {
        let (runs, commands) = (VecDeque::new(), Decoder::new(Limits::default()));
        Self { peer, runs, commands, unread: Size::default(), handed: Size::default(), end: None }
    }

    /// Returns whether this socket wants to end the connection now, while the socket itself goes on. All messages of
    /// the other socket have been delivered: none is on the way.
    fn is_to_end(&self, flows: [Flow; 2]) -> bool {
        match self.end {
            None => false,
            Some(_) if flows != [Flow::Drained; 2] => false,
            Some(EndMode::HalfClose) => true,
            Some(EndMode::WhenIdle) => {
                self.peer.session().end_if_idle(self.peer.id(), ReadPosition::Boundary) == IdleEnd::Now
            }
        }
    }

    /// Moves the messages that this socket has staged into the other's inbox, while it has room.
    fn poll_to(&mut self, to: &Self, cx: &task::Context<'_>) -> Result<Flow, ConnectionError> {
        for _ in 0..PIPE_BUDGET_RUNS {
            if !to.peer.session().may_read(to.peer.id(), cx.waker()) {
                self.exchange(to, Inbox::Full, cx)?;
                let waits = self.peer.session().queued(self.peer.id()) as u64 > self.unread.messages
                    || !self.commands.is_empty();
                return Ok(if waits { Flow::Full } else { Flow::Drained });
            }
            if self.deliver_commands(to)? {
                return Ok(Flow::Yields);
            }
            if let Some(run) = self.pop_fitting(to.space()) {
                let size = run.size();
                self.unread.add(size);
                self.handed.add(size);
                to.peer.deliver(run)?;
            } else if !self.exchange(to, Inbox::HasRoom, cx)? {
                return Ok(Flow::Drained);
            }
        }
        Ok(Flow::Yields)
    }

    /// Returns the room in the inbox of this socket up to its high-water mark.
    fn space(&self) -> Size {
        let (unread, limit) = self.peer.session().unread(self.peer.id());
        limit.saturating_sub(unread)
    }

    /// Returns the next run, cut at the room that the other's inbox has.
    fn pop_fitting(&mut self, space: Size) -> Option<Run> {
        let first = self.runs.front_mut()?;
        let (messages, bytes) = space.to_usize();
        // An inbox with any room takes one more message, whatever its size.
        let fitting = first.fitting(bytes).0.min(messages).max(1);
        let run = first.split_to(fitting);
        if first.is_empty() {
            self.runs.pop_front();
        }
        Some(run)
    }

    /// Delivers commands, before any messages. Returns whether there may be more.
    fn deliver_commands(&mut self, to: &Self) -> Result<bool, ConnectionError> {
        for _ in 0..PIPE_BUDGET_COMMANDS {
            let Some(Event::Command(body)) = self.commands.poll_event().map_err(TrafficError::from)? else {
                return Ok(false);
            };
            to.peer.command(Command::parse(body)?)?;
        }
        Ok(true)
    }

    /// Takes the staged runs and commands. Returns whether there were any: only if not, or if the other's inbox is
    /// full, is the task woken for more.
    fn exchange(&mut self, to: &Self, inbox: Inbox, cx: &task::Context<'_>) -> Result<bool, ConnectionError> {
        // The inbox may also hold messages of an earlier connection, which aren't in this outbox any more.
        let (unread, room) = to.peer.session().unread(to.peer.id());
        let unread = unread.min(self.unread);
        let mut received = std::mem::replace(&mut self.unread, unread);
        received.sub(unread);
        let handed = std::mem::take(&mut self.handed);
        let blocked = inbox == Inbox::Full;
        let wants_control = !blocked && self.commands.is_empty();
        let report =
            WriteReport { written: received, handed, room, blocked, wants_control, may_shrink: true };
        let mut taken = Taken::default();
        self.peer.session().exchange(self.peer.id(), report, &mut taken, cx.waker())?;
        self.end = taken.end;
        let anything = !taken.control.is_empty() || !taken.runs.is_empty();
        self.runs.append(&mut taken.runs);
        if !taken.control.is_empty() {
            self.commands = Decoder::resume(BytesMut::from(taken.control), Limits::default());
        }
        Ok(anything)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.peer.unsent = std::mem::take(&mut self.runs).into();
    }
}
