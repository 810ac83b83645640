//! The connecting side: one peer, whose queue outlives its connections.

use std::sync::Arc;

use tracing::{debug, warn};

use super::backoff::Backoff;
use super::link::Slot;
use super::listen::FINISH;
use super::stranger::Stranger;
use crate::Endpoint;
use crate::error::ConnectionError;
use crate::monitor::MonitorEvent;
use crate::transport::Stream;

/// Connects, again and again, until this side ends it and nothing waits to be sent.
///
/// A peer that breaks the protocol, or won't have us, is tried again too, only not as often: it may be replaced
/// by a better one. (libzmq gives such an endpoint up for good.)
pub(crate) async fn connect(endpoint: Endpoint, slot: Slot) {
    let mut backoff = Backoff::new(slot.link().options());
    loop {
        let Err(error) = attempt(&endpoint, &slot, &mut backoff).await else { return };
        if error.is_ordinary() {
            debug!(%endpoint, %error, "not connected");
        } else {
            warn!(%endpoint, %error, "not connected");
        }
        let wait = backoff.wait(error.is_lasting(), fastrand::f64());
        if slot.retry_after(wait).await.is_none() {
            return;
        }
    }
}

/// One connection, from its beginning to its end.
async fn attempt(
    endpoint: &Endpoint,
    slot: &Slot,
    backoff: &mut Backoff,
) -> Result<(), Arc<ConnectionError>> {
    let (link, monitors) = (slot.link(), slot.link().monitors());
    monitors.tell(|| MonitorEvent::Connecting { endpoint: endpoint.clone() });
    let Some(stream) = slot.unless_over(Stream::connect(endpoint, &link.options().transport)).await else {
        return Ok(());
    };
    let stream = stream.map_err(Arc::new).inspect_err(|error| {
        monitors.tell(|| MonitorEvent::ConnectFailed { endpoint: endpoint.clone(), error: error.clone() });
    })?;
    monitors.tell(|| {
        let (endpoint, address) = (endpoint.clone(), stream.remote_address());
        MonitorEvent::Connected { endpoint, address }
    });
    let mut stranger = Stranger::new(&stream, &**link, endpoint);
    // Apart, so that its memory isn't kept for as long as the connection lasts.
    let Some(shaken) = slot.unless_over(Box::pin(stranger.shake_hands())).await else {
        return Ok(());
    };
    let driver = stranger.join(shaken?, false, |peer| slot.join(peer))?;
    debug!(%endpoint, "connected");
    backoff.reset();
    driver.run().await?;
    let _ = tokio::time::timeout(FINISH, stream.finish()).await;
    Ok(())
}
