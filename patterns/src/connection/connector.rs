//! The connecting side of an endpoint: its queue in the socket, and the end of its connections.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::peer_guard::PeerGuard;
use super::session::Session;
use crate::monitor::MonitorEvent;
use crate::peer::HandshakenPeer;
use crate::routing::RejectReason;
use crate::{Endpoint, PeerId};

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
