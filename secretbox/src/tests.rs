use bytes::BytesMut;
use crypto_secretbox::aead::generic_array::GenericArray;
use crypto_secretbox::{AeadInPlace, KeyInit, XSalsa20Poly1305};
use fearless_simd::Level;
use proptest::prelude::*;

use crate::key::Key;

/// Returns the levels of SIMD of this processor, down to the level of every processor of its kind.
pub(crate) fn levels() -> Vec<Level> {
    let best = Level::new();
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        use fearless_simd::Simd as _;
        let less = [
            best.as_avx2().map(|it| it.level()),
            best.as_sse4_2().map(|it| it.level()),
            best.as_sse2().map(|it| it.level()),
        ];
        [Some(best)].into_iter().chain(less).flatten().collect()
    }
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    vec![best]
}

/// Returns the box that RustCrypto makes.
pub(crate) fn reference(key: &[u8; 32], nonce: &[u8; 24], content: &[u8]) -> Vec<u8> {
    let mut boxed = content.to_vec();
    let cipher = XSalsa20Poly1305::new(GenericArray::from_slice(key));
    let nonce = GenericArray::from_slice(nonce);
    let tag = cipher.encrypt_in_place_detached(nonce, b"", &mut boxed).unwrap();
    [&tag[..], &boxed].concat()
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn seal(key: &Key, nonce: &[u8; 24], content: &[&[u8]]) -> BytesMut {
    let mut out = BytesMut::new();
    key.seal(nonce, content, &mut out);
    out
}

#[test]
fn a_box_has_the_bytes_of_nacls() {
    // "Cryptography in NaCl" (Bernstein), section 10; the shared secret is that of section 2, and the key that of
    // section 8.
    let shared = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    let key = bytes("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
    let nonce = bytes("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37").try_into().unwrap();
    let content = bytes(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01\
         233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd\
         4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
    );
    let boxed = bytes(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c\
         98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfea\
         bd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5",
    );
    let agreed = Key::from_shared_secret(&shared.try_into().unwrap());
    for key in [Key::new(&key.try_into().unwrap()), agreed] {
        assert_eq!(seal(&key, &nonce, &[&content]), boxed);
        assert_eq!(key.open(&nonce, &boxed).unwrap(), content);
    }
}

#[test]
fn a_key_is_not_printed() {
    assert_eq!(format!("{:?}", Key::new(&[5; 32])), "Key(…)");
}

proptest! {
    #[test]
    fn a_box_equals_that_of_another_implementation_however_its_content_is_split(
        key: [u8; 32], nonce: [u8; 24], parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..900), 0..4),
    ) {
        let content = parts.concat();
        let expected = reference(&key, &nonce, &content);
        let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        let boxed = seal(&Key::new(&key), &nonce, &parts);
        prop_assert_eq!(&boxed[..], &expected);
        prop_assert_eq!(&Key::new(&key).open(&nonce, &boxed).unwrap()[..], &content);
    }

    #[test]
    fn a_box_opens_only_unchanged_with_its_key_and_nonce(
        key: [u8; 32], nonce: [u8; 24], content in prop::collection::vec(any::<u8>(), 0..500),
        at: prop::sample::Index, bit in 0u8..8,
    ) {
        let ours = Key::new(&key);
        let boxed = seal(&ours, &nonce, &[&content]);
        let mut changed = boxed.clone();
        changed[at.index(boxed.len())] ^= 1 << bit;
        prop_assert!(ours.open(&nonce, &changed).is_none());
        let mut other = nonce;
        other[at.index(24)] ^= 1 << bit;
        prop_assert!(ours.open(&other, &boxed).is_none());
        let mut other = key;
        other[at.index(32)] ^= 1 << bit;
        prop_assert!(Key::new(&other).open(&nonce, &boxed).is_none());
        prop_assert!(ours.open(&nonce, &boxed[..at.index(boxed.len())]).is_none());
    }
}
