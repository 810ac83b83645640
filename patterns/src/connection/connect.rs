//! The connecting side: one peer, whose queue outlives its connections.

use tracing::{debug, warn};

use super::backoff::Backoff;
use super::driver::Driver;
use super::handshake::handshake;
use super::link::Slot;
use super::listen::FINISH;
use crate::Endpoint;
use crate::error::ConnectionError;
use crate::peer::Newcomer;
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
        if slot.unless_over(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// One connection, from its beginning to its end.
async fn attempt(endpoint: &Endpoint, slot: &Slot, backoff: &mut Backoff) -> Result<(), ConnectionError> {
    let link = slot.link();
    let Some(stream) = slot.unless_over(Stream::connect(endpoint)).await else {
        return Ok(());
    };
    let stream = stream?;
    // Apart, so that its memory isn't kept for as long as the connection lasts.
    let Some(shaken) = slot.unless_over(Box::pin(handshake(&stream, &**link))).await else {
        return Ok(());
    };
    let driver = Driver::start(&stream, shaken?, |peer| {
        slot.join(Newcomer::new(peer, endpoint.clone(), stream.peer_address(), false))
    })?;
    debug!(%endpoint, "connected");
    backoff.reset();
    driver.run().await?;
    let _ = tokio::time::timeout(FINISH, stream.finish()).await;
    Ok(())
}
