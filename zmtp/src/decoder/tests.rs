use proptest::prelude::*;

use super::*;
use crate::message::message::Message;

fn decode(chunks: &[&[u8]], limits: Limits) -> Result<Vec<Event>, FrameError> {
    let mut decoder = Decoder::new(limits);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.reserve(chunk.len()).extend_from_slice(chunk);
        while let Some(event) = decoder.poll_event()? {
            events.push(event);
        }
    }
    Ok(events)
}

/// Returns messages and commands one by one, so that runs of different lengths compare equal.
fn flatten(events: Vec<Event>) -> (Vec<Message>, Vec<Bytes>) {
    let (mut messages, mut commands) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Batch(batch) => {
                let before = messages.len();
                let len = batch.len();
                messages.extend(batch);
                assert_eq!(messages.len() - before, len, "a batch holds what it counts");
            }
            Event::Command(body) => commands.push(body),
        }
    }
    (messages, commands)
}

#[test]
fn a_run_of_small_messages_is_one_batch_without_a_copy() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.reserve(12).extend_from_slice(b"\x00\x01a\x01\x01b\x00\x01c\x00\x05");
    let address = decoder.buffer.as_ptr();
    let Some(Event::Batch(batch)) = decoder.poll_event().unwrap() else { panic!() };
    assert_eq!(batch.len(), 2);
    assert_eq!(batch.wire().as_ptr(), address);
    assert_eq!(decoder.poll_event().unwrap(), None);
}

#[test]
fn a_command_between_messages_ends_the_run() {
    let events = decode(&[b"\x00\x01a\x04\x05\x04PING\x00\x01b"], Limits::default()).unwrap();
    assert!(matches!(&events[..], [Event::Batch(a), Event::Command(c), Event::Batch(b)]
        if a.len() == 1 && b.len() == 1 && &c[..] == b"\x04PING"));
}

#[test]
fn a_command_between_frames_of_a_message_is_separated_from_the_message() {
    let events = decode(&[b"\x01\x01a\x04\x05\x04PING\x01\x01b\x05\x01x\x00\x01c"], Limits::default());
    let (messages, commands) = flatten(events.unwrap());
    assert_eq!(messages, [Message::from_frames(["a", "b", "c"])]);
    assert_eq!(commands, [&b"\x04PING"[..], b"x"]);
}

#[test]
fn noncanonical_headers_are_rewritten() {
    let events = decode(
        &[b"\x00\x01x\xf8\x01a\x02\0\0\0\0\0\0\0\x01b\x03\0\0\0\0\0\0\0\x01c\x00\x01d"],
        Limits::default(),
    )
    .unwrap();
    let [Event::Batch(batch)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(&batch.wire()[..], b"\x00\x01x\x00\x01a\x00\x01b\x01\x01c\x00\x01d");
}

#[test]
fn messages_before_a_malformed_frame_are_returned_before_the_error() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.reserve(12).extend_from_slice(b"\x00\x01a\x02\xff\0\0\0\0\0\0\0");
    assert_eq!(decoder.poll_event(), Ok(Some(Event::Batch(Message::from("a").into()))));
    assert!(matches!(decoder.poll_event(), Err(FrameError::Length { .. })));
}

#[test]
fn limits_hold_for_messages_for_frames_and_for_the_number_of_frames() {
    let limits = Limits { message: 10, frame: 4, frames: 3 };
    let assert_error = |bytes: &[u8], error| {
        assert_eq!(decode(&[bytes], limits), Err(error), "{bytes:?}");
    };
    for kept in [&b"\x01\x03aaa\x00\x03aaa"[..], b"\0\x04aaaa", b"\x01\0\x01\0\0\0", b"\x04\x04\x03abc"] {
        assert!(decode(&[kept, kept], limits).is_ok(), "{kept:?}");
        assert!(decode(&[&[kept, kept].concat()], limits).is_ok(), "{kept:?}");
    }
    assert_error(b"\x01\x03aaa\x00\x04", FrameError::MessageTooLarge { announced: 11, limit: 10 });
    for flags in [0, 1, 4] {
        assert_error(&[flags, 5], FrameError::FrameTooLarge { announced: 5, limit: 4 });
    }
    assert_error(b"\x01\0\x01\0\x01\0\0\0", FrameError::TooManyFrames { limit: 3 });
    assert_error(b"\x01\0\xf9\0\x04\x02\x01x\x01\0\0\0", FrameError::TooManyFrames { limit: 3 });
}

#[test]
fn a_message_may_have_a_hundred_thousand_frames() {
    let stream = [&b"\x01\0".repeat(99_999)[..], b"\0\0"].concat();
    let (messages, _) = flatten(decode(&[&stream], Limits::default()).unwrap());
    assert_eq!(messages[0].iter().count(), 100_000);
}

#[test]
fn a_decoder_frees_its_memory_when_it_holds_no_bytes() {
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!((decoder.spare(), decoder.is_empty()), (0, true));
    decoder.reserve(100).extend_from_slice(b"\0\x05hel");
    assert_eq!(decoder.spare(), decoder.buffer.capacity() - 5);
    assert!(!decoder.is_empty());
    decoder.shrink();
    assert_eq!(decoder.buffer, b"\0\x05hel"[..]);
    decoder.reserve(2).extend_from_slice(b"lo");
    assert!(decoder.poll_event().unwrap().is_some());
    decoder.reserve(100);
    assert!(decoder.is_empty() && decoder.spare() >= 100);
    decoder.shrink();
    assert_eq!(decoder.spare(), 0);
}

