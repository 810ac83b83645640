//! Constants that tune speed. `docs/performance.md` has the measurements.

/// Bytes of a message from which on its blocks are authenticated side by side. That needs powers of the key, which a
/// shorter message doesn't make up for. With AVX2, 2.0 → 6.8 GB/s for long messages. Bench `curve`.
pub(crate) const WIDE_BYTES: usize = 256;
