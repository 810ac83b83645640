use std::collections::HashSet;

use super::*;

/// Returns a message in each form in which a message can be held.
fn forms(frames: &[&[u8]]) -> [Message; 2] {
    let message = Message::from(frames);
    [message.detach(), message]
}

#[test]
fn frames_are_indexed_from_0_and_an_index_beyond_panics() {
    for message in forms(&[b"a", b"", b"c"]) {
        assert_eq!([&message[0], &message[1], &message[2]], [&b"a"[..], b"", b"c"]);
        assert_eq!((message.len(), message.get(3), message.text(3)), (3, None, "".into()));
        let panic = std::panic::catch_unwind(|| message[3].len()).unwrap_err();
        let text = panic.downcast_ref::<String>().map(String::as_str);
        assert_eq!(text, Some("the message has 3 frames, and none with index 3"));
    }
}

#[test]
fn messages_are_equal_to_values_with_the_same_frames_and_to_no_others() {
    for message in forms(&[b"a"]) {
        assert_eq!(message, "a");
        assert_eq!("a", message);
        assert_eq!(message, *b"a");
        assert_eq!(message, String::from("a"));
        assert_eq!(String::from("a"), message);
        assert!(message == *"a" && message == b"a"[..]);
        assert!(*"a" == message);
        assert_eq!(message, ["a"]);
        assert_eq!(message, Message::from("a"));
        assert_ne!(message, "b");
        assert_ne!(message, "");
        assert_ne!(message, ["a", ""]);
        assert_ne!(message, Message::from(["a", ""]));
    }
    for message in forms(&[b"a", b"b"]) {
        assert_eq!(message, ("a", b"b".to_vec()));
        assert_eq!(message, vec!["a", "b"]);
        assert_ne!(message, "a");
        assert_ne!(message, ["a"]);
        assert_ne!(message, ["a", "b", "c"]);
    }
    // A value without frames is sent as an empty frame.
    assert_eq!(Message::from(""), Vec::<String>::new());
    assert_ne!(Message::from("a"), Vec::<String>::new());
}

#[test]
fn equal_messages_have_equal_hashes_and_messages_of_different_frames_differ() {
    let set: HashSet<_> = forms(&[b"a", b"b"]).into_iter().chain(forms(&[b"ab"])).collect();
    assert_eq!(set.len(), 2);
}

#[test]
fn debug_escapes_and_cuts_and_display_shows_text() {
    let message = Message::from_frames([&b"a\n"[..], &[b'x'; 33]]);
    let shown = format!("[\"a\\n\" (2), \"{}…\" (33)]", "x".repeat(32));
    assert_eq!(format!("{message:?}"), shown);
    assert_eq!(Message::from((b"\xff", "", "b")).to_string(), "\u{FFFD} |  | b");
}

#[test]
fn a_message_is_destructured_only_if_it_has_the_expected_number_of_frames() {
    for message in forms(&[b"a", b"b"]) {
        assert_eq!(<[Bytes; 2]>::try_from(message.clone()), Ok([Bytes::from("a"), Bytes::from("b")]));
        assert_eq!(<[&[u8]; 2]>::try_from(&message), Ok([&b"a"[..], b"b"]));
        assert_eq!(<[&[u8]; 3]>::try_from(&message).unwrap_err().expected(), 3);
        let error = <[Bytes; 1]>::try_from(message.clone()).unwrap_err();
        assert_eq!(error.to_string(), "expected a message of 1 frames, got one of 2");
        assert_eq!(format!("{error:?}"), "WrongFrameCount { expected: 1, got: 2 }");
        assert_eq!(error.into_message(), message);
    }
}