#[test]
fn a_large_frame_is_moved_once_as_it_arrives() {
    const LEN: usize = 1 << 20;
    let mut decoder = Decoder::new(Limits::default());
    decoder.reserve(9).extend_from_slice(&[&[2][..], &LEN.to_be_bytes()].concat());
    let mut places = Vec::new();
    for _ in 0..8 {
        assert_eq!(decoder.poll_event(), Ok(None));
        decoder.reserve(LEN / 8).extend_from_slice(&[7; LEN / 8]);
        places.push(decoder.buffer.as_ptr());
    }
    places.dedup();
    assert!(places.len() <= 2, "{places:?}");
    assert!(matches!(decoder.poll_event(), Ok(Some(Event::Batch(batch))) if batch.wire_len() == LEN + 9));
}

#[test]
fn the_buffer_of_a_large_frame_has_room_for_at_most_eight_times_the_arrived_bytes() {
    let mut decoder = Decoder::new(Limits { message: usize::MAX, frame: usize::MAX, ..Limits::default() });
    decoder.reserve(9).extend_from_slice(b"\x02\x00\x00\x00\xff\xff\xff\xff\xff");
    for _ in 0..100 {
        assert_eq!(decoder.poll_event(), Ok(None));
        let arrived = decoder.buffer.len();
        let times = if arrived < 64 << 10 { 1 } else { 8 };
        decoder.reserve(4096).extend_from_slice(&[7; 4096]);
        let room = decoder.buffer.capacity();
        assert!(room <= 4 * arrived.max(4096) + times * arrived, "{room} for {arrived}");
    }
}

#[test]
fn the_missing_bytes_of_a_frame_have_room_once_half_of_the_frame_has_arrived() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.reserve(9).extend_from_slice(b"\x02\0\0\0\0\0\0\x27\x10");
    decoder.reserve(8000).extend_from_slice(&[0; 8000]);
    assert_eq!(decoder.poll_event(), Ok(None));
    assert_eq!(decoder.missing, 2000);
    decoder.reserve(1);
    assert!(decoder.spare() >= 2000);
}

#[test]
fn an_announced_size_is_not_allocated_before_it_arrives() {
    let mut decoder = Decoder::new(Limits { message: usize::MAX, frame: usize::MAX, ..Limits::default() });
    decoder.reserve(9).extend_from_slice(b"\x02\x00\x00\x00\xff\xff\xff\xff\xff");
    assert_eq!(decoder.poll_event(), Ok(None));
    decoder.reserve(4096);
    assert!(decoder.buffer.capacity() < 16 << 10);
}

#[test]
fn commands_inside_an_endless_message_do_not_accumulate() {
    let mut decoder = Decoder::new(Limits::default());
    decoder.reserve(3).extend_from_slice(b"\x01\x01a");
    for _ in 0..10_000 {
        decoder.reserve(7).extend_from_slice(b"\x04\x05\x04PING");
        assert!(matches!(decoder.poll_event(), Ok(Some(Event::Command(_)))));
        assert_eq!(decoder.poll_event(), Ok(None));
    }
    assert_eq!(decoder.buffer.len(), 3);
}

prop_compose! {
    fn any_frame()(flags in prop_oneof![8 => 0u8..4, 1 => any::<u8>()], body in prop::collection::vec(any::<u8>(), 0..300)) -> Vec<u8> {
        let mut out = vec![flags];
        if flags & 2 == 0 {
            out.push(body.len().min(255) as u8);
            out.extend(&body[..body.len().min(255)]);
        } else {
            out.extend((body.len() as u64).to_be_bytes());
            out.extend(&body);
        }
        out
    }
}

prop_compose! {
    fn any_limits()(message in 1usize..2000, frame in 1usize..600, frames in 1usize..10) -> Limits {
        Limits { message, frame, frames }
    }
}

proptest! {
    #[test]
    fn any_split_of_a_stream_gives_the_same_events(
        frames in prop::collection::vec(any_frame(), 0..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        limits in prop_oneof![Just(Limits::default()), any_limits()],
    ) {
        let stream = frames.concat();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
        let whole = decode(&[&stream], limits).map(flatten);
        prop_assert_eq!(&decode(&chunks, limits).map(flatten), &whole);
        let bytewise: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(decode(&bytewise, limits).map(flatten), whole);
    }

    #[test]
    fn a_valid_stream_with_bytes_changed_ends_in_events_or_an_error_and_never_in_growth(
        frames in prop::collection::vec(any_frame(), 1..20),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut stream = frames.concat();
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let mut decoder = Decoder::new(Limits { message: 1 << 20, frame: 1 << 19, frames: 100 });
        let mut seen = 0;
        for chunk in stream.chunks(100) {
            decoder.reserve(chunk.len()).extend_from_slice(chunk);
            loop {
                match decoder.poll_event() {
                    Ok(Some(Event::Batch(batch))) => seen += batch.wire_len(),
                    Ok(Some(Event::Command(body))) => seen += body.len(),
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
            prop_assert!(decoder.buffer.capacity() <= 4 * stream.len() + 1024);
        }
        prop_assert!(seen + decoder.buffer.len() <= stream.len());
    }

    #[test]
    fn no_input_panics_or_grows_the_buffer_past_what_arrived(input in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut decoder = Decoder::new(Limits { message: 1 << 20, frame: 1 << 19, frames: 100 });
        for chunk in input.chunks(7) {
            decoder.reserve(7).extend_from_slice(chunk);
            loop {
                match decoder.poll_event() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
            prop_assert!(decoder.buffer.capacity() <= 4 * input.len() + 1024);
        }
    }
}
