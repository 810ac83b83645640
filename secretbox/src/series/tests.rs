use proptest::prelude::*;

use super::*;
use crate::tests::{levels, reference};

const PREFIX: &[u8; 16] = b"CurveZMQMESSAGEC";

fn series(level: Level) -> Series {
    let mut series = Series::new(&Key::new(&[7; 32]), PREFIX);
    series.level = level;
    series
}

fn expected(number: u64, content: &[u8]) -> Vec<u8> {
    let nonce = [&PREFIX[..], &number.to_be_bytes()].concat().try_into().unwrap();
    reference(&[7; 32], &nonce, content)
}

fn seal(series: &mut Series, number: u64, content: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    series.seal(number, &[content], &mut out);
    out
}

/// Returns content that differs for each length.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 131 + len) as u8).collect()
}

#[test]
fn boxes_of_every_length_have_the_bytes_of_libsodiums() {
    // The expected value is the exclusive or of the tags that `crypto_secretbox_easy` gives. A tag authenticates all
    // encrypted bytes, so the right tag shows the right box.
    let lengths = || (0..2100).chain([4095, 4096, 4097, 65_535, 65_536, 100_003]);
    for level in levels() {
        let (mut series, mut tags) = (series(level), [0; TAG_BYTES]);
        for (number, len) in lengths().enumerate() {
            let boxed = seal(&mut series, number as u64, &content(len));
            tags.iter_mut().zip(&boxed).for_each(|(tags, tag)| *tags ^= tag);
        }
        assert_eq!(
            format!("{:032x}", u128::from_be_bytes(tags)),
            "167be3d7738455f8fbac27246dc33592",
            "{level:?}"
        );
    }
}

#[test]
fn keystreams_are_right_for_numbers_that_skip_repeat_and_wrap() {
    for level in levels() {
        let (mut ours, mut theirs) = (series(level), series(level));
        let numbers = [
            5,
            6,
            7,
            9,
            8,
            5,
            4,
            40,
            u64::MAX - 1,
            u64::MAX,
            0,
            1,
            u64::MAX,
            1 << 32,
            1 << 63,
            0x0102_0304_0506_0708,
        ];
        for (at, number) in numbers.into_iter().enumerate() {
            let content = content([33, 90, 1, 700][at % 4]);
            let boxed = seal(&mut ours, number, &content);
            assert_eq!(boxed, expected(number, &content), "{level:?} {number}");
            let mut opened = BytesMut::new();
            assert!(theirs.open(number, &boxed, &mut opened));
            assert_eq!(opened, content);
        }
    }
}

#[test]
fn a_box_that_fails_to_open_changes_neither_output_nor_series() {
    let (mut ours, mut theirs) = (series(Level::new()), series(Level::new()));
    let (boxed, mut out) = (seal(&mut ours, 1, b"content"), BytesMut::from("before"));
    for wrong in [&b""[..], &boxed[..15], &boxed[..16], &boxed[1..], &[&boxed[..], b"x"].concat()] {
        assert!(!theirs.open(1, wrong, &mut out));
    }
    assert!(!theirs.open(2, &boxed, &mut out));
    assert_eq!(out, "before");
    assert!(theirs.open(1, &boxed, &mut out));
    assert_eq!(out, "beforecontent");
}

#[test]
fn a_shrunk_series_continues() {
    let mut series = series(Level::new());
    for number in 0..20 {
        assert_eq!(seal(&mut series, number, b"content"), expected(number, b"content"));
        if number % 3 == 0 {
            series.shrink();
            assert!(series.ahead.is_none());
        }
    }
}

#[test]
fn short_boxes_share_the_blocks_computed_at_once() {
    for level in levels() {
        let mut series = series(level);
        for (len, share) in [(0, 1), (32, 1), (33, 2), (96, 2), (97, 4)] {
            series.shrink();
            let _ = seal(&mut series, 1, &content(len));
            let ahead = series.ahead.as_ref().unwrap();
            assert_eq!((ahead.share, ahead.first), (share * BLOCK, 1), "{level:?} {len}");
            assert!(ahead.numbers >= 4 / share as u64);
        }
    }
}

#[test]
fn a_series_is_not_printed() {
    assert_eq!(format!("{:?}", series(Level::new())), "Series(…)");
}

proptest! {
    #[test]
    fn boxes_of_any_lengths_equal_those_of_another_implementation(
        boxes in prop::collection::vec((prop_oneof![0usize..100, 0usize..2500], 1u64..4, any::<u8>()), 1..20),
    ) {
        for level in levels() {
            let (mut ours, mut theirs, mut number) = (series(level), series(level), 0);
            for (len, step, byte) in &boxes {
                number += step;
                let content = vec![*byte; *len];
                let boxed = seal(&mut ours, number, &content);
                prop_assert_eq!(&boxed[..], &expected(number, &content));
                let mut opened = BytesMut::new();
                prop_assert!(theirs.open(number, &boxed, &mut opened));
                prop_assert_eq!(&opened[..], &content);
            }
        }
    }
}
