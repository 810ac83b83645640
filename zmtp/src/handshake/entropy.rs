//! The randomness of a handshake, which the caller provides.

use std::fmt;

use zeroize::Zeroizing;

/// Random bytes for one handshake. CURVE makes its secrets and nonces of these bytes, so they must come from the
/// system's generator, and never be used twice. The other mechanisms need none.
#[derive(Clone)]
pub struct Entropy(Zeroizing<[u8; Self::LEN]>);

impl Entropy {
    /// Bytes of entropy for one handshake.
    pub const LEN: usize = 96;

    /// Returns all zeros, for NULL and PLAIN. CURVE would not be secure with them.
    #[must_use]
    pub fn none() -> Self {
        [0; Self::LEN].into()
    }

    fn part<const AT: usize, const N: usize>(&self) -> &[u8; N] {
        self.0[AT..].first_chunk().expect("the parts are within its length")
    }

    pub(super) fn key(&self) -> &[u8; 32] {
        self.part::<0, 32>()
    }

    pub(super) fn nonce(&self) -> &[u8; 16] {
        self.part::<32, 16>()
    }

    pub(super) fn cookie_nonce(&self) -> &[u8; 16] {
        self.part::<48, 16>()
    }

    pub(super) fn cookie_key(&self) -> &[u8; 32] {
        self.part::<64, 32>()
    }
}

impl From<[u8; Self::LEN]> for Entropy {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(…)")
    }
}
