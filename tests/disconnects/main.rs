//! Peers that leave, endpoints that are given up, sockets that close: what was under way then, and what comes
//! after it. Nearly all of these were wrong once.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod close;
mod hello_message;
mod inproc;
mod peer_ids;
mod publisher_batches;
mod req;
mod slb;
mod subscription_limit;

use enfonet_tests::DEADLINE;

/// Any free port.
const TCP: &str = "tcp://127.0.0.1:*";

/// Awaits a future on the runtime of the test, for at most the deadline.
async fn soon<T>(future: impl Future<Output = T>) -> T {
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
