//! Boxes: XSalsa20-Poly1305, under a key that two ends agree on by Curve25519 (NaCl's `crypto_box`).

use std::fmt;

use bytes::{BufMut, BytesMut};
use crypto_secretbox::aead::generic_array::GenericArray;
use crypto_secretbox::{AeadInPlace, KeyInit, XSalsa20Poly1305};
use salsa20::cipher::consts::U10;
use zeroize::Zeroize;

use super::CurveError;
use crate::{PublicKey, SecretKey};

/// Octets that a box has more than what is in it.
pub(crate) const OVERHEAD: usize = 16;

/// Octets of a nonce on the wire that goes up by one with each command, and of one that is random.
pub(crate) const SHORT_NONCE: usize = 8;
pub(crate) const LONG_NONCE: usize = 16;

pub(crate) type Nonce = [u8; 24];

/// A command's name for nonces, and a number that no other box of the connection's direction has.
pub(crate) fn short_nonce(prefix: &[u8; 16], number: u64) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// A name, and octets at random.
pub(crate) fn long_nonce(prefix: &[u8; 8], random: &[u8; LONG_NONCE]) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(random);
    nonce
}

/// What seals and opens boxes: wiped from memory when dropped.
#[derive(Clone)]
pub(crate) struct BoxKey(XSalsa20Poly1305);

impl BoxKey {
    /// The key between the owners of two key pairs, of which the peer has shown the other.
    pub(crate) fn agree(secret: &SecretKey, public: &PublicKey) -> Result<Self, CurveError> {
        let shared = secret.agree(public).ok_or(CurveError::WeakPeerKey)?;
        let mut key = salsa20::hsalsa::<U10>(GenericArray::from_slice(&*shared), &GenericArray::default());
        let agreed = Self(XSalsa20Poly1305::new(&key));
        key.as_mut_slice().zeroize();
        Ok(agreed)
    }

    /// A key that isn't shared with anybody.
    pub(crate) fn of(key: &[u8; 32]) -> Self {
        Self(XSalsa20Poly1305::new(GenericArray::from_slice(key)))
    }

    /// Appends a box with the parts, one behind the other, in it.
    pub(crate) fn seal(&self, nonce: &Nonce, parts: &[&[u8]], out: &mut BytesMut) {
        let start = out.len();
        out.put_bytes(0, OVERHEAD);
        parts.iter().for_each(|part| out.put_slice(part));
        let (tag, content) = out[start..].split_at_mut(OVERHEAD);
        let sealed = self.0.encrypt_in_place_detached(GenericArray::from_slice(nonce), b"", content);
        // Fails only for data that is authenticated beside the box: there is none.
        tag.copy_from_slice(&sealed.expect("a box without associated data can be sealed"));
    }

    /// Opens a box where it lies. It stays as it is when that fails.
    pub(crate) fn open<'a>(&self, nonce: &Nonce, boxed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (tag, content) = boxed.split_at_mut_checked(OVERHEAD)?;
        let (nonce, tag) = (GenericArray::from_slice(nonce), GenericArray::from_slice(tag));
        self.0.decrypt_in_place_detached(nonce, b"", content, tag).ok()?;
        Some(content)
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> BoxKey {
        let [ours, theirs] = [[1; 32], [2; 32]].map(SecretKey::from_bytes);
        BoxKey::agree(&ours, &theirs.public_key()).unwrap()
    }

    fn seal(key: &BoxKey, nonce: &Nonce, content: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        key.seal(nonce, &[content], &mut out);
        out.to_vec()
    }

    #[test]
    fn a_box_is_that_of_libsodium() {
        // `crypto_box_easy` of the octets from 0 to 199, under the nonce 0 to 23.
        let expected = "aab64a60fcce1e4e3dbb03a2ed872c57e2ce81c09e34e031b15f72ccc09109f7cbc26ef5b7a2dd65195941393c\
             0df2a3e64ce7ab7cb130f693aff763f885a1d7f598c371e2b65d7c4e4f953243b8b5f963ceda4d46cdecb338d6\
             2ec8a1212a3cbe30ab31f68736a5340ac82e96459ab8bfcafdace49e9766ef5808aac6515b1925a2b1e045f258\
             d79e808ad52b7dfac023875796063a813bcf9b858a8b729c46065d54dbfdd67518909bfc0782fcfae42fed30ca\
             0a09847be442d89f316cb54a67692d357b624d75c8211fe55af9bca739e051b88f768abf";
        let (alice, bob) = (SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32]));
        let (content, nonce): (Vec<u8>, Nonce) = ((0..200).collect(), std::array::from_fn(|at| at as u8));
        let ours = BoxKey::agree(&alice, &bob.public_key()).unwrap();
        let mut boxed = seal(&ours, &nonce, &content);
        assert_eq!(boxed.iter().map(|octet| format!("{octet:02x}")).collect::<String>(), expected);
        let theirs = BoxKey::agree(&bob, &alice.public_key()).unwrap();
        assert_eq!(theirs.open(&nonce, &mut boxed).unwrap(), content);
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", key()), "BoxKey(…)");
    }

    proptest! {
        #[test]
        fn a_box_opens_with_its_key_and_nonce_only_and_unchanged_only(
            content in prop::collection::vec(any::<u8>(), 0..200), nonce: [u8; 24], at: prop::sample::Index, bit in 0u8..8
        ) {
            let boxed = seal(&key(), &nonce, &content);
            prop_assert_eq!(boxed.len(), content.len() + OVERHEAD);
            let mut opened = boxed.clone();
            prop_assert_eq!(key().open(&nonce, &mut opened).unwrap(), &content[..]);
            let mut changed = boxed.clone();
            changed[at.index(boxed.len())] ^= 1u8 << bit;
            prop_assert!(key().open(&nonce, &mut changed).is_none());
            let mut other = nonce;
            other[at.index(24)] ^= 1u8 << bit;
            prop_assert!(key().open(&other, &mut boxed.clone()).is_none());
            prop_assert!(BoxKey::of(&[9; 32]).open(&nonce, &mut boxed.clone()).is_none());
            prop_assert!(key().open(&nonce, &mut boxed[..at.index(boxed.len())].to_vec()).is_none());
        }
    }
}
