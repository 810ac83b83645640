//! Free memory of the heap, returned to the system once a storm is over.
//!
//! Queues of slow subscribers, or the topics of one that leaves, are hundreds of megabytes that are freed at once. glibc
//! returns only the end of its heap, and a few small allocations there keep all that is free below them resident.
//! `malloc_trim` returns free pages wherever they lie. The allocator is the program's affair, so the library's brokers
//! don't call it.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::debug;

/// Interval between two looks at the resident memory. The second look after a storm trims the heap at the latest.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Bytes above the memory at the start that stay with the allocator. A trim that returns less isn't worth its time.
const SLACK_BYTES: usize = 4 << 20;

/// Trims the heap whenever it may hold much that is free. Runs as long as it is polled.
pub(super) async fn trim_after_storms() {
    let Some(start) = resident_bytes() else { return };
    let mut usage = Usage::new(start);
    loop {
        sleep(LOOK_INTERVAL).await;
        let Some(resident) = resident_bytes() else { return };
        if !usage.is_worth_a_trim(resident) {
            continue;
        }
        // Returning a gigabyte takes the kernel some 40 ms. The broker goes on meanwhile, unless it has to allocate.
        if spawn_blocking(trim).await.is_err() {
            return;
        }
        let Some(trimmed) = resident_bytes() else { return };
        usage.last = trimmed;
        debug!(resident, trimmed, "trimmed the heap");
    }
}

/// Resident memory of the process, as seen so far.
#[derive(Debug)]
struct Usage {
    start: usize,
    last: usize,
}

impl Usage {
    const fn new(start: usize) -> Self {
        Self { start, last: start }
    }

    /// Returns whether much of the resident memory may be free: there is more than at the start, and it has stopped
    /// growing. During a storm, memory that is free is about to be used again.
    fn is_worth_a_trim(&mut self, resident: usize) -> bool {
        let is_growing = resident > self.last + SLACK_BYTES;
        self.last = resident;
        resident > self.start + SLACK_BYTES && !is_growing
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
    fn memory_is_trimmed_when_it_has_grown_and_grows_no_more() {
        let mut usage = Usage::new(5 * MIB);
        let looks = [5, 9, 400, 900, 903, 6, 800, 20, 20, 8].map(|mib| usage.is_worth_a_trim(mib * MIB));
        assert_eq!(looks, [false, false, false, false, true, false, false, true, true, false]);
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
