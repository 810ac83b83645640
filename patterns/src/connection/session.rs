//! The interface of a socket to its connections.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use enfonet_zmtp::{Batch, Command, LocalProperties};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::ConnectionError;
use crate::monitor::{MonitorEvent, Monitors};
use crate::options::Settings;
use crate::peer::HandshakenPeer;
use crate::queue::{IdleEnd, Taken};
use crate::routing::RejectReason;
use crate::size::Size;
use crate::{Endpoint, PeerId, PeerInfo};

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

/// ShutdownTokens for the end of an endpoint's connections.
#[derive(Clone, Debug)]
pub(crate) struct ShutdownTokens {
    /// Cancelled when no new connections are made; with `ending` at the latest, whose child it is.
    pub(crate) admitting: CancellationToken,
    /// Cancelled when this side doesn't want the peers any more, or is closing: connections end when nothing waits to
    /// be written.
    pub(crate) ending: CancellationToken,
    /// Cancelled when the endpoint is given up, or all is to be cut off.
    pub(crate) abort: CancellationToken,
}

/// The place in its socket of a peer that this side connects to. Messages that wait for the peer outlive its
/// connections, if it has a queue of its own. The queue ends with this guard, wherever its task is cancelled.
#[derive(Debug)]
pub(crate) struct Connector {
    session: Arc<dyn Session>,
    endpoint: Endpoint,
    queue: Option<PeerId>,
    tokens: ShutdownTokens,
}

impl Connector {
    pub(crate) const fn new(
        session: Arc<dyn Session>,
        endpoint: Endpoint,
        queue: Option<PeerId>,
        tokens: ShutdownTokens,
    ) -> Self {
        Self { session, endpoint, queue, tokens }
    }

    /// Gives up the endpoint, unless it `survives`: once given up, it can be connected to again.
    pub(crate) fn give_up_unless(&self, survives: bool) {
        if !survives {
            self.tokens.abort.cancel();
        }
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.tokens.abort.is_cancelled()
    }

    /// Returns whether no new connection is to be made, be it that the socket is closing.
    pub(crate) fn has_stopped_admitting(&self) -> bool {
        self.tokens.admitting.is_cancelled()
    }

    /// Returns the queue of the peer, if it is there before the peer.
    pub(crate) const fn queue(&self) -> Option<PeerId> {
        self.queue
    }

    pub(crate) const fn session(&self) -> &Arc<dyn Session> {
        &self.session
    }

    /// Waits for `what`, unless the end has come and nothing waits to be sent, or no connections are to be made any more:
    /// then there is no point.
    pub(crate) async fn unless_over<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        let over = async {
            self.tokens.admitting.cancelled().await;
            if !self.is_over() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            outcome = what => Some(outcome),
            () = over => None,
        }
    }

    fn is_over(&self) -> bool {
        let ShutdownTokens { admitting, ending, .. } = &self.tokens;
        let has_stopped_admitting = admitting.is_cancelled() && !ending.is_cancelled();
        has_stopped_admitting
            || (ending.is_cancelled() && self.queue.is_none_or(|id| self.session.queued(id) == 0))
    }

    /// Waits before the next attempt, unless there is none.
    pub(crate) async fn retry_after(&self, wait: Duration) -> Option<()> {
        if self.is_over() {
            return None;
        }
        let endpoint = || self.endpoint.clone();
        self.session.monitors().tell(|| MonitorEvent::ConnectRetried { endpoint: endpoint(), after: wait });
        self.unless_over(tokio::time::sleep(wait)).await
    }

    /// Adds the peer to the socket, until the guard is dropped.
    pub(crate) fn join(&self, peer: HandshakenPeer) -> Result<PeerGuard, RejectReason> {
        PeerGuard::new(&self.session, self.queue, peer, self.tokens.ending.clone())
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        if let Some(id) = self.queue {
            // If nobody wants the end of this connection, its runtime has ended.
            self.session.close(id, !self.is_given_up() && !self.tokens.ending.is_cancelled());
        }
        self.session.monitors().tell(|| MonitorEvent::Closed { endpoint: self.endpoint.clone() });
    }
}

/// A connected peer. Dropping it removes the peer from its socket.
#[derive(Debug)]
pub(crate) struct PeerGuard {
    session: Arc<dyn Session>,
    peer: Arc<PeerInfo>,
    keep: bool,
    ending: CancellationToken,
    /// Messages that its connection had taken and not written.
    pub(crate) unsent: Vec<Batch>,
    /// The reason why the peer goes, when that isn't this side's doing.
    pub(crate) reason: Option<Arc<ConnectionError>>,
}

impl PeerGuard {
    /// Adds a peer that has connected to this side: its queue begins and ends with it.
    pub(crate) fn accept(
        session: &Arc<dyn Session>,
        peer: HandshakenPeer,
        ending: CancellationToken,
    ) -> Result<Self, RejectReason> {
        Self::new(session, None, peer, ending)
    }

    fn new(
        session: &Arc<dyn Session>,
        queue: Option<PeerId>,
        peer: HandshakenPeer,
        ending: CancellationToken,
    ) -> Result<Self, RejectReason> {
        let peer = session.join(queue, peer, &ending)?;
        session.monitors().tell(|| MonitorEvent::HandshakeSucceeded { peer: peer.clone() });
        let (session, keep) = (session.clone(), queue.is_some());
        Ok(Self { session, peer, keep, ending, unsent: Vec::new(), reason: None })
    }

    /// Returns whether the connection is to end when nothing waits to be written.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    pub(crate) fn session(&self) -> &dyn Session {
        &*self.session
    }

    pub(crate) fn id(&self) -> PeerId {
        self.peer.id
    }
}

impl Drop for PeerGuard {
    fn drop(&mut self) {
        if self.session.part(self.peer.id, std::mem::take(&mut self.unsent), self.keep) {
            Sweeper { session: self.session.clone(), is_done: false }.spawn();
        }
        self.session.monitors().tell(|| MonitorEvent::Disconnected {
            peer: self.peer.clone(),
            reason: self.reason.take().unwrap_or_else(|| ConnectionError::Closed.into()),
        });
    }
}

/// A task that removes the subscriptions of departed peers, slice by slice, so that other tasks go on meanwhile. A
/// socket has at most one at a time.
#[derive(Debug)]
struct Sweeper {
    session: Arc<dyn Session>,
    /// Whether nothing is left to remove. The socket may have another sweeper from then on.
    is_done: bool,
}

impl Sweeper {
    fn spawn(self) {
        // Without a runtime it ends here, and the rest waits for the next sweeper.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(self.run());
    }

    async fn run(mut self) {
        while poll_fn(|cx| self.session.poll_sweep(cx)).await {
            // Not just to other tasks: connections have to learn what the system has for them, too.
            tokio::task::yield_now().await;
        }
        self.is_done = true;
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        if !self.is_done {
            self.session.end_sweep();
        }
    }
}
