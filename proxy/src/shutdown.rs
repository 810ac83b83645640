//! When to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::AbortOnDropHandle;

/// Ready when the process is told to stop: SIGTERM or SIGINT. The signals are caught from this call on.
///
/// To be called within a runtime: a task of its own waits for the signals, so that who has other things to do
/// as well isn't kept from them by looking after two signals each time.
///
/// # Errors
/// When the system doesn't let signals be caught.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }));
    Ok(async move {
        // It can't fail, and if it could, that would be a reason to stop.
        let _ = told.await;
    })
}
