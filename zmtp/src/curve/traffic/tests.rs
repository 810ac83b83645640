use proptest::prelude::*;

use super::*;

fn key() -> Key {
    Key::new(&[5; 32])
}

fn ends() -> (Sealer, Opener) {
    (pair(&key(), Side::Client, 2, 1).0, pair(&key(), Side::Server, 1, 2).1)
}

/// Returns the bodies of the outer frames.
fn bodies(mut wire: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    while let Some(header) = FrameHeader::parse(wire).unwrap() {
        assert!(!header.is_command() && !header.more(), "the outer frame is that of a plain message");
        bodies.push(wire[header.header_len()..header.frame_len()].to_vec());
        wire = &wire[header.frame_len()..];
    }
    bodies
}

#[test]
fn a_frame_becomes_a_message_command_of_33_more_bytes_with_a_rising_nonce() {
    let (mut sealer, _) = ends();
    let mut out = BytesMut::new();
    sealer.seal_message(&["a", "bc"].into(), &mut out).unwrap();
    let bodies = bodies(&out);
    assert_eq!(bodies.iter().map(Vec::len).collect::<Vec<_>>(), [34, 35]);
    assert_eq!(bodies[0][..16], *b"\x07MESSAGE\0\0\0\0\0\0\0\x03");
    assert_eq!(bodies[1][..16], *b"\x07MESSAGE\0\0\0\0\0\0\0\x04");
}

#[test]
fn the_flags_more_and_command_survive_and_other_inner_flags_do_not() {
    let (mut sealer, mut opener) = ends();
    let (mut out, mut opened) = (BytesMut::new(), BytesMut::new());
    let frames = b"\x01\x01a\x04\x06\x05ABCDE\x00\x00";
    sealer.seal_frames(frames, &mut out).unwrap();
    sealer.seal_frame(0xf9, b"x", &mut out).unwrap();
    for body in bodies(&out) {
        opener.open(&body, &mut opened).unwrap();
    }
    assert_eq!(opened, [&frames[..], b"\x01\x01x"].concat());
}

#[test]
fn nonces_may_skip_but_never_repeat_or_go_back() {
    let (mut sealer, mut opener) = ends();
    let mut out = BytesMut::new();
    sealer.seal_frames(b"\0\0\0\0\0\0\0\0", &mut out).unwrap();
    let bodies = bodies(&out);
    let mut open = |at: usize| opener.open(&bodies[at], &mut BytesMut::new());
    assert_eq!(open(1), Ok(()));
    assert_eq!(open(1), Err(CurveError::Replay { nonce: 4, last: 4 }));
    assert_eq!(open(0), Err(CurveError::Replay { nonce: 3, last: 4 }));
    assert_eq!(open(3), Ok(()));
}

#[test]
fn nonces_of_the_handshake_are_not_accepted_again() {
    let (_, mut opener) = ends();
    let mut old = pair(&key(), Side::Client, 1, 1).0;
    let mut out = BytesMut::new();
    old.seal_frames(b"\0\0", &mut out).unwrap();
    let replayed = opener.open(&bodies(&out)[0], &mut BytesMut::new());
    assert_eq!(replayed, Err(CurveError::Replay { nonce: 2, last: 2 }));
}

#[test]
fn a_changed_or_cut_off_message_command_is_an_error() {
    let (mut sealer, mut opener) = ends();
    let mut out = BytesMut::new();
    sealer.seal_frames(b"\0\x01x", &mut out).unwrap();
    let body = bodies(&out).remove(0);
    let mut open = |body: &[u8]| opener.open(body, &mut BytesMut::new());
    for end in 0..body.len() {
        let expected = match end {
            0..8 => CurveError::Unencrypted,
            8..16 => CurveError::Length { command: CommandName::Message, len: end },
            _ => CurveError::Box { command: CommandName::Message },
        };
        assert_eq!(open(&body[..end]), Err(expected), "{end}");
    }
    assert_eq!(open(b"\x04PING\0\0"), Err(CurveError::Unencrypted));
    let mut other = body.clone();
    other[7] = b'F';
    assert_eq!(open(&other), Err(CurveError::Unencrypted));
    assert_eq!(open(&body), Ok(()), "failures don't count");
    // The end's own boxes, sent back.
    let (mut ours, _) = pair(&key(), Side::Server, 9, 9);
    let mut out = BytesMut::new();
    ours.seal_frames(b"\0\0", &mut out).unwrap();
    let reflected = opener.open(&bodies(&out)[0], &mut BytesMut::new());
    assert_eq!(reflected, Err(CurveError::Box { command: CommandName::Message }));
}

#[test]
fn a_box_without_a_frame_is_an_error() {
    let (mut sealer, mut opener) = ends();
    let mut body = BytesMut::from(&b"\x07MESSAGE\0\0\0\0\0\0\0\x09"[..]);
    sealer.boxes.seal(9, &[], &mut body);
    let opened = opener.open(&body, &mut BytesMut::new());
    assert_eq!(opened, Err(CurveError::Length { command: CommandName::Message, len: 32 }));
}

#[test]
fn the_last_nonce_ends_the_connection() {
    let (mut sealer, _) = ends();
    sealer.last = u64::MAX - 1;
    assert_eq!(sealer.seal_frames(b"\0\0", &mut BytesMut::new()), Ok(()));
    assert_eq!(sealer.seal_frames(b"\0\0", &mut BytesMut::new()), Err(CurveError::Exhausted));
}

proptest! {
    #[test]
    fn messages_survive_encryption_and_have_the_computed_length(
        messages in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4), 0..5)
    ) {
        let (mut sealer, mut opener) = ends();
        let (mut sealed, mut opened, mut foretold) = (BytesMut::new(), BytesMut::new(), 0);
        let batch: Batch = messages.iter().map(|frames| Message::from_frames(frames.clone())).collect();
        for message in batch.clone() {
            foretold += Sealer::sealed_len(&message.to_pieces().concat());
            // Half of them as made of frames, half in wire form.
            match foretold % 2 {
                0 => sealer.seal_message(&message.into_iter().collect(), &mut sealed).unwrap(),
                _ => sealer.seal(&message.into(), &mut sealed).unwrap(),
            }
        }
        prop_assert_eq!(sealed.len(), foretold);
        for body in bodies(&sealed) {
            opener.open(&body, &mut opened).unwrap();
        }
        prop_assert_eq!(&opened[..], &batch.wire()[..]);
    }
}
