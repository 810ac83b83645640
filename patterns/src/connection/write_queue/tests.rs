use enfonet_zmtp::{
    Entropy, Event, Handshake, HandshakeConfig, HandshakeStep, Incoming, KeyPair, Limits, Message, SecretKey,
    Security, SocketType, Verdict,
};

use proptest::prelude::*;

use super::*;

fn taken(control: &'static [u8], runs: &[&[&str]]) -> Taken {
    let run = |texts: &&[&str]| texts.iter().copied().map(Message::from).collect();
    Taken { control: Bytes::from_static(control), runs: runs.iter().map(run).collect(), ..Taken::default() }
}

/// Returns the write queue of a CURVE server, and the decoder of its client, after their handshake.
fn encrypted() -> (WriteQueue, Incoming) {
    let keys = [1, 2].map(|byte| KeyPair::new(SecretKey::from_bytes([byte; 32])));
    let server = *keys[0].public();
    let [server_keys, client_keys] = keys;
    let securities =
        [Security::CurveServer { keys: server_keys }, Security::CurveClient { keys: client_keys, server }];
    let mut ends = securities.map(|security| {
        let config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Pair) };
        (Handshake::new(config, Entropy::none()), BytesMut::new(), None)
    });
    while ends.iter().any(|(.., outcome)| outcome.is_none()) {
        for at in 0..2 {
            let sent = ends[1 - at].0.poll_output();
            let (handshake, input, outcome) = &mut ends[at];
            input.extend_from_slice(&sent);
            if outcome.is_none() {
                match handshake.handle_input(input).unwrap() {
                    HandshakeStep::Authenticate(_) => handshake.handle_verdict(Verdict::allow()).unwrap(),
                    HandshakeStep::Complete(done) => *outcome = Some(done),
                    HandshakeStep::NeedInput => {}
                }
            }
        }
    }
    let [server, client] = ends.map(|(.., outcome)| outcome.unwrap());
    let incoming = Incoming::new(BytesMut::new(), Limits::default(), client.opener);
    (WriteQueue::new(Bytes::new(), server.sealer), incoming)
}

fn pending(queue: &WriteQueue) -> Vec<u8> {
    queue.with_slices(|slices| slices.iter().flat_map(|s| s.to_vec()).collect())
}

#[test]
fn only_whole_runs_are_reported_as_written() {
    let mut queue = WriteQueue::default();
    queue.extend(&mut taken(b"", &[&["a", "b"], &["c"]]));
    assert_eq!(queue.advance(5), Size::default());
    assert_eq!(queue.advance(1), Size::new(2, 6));
    assert_eq!(pending(&queue), b"\0\x01c");
    assert_eq!(queue.advance(3), Size::new(1, 3));
    assert!(queue.is_empty());
}

#[test]
fn commands_are_written_before_messages_and_never_within_a_message() {
    let mut queue = WriteQueue::default();
    queue.extend(&mut taken(b"", &[&["a"], &["b"]]));
    queue.advance(1);
    queue.extend(&mut taken(b"CC", &[]));
    assert_eq!(pending(&queue), b"\x01aCC\0\x01b");
    assert!(queue.has_control());
    assert_eq!(queue.advance(4), Size::new(1, 3));
    assert!(!queue.has_control());
}

#[test]
fn commands_follow_a_large_message_that_is_written_in_part() {
    let mut queue = WriteQueue::default();
    let message = Message::from(vec![7; 10_000]);
    let (header, body) = (message.wire_len() - 10_000, 10_000);
    queue.extend(&mut Taken { runs: [Run::from(message)].into_iter().collect(), ..Taken::default() });
    queue.advance(header);
    queue.extend(&mut taken(b"CC", &[]));
    let next = pending(&queue);
    assert_eq!((&next[..body], &next[body..]), (&[7; 10_000][..], &b"CC"[..]));
}

#[test]
fn a_written_ping_is_reported_once_and_leaves_no_command_behind() {
    let mut queue = WriteQueue::default();
    queue.push_ping(Bytes::from_static(b"PING"));
    queue.advance(3);
    assert!(queue.has_control() && !queue.take_written_ping());
    queue.advance(1);
    assert!(!queue.has_control() && queue.take_written_ping());
    assert!(!queue.take_written_ping());
}

#[test]
fn ready_is_written_first_and_unencrypted() {
    let ready = || Bytes::from_static(b"READY");
    let mut plain = WriteQueue::new(ready(), None);
    plain.extend(&mut taken(b"CC", &[&["a"]]));
    assert_eq!(pending(&plain), b"READYCC\0\x01a");
    assert_eq!(plain.advance(7), Size::default());
    assert_eq!(plain.advance(3), Size::new(1, 3));

    let (encrypted, mut incoming) = encrypted();
    let mut sealed = WriteQueue::new(ready(), encrypted.sealer);
    sealed.extend(&mut taken(b"\x04\x02\x01X", &[&["a"]]));
    sealed.prepare().unwrap();
    assert_eq!(pending(&sealed), b"READY");
    sealed.advance(5);
    while !sealed.is_empty() {
        sealed.prepare().unwrap();
        let part = pending(&sealed);
        incoming.reserve(part.len()).extend_from_slice(&part);
        sealed.advance(part.len());
    }
    let events: Vec<_> = std::iter::from_fn(|| incoming.poll_event().unwrap()).collect();
    assert!(matches!(&events[..], [Event::Command(_), Event::Batch(_)]), "{events:?}");
}

