//! The key of boxes.

use std::fmt;

use zeroize::Zeroize;

use crate::salsa20;
use crate::sizes::KEY_BYTES;

/// A key for boxes. Wiped from memory when dropped.
#[derive(Clone)]
pub struct Key(pub(crate) salsa20::Key);

impl Key {
    /// Returns the key with these bytes, which have the full strength of a key.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(salsa20::key(bytes))
    }

    /// Derives the key of NaCl's `crypto_box` from the secret that two ends have agreed on by X25519.
    #[must_use]
    pub fn from_shared_secret(secret: &[u8; 32]) -> Self {
        let mut secret = salsa20::key(secret);
        let key = Self(salsa20::derive(&secret, &[0; 16]));
        secret.zeroize();
        key
    }
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
