//! Poly1305 (Bernstein, "The Poly1305-AES message-authentication code"): the tag of a message under a key that no other
//! message has.
//!
//! The message's blocks of 16 bytes, each with a bit behind it, are the coefficients of a polynomial modulo 2^130 - 5,
//! which is evaluated at a secret number: add a block, multiply, add the next. [`wide`] has several such sums, each for
//! every fourth block, say, and multiplies by the fourth power.

mod number;
mod wide;

use fearless_simd::Level;

use crate::poly1305::number::{BLOCK, Number};
use crate::sizes::TAG_BYTES;
use crate::tuning::WIDE_BYTES;

/// Returns the tag of a message. The polynomial is evaluated at the first half of the key, and the other half is added.
pub(crate) fn authenticate(level: Level, key: &[u8; 32], message: &[u8]) -> [u8; TAG_BYTES] {
    let at = Number::of_key(key);
    let wide = if message.len() < WIDE_BYTES { None } else { wide::sum(level, at, message) };
    let (sum, rest) = wide.unwrap_or_else(|| (Number::default(), message));
    let times = at.factor();
    let (blocks, tail) = rest.as_chunks::<BLOCK>();
    let mut sum = blocks.iter().fold(sum, |sum, block| (sum + Number::of_block(block)) * times);
    if !tail.is_empty() {
        sum = (sum + Number::of_tail(tail)) * times;
    }
    let (_, pad) = key.split_at(BLOCK);
    let pad = u128::from_le_bytes(pad.try_into().expect("the key's other half"));
    sum.reduced().wrapping_add(pad).to_le_bytes()
}

#[cfg(test)]
mod tests;
