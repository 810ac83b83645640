//! NaCl's secret boxes: XSalsa20-Poly1305, byte for byte what `crypto_secretbox` makes.
//!
//! A box is a tag of [`TAG_BYTES`] and then the encrypted content. [`Key`] seals and opens single boxes. [`Series`] does so
//! for many boxes under one key whose nonces differ in a number that goes up, as those of a connection do: it derives
//! what they share once, and makes the key stream of several short boxes together.
//!
//! # Speed
//! The cipher works on 4, 8 or 16 blocks side by side, as many as a vector of the processor has words; so does the
//! authenticator from 256 bytes on. `fearless_simd` asks the processor once what it knows, and has the `unsafe` that
//! calling such code takes; there is none here. It also runs where there is no SIMD.
//!
//! # Constant time
//! Keys, key streams and contents are only added, rotated, combined bit by bit, and multiplied by instructions that take
//! the same time for all values. They choose no branch and no address. What does: lengths and nonces, which everybody
//! can see on the wire, and whether a tag is right, once it was compared as a whole. The only choice that depends on a
//! secret, the last reduction of the authenticator, is made by `subtle`.

#![forbid(unsafe_code)]

mod poly1305;
mod salsa20;
mod series;

use std::fmt;

use bytes::BytesMut;
use zeroize::Zeroize;

pub use series::Series;

/// Bytes that a box has more than its content: the tag before it.
pub const TAG_BYTES: usize = 16;

/// Bytes of a nonce. No two boxes under one key may have the same.
pub const NONCE_BYTES: usize = 24;

/// Bytes at the start of a nonce that all boxes of a [`Series`] share.
pub const PREFIX_BYTES: usize = 16;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// A key for boxes. Wiped from memory when dropped.
#[derive(Clone)]
pub struct Key(salsa20::Key);

impl Key {
    /// Takes a key that has its full strength already.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(salsa20::key(bytes))
    }

    /// Derives the key of NaCl's `crypto_box` from what two ends have agreed on by X25519.
    #[must_use]
    pub fn from_shared_secret(secret: &[u8; 32]) -> Self {
        let mut secret = salsa20::key(secret);
        let key = Self(salsa20::derive(&secret, &[0; 16]));
        secret.zeroize();
        key
    }

    /// Appends a box with `content`.
    pub fn seal(&self, nonce: &[u8; NONCE_BYTES], content: &[&[u8]], out: &mut BytesMut) {
        let (prefix, number) = split(nonce);
        Series::new(self, prefix).seal(number, content, out);
    }

    /// Returns the content of a box, if it was sealed with this key and nonce and is unchanged.
    #[must_use]
    pub fn open(&self, nonce: &[u8; NONCE_BYTES], boxed: &[u8]) -> Option<BytesMut> {
        let (prefix, number) = split(nonce);
        let mut content = BytesMut::new();
        Series::new(self, prefix).open(number, boxed, &mut content).then_some(content)
    }
}

/// The part of a nonce that a series has, and its number.
fn split(nonce: &[u8; NONCE_BYTES]) -> (&[u8; PREFIX_BYTES], u64) {
    let (prefix, number) = nonce.split_first_chunk().expect("a nonce is longer than its prefix");
    (prefix, number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests;
