//! Drop guard of a connected peer, and the task that removes the subscriptions that departed peers leave.

use std::future::poll_fn;
use std::sync::Arc;

use enfonet_zmtp::Batch;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::session::Session;
use crate::error::ConnectionError;
use crate::monitor::MonitorEvent;
use crate::peer::HandshakenPeer;
use crate::routing::RejectReason;
use crate::{PeerId, PeerInfo};

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

    pub(super) fn new(
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
