//! The interface between a socket and its connections.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use enfonet_zmtp::{Batch, Command, LocalProperties};
use tokio_util::sync::CancellationToken;

use crate::error::ConnectionError;
use crate::monitor::Monitors;
use crate::options::Settings;
use crate::peer::HandshakenPeer;
use crate::queue::{IdleEnd, Taken};
use crate::routing::RejectReason;
use crate::size::Size;
use crate::{PeerId, PeerInfo};

/// The report of a connection that comes for more to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteReport {
    /// Messages that the kernel has taken since the last time, or a peer within the process has received.
    pub(crate) written: Size,
    /// Messages that were put into the inbox of a peer within the process, received or not.
    pub(crate) handed: Size,
    /// How much a peer within the process takes in before it is received: that counts as room here.
    pub(crate) room: Size,
    /// Whether the kernel, or the peer within the process, takes no more for now.
    pub(crate) blocked: bool,
    /// Whether all commands that were handed over before are written.
    pub(crate) wants_control: bool,
    /// Whether nothing more is expected soon: memory that holds nothing can be given back.
    pub(crate) may_shrink: bool,
}

/// A socket, as its connections see it. No method waits.
pub(crate) trait Session: fmt::Debug + Send + Sync {
    fn options(&self) -> &Settings;

    /// Returns the monitors of the socket.
    fn monitors(&self) -> &Monitors;

    /// Returns the properties of the socket that peers are told in the handshake.
    fn local(&self) -> LocalProperties;

    /// Returns whether the messages that wait for a peer that this side connects to outlive its connections.
    fn keeps_queue(&self) -> bool;

    /// Returns how much is taken in from a peer before it is received.
    fn room(&self) -> Size;

    /// Returns how much has come from a peer and isn't received yet, and its limit.
    fn unread(&self, id: PeerId) -> (Size, Size);

    /// Opens the queue to a peer, before the peer is there.
    fn open(&self) -> PeerId;

    /// Checks that there is a place for a peer, whichever it is: the peer of that queue, or a peer that has no queue
    /// yet.
    fn check_admission(&self, queue: Option<PeerId>) -> Result<(), RejectReason>;

    /// Adds the peer of a queue, or a peer that has no queue yet: then its queue begins now. The peer gets nothing new
    /// if its connection is `ending`.
    fn join(
        &self,
        queue: Option<PeerId>,
        peer: HandshakenPeer,
        ending: &CancellationToken,
    ) -> Result<Arc<PeerInfo>, RejectReason>;

    /// Takes messages that have arrived, whether there is room or not: see [`may_read`](Self::may_read).
    fn deliver(&self, id: PeerId, batch: Batch) -> Result<(), RejectReason>;

    /// Handles a command that has arrived.
    fn command(&self, id: PeerId, command: Command) -> Result<(), RejectReason>;

    /// Returns whether the peer may be read. Call it before each read. If not, the waker is called when it may.
    fn may_read(&self, id: PeerId, waker: &Waker) -> bool;

    /// Takes the messages to be written, and commands if they are wanted. If there is nothing, or `report.blocked`, the
    /// waker is called when there is something new.
    fn exchange(
        &self,
        id: PeerId,
        report: WriteReport,
        taken: &mut Taken,
        waker: &Waker,
    ) -> Result<(), ConnectionError>;

    /// Decides whether a connection that [is to end when its peer is idle](crate::queue::EndMode::WhenIdle) ends now.
    /// Call it when all is written. `is_whole` unless part of a message has arrived.
    fn end_if_idle(&self, id: PeerId, is_whole: bool) -> IdleEnd;

    /// Removes a peer when its connection has gone; `unsent` are messages that the connection had taken and not
    /// written. With `keep`, its queue goes on. Returns whether the caller is to see to it that the socket is
    /// [swept](Self::poll_sweep).
    fn part(&self, id: PeerId, unsent: Vec<Batch>, keep: bool) -> bool;

    /// Removes a slice of the subscriptions that departed peers have left. Ready with whether there are more; pending
    /// while the application has enough to receive.
    fn poll_sweep(&self, cx: &Context<'_>) -> Poll<bool>;

    /// Notes that the sweep has ended: the next departing peer that leaves subscriptions has the socket swept again.
    fn end_sweep(&self);

    /// Returns whether the socket's peers send subscriptions rather than messages.
    fn is_publisher(&self) -> bool;

    /// Ends the queue to a peer that isn't there; `with_runtime` if that is because the runtime has ended, before the
    /// socket.
    fn close(&self, id: PeerId, with_runtime: bool);

    /// Returns how many messages wait for a peer.
    fn queued(&self, id: PeerId) -> usize;
}
