//! Behaviour of our sockets for their users: each fact on a runtime of one thread, and on a runtime of several.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod batches;
mod cancel_safety;
mod client;
mod close;
mod contexts;
mod high_water_marks;
mod idle_timeout;
mod inproc;
mod into_message;
mod pair;
mod permits;
mod pipeline;
mod proxy_function;
mod pub_sub;
mod rebind;
mod req_rep;
mod router_identities;
mod streams_and_sinks;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use enfonet_tests::DEADLINE;

/// Awaits a future for at most the deadline.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
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

/// Lets other tasks have their turns, many of them.
async fn turns() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Repeats an attempt until it gives an outcome. Other tasks have their turns in between.
async fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    in_time(async {
        loop {
            if let Some(outcome) = attempt() {
                return outcome;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Makes each of these facts a test, on both runtimes.
macro_rules! on_every_runtime {
    ($($name:ident),* $(,)?) => {
        mod on_one_thread {
            $(#[tokio::test]
            async fn $name() {
                crate::in_time(super::$name()).await;
            })*
        }

        mod on_several_threads {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::in_time(super::$name()).await;
            })*
        }
    };
}
pub(crate) use on_every_runtime;
