use enfonet_secretbox::Key;
use proptest::prelude::*;

use super::*;
use crate::command::name::CommandName;
use crate::curve::traffic::{Sealer, Side, pair};
use crate::message::batch::Batch;
use crate::message::message::Message;

fn ends(limits: Limits) -> (Sealer, Incoming) {
    let key = Key::new(&[5; 32]);
    let (sealer, _) = pair(&key, Side::Client, 2, 1);
    let (_, opener) = pair(&key, Side::Server, 1, 2);
    (sealer, Incoming::new(BytesMut::new(), limits, Some(opener)))
}

fn sealed(sealer: &mut Sealer, frames: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    sealer.seal_frames(frames, &mut out).unwrap();
    out
}

fn feed(incoming: &mut Incoming, bytes: &[u8]) -> Result<Vec<Event>, TrafficError> {
    incoming.reserve(bytes.len()).extend_from_slice(bytes);
    std::iter::from_fn(|| incoming.poll_event().transpose()).collect()
}

#[test]
fn messages_before_an_invalid_box_are_returned_before_a_lasting_error() {
    let (mut sealer, mut incoming) = ends(Limits::default());
    let mut wire = sealed(&mut sealer, b"\0\x01a\0\x01b");
    let last = wire.len() - 1;
    wire[last] ^= 1;
    wire.extend_from_slice(&sealed(&mut sealer, b"\0\x01c"));
    incoming.reserve(wire.len()).extend_from_slice(&wire);
    assert_eq!(incoming.poll_event(), Ok(Some(Event::Batch(Message::from("a").into()))));
    for _ in 0..3 {
        let error = CurveError::Box { command: CommandName::Message };
        assert_eq!(incoming.poll_event(), Err(TrafficError::Curve(error)));
    }
}

#[test]
fn outer_flags_are_ignored() {
    for flags in [0, 1, 4, 5, 0xf8] {
        let (mut sealer, mut incoming) = ends(Limits::default());
        let mut wire = sealed(&mut sealer, b"\0\x01a");
        wire[0] = flags;
        let events = feed(&mut incoming, &wire).unwrap();
        assert_eq!(events, [Event::Batch(Message::from("a").into())], "{flags}");
    }
}

#[test]
fn an_unencrypted_frame_is_an_error() {
    for clear in [&b"\0\x05hello"[..], b"\x04\x07\x04PING\0\0"] {
        let (_, mut incoming) = ends(Limits::default());
        assert_eq!(feed(&mut incoming, clear), Err(CurveError::Unencrypted.into()));
    }
}

#[test]
fn limits_apply_to_the_frames_in_the_boxes() {
    let limits = Limits { frame: 10, message: 24, frames: 2 };
    let fits = |frames: &[u8]| {
        let (mut sealer, mut incoming) = ends(limits);
        feed(&mut incoming, &sealed(&mut sealer, frames))
    };
    assert!(fits(b"\x01\x0aaaaaaaaaaa\0\x0aaaaaaaaaaa").is_ok());
    assert!(matches!(fits(b"\0\x0baaaaaaaaaaa"), Err(TrafficError::Frame(FrameError::FrameTooLarge { .. }))));
    assert!(matches!(fits(b"\x01\0\x01\0\0\0"), Err(TrafficError::Frame(FrameError::TooManyFrames { .. }))));
    let (_, mut incoming) = ends(limits);
    assert!(feed(&mut incoming, &[0, 10 + 33]).is_ok());
    let (_, mut incoming) = ends(limits);
    assert!(feed(&mut incoming, &[0, 11 + 33]).is_err(), "before any of it has arrived");
}

#[test]
fn reads_within_the_spare_room_need_no_other_buffer() {
    let (_, encrypted) = ends(Limits::default());
    for mut incoming in [encrypted, Incoming::new(BytesMut::new(), Limits::default(), None)] {
        assert_eq!(incoming.spare(), 0);
        incoming.reserve(100).extend_from_slice(b"\0");
        let buffer = incoming.reserve(0);
        let (start, room) = (buffer.as_ptr(), buffer.capacity() - buffer.len());
        assert_eq!(incoming.spare(), room);
        assert_eq!(incoming.reserve(room).as_ptr(), start);
    }
}

#[test]
fn an_announced_size_is_not_allocated_before_it_arrives() {
    let (_, mut incoming) = ends(Limits::default());
    assert_eq!(feed(&mut incoming, b"\x02\0\0\0\0\x0f\0\0\0"), Ok(vec![]));
    assert!(incoming.reserve(4096).capacity() < 16 << 10);
}

#[test]
fn the_encrypted_form_of_a_large_frame_is_freed_after_decryption() {
    let (mut sealer, mut incoming) = ends(Limits::default());
    let large = Message::from(vec![7; 1 << 20]);
    let mut wire = BytesMut::new();
    sealer.seal(&large.clone().into(), &mut wire).unwrap();
    // The first bytes of the next frame have arrived with it.
    wire.extend_from_slice(&sealed(&mut sealer, b"\0\x01a")[..5]);
    let encrypted = incoming.reserve(wire.len());
    encrypted.extend_from_slice(&wire);
    let place = encrypted.as_ptr_range();
    assert_eq!(incoming.poll_event(), Ok(Some(Event::Batch(large.into()))));
    assert!(!place.contains(&incoming.reserve(1).as_ptr()), "five bytes keep a megabyte");
}

proptest! {
    #[test]
    fn any_split_of_the_stream_gives_the_same_messages(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..20), size in 1usize..400
    ) {
        let (mut sealer, mut incoming) = ends(Limits::default());
        let batch: Batch = bodies.iter().map(|body| Message::from_frames([&b"x"[..], &body[..]].map(<[u8]>::to_vec))).collect();
        let wire = sealed(&mut sealer, batch.wire());
        let mut messages = Vec::new();
        for chunk in wire.chunks(size) {
            for event in feed(&mut incoming, chunk).unwrap() {
                let Event::Batch(run) = event else { panic!("no commands were sent") };
                messages.extend(run);
            }
        }
        prop_assert!(messages.into_iter().eq(batch));
        incoming.shrink();
        prop_assert_eq!(incoming.spare(), 0);
    }
}
