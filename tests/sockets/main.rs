//! Behaviour of our sockets for their users: each test runs on one thread and on several.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod batches;
mod cancel_safety;
mod client;
mod close;
mod conflate;
mod contexts;
mod draining;
mod high_water_marks;
mod idle_peers;
mod inproc;
mod into_message;
mod options;
mod pair;
mod peer_status;
mod permits;
mod pipeline;
mod proxy_function;
mod pub_sub;
mod rebind;
mod req_rep;
mod router_identities;
mod streams_and_sinks;
mod totals;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use enfonet_tests::DEADLINE;

/// Awaits a future for at most the deadline.
async fn within_deadline<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("within the deadline")
}

/// Returns an endpoint within the process that no other test has.
fn inproc() -> String {
    static NAMES: AtomicUsize = AtomicUsize::new(0);
    format!("inproc://sockets {}", NAMES.fetch_add(1, Ordering::Relaxed))
}

/// Returns an endpoint for any TCP port, and a new endpoint within the process.
fn anywhere() -> [String; 2] {
    ["tcp://127.0.0.1:*".into(), inproc()]
}

/// Yields to other tasks many times.
async fn yield_to_others() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Repeats an attempt until it returns an outcome, and yields to other tasks in between.
async fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    within_deadline(async {
        loop {
            if let Some(outcome) = attempt() {
                return outcome;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Defines a test of each function on both runtimes.
macro_rules! on_every_runtime {
    ($($name:ident),* $(,)?) => {
        mod on_one_thread {
            $(#[tokio::test]
            async fn $name() {
                crate::within_deadline(super::$name()).await;
            })*
        }

        mod on_several_threads {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::within_deadline(super::$name()).await;
            })*
        }
    };
}
pub(crate) use on_every_runtime;
