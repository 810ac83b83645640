//! The accepting side: every connection is a peer of its own, for as long as it lasts.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::driver::Driver;
use super::handshake::handshake;
use super::link::{Joined, Link};
use crate::Endpoint;
use crate::error::ConnectionError;
use crate::transport::{Listener, Stream};

/// The wait after the system had no descriptor or memory for a connection: it isn't going to have one at once.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How long a peer may take to close after all has been written to it.
pub(super) const FINISH: Duration = Duration::from_secs(1);

/// Accepts until `stop` is cancelled; connections go on until `until` is.
pub(crate) async fn listen(
    listener: Listener,
    endpoint: Endpoint,
    link: Arc<dyn Link>,
    tasks: TaskTracker,
    stop: CancellationToken,
    until: CancellationToken,
) {
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok(stream) => {
                    let (link, until, endpoint) = (link.clone(), until.clone(), endpoint.clone());
                    tasks.spawn(async move {
                        until.run_until_cancelled(serve(stream, endpoint, link)).await;
                    });
                }
                Err(error) if is_of_one_connection(&error) => {
                    debug!(%endpoint, %error, "a connection was gone")
                }
                Err(error) => {
                    warn!(%endpoint, %error, "can't accept connections for now");
                    tokio::time::sleep(EXHAUSTED).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = until.cancelled() => {}
        () = accepting => {}
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | NotConnected | InvalidInput
    )
}

async fn serve(stream: Stream, endpoint: Endpoint, link: Arc<dyn Link>) {
    match converse(&stream, link).await {
        Ok(()) => {}
        Err(error) if error.is_ordinary() => debug!(%endpoint, %error, "a peer has gone"),
        Err(error) => warn!(%endpoint, %error, "a peer was turned away"),
    }
}

async fn converse(stream: &Stream, link: Arc<dyn Link>) -> Result<(), ConnectionError> {
    let shaking = handshake(stream, link.local(), link.options().handshake);
    let Some(shaken) = link.closing().run_until_cancelled(shaking).await else {
        return Ok(());
    };
    let (peer, received) = shaken?;
    Driver::new(stream, Joined::accept(&link, peer)?, received).run().await?;
    let _ = tokio::time::timeout(FINISH, stream.finish()).await;
    Ok(())
}
