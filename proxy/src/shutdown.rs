//! When to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Ready when the process is told to stop: SIGTERM or SIGINT. The signals are caught from this call on.
///
/// # Errors
/// When the system doesn't let signals be caught.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
