//! Limit on the file descriptors that the peers of one bound endpoint can take from other endpoints.
//!
//! The number of descriptors of a process is limited. If the clients of one endpoint took the last, no peer could
//! connect to another, and the process could neither connect nor open a file. So every bound endpoint has a share,
//! and the last descriptors are reserved for the endpoints that have fewer connections than their share:
//!
//! ```text
//!   0 ··· for any use ··· │ reserve: one share for each bound endpoint, and one for all else │ limit
//! ```

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::resource::{Resource, getrlimit};

use crate::tuning::DESCRIPTOR_SHARES;

/// Number of bound endpoints in this process.
static ENDPOINTS: AtomicU64 = AtomicU64::new(0);

/// The share of one bound endpoint. It counts until it is dropped.
#[derive(Debug)]
pub(super) struct DescriptorShare(());

impl DescriptorShare {
    pub(super) fn new() -> Self {
        ENDPOINTS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// Returns whether a descriptor that was just opened for this endpoint is reserved for other endpoints.
    /// `connections` is the number of connections that the endpoint has already.
    pub(super) fn is_exceeded(&self, descriptor: RawFd, connections: usize) -> bool {
        // If the limit is unknown there is nothing to divide.
        getrlimit(Resource::RLIMIT_NOFILE).is_ok_and(|(limit, _)| {
            is_exceeded(limit, ENDPOINTS.load(Ordering::Relaxed), descriptor, connections)
        })
    }
}

impl Drop for DescriptorShare {
    fn drop(&mut self) {
        ENDPOINTS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns whether `descriptor` is in the reserve and the endpoint has its share.
///
/// The system opens the lowest free number. So all below `descriptor` are in use, and its number alone shows how few
/// are left.
fn is_exceeded(limit: u64, endpoints: u64, descriptor: RawFd, connections: usize) -> bool {
    let share = limit / DESCRIPTOR_SHARES;
    let reserve = share.saturating_mul(endpoints + 1).min(limit / 2);
    let is_reserved = u64::try_from(descriptor).is_ok_and(|number| number >= limit - reserve);
    is_reserved && connections as u64 >= share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_descriptors_are_for_endpoints_below_their_share() {
        // Two endpoints: a reserve of three shares of 32.
        let exceeded = |descriptor, connections| is_exceeded(1024, 2, descriptor, connections);
        assert!(!exceeded(927, 900) && exceeded(928, 900));
        assert!(exceeded(1023, 32) && !exceeded(1023, 31));
    }

    #[test]
    fn an_endpoint_that_no_longer_listens_has_no_share() {
        // Other tests of this process have endpoints too, but not so many.
        const MANY: u64 = 10_000;
        for _ in 0..MANY {
            drop(DescriptorShare::new());
        }
        assert!(ENDPOINTS.load(Ordering::Relaxed) < MANY);
        let _share = DescriptorShare::new();
        assert!(ENDPOINTS.load(Ordering::Relaxed) >= 1);
    }

    #[test]
    fn with_many_endpoints_half_of_the_descriptors_are_free_for_any_endpoint() {
        let exceeded = |descriptor, connections| is_exceeded(1024, 1000, descriptor, connections);
        assert!(!exceeded(511, 500) && exceeded(512, 500));
        assert!(!is_exceeded(u64::MAX, u64::MAX - 1, 1 << 20, 1 << 20));
    }
}
