//! The connecting side: connects to one endpoint, and reconnects.

use std::sync::Arc;

use tracing::{debug, warn};

use super::backoff::{Backoff, Failure};
use super::connector::Connector;
use super::handshake::Side;
use super::pending_peer::PendingPeer;
use super::rejection_log::RejectionLog;
use crate::endpoint::Endpoint;
use crate::error::ConnectionError;
use crate::monitor::MonitorEvent;
use crate::transport::Stream;

/// Connects to the endpoint, and reconnects, until the endpoint is given up, or this side ends the connection and no
/// message waits to be sent.
///
/// A peer that breaks the protocol, or rejects us, is tried again too, after a longer wait, since another program may
/// have taken its place by then. (libzmq gives such an endpoint up for good.)
pub(crate) async fn connect(endpoint: Endpoint, connector: Connector) {
    let mut backoff = Backoff::new(connector.session().settings());
    let rejection_log = RejectionLog::default();
    loop {
        let outcome = attempt(&endpoint, &connector, &mut backoff).await;
        let for_good = connector.is_given_up();
        match &outcome {
            Ok(()) if connector.has_stopped_admitting() => return,
            // The socket has ended this connection, and goes on connecting.
            Ok(()) => debug!(%endpoint, "disconnected"),
            Err(error) if error.is_ordinary() => debug!(%endpoint, %error, for_good, "not connected"),
            Err(error) => match rejection_log.count(error) {
                Some(count) => warn!(%endpoint, %error, count, for_good, "not connected"),
                None => debug!(%endpoint, %error, for_good, "not connected"),
            },
        }
        if for_good {
            return;
        }
        let failure = outcome.map_or_else(|error| Failure::of(&error), |()| Failure::Passing);
        let wait = backoff.wait(failure, fastrand::f64());
        if connector.retry_after(wait).await.is_none() {
            return;
        }
    }
}

/// Runs one connection, from the attempt to connect to its end. Returns `Ok` when this side ended the connection.
async fn attempt(
    endpoint: &Endpoint,
    connector: &Connector,
    backoff: &mut Backoff,
) -> Result<(), Arc<ConnectionError>> {
    let (session, monitors) = (connector.session(), connector.session().monitors());
    let (transport, reconnect) = (&session.settings().transport, session.settings().reconnect);
    monitors.emit(|| MonitorEvent::Connecting { endpoint: endpoint.clone() });
    let Some(stream) = connector.unless_over(Stream::connect(endpoint, transport)).await else {
        return Ok(());
    };
    // The endpoint is given up before the monitors get the event: an application that sees it may connect again at
    // once.
    let stream = stream.map_err(Arc::new).inspect_err(|error| {
        connector.give_up_unless(reconnect.retries_after_connect_error(error));
        monitors.emit(|| MonitorEvent::ConnectFailed { endpoint: endpoint.clone(), error: error.clone() });
    })?;
    monitors.emit(|| {
        let (endpoint, address) = (endpoint.clone(), stream.remote_address());
        MonitorEvent::Connected { endpoint, address }
    });
    let mut pending = PendingPeer::new(&stream, &**session, endpoint, Side::Connecting(connector.queue()));
    // Boxed, so that the memory of the handshake is freed when it ends, and not with the connection.
    let Some(completed) = connector.unless_over(Box::pin(pending.handshake())).await else {
        return Ok(());
    };
    let handshake_failed = || connector.give_up_unless(reconnect.retries_after_handshake_error());
    let completed = completed.inspect_err(|_| handshake_failed())?;
    let mut driver =
        pending.join(completed, |peer| connector.join(peer).inspect_err(|_| handshake_failed()))?;
    debug!(%endpoint, "connected");
    backoff.reset();
    driver.run().await.inspect_err(|_| connector.give_up_unless(reconnect.ever))?;
    driver.finish().await;
    Ok(())
}
