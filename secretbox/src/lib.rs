//! NaCl's secret boxes: XSalsa20-Poly1305, byte for byte as `crypto_secretbox` makes them.
//!
//! A box is a tag of [`TAG_BYTES`] and then the encrypted content. [`Key`] seals and opens single boxes. [`Series`]
//! does so for many boxes under one key whose nonces differ in a rising number, like the nonces of a connection: it
//! derives their common subkey once, and makes the key stream of several short boxes together.
//!
//! # Speed
//! The cipher works on 4, 8 or 16 blocks side by side, as many as a vector of the processor has words; so does the
//! authenticator from 256 bytes on. `fearless_simd` detects the instructions of the processor once, and has the
//! `unsafe` that calling them takes; there is none here. Without SIMD the code runs too.
//!
//! # Constant time
//! Keys, key streams and contents are only added, rotated, combined bit by bit, and multiplied by instructions that
//! take the same time for all values. They choose no branch and no address. Branches depend on lengths and nonces,
//! which are visible on the wire, and on whether a tag is right, after a comparison of the whole. The only choice that
//! depends on a secret, the last reduction of the authenticator, is made by `subtle`.

#![forbid(unsafe_code)]

mod key;
mod poly1305;
mod salsa20;
mod series;
mod single;
mod sizes;
#[cfg(test)]
mod tests;
mod tuning;

pub use key::Key;
pub use series::Series;
pub use sizes::{KEY_BYTES, NONCE_BYTES, PREFIX_BYTES, TAG_BYTES};
