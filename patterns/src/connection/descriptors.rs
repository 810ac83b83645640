//! File descriptors that one bound endpoint leaves for others.
//!
//! A process has so many. If the clients of one endpoint take the last, the peers of another can't come in, nor can the process
//! connect or open a file. So every bound endpoint is sure of a share, and the last descriptors are taken only for those
//! that don't have it yet:
//!
//! ```text
//!   0 ··· in use by whatever needs them ··· │ one share for each bound endpoint, and one for all else │ limit
//! ```

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::resource::{Resource, getrlimit};

/// Bound endpoints of this process.
static ENDPOINTS: AtomicU64 = AtomicU64::new(0);
/// Shares in all the descriptors that a process may have.
const SHARES_PER_PROCESS: u64 = 32;

/// The share of one bound endpoint, for as long as it listens.
#[derive(Debug)]
pub(super) struct DescriptorShare(());

impl DescriptorShare {
    pub(super) fn new() -> Self {
        ENDPOINTS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// Whether a descriptor that has just been opened for this endpoint is meant for others. `connections`: how many the
    /// endpoint has already.
    pub(super) fn is_exceeded(&self, descriptor: RawFd, connections: usize) -> bool {
        // Without a limit that can be known there is nothing to divide.
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

/// The system gives the lowest number that is free. So all below `descriptor` are in use, and it is one of the last only if
/// few are left.
fn is_exceeded(limit: u64, endpoints: u64, descriptor: RawFd, connections: usize) -> bool {
    let share = limit / SHARES_PER_PROCESS;
    let reserve = share.saturating_mul(endpoints + 1).min(limit / 2);
    let is_reserved = u64::try_from(descriptor).is_ok_and(|number| number >= limit - reserve);
    is_reserved && connections as u64 >= share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_descriptors_are_for_endpoints_that_have_less_than_their_share() {
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
    fn many_endpoints_leave_half_of_all_to_whoever_comes_first() {
        let exceeded = |descriptor, connections| is_exceeded(1024, 1000, descriptor, connections);
        assert!(!exceeded(511, 500) && exceeded(512, 500));
        assert!(!is_exceeded(u64::MAX, u64::MAX - 1, 1 << 20, 1 << 20));
    }
}
