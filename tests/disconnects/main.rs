//! Disconnecting peers, removed endpoints and closing sockets with messages in flight. Nearly all of these cases
//! were wrong once.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod close;
mod disconnect_peer;
mod hello_message;
mod inproc;
mod peer_ids;
mod publisher_batches;
mod req;
mod slb;
mod subscription_limit;

use enfonet_tests::DEADLINE;

/// Endpoint for any free TCP port.
const TCP: &str = "tcp://127.0.0.1:*";

/// Awaits a future on the runtime of the test, for at most the deadline.
async fn within_deadline<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("within the deadline")
}

/// Polls a future once, and drops it. Returns its outcome if it was ready.
async fn begin<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        outcome = future => Some(outcome),
        () = std::future::ready(()) => None,
    }
}
