//! Published messages arrive unchanged at their subscribers.

use crate::setup::{Setup, pairings};

#[test]
fn a_subscriber_receives_exactly_the_messages_that_match_its_topics() {
    for pairing in pairings() {
        let setup = Setup::new();
        let stage = setup.stage(pairing, &["a", "ab", "weather.porto", "~"]);
        let published = [
            "",
            "A",
            "b",
            "ba",
            "a",
            "ab",
            "abc",
            "weather.",
            "weather.port",
            "weather.porto",
            "weather.lisbon",
            "weather.porto.north",
            "~end",
        ];
        published.iter().for_each(|topic| stage.publisher.send(&[topic, "body"]));
        for topic in ["a", "ab", "abc", "weather.porto", "weather.porto.north", "~end"] {
            stage.subscriber.expect(&[topic, "body"]);
        }
    }
}

#[test]
fn only_the_first_frame_is_the_topic() {
    for pairing in pairings() {
        let setup = Setup::new();
        let stage = setup.stage(pairing, &["topic"]);
        stage.publisher.send(&["other", "topic"]);
        stage.publisher.send(&["topic", "other"]);
        stage.subscriber.expect(&["topic", "other"]);
    }
}

#[test]
fn the_empty_topic_matches_every_message() {
    for pairing in pairings() {
        let setup = Setup::new();
        let stage = setup.stage(pairing, &[""]);
        let published: [&[u8]; 5] = [b"", b"\0", b"\x01a", b"\xff\xff", b"a"];
        published.iter().for_each(|topic| stage.publisher.send(&[topic]));
        published.iter().for_each(|topic| stage.subscriber.expect(&[topic]));
    }
}

#[test]
fn frame_boundaries_are_kept_even_of_empty_frames() {
    for pairing in pairings() {
        let setup = Setup::new();
        let stage = setup.stage(pairing, &["", "~"]);
        let many: Vec<String> = (0..300).map(|n| "x".repeat(n)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let messages: [&[&str]; 7] =
            [&["t", "", "body", "", ""], &["", ""], &["t", ""], &["", "", "", "end"], &["t"], &[""], &many];
        messages.iter().for_each(|message| stage.publisher.send(message));
        messages.iter().for_each(|message| stage.subscriber.expect(message));
    }
}

#[test]
fn messages_of_every_size_arrive_whole() {
    const SIZES: [usize; 12] = [0, 1, 255, 256, 8191, 8192, 8193, 65_535, 65_536, 65_537, 1 << 20, 32 << 20];
    let bytes: Vec<u8> = (0..32u32 << 20).map(|n| (n % 251) as u8).collect();
    for pairing in pairings() {
        let setup = Setup::new();
        let stage = setup.stage(pairing, &["", "t"]);
        for size in SIZES {
            let body = &bytes[..size];
            // One message at a time: the largest is admitted only into an empty queue.
            for message in [&[body][..], &[b"t", body, b""], &[body, body]] {
                stage.publisher.send(message);
                assert!(stage.subscriber.recv() == message, "{size} bytes");
            }
        }
    }
}

#[test]
fn messages_of_many_sizes_stay_whole_and_in_order() {
    for pairing in pairings() {
        let setup = Setup::new();
        let stage = setup.stage(pairing, &[""]);
        let message = |n: usize| vec![b'x'; n * 7919 % 20_000];
        (0..500).for_each(|n| stage.publisher.send(&[n.to_string().into_bytes(), message(n)]));
        for n in 0..500 {
            assert!(stage.subscriber.recv() == [n.to_string().into_bytes(), message(n)], "message {n}");
        }
    }
}
