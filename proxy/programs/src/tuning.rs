//! Constants that tune the programs. A count has its unit in its name, a time in its type.

use std::time::Duration;

// Memory of the heap, which is returned to the system with glibc only.

/// Interval between two checks of the resident memory. The second check after a storm trims the heap at the latest, so
/// that an operator sees the memory of a storm for 10 s. A check is a read of `/proc`.
pub(crate) const HEAP_CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Maximum checks that are skipped after a trim that returned nothing. Where small free chunks lie between live ones, a
/// trim takes 200 ms and more, and the broker stops when it allocates meanwhile: that is 1 % of the time at most.
pub(crate) const MAX_SKIPPED_HEAP_CHECKS: u32 = 4;
/// Bytes above the memory at the start that stay with the allocator. A trim takes 0.7 ms where it returns nothing, and
/// buffers of this size are about to be used again.
pub(crate) const HEAP_SLACK_BYTES: usize = 4 << 20;
