//! Boxes that are sealed and opened one by one, under any nonces.

use bytes::BytesMut;

use crate::key::Key;
use crate::series::Series;
use crate::sizes::{NONCE_BYTES, PREFIX_BYTES};

impl Key {
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

/// Splits a nonce into the prefix of a series, and a number.
fn split(nonce: &[u8; NONCE_BYTES]) -> (&[u8; PREFIX_BYTES], u64) {
    let (prefix, number) = nonce.split_first_chunk().expect("a nonce is longer than its prefix");
    (prefix, number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
