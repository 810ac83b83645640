//! Receiving and sending for some seconds.

use std::time::Duration;

use enfonet::error::SendError;
use enfonet::socket::Receive;
use enfonet_measure::{Outcome, Window};

/// Time for peers to join before a sender begins, the same in all load programs.
const JOIN_TIME: Duration = Duration::from_millis(700);

/// Binds or connects a socket.
macro_rules! join {
    ($socket:ident, $endpoint:ident, $end:ident) => {
        match $end {
            crate::end::End::Bind => drop($socket.bind($endpoint).await?),
            crate::end::End::Connect => $socket.connect($endpoint)?,
        }
    };
}
pub(crate) use join;

/// Receives for some seconds from the first message on, and prints the rate.
pub(crate) async fn count_for(socket: &impl Receive, size: usize, seconds: u64) -> Outcome {
    socket.recv().await?;
    let mut window = Window::new(Duration::from_secs(seconds));
    while window.count(1) {
        socket.recv().await?;
    }
    window.report(size);
    Ok(())
}

/// Calls `send`, which sends a message, for some seconds, and prints the number of messages.
pub(crate) async fn send_for<S>(seconds: u64, send: impl Fn() -> S) -> Outcome
where
    S: Future<Output = Result<(), SendError>>,
{
    tokio::time::sleep(JOIN_TIME).await;
    let mut window = Window::new(Duration::from_secs(seconds));
    send().await?;
    while window.count(1) {
        send().await?;
    }
    window.report_sent();
    Ok(())
}
