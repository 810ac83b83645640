//! The keys and nonces of CURVE's boxes, which are NaCl's `crypto_box`: a secret box under a key that two ends agree on
//! by X25519.

use enfonet_secretbox::Key;

use crate::curve::error::CurveError;
use crate::security::keys::{PublicKey, SecretKey};

/// Bytes that a box has more than its content.
pub(crate) const OVERHEAD: usize = enfonet_secretbox::TAG_BYTES;

/// Bytes of a nonce on the wire that goes up by one with each command.
pub(crate) const SHORT_NONCE: usize = 8;
/// Bytes of a random nonce on the wire.
pub(crate) const LONG_NONCE: usize = 16;

pub(crate) type Nonce = [u8; enfonet_secretbox::NONCE_BYTES];

/// Joins a command's nonce prefix and a number that no other box of the direction has.
pub(crate) fn short_nonce(prefix: &[u8; 16], number: u64) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// Joins a command's nonce prefix and random bytes.
pub(crate) fn long_nonce(prefix: &[u8; 8], random: &[u8; LONG_NONCE]) -> Nonce {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(random);
    nonce
}

/// Returns the key for boxes between the owner of `secret` and the owner of `public`, a key of the peer.
pub(crate) fn agree(secret: &SecretKey, public: &PublicKey) -> Result<Key, CurveError> {
    let shared = secret.agree(public).ok_or(CurveError::WeakPeerKey)?;
    Ok(Key::from_shared_secret(&shared))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    #[test]
    fn a_box_has_the_bytes_of_libsodiums() {
        // `crypto_box_easy` of the bytes from 0 to 199, under the nonce 0 to 23.
        let expected = "aab64a60fcce1e4e3dbb03a2ed872c57e2ce81c09e34e031b15f72ccc09109f7cbc26ef5b7a2dd65195941393c\
             0df2a3e64ce7ab7cb130f693aff763f885a1d7f598c371e2b65d7c4e4f953243b8b5f963ceda4d46cdecb338d6\
             2ec8a1212a3cbe30ab31f68736a5340ac82e96459ab8bfcafdace49e9766ef5808aac6515b1925a2b1e045f258\
             d79e808ad52b7dfac023875796063a813bcf9b858a8b729c46065d54dbfdd67518909bfc0782fcfae42fed30ca\
             0a09847be442d89f316cb54a67692d357b624d75c8211fe55af9bca739e051b88f768abf";
        let (alice, bob) = (SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32]));
        let (content, nonce): (Vec<u8>, Nonce) = ((0..200).collect(), std::array::from_fn(|at| at as u8));
        let mut boxed = BytesMut::new();
        agree(&alice, &bob.public_key()).unwrap().seal(&nonce, &[&content], &mut boxed);
        assert_eq!(boxed.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
        let theirs = agree(&bob, &alice.public_key()).unwrap();
        assert_eq!(theirs.open(&nonce, &boxed).unwrap(), content);
    }
}
