//! Boxes whose nonces differ in a number.

use std::fmt;

use bytes::{BufMut, BytesMut};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::key::Key;
use crate::poly1305::authenticate;
use crate::salsa20::{self, BLOCK, MAX_BATCH, Position};
use crate::sizes::{PREFIX_BYTES, TAG_BYTES};

/// Bytes at the start of a box's key stream that are the authenticator's key.
const TAG_KEY: usize = 32;

/// Boxes under one key whose nonces have a common prefix of 16 bytes, and then a number, big-endian.
///
/// Both ends of a connection need one for each direction. Any numbers can be sealed and opened, each of them once; it
/// is fast when they go up by one.
pub struct Series {
    /// XSalsa20 is Salsa20 under a key that HSalsa20 derives from the first 16 bytes of the nonce.
    key: salsa20::Key,
    level: Level,
    ahead: Option<Box<Ahead>>,
}

impl Series {
    /// Returns the series of boxes of `key` whose nonces begin with `prefix`.
    #[must_use]
    pub fn new(key: &Key, prefix: &[u8; PREFIX_BYTES]) -> Self {
        Self { key: salsa20::derive(&key.0, prefix), level: Level::new(), ahead: None }
    }

    /// Appends a box with the parts of `content`, one behind the other. No other box may have this number.
    pub fn seal(&mut self, number: u64, content: &[&[u8]], out: &mut BytesMut) {
        let len: usize = content.iter().map(|part| part.len()).sum();
        out.reserve(TAG_BYTES + len);
        out.put_bytes(0, TAG_BYTES);
        let start = out.len();
        let level = self.level;
        let tag_key = dispatch!(level, simd => {
            let mut stream = self.stream(simd, number, len);
            content.iter().for_each(|part| stream.apply(part, out));
            stream.tag_key()
        });
        let tag = authenticate(level, &tag_key, &out[start..]);
        out[start - TAG_BYTES..start].copy_from_slice(&tag);
    }

    /// Appends the content of a box and returns true, if the box was sealed with this number and is unchanged.
    #[must_use]
    pub fn open(&mut self, number: u64, boxed: &[u8], out: &mut BytesMut) -> bool {
        let Some((tag, content)) = boxed.split_first_chunk::<TAG_BYTES>() else { return false };
        out.reserve(content.len());
        let level = self.level;
        dispatch!(level, simd => {
            let mut stream = self.stream(simd, number, content.len());
            let is_right: bool = authenticate(level, &stream.tag_key(), content).ct_eq(tag).into();
            if is_right {
                stream.apply(content, out);
            }
            is_right
        })
    }

    /// Wipes and frees the key streams that were made ahead of time, some 1 KiB. Call it when the connection becomes
    /// idle.
    pub fn shrink(&mut self) {
        self.ahead = None;
    }

    #[inline(always)]
    fn stream<S: Simd>(&mut self, simd: S, number: u64, content: usize) -> Stream<'_, S> {
        let ahead = self.ahead.get_or_insert_default();
        let start = ahead.find(simd, &self.key, number, content);
        Stream {
            simd,
            key: &self.key,
            number,
            start,
            batch: None,
            used: TAG_KEY,
            blocks: start.len() / BLOCK,
        }
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Series(…)")
    }
}

/// The starts of the key streams of a few numbers in a row, which seal and open the next boxes. A batch of blocks takes
/// as long as one block, and a short box needs one or two blocks.
#[derive(Debug)]
struct Ahead {
    bytes: [u8; MAX_BATCH],
    first: u64,
    numbers: u64,
    /// Bytes of each number's stream.
    share: usize,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { bytes: [0; MAX_BATCH], first: 0, numbers: 0, share: 0 }
    }
}

impl Ahead {
    /// Returns the start of the key stream of `number`: all that a box with `content` bytes needs, or the part of it
    /// that remains beside whole batches.
    #[inline(always)]
    fn find<S: Simd>(&mut self, simd: S, key: &salsa20::Key, number: u64, content: usize) -> &[u8] {
        if number.wrapping_sub(self.first) >= self.numbers {
            self.fill(simd, key, number, (TAG_KEY + content).div_ceil(BLOCK));
        }
        let at = number.wrapping_sub(self.first) as usize * self.share;
        &self.bytes[at..at + self.share]
    }

    /// Makes the streams of as many numbers as there is room for, if all boxes need as many blocks.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, key: &salsa20::Key, first: u64, blocks: usize) {
        let lanes = S::u32s::LEN;
        let share = ((blocks - 1) % lanes + 1).next_power_of_two();
        let position = |lane: usize| Position {
            nonce: first.wrapping_add((lane / share) as u64),
            counter: (lane % share) as u64,
        };
        salsa20::blocks(simd, key, position, &mut self.bytes);
        (self.first, self.numbers, self.share) = (first, (lanes / share) as u64, share * BLOCK);
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The key stream of one box, in order.
struct Stream<'a, S> {
    simd: S,
    key: &'a salsa20::Key,
    number: u64,
    start: &'a [u8],
    /// The current batch of the stream behind the start.
    batch: Option<[u8; MAX_BATCH]>,
    /// Bytes of the start, or of the batch, that are used.
    used: usize,
    /// Blocks that were made.
    blocks: usize,
}

impl<S: Simd> Stream<'_, S> {
    const BATCH: usize = S::u32s::LEN * BLOCK;

    #[inline(always)]
    fn tag_key(&self) -> [u8; TAG_KEY] {
        *self.start.first_chunk().expect("a stream starts with a block at least")
    }

    /// Appends the data, encrypted or decrypted: the operation is the same.
    #[inline(always)]
    fn apply(&mut self, mut data: &[u8], out: &mut BytesMut) {
        loop {
            let stream = self.batch.as_ref().map_or(self.start, |batch| &batch[..Self::BATCH]);
            let stream = &stream[self.used..];
            let (now, later) = data.split_at(data.len().min(stream.len()));
            let at = out.len();
            out.put_slice(now);
            xor(&mut out[at..], stream);
            self.used += now.len();
            if later.is_empty() {
                return;
            }
            data = later;
            self.advance();
        }
    }

    #[inline(always)]
    fn advance(&mut self) {
        let (number, made) = (self.number, self.blocks);
        let position = |lane: usize| Position { nonce: number, counter: (made + lane) as u64 };
        let batch = self.batch.get_or_insert([0; MAX_BATCH]);
        salsa20::blocks(self.simd, self.key, position, batch);
        (self.used, self.blocks) = (0, made + S::u32s::LEN);
    }
}

/// Combines the data with the start of the stream, which is as long at least.
#[inline(always)]
fn xor(data: &mut [u8], stream: &[u8]) {
    let (data, stream) = xor_chunks::<64>(data, stream);
    let (data, stream) = xor_chunks::<16>(data, stream);
    xor_chunks::<1>(data, stream);
}

/// Combines whole chunks, and returns the rest.
#[inline(always)]
fn xor_chunks<'a, const N: usize>(data: &'a mut [u8], stream: &'a [u8]) -> (&'a mut [u8], &'a [u8]) {
    let stream = &stream[..data.len()];
    let (chunks, data) = data.as_chunks_mut::<N>();
    let (streams, stream) = stream.as_chunks::<N>();
    for (chunk, stream) in chunks.iter_mut().zip(streams) {
        for (byte, key) in chunk.iter_mut().zip(stream) {
            *byte ^= key;
        }
    }
    (data, stream)
}

#[cfg(test)]
mod tests;
