//! The connecting side: one peer, whose queue outlives its connections.

use tracing::{debug, warn};

use super::backoff::Backoff;
use super::driver::Driver;
use super::handshake::handshake;
use super::link::Slot;
use super::listen::FINISH;
use crate::Endpoint;
use crate::error::ConnectionError;
use crate::transport::Stream;

/// Connects, again and again, until the socket is closing and nothing waits to be sent.
///
/// A peer that breaks the protocol is tried again like one that isn't there, at the same pace: it may be
/// replaced by a better one. (libzmq gives such an endpoint up for good.)
pub(crate) async fn connect(endpoint: Endpoint, slot: Slot) {
    let mut backoff = Backoff::new(slot.link().options());
    loop {
        match attempt(&endpoint, &slot, &mut backoff).await {
            Ok(()) => return,
            Err(error) if error.is_ordinary() => debug!(%endpoint, %error, "not connected"),
            Err(error) => warn!(%endpoint, %error, "not connected"),
        }
        let wait = backoff.wait(fastrand::f64());
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
    let shaking = handshake(&stream, link.local(), link.options().handshake);
    let Some(shaken) = slot.unless_over(shaking).await else {
        return Ok(());
    };
    let (peer, received) = shaken?;
    let joined = slot.join(peer)?;
    debug!(%endpoint, "connected");
    backoff.reset();
    Driver::new(&stream, joined, received).run().await?;
    let _ = tokio::time::timeout(FINISH, stream.finish()).await;
    Ok(())
}
