//! The accepting side: accepts connections, and runs each as a peer of its own.

use std::io;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::descriptors::DescriptorShare;
use super::handshake::Side;
use super::handshake_slots::{HandshakeSlot, HandshakeSlots, Shortage};
use super::peer_guard::PeerGuard;
use super::pending_peer::PendingPeer;
use super::rejection_log::RejectionLog;
use crate::endpoint::Endpoint;
use crate::error::ConnectionError;
use crate::log_limiter::LogLimiter;
use crate::monitor::MonitorEvent;
use crate::session::{Session, ShutdownTokens};
use crate::transport::{Listener, Stream};
use crate::tuning::EXHAUSTION_PAUSE;

/// Accepts connections until `admitting` is cancelled, or the listener is closed, then waits for the connections to
/// end. They end when all is written once `ending` is cancelled, and are cut off when `abort` is.
pub(crate) async fn listen(
    listener: Arc<Listener>,
    endpoint: Endpoint,
    session: Arc<dyn Session>,
    tasks: TaskTracker,
    ShutdownTokens { admitting, ending, abort }: ShutdownTokens,
) {
    let acceptor = Arc::new(Acceptor {
        handshake_slots: HandshakeSlots::new(
            session.settings().handshake.slots,
            session.settings().transport.max_connections,
        ),
        descriptor_share: DescriptorShare::new(),
        rejection_log: RejectionLog::default(),
        accept_errors: LogLimiter::default(),
        endpoint: endpoint.clone(),
        admitting: admitting.clone(),
        ending,
        session,
    });
    // Connections are cut off by dropping this set, so none has to check the `abort` token at each poll.
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    None => break,
                    Some(Ok(stream)) => match acceptor.admit(stream, &mut connections).await {
                        Ok((stream, slot)) => {
                            let acceptor = acceptor.clone();
                            connections.spawn(tasks.track_future(async move { acceptor.serve(stream, slot).await }));
                        }
                        Err((stream, shortage)) => acceptor.reject(stream, shortage).await,
                    },
                    Some(Err(error)) => acceptor.handle_accept_error(error).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    };
    tokio::select! {
        () = admitting.cancelled() => {}
        () = abort.cancelled() => {}
        () = accepting => {}
    }
    drop(listener);
    acceptor.session.monitors().emit(|| MonitorEvent::Closed { endpoint });
    let all_gone = async { while connections.join_next().await.is_some() {} };
    abort.run_until_cancelled(all_gone).await;
}

/// Returns whether the error is that of one connection, so that the next can be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | NotConnected | InvalidInput
    )
}

/// A bound endpoint: the state that its connections share.
#[derive(Debug)]
struct Acceptor {
    session: Arc<dyn Session>,
    endpoint: Endpoint,
    admitting: CancellationToken,
    ending: CancellationToken,
    /// Slots of the handshakes in progress.
    handshake_slots: Arc<HandshakeSlots>,
    descriptor_share: DescriptorShare,
    rejection_log: RejectionLog,
    accept_errors: LogLimiter,
}

impl Acceptor {
    /// Acquires a place and a handshake slot for a new connection, if necessary those of another handshake, which then
    /// ends.
    async fn admit(
        &self,
        mut stream: Stream,
        connections: &mut JoinSet<()>,
    ) -> Result<(Stream, HandshakeSlot), (Stream, Shortage)> {
        self.session.monitors().emit(|| {
            let (endpoint, address) = (self.endpoint.clone(), stream.remote_address());
            MonitorEvent::Accepted { endpoint, address }
        });
        if !self.has_place(connections).await {
            return Err((stream, Shortage::Connections));
        }
        if self.descriptor_share.is_exceeded(stream.descriptor(), connections.len()) {
            match self.exchange_descriptor(stream, connections).await {
                Ok(exchanged) => stream = exchanged,
                Err(stream) => return Err((stream, Shortage::Descriptors)),
            }
        }
        match self.handshake_slots.admit(stream.origin()) {
            Ok(slot) => Ok((stream, slot)),
            Err(shortage) => Err((stream, shortage)),
        }
    }

    /// Returns whether the endpoint has room for another connection. At the limit it ends a handshake, and waits until
    /// that connection has ended: if the handshake is complete by now, its connection goes on.
    async fn has_place(&self, connections: &mut JoinSet<()>) -> bool {
        // Connections that have ended may still be in the set.
        while !self.handshake_slots.has_room(connections.len()) && connections.try_join_next().is_some() {}
        if self.handshake_slots.has_room(connections.len()) {
            return true;
        }
        self.handshake_slots.evict(Shortage::Connections).is_ok()
            && tokio::time::timeout(EXHAUSTION_PAUSE, connections.join_next()).await.is_ok()
            && self.handshake_slots.has_room(connections.len())
    }

