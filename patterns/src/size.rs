//! Size of a group of messages: their number and their bytes.

/// A number of messages, and their bytes: an amount, or a bound on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Size {
    /// Whole messages. (libzmq counts frames.)
    pub messages: u64,
    /// Bytes of all their frames, with headers, as they are on a wire without encryption.
    pub bytes: u64,
}

impl Size {
    /// No bound.
    pub(crate) const MAX: Self = Self { messages: u64::MAX, bytes: u64::MAX };

    pub(crate) const fn new(messages: usize, bytes: usize) -> Self {
        Self { messages: messages as u64, bytes: bytes as u64 }
    }

    /// Returns both numbers as `usize`, for sizes in memory. A number that is too large for `usize` becomes
    /// `usize::MAX`.
    pub(crate) fn to_usize(self) -> (usize, usize) {
        let [messages, bytes] =
            [self.messages, self.bytes].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        (messages, bytes)
    }

    /// Returns whether one more message is admitted under `limit`.
    #[inline]
    pub(crate) const fn is_below(&self, limit: &Self) -> bool {
        self.messages < limit.messages && self.bytes < limit.bytes
    }

    /// Returns the sum. [`MAX`](Self::MAX) stays `MAX`.
    pub(crate) const fn saturating_add(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(other.messages),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Returns the difference, each number at least 0.
    pub(crate) const fn saturating_sub(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// Returns the smaller number of messages, and the smaller number of bytes.
    pub(crate) fn min(self, other: Self) -> Self {
        Self { messages: self.messages.min(other.messages), bytes: self.bytes.min(other.bytes) }
    }

    #[inline]
    pub(crate) const fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    #[inline]
    pub(crate) const fn sub(&mut self, other: Self) {
        self.messages -= other.messages;
        self.bytes -= other.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_below_a_limit_only_in_both_numbers() {
        let limit = Size::new(2, 10);
        for (messages, bytes, expected) in [(1, 9, true), (2, 9, false), (1, 10, false)] {
            assert_eq!(Size::new(messages, bytes).is_below(&limit), expected, "{messages}, {bytes}");
        }
    }

    #[test]
    fn sums_and_differences_saturate() {
        assert_eq!(Size::MAX.saturating_add(Size::new(1, 1)), Size::MAX);
        assert_eq!(Size::new(1, 5).saturating_sub(Size::new(2, 3)), Size::new(0, 2));
        assert_eq!(Size::new(3, 4).to_usize(), (3, 4));
    }
}
