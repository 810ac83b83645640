//! Salsa20 (Bernstein, "The Salsa20 family of stream ciphers"): the key stream, and HSalsa20, which derives keys.
//!
//! A block is a table of 16 words of 32 bits: the key, the nonce, a counter and four constants, which 20 rounds mix.
//! The rounds of one block depend on each other. So several blocks are made side by side, each in a lane of 16 vectors.

use std::ops::Range;

use fearless_simd::prelude::*;

/// A key, as words in little-endian order.
pub(crate) type Key = [u32; 8];

/// Bytes of a block.
pub(crate) const BLOCK: usize = 64;
/// Lanes of the widest vectors.
pub(crate) const MAX_LANES: usize = 16;
/// Maximum bytes of the blocks that are made side by side.
pub(crate) const MAX_BATCH: usize = MAX_LANES * BLOCK;

/// "expand 32-byte k", the words on the diagonal of the table.
const DIAGONAL: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Words of a table that are the position of its block.
const POSITION: Range<usize> = 6..10;

pub(crate) fn key(bytes: &[u8; 32]) -> Key {
    words(bytes)
}

fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|at| u32::from_le_bytes(words[at]))
}

/// Returns the table before the rounds; `position` is nonce and counter, or the whole nonce of HSalsa20.
const fn table(diagonal: [u32; 4], key: Key, position: [u32; 4]) -> [u32; 16] {
    let ([d0, d1, d2, d3], [p0, p1, p2, p3]) = (diagonal, position);
    let [k0, k1, k2, k3, k4, k5, k6, k7] = key;
    [d0, k0, k1, k2, k3, d1, p0, p1, p2, p3, d2, k4, k5, k6, k7, d3]
}

/// Runs twenty rounds, on columns and rows by turns. `mix(a, b, c, bits)` is a ^ ((b + c) rotated left by `bits`).
#[inline(always)]
fn rounds<T: Copy>(mut x: [T; 16], mix: impl Fn(T, T, T, u32) -> T) -> [T; 16] {
    for _ in 0..10 {
        for [a, b, c, d] in [[0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11]] {
            quarter(&mut x, [a, b, c, d], &mix);
        }
        for [a, b, c, d] in [[0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]] {
            quarter(&mut x, [a, b, c, d], &mix);
        }
    }
    x
}

#[inline(always)]
fn quarter<T: Copy>(x: &mut [T; 16], [a, b, c, d]: [usize; 4], mix: &impl Fn(T, T, T, u32) -> T) {
    x[b] = mix(x[b], x[a], x[d], 7);
    x[c] = mix(x[c], x[b], x[a], 9);
    x[d] = mix(x[d], x[c], x[b], 13);
    x[a] = mix(x[a], x[d], x[c], 18);
}

/// Derives the subkey of a nonce, by HSalsa20.
pub(crate) fn derive(key: &Key, nonce: &[u8; 16]) -> Key {
    let x =
        rounds(table(DIAGONAL, *key, words(nonce)), |a, b, c, bits| a ^ b.wrapping_add(c).rotate_left(bits));
    [x[0], x[5], x[10], x[15], x[6], x[7], x[8], x[9]]
}

/// Position of a block in the key streams: its nonce, and its number in the stream of that nonce.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) nonce: u64,
    pub(crate) counter: u64,
}

impl Position {
    fn words(self) -> [u32; 4] {
        // A number on the wire is big-endian, but a nonce is words in little-endian order.
        let nonce = self.nonce.swap_bytes();
        [nonce as u32, (nonce >> 32) as u32, self.counter as u32, (self.counter >> 32) as u32]
    }
}

/// Makes as many blocks as a vector has lanes. Each is at the position that it has in `position`.
#[inline(always)]
pub(crate) fn blocks<S: Simd>(
    simd: S,
    key: &Key,
    position: impl Fn(usize) -> Position,
    out: &mut [u8; MAX_BATCH],
) {
    let lanes = S::u32s::LEN;
    let mut positions = [[0; MAX_LANES]; 4];
    for lane in 0..lanes {
        for (words, word) in positions.iter_mut().zip(position(lane).words()) {
            words[lane] = word;
        }
    }
    // A loop instead of `map`, which the compiler may not inline, and then the vectors leave their registers.
    let mut start = [S::u32s::splat(simd, 0); 16];
    for (all, word) in start.iter_mut().zip(table(DIAGONAL, *key, [0; 4])) {
        *all = S::u32s::splat(simd, word);
    }
    for (all, words) in start[POSITION].iter_mut().zip(&positions) {
        *all = S::u32s::from_slice(simd, &words[..lanes]);
    }
    let mut x = rounds(start, |a, b, c, bits| {
        let sum = b + c;
        a ^ ((sum << bits) | (sum >> (32 - bits)))
    });
    for (word, start) in x.iter_mut().zip(start) {
        *word += start;
    }
    for (vector, out) in transposed::<S>(x).into_iter().zip(out.chunks_exact_mut(4 * lanes)) {
        let mut words = [0; MAX_LANES];
        vector.store_slice(&mut words[..lanes]);
        for (out, word) in out.as_chunks_mut().0.iter_mut().zip(words) {
            *out = word.to_le_bytes();
        }
    }
}

/// Returns the vectors with one block after the other. In `x` there is one word of all blocks after the other.
///
/// The place of a word in `x` is a number of which the upper four bits are the word's in its block, and the others its
/// lane. Taking the words at even places first, and then the words at odd places, moves the lowest bit of their places to
/// the top.
#[inline(always)]
fn transposed<S: Simd>(mut x: [S::u32s; 16]) -> [S::u32s; 16] {
    for _ in 0..S::u32s::LEN.ilog2() {
        let (pairs, mut sorted) = (x, x);
        for at in 0..8 {
            let (first, second) = (pairs[2 * at], pairs[2 * at + 1]);
            sorted[at] = first.unzip_low(second);
            sorted[at + 8] = first.unzip_high(second);
        }
        x = sorted;
    }
    x
}
