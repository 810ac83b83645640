//! Return of the heap's free memory to the system, once a storm is over.
//!
//! Queues of slow subscribers, or the topics of a subscriber that leaves, are hundreds of megabytes that are freed at
//! once. glibc returns only the end of its heap, and a few small allocations there keep all free memory below them
//! resident. `malloc_trim` returns free pages wherever they lie. A library doesn't know its program's allocator, so
//! only the programs call it.

use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::debug;

use crate::tuning::{HEAP_CHECK_INTERVAL, HEAP_SLACK_BYTES, MAX_SKIPPED_HEAP_CHECKS};

/// Trims the heap whenever much of it may be free. Never returns, unless there is no `/proc`.
pub(crate) async fn trim_after_storms() {
    let Some(start) = resident_bytes() else { return };
    let mut usage = Usage::new(start);
    loop {
        sleep(HEAP_CHECK_INTERVAL).await;
        // Reading fails while no descriptor is left.
        let Some(resident) = resident_bytes() else { continue };
        if !usage.should_trim(resident) {
            continue;
        }
        // Returning a gigabyte takes the kernel some 40 ms. The broker goes on meanwhile, unless it has to allocate.
        if spawn_blocking(trim).await.is_err() {
            return;
        }
        let trimmed = resident_bytes().unwrap_or(resident);
        usage.record_trim(trimmed);
        debug!(resident, trimmed, "trimmed the heap");
    }
}

/// Resident memory of the process, as seen so far.
#[derive(Debug)]
struct Usage {
    start: usize,
    last: usize,
    /// Checks to skip before the next trim.
    skips: u32,
    /// Checks that were skipped before the last trim, if that trim returned little memory.
    last_skips: u32,
}

impl Usage {
    const fn new(start: usize) -> Self {
        Self { start, last: start, skips: 0, last_skips: 0 }
    }

    /// Returns whether much of the resident memory may be free: there is more memory than at the start, and it has
    /// stopped growing. During a storm, free memory is about to be used again.
    fn should_trim(&mut self, resident: usize) -> bool {
        let is_growing = resident > self.last + HEAP_SLACK_BYTES;
        self.last = resident;
        if is_growing {
            (self.skips, self.last_skips) = (0, 0);
        }
        if resident <= self.start + HEAP_SLACK_BYTES || is_growing {
            return false;
        }
        let is_due = self.skips == 0;
        self.skips = self.skips.saturating_sub(1);
        is_due
    }

    /// Records the memory that a trim has left. After a trim that returned little, checks are skipped: each time twice
    /// as many.
    fn record_trim(&mut self, resident: usize) {
        let has_gained = resident + HEAP_SLACK_BYTES < self.last;
        self.last_skips =
            if has_gained { 0 } else { (self.last_skips * 2).clamp(1, MAX_SKIPPED_HEAP_CHECKS) };
        (self.last, self.skips) = (resident, self.last_skips);
    }
}

/// Returns the resident memory of this process, or `None` where there is no `/proc`.
fn resident_bytes() -> Option<usize> {
    parse_resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn parse_resident(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib = line.strip_suffix("kB")?.trim().parse::<usize>().ok()?;
    kib.checked_mul(1024)
}

/// Returns all free pages of the heap to the system.
#[expect(unsafe_code, reason = "no kept crate wraps this call, which takes a number and is always sound")]
fn trim() {
    // SAFETY: the argument, the number of free bytes to keep at the heap's end, may be any. glibc takes the lock of
    // each arena, so other threads may allocate and free meanwhile, and touches only pages without an allocation.
    let _ = unsafe { nix::libc::malloc_trim(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn memory_is_trimmed_once_it_has_grown_and_stopped_growing() {
        let mut usage = Usage::new(5 * MIB);
        let looks = [5, 9, 400, 900, 903, 6, 800, 20, 20, 8].map(|mib| usage.should_trim(mib * MIB));
        assert_eq!(looks, [false, false, false, false, true, false, false, true, true, false]);
    }

    #[test]
    fn trims_without_effect_become_rarer_until_memory_grows_or_a_trim_returns_much() {
        let mut usage = Usage::new(5 * MIB);
        let mut look = |resident, trimmed| {
            let trims = usage.should_trim(resident * MIB);
            if trims {
                usage.record_trim(trimmed * MIB);
            }
            trims
        };
        let mut looks = |resident, trimmed| (0..12).map(|_| look(resident, trimmed)).collect::<Vec<_>>();
        let at = |looks: Vec<bool>| {
            looks.iter().enumerate().filter(|look| *look.1).map(|(at, _)| at).collect::<Vec<_>>()
        };
        // The first check sees that the memory grows.
        assert_eq!(at(looks(100, 100)), [1, 3, 6, 11]);
        assert_eq!(at(looks(100, 100)), [4, 9]);
        assert_eq!(at(looks(200, 150)), [1, 3, 5, 7, 9, 11]);
    }

    #[test]
    fn resident_memory_is_read_from_the_status_of_a_process() {
        let status = "Name:\tenfomq\nVmHWM:\t  999 kB\nVmRSS:\t    5120 kB\nThreads:\t1\n";
        assert_eq!(parse_resident(status), Some(5 * MIB));
        for other in ["", "VmRSS:\n", "VmRSS: many kB\n"] {
            assert_eq!(parse_resident(other), None, "{other:?}");
        }
        assert!(resident_bytes().is_some_and(|bytes| bytes > MIB / 4));
    }
}
