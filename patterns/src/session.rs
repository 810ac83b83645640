//! The interface between a socket and its connections.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use enfonet_zmtp::{Command, LocalProperties};
use tokio_util::sync::CancellationToken;

use crate::error::{ConnectionError, RejectReason};
use crate::monitor::{EventCounters, Monitors};
use crate::peer::{HandshakenPeer, PeerId, PeerInfo};
use crate::queue::{IdleEnd, ReadPosition, Run, Taken, WriteReport};
use crate::settings::Settings;
use crate::size::Size;

/// Tokens that end the connections of an endpoint, in three steps.
#[derive(Clone, Debug)]
pub(crate) struct ShutdownTokens {
    /// Cancelled when no more peers are admitted. It is a child of `ending`, so cancelled with it at the latest.
    pub(crate) admitting: CancellationToken,
    /// Cancelled by `unbind`, `disconnect` and `close`: connections end when nothing waits to be written.
    pub(crate) ending: CancellationToken,
    /// Cancelled when the endpoint is given up, or the linger is over: connections are cut off.
    pub(crate) abort: CancellationToken,
}

/// Time for which the queue to a peer exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueLifetime {
    /// The queue begins and ends with the connection.
    Connection,
    /// The queue outlives connections: it ends with the endpoint that this side connects to.
    Endpoint,
}

/// Cause for which the queue to an endpoint is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseCause {
    /// This side has given up the endpoint, or closes the socket.
    GivenUp,
    /// The runtime has ended before the socket, and dropped the task that connects.
    RuntimeEnded,
}

/// A socket as its connections see it. No method blocks or waits.
pub(crate) trait Session: fmt::Debug + Send + Sync {
    /// Returns the settings of the socket.
    fn settings(&self) -> &Settings;

    /// Returns the monitors of the socket.
    fn monitors(&self) -> &Monitors;

    /// Returns the counters of the socket's connections.
    fn counters(&self) -> &EventCounters;

    /// Returns the properties of the socket that are sent to peers in the handshake.
    fn local(&self) -> LocalProperties;

    /// Returns whether the messages that wait for a peer that this side connects to outlive its connections.
    fn keeps_queue(&self) -> bool;

    /// Returns the limit of a peer's inbox.
    fn room(&self) -> Size;

    /// Returns the size of a peer's inbox, and its limit.
    fn unread(&self, id: PeerId) -> (Size, Size);

    /// Opens the queue to a peer before the peer is connected.
    fn open(&self) -> PeerId;

    /// Checks whether the socket can admit the peer of a queue, or with `None` a peer that has no queue yet.
    fn check_admission(&self, queue: Option<PeerId>) -> Result<(), RejectReason>;

    /// Adds the peer of a queue, or with `None` a peer whose queue begins now. Nothing new is queued for the peer if
    /// its connection is `ending`.
    fn join(
        &self,
        queue: Option<PeerId>,
        peer: HandshakenPeer,
        ending: &CancellationToken,
    ) -> Result<Arc<PeerInfo>, RejectReason>;

    /// Puts arrived messages into the inbox, even if it is full: see [`may_read`](Self::may_read).
    fn deliver(&self, id: PeerId, run: Run) -> Result<(), RejectReason>;

    /// Counts subscriptions and messages that a peer isn't permitted to send, and that weren't delivered.
    fn record_forbidden(&self, id: PeerId, count: u64);

    /// Handles a command that has arrived.
    fn command(&self, id: PeerId, command: Command) -> Result<(), RejectReason>;

    /// Returns whether the peer may be read. Call it before each read. If not, the waker is called when it may.
    fn may_read(&self, id: PeerId, waker: &Waker) -> bool;

    /// Reports progress, and moves queued messages into `taken`, and commands if the report asks for them. If there
    /// are none, or the connection is blocked, the waker is called when there are.
    fn exchange(
        &self,
        id: PeerId,
        report: WriteReport,
        taken: &mut Taken,
        waker: &Waker,
    ) -> Result<(), ConnectionError>;

    /// Decides whether a connection that [is to end when its peer is idle](crate::queue::EndMode::WhenIdle) ends now.
    /// Call it when all is written.
    fn end_if_idle(&self, id: PeerId, position: ReadPosition) -> IdleEnd;

    /// Removes a peer after the end of its connection; `unsent` are the messages that the connection had taken and not
    /// written. Returns whether the caller has to [sweep](Self::poll_sweep) the socket.
    fn part(&self, id: PeerId, unsent: Vec<Run>, lifetime: QueueLifetime) -> bool;

    /// Removes a slice of the subscriptions that departed peers have left. Returns ready with whether there are more,
    /// and pending while the application has too many changes left to receive.
    fn poll_sweep(&self, cx: &Context<'_>) -> Poll<bool>;

    /// Marks the sweep as ended: the next departing peer that leaves subscriptions starts another.
    fn end_sweep(&self);

    /// Returns whether the socket's peers send subscriptions rather than messages.
    fn is_publisher(&self) -> bool;

    /// Closes the queue to a peer that isn't connected.
    fn close(&self, id: PeerId, cause: CloseCause);

    /// Returns how many messages wait for a peer.
    fn queued(&self, id: PeerId) -> usize;
}
