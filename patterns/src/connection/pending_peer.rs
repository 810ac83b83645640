//! Drop guard of a peer whose handshake isn't finished.

use std::sync::Arc;

use super::driver::Driver;
use super::handshake::{CompletedHandshake, Side, handshake};
use super::peer_guard::PeerGuard;
use crate::endpoint::Endpoint;
use crate::error::{ConnectionError, RejectReason};
use crate::monitor::MonitorEvent;
use crate::peer::HandshakenPeer;
use crate::session::Session;
use crate::transport::Stream;

/// A peer whose handshake isn't finished. Dropping it reports `HandshakeFailed` unless [`join`](Self::join) succeeded,
/// even if the task is cancelled.
#[derive(Debug)]
pub(super) struct PendingPeer<'a> {
    stream: &'a Stream,
    session: &'a dyn Session,
    endpoint: &'a Endpoint,
    side: Side,
    error: Option<Arc<ConnectionError>>,
    is_peer: bool,
}

impl<'a> PendingPeer<'a> {
    pub(super) const fn new(
        stream: &'a Stream,
        session: &'a dyn Session,
        endpoint: &'a Endpoint,
        side: Side,
    ) -> Self {
        Self { stream, session, endpoint, side, error: None, is_peer: false }
    }

    /// Runs the handshake.
    pub(super) async fn handshake(&mut self) -> Result<CompletedHandshake, Arc<ConnectionError>> {
        handshake(self.stream, self.session, self.side).await.map_err(|error| self.fail(error))
    }

    /// Adds the peer to the socket, and returns the driver of its connection.
    pub(super) fn join(
        mut self,
        completed: CompletedHandshake,
        join: impl FnOnce(HandshakenPeer) -> Result<PeerGuard, RejectReason>,
    ) -> Result<Driver<'a>, Arc<ConnectionError>> {
        let (endpoint, address) = (self.endpoint.clone(), self.stream.peer_address());
        let is_accepted = self.side.is_accepting();
        let placed = |peer| join(HandshakenPeer::new(peer, endpoint, address, is_accepted));
        let started = Driver::start(self.stream, completed, placed);
        self.is_peer = started.is_ok();
        started.map_err(|reason| self.fail(reason.into()))
    }

    /// Sets the error that `HandshakeFailed` reports, and returns it.
    pub(super) fn fail(&mut self, error: ConnectionError) -> Arc<ConnectionError> {
        self.error.insert(Arc::new(error)).clone()
    }
}

impl Drop for PendingPeer<'_> {
    fn drop(&mut self) {
        if !self.is_peer {
            let error = self.error.take();
            self.session
                .counters()
                .count_failed_handshake(error.as_deref().unwrap_or(&ConnectionError::Closed));
            self.session.monitors().emit(|| MonitorEvent::HandshakeFailed {
                endpoint: self.endpoint.clone(),
                address: self.stream.remote_address(),
                error: error.unwrap_or_else(|| ConnectionError::Closed.into()),
            });
        }
    }
}
