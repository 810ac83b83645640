//! Sizes of NaCl's secret boxes, their nonces and keys.

/// Bytes of a tag, by which a box is longer than its content.
pub const TAG_BYTES: usize = 16;

/// Bytes of a nonce. No two boxes under one key may have the same nonce.
pub const NONCE_BYTES: usize = 24;

/// Bytes at the start of a nonce that all boxes of a [`Series`](crate::Series) share.
pub const PREFIX_BYTES: usize = 16;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
