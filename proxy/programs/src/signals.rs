//! Signals that stop a broker, or reload its settings.

use std::future::pending;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// Catches the signals of the process from now on. Returns two futures, which are ready at the first and at the second
/// SIGTERM or SIGINT, and a receiver of SIGHUPs. So the broker outlives its terminal.
///
/// Call it within a runtime. A separate task waits for the signals, since polling them costs time, and a broker would
/// poll them each time that it is polled.
///
/// # Errors
/// An error of the system if signals can't be caught.
pub(crate) fn catch_signals()
-> io::Result<(impl Future<Output = ()> + Send, impl Future<Output = ()> + Send, mpsc::Receiver<()>)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (first, on_first) = oneshot::channel();
    let (second, on_second) = oneshot::channel();
    let (reload, on_reload) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut senders = [first, second].into_iter();
        loop {
            tokio::select! {
                Some(()) = terminate.recv() => {}
                Some(()) = interrupt.recv() => {}
                Some(()) = hangup.recv() => {
                    // A signal that waits stands for all.
                    let _ = reload.try_send(());
                    continue;
                }
                else => return,
            }
            // The receiver is gone if the broker has ended.
            let _ = senders.next().map(|sender| sender.send(()));
        }
    });
    Ok((received(on_first), received(on_second), on_reload))
}

/// Waits until the signal is received. Never returns if the runtime ends before.
async fn received(signal: oneshot::Receiver<()>) {
    if signal.await.is_err() {
        pending::<()>().await;
    }
}
