//! Constants that tune the brokers. A count has its unit in its name, a time in its type.
//!
//! Figures are from docs/performance.md. The optimum that the constants of the credit come near is known in
//! `slb/credit/tests.rs`, where workers are simulated in virtual time: serial and concurrent, beside the broker and
//! far away.

use std::time::Duration;

// Queues.

/// Maximum bytes waiting for one subscriber of EnfoMQ, which then loses whole messages.
///
/// 16 MiB hold a quarter of a million messages of 64 bytes. 60 full queues took 1.3 to 2 GB
/// (`tests/mq/memory_after_storm.rs`).
pub(crate) const SUBSCRIBER_QUEUE_BYTES: usize = 16 << 20;
/// Maximum bytes waiting from one publisher of EnfoMQ, which then isn't read for a while.
///
/// A quarter of a subscriber's queue, so that a publisher's backlog alone doesn't fill an empty one: a bound on memory,
/// which no rate depends on.
pub(crate) const PUBLISHER_QUEUE_BYTES: usize = 4 << 20;
/// Maximum bytes waiting for one client or one worker of EnfoSLB, in each direction.
pub(crate) const SLB_QUEUE_BYTES: usize = 16 << 20;
/// Maximum messages of one client waiting at EnfoSLB, which then isn't read for a while. libzmq's default high-water
/// mark.
pub(crate) const CLIENT_QUEUE_MESSAGES: usize = 1000;

// Lost peers. These times suit networks and operators, not a machine: shorter times take a short outage for a lost
// peer, longer ones leave requests with it.

/// Interval of the PINGs to a silent worker. A worker that hangs is found although its kernel answers.
pub(crate) const WORKER_HEARTBEAT: Duration = Duration::from_secs(10);
/// Intervals of its heartbeat for which a peer may be silent. With fewer, one late PONG would end the connection.
pub(crate) const MAX_SILENT_INTERVALS: u32 = 3;
/// Time without traffic after which TCP probes a connection. With the next two, a lost machine is found within 25 s.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// Interval of TCP's probes.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Number of TCP's probes without an answer.
pub(crate) const KEEPALIVE_PROBES: u32 = 3;

// Turns of EnfoSLB.

/// Maximum events of workers between two events of clients. Replies come first, since they make room for requests;
/// the bound keeps workers that send much from keeping clients out (`slb/tests.rs`). With 32 and 256 the rates are
/// alike, with 4 they are 10 % lower (4 clients, 2 workers, 64 requests in flight).
pub(crate) const MAX_WORKER_EVENTS: usize = 32;
/// Maximum requests that a raw worker gets before the next is picked. Its pace isn't known, so its bursts have a
/// fixed size: large enough to fill a write of short requests, small enough that no worker gets far more than its share.
pub(crate) const RAW_BURST_REQUESTS: usize = 64;
/// Steps of a stop between two searches for idle clients, if the broker never waits. A search walks over all requests
/// in flight, which would be most of the work at each step. It delays the end of an idle client by that many steps, each
/// of a fraction of a millisecond.
pub(crate) const STEPS_BETWEEN_IDLE_CHECKS: usize = 32;
/// Entries of raw requests below which departed clients aren't looked for: 1,024 entries are some 50 KiB.
pub(crate) const MIN_SWEPT_ENTRIES: usize = 1024;

// Bursts: requests that a worker gets in one write.

/// Work that a worker gets in one write.
///
/// Waking another worker for a part of less work costs more than it saves, and the replies come back in as many
/// parts. The time is absolute, since its optimum is flat: on a machine half as fast it still was the best, 300 us
/// cost 4 % and 600 us 12 % of processor time.
pub(crate) const BURST_TIME: Duration = Duration::from_micros(150);
/// Maximum requests of a burst: a bound for a worker that replies faster than the clock advances. 128 to 8,192
/// are alike (4 clients, 2 workers, 64 requests in flight).
pub(crate) const MAX_BURST_REQUESTS: usize = 1024;
/// Replies after which half of a worker's history is forgotten, so that its pace follows a change within some 250
/// replies.
pub(crate) const BURST_HISTORY_REPLIES: usize = 256;

// Credit: requests that a worker may have in flight.

/// Maximum requests that a worker may have in flight, and the largest capacity that it can announce.
pub(crate) const MAX_CREDIT_REQUESTS: usize = 65_535;
/// Work that may wait at a worker without a proof that it makes the worker faster.
///
/// It bounds the time that a request waits behind others at a worker, while another worker may become idle. The time is
/// absolute, since a client sees it: about a time slice of the system. The gain depends on the machine, but little: a
/// wake-up takes some 40 us, 1 % of 4 ms, and would take 10 % of them on a machine ten times slower.
pub(crate) const QUEUE_ALLOWANCE_TIME: Duration = Duration::from_millis(4);
/// Maximum requests that may wait at a worker without a proof. More saves no wake-ups.
pub(crate) const MAX_QUEUE_ALLOWANCE_REQUESTS: usize = 1024;
/// Ratio of the rates at the doubled number and at the number itself from which the doubled number is worthwhile. A
/// serial worker beside the broker gains nothing, and a worker as far away as a request takes gains a factor of 2.
/// Service times that vary gain a few per cent by chance.
pub(crate) const MIN_TRIAL_GAIN: f64 = 1.08;
/// Factor of the number that two rates suggest, after a trial of twice the number. Where service times vary, the rate
/// bends towards the knee instead of breaking off there, so that the number found is too low.
pub(crate) const KNEE_MARGIN_UP: f64 = 1.2;
/// Factor of the number that two rates suggest, after a trial of half the number. From below, the rate bends more.
pub(crate) const KNEE_MARGIN_DOWN: f64 = 1.5;
/// Ratio to the last rate below which a rate has dropped: in two samples in a row the worker has changed, in one the
/// broker may have stalled.
pub(crate) const RATE_DROP: f64 = 0.7;
/// Minimum replies of a sample, once a trial has failed. Fewer make the rates differ by chance.
pub(crate) const MIN_SAMPLE_REPLIES: usize = 16;
/// Minimum busy time before a sample is given up. Beyond it the timeout follows the worker's own rate.
///
/// The time is absolute, since it is that for which the system may suspend the broker: a few time slices on any
/// machine.
pub(crate) const MIN_SAMPLE_TIMEOUT: Duration = Duration::from_millis(20);
/// Maximum samples between two trials. A worker that gains or loses handlers is noticed within some 40 samples.
pub(crate) const MAX_HOLD_SAMPLES: u32 = 32;
