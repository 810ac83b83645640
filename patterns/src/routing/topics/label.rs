//! Label of a topic's node: short labels in place, long labels on the heap.

use thin_vec::ThinVec;

use crate::tuning::INLINE_LABEL_BYTES;

/// Label of a node: 16 bytes, whatever its length.
#[derive(Debug)]
pub(super) enum Label {
    Short { len: u8, bytes: [u8; INLINE_LABEL_BYTES] },
    Long(ThinVec<u8>),
}

impl Default for Label {
    fn default() -> Self {
        Self::Short { len: 0, bytes: [0; INLINE_LABEL_BYTES] }
    }
}

impl Label {
    pub(super) fn new(label: &[u8]) -> Self {
        let mut bytes = [0; INLINE_LABEL_BYTES];
        match bytes.get_mut(..label.len()) {
            Some(held) => {
                held.copy_from_slice(label);
                Self::Short { len: label.len() as u8, bytes }
            }
            None => {
                let mut long = ThinVec::with_capacity(label.len());
                long.extend_from_slice(label);
                Self::Long(long)
            }
        }
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }

    /// Returns the concatenation of both labels.
    pub(super) fn followed_by(&self, other: &Self) -> Self {
        Self::new(&[self.as_slice(), other.as_slice()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_any_length_takes_16_bytes() {
        for len in [0, 1, INLINE_LABEL_BYTES, INLINE_LABEL_BYTES + 1, 300] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let label = Label::new(&bytes);
            assert_eq!(label.as_slice(), bytes);
            assert_eq!(label.followed_by(&Label::new(b"xy")).as_slice(), [&bytes[..], b"xy"].concat());
        }
        assert_eq!(size_of::<Label>(), 16);
    }
}
