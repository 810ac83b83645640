//! Signals that stop a broker.

use std::future::pending;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::info;

/// Catches the signals of the process from now on. Returns two futures, which are ready at the first and at the second
/// SIGTERM or SIGINT. Ignores SIGHUP, so that the broker outlives its terminal.
///
/// Call it within a runtime. A separate task waits for the signals, since polling them costs time, and a broker would
/// poll them each time that it is polled.
///
/// # Errors
/// An error of the system if signals can't be caught.
pub(crate) fn stop_signals() -> io::Result<(impl Future<Output = ()> + Send, impl Future<Output = ()> + Send)>
{
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (first, on_first) = oneshot::channel();
    let (second, on_second) = oneshot::channel();
    tokio::spawn(async move {
        let mut senders = [first, second].into_iter();
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
            // The receiver is gone if the broker has ended.
            let _ = senders.next().map(|sender| sender.send(()));
        }
    });
    Ok((received(on_first), received(on_second)))
}

/// Waits until the signal is received. Never returns if the runtime ends before.
async fn received(signal: oneshot::Receiver<()>) {
    if signal.await.is_err() {
        pending::<()>().await;
    }
}