    /// Ends a handshake, and moves the new connection to the descriptor that this frees. The old descriptor of the
    /// connection is one of the reserve, and is free again when `stream` is dropped. Otherwise each burst of
    /// connections would use up a part of the reserve.
    async fn exchange_descriptor(
        &self,
        stream: Stream,
        connections: &mut JoinSet<()>,
    ) -> Result<Stream, Stream> {
        while connections.try_join_next().is_some() {}
        if self.handshake_slots.evict(Shortage::Descriptors).is_err() {
            return Err(stream);
        }
        // The handshake may be complete by now. Its connection then goes on, and nothing is freed.
        let has_ended = tokio::time::timeout(EXHAUSTION_PAUSE, connections.join_next())
            .await
            .is_ok_and(|end| end.is_some());
        match stream.duplicate() {
            Ok(exchanged) if exchanged.descriptor() < stream.descriptor() => Ok(exchanged),
            // The freed descriptor is one of the reserve too, and higher.
            _ if has_ended => Ok(stream),
            _ => Err(stream),
        }
    }

    /// Closes a connection without a handshake. Without descriptors the next would have to be closed too, so
    /// accepting pauses.
    async fn reject(&self, stream: Stream, shortage: Shortage) {
        let mut pending = PendingPeer::new(&stream, &*self.session, &self.endpoint, Side::Accepting);
        self.log_rejection(&stream, &pending.fail(self.handshake_slots.error(shortage)));
        drop(pending);
        drop(stream);
        if shortage == Shortage::Descriptors {
            tokio::time::sleep(EXHAUSTION_PAUSE).await;
        }
    }

    /// Reports that `accept` has failed, and waits if the next call would fail too.
    async fn handle_accept_error(&self, error: io::Error) {
        let (endpoint, error) = (&self.endpoint, Arc::new(error));
        self.session
            .monitors()
            .emit(|| MonitorEvent::AcceptFailed { endpoint: endpoint.clone(), error: error.clone() });
        if is_of_one_connection(&error) {
            debug!(%endpoint, %error, "a connection was gone");
        } else {
            match self.accept_errors.count(1) {
                Some(attempts) => warn!(%endpoint, %error, attempts, "can't accept connections for now"),
                None => debug!(%endpoint, %error, "can't accept connections for now"),
            }
            // The end of a handshake frees a descriptor, if any handshake is in progress.
            let _ = self.handshake_slots.evict(Shortage::Descriptors);
            tokio::time::sleep(EXHAUSTION_PAUSE).await;
        }
    }

    /// Runs an accepted connection to its end, and logs why it ended.
    async fn serve(&self, stream: Stream, slot: HandshakeSlot) {
        match self.run_peer(&stream, slot).await {
            Ok(()) => {}
            Err(error) if error.is_ordinary() => {
                debug!(endpoint = %self.endpoint, address = stream.remote_address(), %error, "a peer has gone");
            }
            Err(error) => self.log_rejection(&stream, &error),
        }
    }

    /// Runs an accepted connection: the handshake, then the traffic. Returns `Ok` when this side ended the connection.
    async fn run_peer(&self, stream: &Stream, mut slot: HandshakeSlot) -> Result<(), Arc<ConnectionError>> {
        let mut pending = PendingPeer::new(stream, &*self.session, &self.endpoint, Side::Accepting);
        // Boxed, so that the memory of the handshake is freed when it ends, and not with the connection.
        let completed = tokio::select! {
            biased;
            () = self.admitting.cancelled() => return Ok(()),
            completed = Box::pin(pending.handshake()) => Ok(completed),
            error = slot.evicted() => Err(error),
        };
        let completed = completed.map_err(|error| pending.fail(error))?;
        let join = |peer| PeerGuard::accept(&self.session, peer, self.ending.clone());
        let mut driver = pending.join(completed?, join)?;
        drop(slot);
        driver.run().await?;
        driver.finish().await;
        Ok(())
    }

    /// Logs why a peer was rejected, and how many peers were rejected for a reason of this kind since the last line.
    /// Peers can't fill the log.
    fn log_rejection(&self, stream: &Stream, error: &ConnectionError) {
        let (endpoint, address) = (&self.endpoint, stream.remote_address());
        match self.rejection_log.count(error) {
            Some(count) => warn!(%endpoint, address, %error, count, "a peer was turned away"),
            None => debug!(%endpoint, address, %error, "a peer was turned away"),
        }
    }
}
