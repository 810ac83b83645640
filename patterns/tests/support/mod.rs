//! Helpers that several test targets share.
#![allow(dead_code, reason = "a test target uses a part of the helpers")]

use std::time::Duration;

/// Time that passes at once in virtual time, and is longer than every timer under test.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Awaits `future` for at most a day, which passes at once in virtual time.
pub(crate) async fn within_a_day<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DAY, future).await.expect("within a day")
}

/// Yields until all other tasks are idle.
pub(crate) async fn yield_to_others() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}
