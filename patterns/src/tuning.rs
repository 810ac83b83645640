//! Constants that tune speed and memory. A number has its unit in its name, a time in its type.
//!
//! Figures are from `docs/performance.md`, which shows how each was measured, or from a test that holds the constant to
//! its reason. Bounds on what a peer can make this side hold stand beside the queue that they bound; protocol constants
//! and the defaults of options stand where they are used.

use std::time::Duration;

// Queues of messages to be sent.

/// Minimum bytes of a run that is shared. Copying a shorter run is cheaper than a shared slice, with a reference to
/// count and a piece of its own to write, and the copy doesn't keep a read buffer alive. Chosen for the order of
/// magnitude: half of the size from which `writev` gets a body of its own. Bench `fan_out`.
pub(crate) const MIN_SHARED_RUN_BYTES: usize = 2 << 10;

/// Maximum factor by which the buffer that a shared run keeps alive may be larger than the run. A run that is a smaller
/// part of its buffer is copied, even if it is long: so the queues of peers hold four times their mark at most.
pub(crate) const MAX_SHARED_BUFFER_FACTOR: usize = 4;

/// Bytes at which an encode buffer is closed and the next is begun, so that writing needs no larger buffer. Half of
/// [`CONNECTION_BUDGET_BYTES`]: a turn of the connection writes two. The value isn't critical: PUSH to PULL with 16 to
/// 128 KiB is alike at 32, 1,024 and 16,384 bytes (within 8 %, which is noise).
pub(crate) const ENCODE_BUFFER_BYTES: usize = 64 << 10;

/// Maximum number of written buffers that a queue keeps for later messages: 2 MiB of a busy peer. They are freed after
/// [`IDLE_TIME`]. A PULL that reads needs two (2 to 128 are alike); the others are for subscribers that fall behind, and
/// save the page faults that [`IDLE_TIME`] describes.
pub(crate) const MAX_SPARE_BUFFERS: usize = 32;

/// Bytes that the buffer behind a batch may have that is sent to one peer: the buffer of a read, or a buffer in which
/// the batches for many peers were built, is about this large.
pub(crate) const BATCH_SOURCE_BYTES: usize = 64 << 10;

// Connections.

/// Minimum bytes that one read asks for. The size follows the traffic between this and [`MAX_READ_BYTES`], so a
/// connection that is seldom used needs only a small buffer: 5,000 idle subscribers take 3.8 KiB each.
pub(crate) const MIN_READ_BYTES: usize = 2 << 10;

/// Maximum bytes that one read asks for: a turn of [`CONNECTION_BUDGET_BYTES`] that the peer has sent, and the headers
/// of its messages, so that no part of the last message is left for another read and copied there. With 144 KiB instead
/// of 128: one PUSH to four PULL of 16,384 bytes 239,700 → 272,200 messages/s, four to one 102,700 → 118,700; smaller
/// messages are alike. Buffers of 256 KiB don't stay in the caches: 33,000 → 25,000 messages/s of 150,000 bytes.
pub(crate) const MAX_READ_BYTES: usize = 144 << 10;

/// Maximum factor by which the size of a read may be larger than the run that keeps its buffer alive; a smaller run is
/// copied. So an inbox holds eight times its mark at most: a bound on memory, which no rate depends on.
pub(crate) const MAX_READ_FACTOR: usize = 8;

/// Bytes in one direction after which a connection yields to other tasks: what it has read is still in the caches when
/// it is received. With 128 KiB instead of 512, and read buffers that are reused: 16 KiB 129,000 → 217,000 messages/s,
/// 64 KiB 35,000 → 47,000.
pub(crate) const CONNECTION_BUDGET_BYTES: usize = 128 << 10;

/// Bytes of subscriptions that one poll of a publisher's connection reads: some 700 subscriptions, which take a good
/// part of a millisecond to insert. The test `many_topics` of the brokers bounds the delay of other peers.
pub(crate) const SUBSCRIBER_BUDGET_BYTES: usize = 16 << 10;

/// Bytes of commands in one exchange from which on a connection yields to connections with new input: these are
/// subscriptions, which were looked up as they were taken.
pub(crate) const MANY_COMMAND_BYTES: usize = 8 << 10;

/// Maximum number of pieces in one system call. Linux takes 1,024, but the list of their addresses is on the stack:
/// this one takes 1 KiB. The value isn't critical: 8 to 256 pieces are alike at 16,384 and 65,536 bytes.
pub(crate) const MAX_PIECES_PER_WRITE: usize = 64;

/// Bytes of messages that are encrypted at a time, and then written together. Commands may still overtake the messages
/// behind them, and other connections are polled in between. The copy stays in the caches; bench `curve`.
pub(crate) const SEALED_BYTES: usize = 64 << 10;

/// Maximum capacity of a buffer of encrypted messages that is used again. A larger buffer was needed for a single
/// message.
pub(crate) const MAX_KEPT_SEALED_BYTES: usize = 4 * SEALED_BYTES;

/// Bytes of the read buffer of a handshake: room for a greeting, a READY and a little traffic behind it.
pub(crate) const HANDSHAKE_BUFFER_BYTES: usize = 512;

