//! Drop guard of a connected endpoint: the queue of its peer, and the tokens that end its connections.

use std::sync::Arc;
use std::time::Duration;

use super::peer_guard::PeerGuard;
use crate::endpoint::Endpoint;
use crate::error::RejectReason;
use crate::monitor::MonitorEvent;
use crate::peer::{HandshakenPeer, PeerId};
use crate::session::{CloseCause, Session, ShutdownTokens};

/// An endpoint that this side connects to. Messages that wait for its peer outlive a connection if the peer has a
/// queue of its own. Dropping the connector closes the queue, even if the task is cancelled.
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

    /// Gives up the endpoint, unless it `survives`. The application may connect to a given up endpoint again.
    pub(crate) fn give_up_unless(&self, survives: bool) {
        if !survives {
            self.tokens.abort.cancel();
        }
    }

    /// Returns whether the endpoint is given up.
    pub(crate) fn is_given_up(&self) -> bool {
        self.tokens.abort.is_cancelled()
    }

    /// Returns whether no new connection may be made, for instance because the socket is closing.
    pub(crate) fn has_stopped_admitting(&self) -> bool {
        self.tokens.admitting.is_cancelled()
    }

    /// Returns the queue of the peer, if it exists before the peer is connected.
    pub(crate) const fn queue(&self) -> Option<PeerId> {
        self.queue
    }

    /// Returns the socket that connects.
    pub(crate) const fn session(&self) -> &Arc<dyn Session> {
        &self.session
    }

    /// Waits for the future. Returns `None` if before that another connection has no purpose any more, since this side
    /// ends the endpoint and no message waits to be sent, or makes no more connections.
    pub(crate) async fn unless_over<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let over = async {
            self.tokens.admitting.cancelled().await;
            if !self.is_over() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            outcome = future => Some(outcome),
            () = over => None,
        }
    }

    /// Returns whether another connection would have no purpose.
    fn is_over(&self) -> bool {
        let ShutdownTokens { admitting, ending, .. } = &self.tokens;
        let has_stopped_admitting = admitting.is_cancelled() && !ending.is_cancelled();
        has_stopped_admitting
            || (ending.is_cancelled() && self.queue.is_none_or(|id| self.session.queued(id) == 0))
    }

    /// Waits before the next attempt. Returns `None` if no attempt is to follow.
    pub(crate) async fn retry_after(&self, wait: Duration) -> Option<()> {
        if self.is_over() {
            return None;
        }
        let endpoint = || self.endpoint.clone();
        self.session.monitors().emit(|| MonitorEvent::ConnectRetried { endpoint: endpoint(), after: wait });
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
            // If neither token is cancelled, the task was dropped by its runtime.
            let is_given_up = self.is_given_up() || self.tokens.ending.is_cancelled();
            self.session.close(id, if is_given_up { CloseCause::GivenUp } else { CloseCause::RuntimeEnded });
        }
        self.session.monitors().emit(|| MonitorEvent::Closed { endpoint: self.endpoint.clone() });
    }
}
