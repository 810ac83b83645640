//! Drop guard of a connected peer, and the task that removes the subscriptions that departed peers leave.

use std::future::poll_fn;
use std::sync::Arc;

use enfonet_zmtp::Command;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::restriction::Restriction;
use crate::error::{ConnectionError, RejectReason};
use crate::monitor::MonitorEvent;
use crate::peer::{HandshakenPeer, PeerId, PeerInfo};
use crate::queue::Run;
use crate::session::{QueueLifetime, Session};

/// A peer that has joined a socket. Dropping the guard removes the peer, even if the task is cancelled.
#[derive(Debug)]
pub(crate) struct PeerGuard {
    session: Arc<dyn Session>,
    peer: Arc<PeerInfo>,
    /// Filter of what the peer sends; `None` if the peer may use all topics.
    restriction: Option<Box<Restriction>>,
    lifetime: QueueLifetime,
    ending: CancellationToken,
    /// Messages that the connection had taken and not written.
    pub(crate) unsent: Vec<Run>,
    /// Reason for the end of the connection; `None` when this side ended it.
    pub(crate) reason: Option<Arc<ConnectionError>>,
}

impl PeerGuard {
    /// Adds an accepted peer to the socket. Its queue begins and ends with the connection.
    pub(crate) fn accept(
        session: &Arc<dyn Session>,
        peer: HandshakenPeer,
        ending: CancellationToken,
    ) -> Result<Self, RejectReason> {
        Self::new(session, None, peer, ending)
    }

    /// Adds a peer to the socket, with its queue if it has one.
    pub(super) fn new(
        session: &Arc<dyn Session>,
        queue: Option<PeerId>,
        peer: HandshakenPeer,
        ending: CancellationToken,
    ) -> Result<Self, RejectReason> {
        let peer = session.join(queue, peer, &ending)?;
        session.counters().count_opened();
        session.monitors().emit(|| MonitorEvent::HandshakeSucceeded { peer: peer.clone() });
        let (session, restriction) = (session.clone(), Restriction::of(&peer, &**session));
        let lifetime = if queue.is_some() { QueueLifetime::Endpoint } else { QueueLifetime::Connection };
        Ok(Self { session, peer, restriction, lifetime, ending, unsent: Vec::new(), reason: None })
    }

    /// Returns whether the connection ends as soon as all waiting messages are written.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Returns the socket that the peer has joined.
    pub(crate) fn session(&self) -> &dyn Session {
        &*self.session
    }

    /// Delivers arrived messages to the socket, except for those that the peer isn't permitted to send.
    pub(crate) fn deliver(&self, mut run: Run) -> Result<(), RejectReason> {
        if let Some(restriction) = &self.restriction {
            run = restriction.permitted(run, &*self.session);
            if run.is_empty() {
                return Ok(());
            }
        }
        self.session.deliver(self.peer.id, run)
    }

    /// Passes a command that has arrived to the socket, unless the peer isn't permitted to send it.
    pub(crate) fn command(&self, command: Command) -> Result<(), RejectReason> {
        match &self.restriction {
            Some(restriction) if !restriction.permits_command(&command, &*self.session) => Ok(()),
            _ => self.session.command(self.peer.id, command),
        }
    }

    /// Returns the id of the peer.
    pub(crate) fn id(&self) -> PeerId {
        self.peer.id
    }
}

impl Drop for PeerGuard {
    fn drop(&mut self) {
        if self.session.part(self.peer.id, std::mem::take(&mut self.unsent), self.lifetime) {
            Sweeper { session: self.session.clone(), is_done: false }.spawn();
        }
        let reason = self.reason.take();
        self.session.counters().count_closed(reason.as_deref().unwrap_or(&ConnectionError::Closed));
        self.session.monitors().emit(|| MonitorEvent::Disconnected {
            peer: self.peer.clone(),
            reason: reason.unwrap_or_else(|| ConnectionError::Closed.into()),
        });
    }
}

/// A task that removes the subscriptions of departed peers in slices, so that other tasks go on meanwhile. A socket
/// has at most one at a time. Dropping it before it is done lets the socket start another.
#[derive(Debug)]
struct Sweeper {
    session: Arc<dyn Session>,
    /// Whether nothing is left to remove: the socket may have started another sweeper since.
    is_done: bool,
}

impl Sweeper {
    /// Starts the task on the current runtime.
    fn spawn(self) {
        // Without a runtime the sweeper ends here, and the next sweeper removes the rest.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(self.run());
    }

    async fn run(mut self) {
        while poll_fn(|cx| self.session.poll_sweep(cx)).await {
            // tokio's own yield: it polls the IO driver too, so that connections learn of new input.
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