#[test]
fn unsent_messages_begin_with_the_message_that_was_cut_off() {
    for (written, expected) in [(0, "abc"), (1, "abc"), (3, "bc"), (5, "bc"), (6, "c"), (8, "c")] {
        let mut queue = WriteQueue::default();
        queue.extend(&mut taken(b"", &[&["a", "b"], &["c"]]));
        queue.advance(written);
        let texts: String = queue
            .into_unsent()
            .into_iter()
            .flatten()
            .map(|m| String::from_utf8(m.first().to_vec()).unwrap())
            .collect();
        assert_eq!(texts, expected, "after {written} bytes");
    }
}

#[test]
fn with_encryption_the_peer_gets_all_messages_in_an_order_that_it_accepts() {
    let (mut queue, mut incoming) = encrypted();
    queue.extend(&mut taken(b"", &[&["a", "b"], &["c"]]));
    queue.prepare().unwrap();
    // This message is staged behind encrypted messages that aren't written yet.
    queue.extend(&mut taken(b"\x04\x02\x01X", &[&["d"]]));
    let (mut credit, mut seen) = (Size::default(), String::new());
    while !queue.is_empty() {
        queue.prepare().unwrap();
        let part = pending(&queue);
        let part = &part[..part.len().min(7)];
        incoming.reserve(part.len()).extend_from_slice(part);
        credit.add(queue.advance(part.len()));
        while let Some(event) = incoming.poll_event().unwrap() {
            match event {
                Event::Batch(run) => run.into_iter().for_each(|m| seen.push(char::from(m.first()[0]))),
                Event::Command(_) => seen.push('X'),
            }
        }
    }
    assert_eq!((&seen[..], credit), ("abcXd", Size::new(4, 12)));
}

#[test]
fn with_encryption_a_long_run_is_sealed_in_parts_and_its_unsent_messages_are_known() {
    let sealed_len = 2 + 33 + 200;
    for written in [0, 1, sealed_len - 1, sealed_len, 10 * sealed_len, 700 * sealed_len + 5] {
        let (mut queue, _) = encrypted();
        let run = (0..1000).map(|n| Message::from(format!("{n:0200}"))).collect();
        queue.extend(&mut Taken { runs: [run].into(), ..Taken::default() });
        let mut left = written;
        while left > 0 {
            queue.prepare().unwrap();
            let part = pending(&queue).len();
            assert!(part < 2 * SEALED_BYTES, "{part}");
            queue.advance(part.min(left));
            left -= part.min(left);
        }
        let unsent: Vec<Message> = queue.into_unsent().into_iter().flatten().collect();
        assert_eq!(unsent.len(), 1000 - written / sealed_len, "after {written}");
        assert_eq!(unsent[0], Message::from(format!("{:0200}", written / sealed_len)));
    }
}

fn message() -> impl Strategy<Value = Message> {
    let len = prop_oneof![0usize..300, 3000usize..6000, Just(40_000usize)];
    prop::collection::vec((len, any::<u8>()), 1..4)
        .prop_map(|frames| Message::from_frames(frames.into_iter().map(|(len, byte)| vec![byte; len])))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn received_and_unsent_messages_together_are_all_messages(
        sealed: bool,
        steps in prop::collection::vec((
            prop::collection::vec(prop::collection::vec(message(), 1..20), 0..3), any::<bool>(), 0usize..100_000, 0usize..4,
        ), 1..12),
    ) {
        let (mut queue, mut incoming) = encrypted();
        if !sealed {
            (queue, incoming) = (WriteQueue::new(Bytes::new(), None), Incoming::new(BytesMut::new(), Limits::default(), None));
        }
        let (mut all, mut seen, mut credit, mut commands) = (Vec::new(), Vec::new(), Size::default(), [0, 0]);
        for (runs, command, bytes, writes) in steps {
            let runs: std::collections::VecDeque<Run> = runs.into_iter().map(|run| {
                all.extend(run.iter().cloned());
                if run.len() == 1 { run.into_iter().next().unwrap().into() } else { run.into_iter().collect() }
            }).collect();
            let control = if command { commands[0] += 1; Bytes::from_static(b"\x04\x02\x01X") } else { Bytes::new() };
            queue.extend(&mut Taken { control, runs, ..Taken::default() });
            for _ in 0..writes {
                queue.prepare().unwrap();
                let part = pending(&queue);
                let part = &part[..part.len().min(bytes)];
                incoming.reserve(part.len()).extend_from_slice(part);
                credit.add(queue.advance(part.len()));
                while let Some(event) = incoming.poll_event().unwrap() {
                    match event {
                        Event::Batch(run) => seen.extend(run),
                        Event::Command(_) => commands[1] += 1,
                    }
                }
            }
        }
        let done = queue.is_empty();
        let unsent: Vec<Message> = queue.into_unsent().into_iter().flatten().collect();
        prop_assert!(!done || unsent.is_empty() && commands[0] == commands[1]);
        prop_assert!(credit.messages <= seen.len() as u64);
        seen.extend(unsent);
        prop_assert!(seen == all, "{} of {}", seen.len(), all.len());
    }
}

#[test]
fn a_message_of_many_large_frames_is_written_completely() {
    let message = Message::from_frames((0..200u8).map(|n| vec![n; 5000]));
    let mut expected = bytes::BytesMut::new();
    message.encode(&mut expected);
    let mut queue = WriteQueue::default();
    queue.extend(&mut Taken { runs: [message.into()].into(), ..Taken::default() });
    let mut written = Vec::new();
    while !queue.is_empty() {
        let part = pending(&queue);
        let part = &part[..part.len().min(70_001)];
        written.extend_from_slice(part);
        queue.advance(part.len());
    }
    assert!(written == expected);
}
