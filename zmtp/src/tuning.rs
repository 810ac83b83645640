//! Constants that tune speed and memory, each with its reason and the measurement behind it.
//!
//! Sizes that the protocol sets stand where they are used. `docs/performance.md` has the measurements in full; the
//! bench `codec` and `benches/compare/run` show them again.

/// Bytes from which on a body is written from where it is, by `writev`. A smaller body is copied next to its header:
/// that costs less than a piece of its own, with a reference to count and an address for the kernel to look up. A page:
/// PUSH to PULL of 2,048 bytes makes 1.3 M messages/s with 2 KiB here and 2.2 M with 4 KiB, of 3,000 bytes 1.1 and
/// 1.6 M. With 8 KiB instead of 4, 6,000 bytes gain 7 %, and 12,000 bytes nothing.
pub(crate) const LARGE_BODY_BYTES: usize = 4 << 10;

/// Bytes from which on a borrowed body gets memory of its own, which is written from where it is. A smaller body is
/// encoded with its neighbours into a buffer that is used again, although it is large: it has to be copied either way,
/// and the buffer saves an allocation and a piece to write. Four PUSH to a PULL of 16,384 bytes: 79,200 → 104,800
/// messages/s, page faults 306 → 174 for 1,000 messages (medians of 3).
pub(crate) const HUGE_BODY_BYTES: usize = (64 << 10) + 1;

/// Bytes of a message, with its frame headers, that are held in place: copying them costs less than counting references
/// to a buffer. With 71 instead of 39 bytes: 64 bytes 13.3 → 20.2 M messages/s, 32 bytes 22.7 → 20.3, since a message
/// then takes 80 bytes instead of 48 (PUSH to PULL over tcp, medians of 5).
pub(crate) const INLINE_MESSAGE_BYTES: usize = 71;

/// Bytes of an envelope that are held in place. Enough for a routing id of up to 28 bytes and the delimiter, so that
/// answering a REQ behind a ROUTER or two allocates nothing: the test target `allocations` counts it.
pub(crate) const INLINE_ENVELOPE_BYTES: usize = 32;

/// Maximum buffers that are kept for reuse: their bytes are read in one turn of a connection, and received in the next.
/// The system would take back and give again each buffer, page by page: 110 page faults for 1,000 messages of 16 KiB.
/// With reuse: 16 KiB 129,000 → 187,000 messages/s (medians of 9).
pub(crate) const MAX_KEPT_BUFFERS: usize = 4;

/// Maximum bytes of a buffer that is kept for reuse. A larger buffer is for a single message, and wouldn't stay in
/// the caches: messages of 150,000 bytes read into reused buffers of 256 KiB were slower, 33,000 → 25,000 messages/s.
pub(crate) const MAX_KEPT_BUFFER_BYTES: usize = 256 << 10;

/// Arrived bytes of a frame from which on it gets room for [`LARGE_FRAME_FACTOR`] times as many. Up to there it gets
/// room for as much again, so that an announced size costs the peer its bytes before it costs us memory.
pub(crate) const LARGE_FRAME_BYTES: usize = 64 << 10;

/// Room for a large frame, as a multiple of its arrived bytes. A smaller factor copies the frame more often: with 8
/// instead of 1, 256 KiB 13,100 → 19,200 messages/s, 1 MiB 3,200 → 3,500 (medians of 9).
pub(crate) const LARGE_FRAME_FACTOR: usize = 8;

/// Maximum bytes of room that is made at once for decrypted frames: those of one read, which is 144 KiB at most in
/// `enfonet`. A larger frame makes room for itself. Bench `curve`.
pub(crate) const MAX_DECRYPTED_ROOM_BYTES: usize = 144 << 10;

/// Maximum bytes of room that is made for the messages of a batch when the first is encoded and the others are expected
/// to be as long. A bound, since they may be shorter. Bench `codec`.
pub(crate) const MAX_BATCH_ROOM_BYTES: usize = 64 << 10;

/// Bytes of room that a batch builder makes at once: enough for a few dozen requests of a broker's client, which are
/// copied there so that no small one keeps a read buffer alive.
pub(crate) const BATCH_BUILDER_BYTES: usize = 4 << 10;
