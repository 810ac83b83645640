use ::poly1305::Poly1305;
use ::poly1305::universal_hash::KeyInit;
use proptest::prelude::*;

use super::*;
use crate::tests::{bytes, levels};

fn reference(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    Poly1305::new(key.into()).compute_unpadded(message).into()
}

#[test]
fn sums_at_the_modulus_are_reduced() {
    // RFC 8439, A.3, 7 to 11.
    for (r, s, message, tag) in [
        (
            "02000000000000000000000000000000",
            0x00,
            "ffffffffffffffffffffffffffffffff",
            "03000000000000000000000000000000",
        ),
        (
            "02000000000000000000000000000000",
            0xff,
            "02000000000000000000000000000000",
            "03000000000000000000000000000000",
        ),
        (
            "01000000000000000000000000000000",
            0x00,
            "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000",
            "05000000000000000000000000000000",
        ),
        (
            "01000000000000000000000000000000",
            0x00,
            "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101",
            "00000000000000000000000000000000",
        ),
        (
            "02000000000000000000000000000000",
            0x00,
            "fdffffffffffffffffffffffffffffff",
            "faffffffffffffffffffffffffffffff",
        ),
        (
            "01000000000000000400000000000000",
            0x00,
            "e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000000000000000000",
            "14000000000000005500000000000000",
        ),
        (
            "01000000000000000400000000000000",
            0x00,
            "e33594d7505e43b900000000000000003394d7505e4379cd010000000000000000000000000000000000000000000000",
            "13000000000000000000000000000000",
        ),
    ] {
        let key: [u8; 32] = [bytes(r), vec![s; 16]].concat().try_into().unwrap();
        let (message, tag) = (bytes(message), bytes(tag));
        assert_eq!(authenticate(Level::new(), &key, &message)[..], tag);
        assert_eq!(reference(&key, &message)[..], tag);
    }
}

#[test]
fn limbs_of_maximum_size_do_not_overflow() {
    // In a build for tests an overflow would panic, in sums that aren't vectors.
    for byte in [0, 1, 0xfb, 0xff] {
        let key = [0xff; 32];
        for len in (0..1100).chain([4096, 65_536, 100_003]) {
            let message = vec![byte; len];
            for level in levels() {
                assert_eq!(
                    authenticate(level, &key, &message),
                    reference(&key, &message),
                    "{level:?} {byte} {len}"
                );
            }
        }
    }
}

/// Returns messages with runs of ones and of zeros, which make long carries.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let run = (prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 1usize..60);
    prop::collection::vec(run, 0..60)
        .prop_map(|runs| runs.iter().flat_map(|(byte, len)| vec![*byte; *len]).collect())
}

proptest! {
    #[test]
    fn a_tag_equals_the_tag_of_another_implementation(
        random: [u8; 32], ones in prop::collection::vec(any::<bool>(), 32), message in message(),
    ) {
        let key = std::array::from_fn(|at| if ones[at] { 0xff } else { random[at] });
        let expected = reference(&key, &message);
        for level in levels() {
            prop_assert_eq!(authenticate(level, &key, &message), expected, "{:?}", level);
        }
    }
}
