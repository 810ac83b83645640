//! The keys of CURVE: 32 bytes each, or 40 characters of Z85 (RFC 32) as text.

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::MontgomeryPoint;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a key.
const LEN: usize = 32;
/// Characters of a key in Z85.
const Z85_LEN: usize = 40;

/// The public key of a pair. Its text form is Z85.
///
/// ```
/// use enfonet_zmtp::PublicKey;
///
/// let key: PublicKey = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID".parse()?;
/// assert_eq!(key.to_string(), "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
/// assert_eq!(key.as_bytes()[..4], [0xbb, 0x88, 0x47, 0x1d]);
/// # Ok::<(), enfonet_zmtp::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; LEN]);

impl PublicKey {
    /// Makes a key of its bytes. Any 32 bytes may be a key. The handshake fails on the few keys with which no secret
    /// can be agreed on.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&z85::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Ok(Self(*parse(text)?))
    }
}

impl From<[u8; LEN]> for PublicKey {
    fn from(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }
}

/// The secret key of a pair. Wiped from memory when dropped, compared in constant time, never printed by `Debug`:
/// [`to_z85`](Self::to_z85) returns its text.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; LEN]>);

impl SecretKey {
    /// Makes a key of its bytes. Any 32 random bytes are a secret key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }

    /// Returns the key in 40 characters. Keep them in a file that only its owner can read.
    #[must_use]
    pub fn to_z85(&self) -> Zeroizing<String> {
        Zeroizing::new(z85::encode(*self.0))
    }

    /// Returns the public key of the pair.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(MontgomeryPoint::mul_base_clamped(*self.0).to_bytes())
    }

    /// Returns the secret that only the owners of this key and of the other can compute. `None` when the other key is
    /// one of the few that give every owner the same secret, such as all zeros.
    pub(crate) fn agree(&self, public: &PublicKey) -> Option<Zeroizing<[u8; LEN]>> {
        let shared = Zeroizing::new(MontgomeryPoint(public.0).mul_clamped(*self.0).to_bytes());
        bool::from(!shared.ct_eq(&[0; LEN])).then_some(shared)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for SecretKey {}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        parse(text).map(Self)
    }
}

/// A public key with its secret key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// Returns the pair of a secret key. Make a new pair of 32 bytes from the system's random generator:
    /// `KeyPair::new(SecretKey::from_bytes(random))`.
    #[must_use]
    pub fn new(secret: SecretKey) -> Self {
        Self { public: secret.public_key(), secret }
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Returns the secret key.
    #[must_use]
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

impl From<SecretKey> for KeyPair {
    fn from(secret: SecretKey) -> Self {
        Self::new(secret)
    }
}

fn parse(text: &str) -> Result<Zeroizing<[u8; LEN]>, KeyError> {
    if text.len() != Z85_LEN {
        return Err(KeyError::Length { len: text.len() });
    }
    let bytes = Zeroizing::new(z85::decode(text).map_err(|_| KeyError::Z85)?);
    let mut key = Zeroizing::new([0; LEN]);
    if bytes.len() != LEN {
        return Err(KeyError::Z85);
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

/// Error of a text that isn't a key. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A text of fewer or more than 40 characters.
    #[error("a key has 40 characters, this one has {len}")]
    Length {
        /// The length of the text.
        len: usize,
    },
    /// A text that isn't Z85.
    #[error("a key consists of the characters of Z85, this one doesn't")]
    Z85,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_pair_of_libzmq_is_a_key_pair_of_ours() {
        // From libzmq's documentation of its CURVE options.
        let pair = KeyPair::new("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs".parse().unwrap());
        assert_eq!(pair.public().to_string(), "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
        let pair = KeyPair::new("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6".parse().unwrap());
        assert_eq!(pair.public().to_string(), "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    }

    #[test]
    fn text_that_is_no_key_is_an_error_with_the_reason() {
        assert_eq!("".parse::<PublicKey>(), Err(KeyError::Length { len: 0 }));
        let long = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\0";
        assert_eq!(long.parse::<PublicKey>(), Err(KeyError::Length { len: 41 }));
        for text in ["Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI~", "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ", &"#".repeat(40)]
        {
            assert_eq!(text.parse::<SecretKey>().unwrap_err(), KeyError::Z85, "{text}");
        }
    }

    #[test]
    fn weak_keys_are_an_error() {
        let secret = SecretKey::from_bytes([7; 32]);
        let mut one = [0; 32];
        one[0] = 1;
        for weak in [[0; 32], one] {
            assert!(secret.agree(&PublicKey::from_bytes(weak)).is_none());
        }
        assert!(secret.agree(&secret.public_key()).is_some());
    }

    #[test]
    fn keys_are_compared_and_shown_by_their_bytes() {
        let (one, two) = (SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32]));
        assert_eq!((one.as_bytes(), two.as_bytes()), (&[1; 32], &[2; 32]));
        assert!(one == one.clone() && one != two);
        let public = one.public_key();
        assert_eq!(format!("{public:?}"), format!("PublicKey({public})"));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let pair = KeyPair::new(SecretKey::from_bytes([7; 32]));
        assert_eq!(format!("{:?}", pair.secret()), "SecretKey(…)");
        assert!(!format!("{pair:?}").contains(&*pair.secret().to_z85()));
    }

    proptest! {
        #[test]
        fn keys_survive_a_round_trip_as_text(bytes: [u8; 32]) {
            let (public, secret) = (PublicKey::from_bytes(bytes), SecretKey::from_bytes(bytes));
            prop_assert_eq!(public.to_string().parse(), Ok(public));
            prop_assert_eq!(secret.to_z85().parse(), Ok(secret));
        }

        #[test]
        fn both_ends_compute_the_same_shared_secret(ours: [u8; 32], theirs: [u8; 32]) {
            let [ours, theirs] = [ours, theirs].map(SecretKey::from_bytes);
            prop_assert_eq!(ours.agree(&theirs.public_key()), theirs.agree(&ours.public_key()));
        }
    }
}
