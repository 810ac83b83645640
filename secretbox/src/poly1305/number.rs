//! Numbers modulo 2^130 - 5, in limbs of 44, 44 and 42 bits.
//!
//! Limbs may be longer by some bits: a sum and the products of a multiplication fit into 64 and 128 bits all the same.

use std::ops::{Add, Mul};

use subtle::{ConditionallySelectable, ConstantTimeLess};

/// Bytes of a block of the message.
pub(super) const BLOCK: usize = 16;
const BITS_44: u64 = (1 << 44) - 1;
const BITS_42: u64 = (1 << 42) - 1;
const BITS_26: u64 = (1 << 26) - 1;

/// A number, its lowest limb first. All limbs are less than 2^46.
#[derive(Clone, Copy, Default)]
pub(super) struct Number([u64; 3]);

/// A factor: its limbs, and 20 times its upper two. The part of a product beyond 2^130 comes back times 5, and products
/// of limbs are two bits further to the left than the limb that they belong to.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    limbs: [u64; 3],
    wrapped: [u64; 2],
}

fn halves(bytes: &[u8; BLOCK]) -> [u64; 2] {
    let all = u128::from_le_bytes(*bytes);
    [all as u64, (all >> 64) as u64]
}

impl Number {
    /// Returns the number of a key. Some of its bits are always zero.
    pub(super) fn of_key(key: &[u8; 32]) -> Self {
        let [low, high] = halves(key.first_chunk().expect("the key's first half"));
        Self::new([low & 0x0fff_fffc_0fff_ffff, high & 0x0fff_fffc_0fff_fffc, 0])
    }

    pub(super) fn of_block(block: &[u8; BLOCK]) -> Self {
        let [low, high] = halves(block);
        Self::new([low, high, 1])
    }

    /// Returns the number of the last block, if it isn't whole.
    pub(super) fn of_tail(tail: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        block[..tail.len()].copy_from_slice(tail);
        block[tail.len()] = 1;
        let [low, high] = halves(&block);
        Self::new([low, high, 0])
    }

    /// Returns a number of words of 64 bits, the lowest first.
    const fn new([low, high, top]: [u64; 3]) -> Self {
        Self([low & BITS_44, (low >> 44 | high << 20) & BITS_44, high >> 24 | top << 40])
    }

    pub(super) const fn factor(self) -> Factor {
        let [_, b, c] = self.0;
        Factor { limbs: self.0, wrapped: [20 * b, 20 * c] }
    }

    /// Returns the number with carried limbs. Only the second may be longer than its size, by a bit.
    const fn carried(self) -> Self {
        let [mut a, mut b, mut c] = self.0;
        (b, a) = (b + (a >> 44), a & BITS_44);
        (c, b) = (c + (b >> 44), b & BITS_44);
        (a, c) = (a + 5 * (c >> 42), c & BITS_42);
        (b, a) = (b + (a >> 44), a & BITS_44);
        Self([a, b, c])
    }

    /// Converts to limbs of 26 bits, as vectors multiply them.
    pub(super) const fn to_limbs_26(self) -> [u64; 5] {
        let [a, b, c] = self.carried().carried().0;
        [a & BITS_26, (a >> 26 | b << 18) & BITS_26, b >> 8 & BITS_26, (b >> 34 | c << 10) & BITS_26, c >> 16]
    }

    /// Converts from limbs of 26 bits, each of which is less than 2^29.
    pub(super) const fn from_limbs_26([a, b, c, d, e]: [u64; 5]) -> Self {
        Self([a + (b << 26), (c << 8) + (d << 34), e << 16]).carried()
    }

    /// Returns the lowest 128 bits of the number modulo 2^130 - 5.
    pub(super) fn reduced(self) -> u128 {
        let [a, b, c] = self.carried().carried().0;
        // The number is less than 2^130 - 5 unless adding 5 carries out of the upper limb.
        let less_a = a + 5;
        let less_b = b + (less_a >> 44);
        let less_c = c + (less_b >> 44);
        let is_reduced = less_c.ct_lt(&(BITS_42 + 1));
        let a = u64::conditional_select(&(less_a & BITS_44), &a, is_reduced);
        let b = u64::conditional_select(&(less_b & BITS_44), &b, is_reduced);
        let c = u64::conditional_select(&(less_c & BITS_42), &c, is_reduced);
        u128::from(a) | u128::from(b) << 44 | u128::from(c) << 88
    }
}

impl Add for Number {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let ([a, b, c], [d, e, f]) = (self.0, other.0);
        Self([a + d, b + e, c + f])
    }
}

impl Mul<Factor> for Number {
    type Output = Self;

    fn mul(self, times: Factor) -> Self {
        let [a, b, c] = self.0.map(u128::from);
        let [r, s, t] = times.limbs.map(u128::from);
        let [s20, t20] = times.wrapped.map(u128::from);
        let low = a * r + b * t20 + c * s20;
        let middle = a * s + b * r + c * t20 + (low >> 44);
        let high = a * t + b * s + c * r + (middle >> 44);
        let a = (low as u64 & BITS_44) + 5 * (high >> 42) as u64;
        Self([a & BITS_44, (middle as u64 & BITS_44) + (a >> 44), high as u64 & BITS_42])
    }
}
