//! The signals that end a broker.

use std::future::pending;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::info;

/// Catches the signals of the process from now on. Returns two futures: the first is ready at the first SIGTERM or SIGINT,
/// the second at the second. SIGHUP is ignored, so that a terminal that closes doesn't take the broker along.
///
/// To be called within a runtime: a task of its own waits for the signals, so that a broker doesn't look after them at each
/// turn.
///
/// # Errors
/// When the system doesn't let signals be caught.
pub fn stop_signals() -> io::Result<(impl Future<Output = ()> + Send, impl Future<Output = ()> + Send)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (first, first_came) = oneshot::channel();
    let (second, second_came) = oneshot::channel();
    tokio::spawn(async move {
        let mut to_tell = [first, second].into_iter();
        loop {
            tokio::select! {
                Some(()) = terminate.recv() => {}
                Some(()) = interrupt.recv() => {}
                Some(()) = hangup.recv() => {
                    info!("SIGHUP is ignored");
                    continue;
                }
                else => return,
            }
            // A broker that has ended isn't told.
            let _ = to_tell.next().map(|told| told.send(()));
        }
    });
    Ok((told(first_came), told(second_came)))
}

async fn told(came: oneshot::Receiver<()>) {
    if came.await.is_err() {
        // The runtime ends.
        pending::<()>().await;
    }
}
