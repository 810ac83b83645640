//! Sizes of NaCl's secret boxes, their nonces and keys.

/// Bytes that a box has more than its content: the tag before it.
pub const TAG_BYTES: usize = 16;

/// Bytes of a nonce. No two boxes under one key may have the same.
pub const NONCE_BYTES: usize = 24;

/// Bytes at the start of a nonce that all boxes of a [`Series`] share.
pub const PREFIX_BYTES: usize = 16;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