/// Runs in one direction after which a connection within the process yields to other tasks. As many as there can be
/// pieces in the write of another connection.
pub(crate) const PIPE_BUDGET_RUNS: usize = 64;

/// Commands after which a connection within the process yields, mostly subscriptions: less than a millisecond's work.
pub(crate) const PIPE_BUDGET_COMMANDS: usize = 500;

/// Time without traffic after which a connection gives back memory. Memory that is needed again at once is cheaper to
/// keep. Given back whenever there was nothing to do for a moment, it cost a publisher with slow subscribers 94,000
/// page faults a second: PUB to four SUB of 1,024 bytes 0.76 M messages/s, kept 1.76 M.
pub(crate) const IDLE_TIME: Duration = Duration::from_millis(100);

/// Wait after the system had no descriptor or memory for a connection: the next connection would most likely fail too.
pub(crate) const EXHAUSTION_PAUSE: Duration = Duration::from_millis(100);

/// Number of shares that the descriptor limit of the process is divided into: a share is 3 % of it. One is reserved for
/// each bound endpoint. With 256 descriptors, 301 clients leave a second endpoint room for its 8 workers
/// (`tests/slb/file_descriptors.rs`).
pub(crate) const DESCRIPTOR_SHARES: u64 = 32;

// Turns of tasks that send and receive.

/// Bytes of work for each unit of tokio's budget, which is [`TASK_BUDGET_UNITS`]: so a task that shares its thread with
/// a connection has the connection write some 128 KiB at once. Less costs system calls, more falls out of the caches.
/// With bytes instead of 1,000 messages: 256 bytes 3.6 → 7.8 M messages/s, 1,024 bytes 1.3 → 4.0 M/s.
pub(crate) const YIELD_UNIT_BYTES: usize = 1 << 10;

/// Bytes that each message is charged besides its own: a task yields after 2,000 messages, however small. After tokio's
/// 128 messages instead: 12.7 M messages/s of 32 bytes, after 2,000 16.7. A message that can't be sent is charged only
/// these.
pub(crate) const YIELD_MESSAGE_BYTES: usize = 64;

/// Units that tokio gives a task before it has to yield.
pub(crate) const TASK_BUDGET_UNITS: usize = 128;

/// Maximum number of connections that a turn of a sender counts: with more, each is given less to write, so that a turn
/// sends no more than 4 MiB, which takes a millisecond or two. One PUSH to four PULL, 1,024 bytes: 2.3 M messages/s with
/// a turn of 128 KiB for all of them, 3.8 M with 128 KiB for each; 16,384 bytes 179,000 and 248,000. To 32 PULL: 1.49 M
/// messages/s with at most 8 counted, 1.99 M with 16, 2.45 M with 32; 16,384 bytes 90,200, 124,300 and 156,400.
pub(crate) const MAX_TURN_CONNECTIONS: usize = 32;

/// Waits shorter than this have the next messages sent in bursts (`WriteAheadPacer`); after a longer wait, sending a
/// little sooner gains nothing.
///
/// The time is that of a machine: twice the time of two wakes. It decides only when bursts are sent, never whether a
/// message is: where wakes take longer than this, sockets send all at once, as they would without the pacer. Its value
/// isn't critical as long as it is longer than two wakes: DEALER and ROUTER with 200 requests in flight make 1.8 M
/// messages/s without the pacer and with 80 µs, and 3.0 M with 160 µs, 320 µs and no limit at all. A limit keeps bursts
/// away from peers behind a broker, which they cost 3 to 10 % more rate without one (`docs/performance.md`).
pub(crate) const MAX_SHORT_WAIT: Duration = Duration::from_micros(160);

/// Number of steps that are cut into bursts after a short wait. Each burst is twice as long as the burst before, so
/// these are seven bursts; later steps yield only as the budget says.
pub(crate) const MAX_PACED_STEPS: usize = 128;

/// Maximum number of messages that a proxy passes at a time: other tasks have their turns in between. libzmq's proxy
/// passes as many.
pub(crate) const PROXY_BURST_MESSAGES: usize = 1000;

// Subscriptions.

/// Maximum number of subscriptions of departed peers that are removed at a time: less than a millisecond's work. The
/// departure of a peer with a million topics held up other peers for 1.3 s, in slices 15 ms.
pub(crate) const SWEEP_TOPICS: usize = 1000;

/// Maximum bytes of commands that a new publisher is sent at a time: some 2,000 short topics, which take a fraction of
/// a millisecond.
pub(crate) const SUBSCRIPTION_SLICE_BYTES: usize = 32 << 10;

/// Number of topic nodes in a block of memory. A power of two, so that an index costs a shift and a mask; small enough
/// that a block is no more than some 30 KiB.
pub(crate) const TOPIC_BLOCK_NODES: usize = 512;

/// Maximum bytes of a topic node's label that is held in place, so that a label takes 16 bytes. A random topic of 12
/// bytes takes 120 to 130 bytes in all, where it took 315.
pub(crate) const INLINE_LABEL_BYTES: usize = 14;
