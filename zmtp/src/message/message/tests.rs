use proptest::prelude::*;

use super::*;

fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let len = prop_oneof![4 => 0usize..5, 2 => 250usize..260, 1 => 4090usize..5000];
    prop::collection::vec(len.prop_map(|n| vec![b'x'; n]), 1..6)
}

#[test]
fn every_message_has_a_frame() {
    let none: [Bytes; 0] = [];
    assert_eq!(Message::from_frames(none), "");
}

#[test]
fn a_large_body_is_not_copied_into_a_piece() {
    let body = Bytes::from(vec![7u8; 10_000]);
    let pieces = Message::from_frames([Bytes::from("topic"), body.clone()]).to_pieces();
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces[1].as_ptr(), body.as_ptr());
}

#[test]
fn the_envelope_ends_with_the_first_empty_frame() {
    for message in [
        Message::from_frames(["X", "Y", "", "A", "", "B"]),
        Message::from_frames(["X", "Y", "", "A", "", "B"]).detach(),
    ] {
        assert!(message.has_envelope());
        let (envelope, body) = message.split_envelope().unwrap();
        assert_eq!(envelope.as_wire(), b"\x01\x01X\x01\x01Y\x01\x00");
        assert_eq!(body, Message::from_frames(["A", "", "B"]));
        assert_eq!(body.with_envelope(&envelope), Message::from_frames(["X", "Y", "", "A", "", "B"]));
    }
    for message in [Message::from_frames(["X", "Y"]), Message::from_frames(["X", ""])] {
        assert!(!message.has_envelope() && !message.detach().has_envelope());
        assert_eq!(message.clone().split_envelope().unwrap_err(), message);
        assert_eq!(message.detach().split_envelope().unwrap_err(), message);
    }
}

#[test]
fn a_body_of_4096_bytes_is_large_and_written_without_a_copy() {
    for (len, is_large) in [(LARGE_BODY_BYTES - 1, false), (LARGE_BODY_BYTES, true)] {
        let body = Bytes::from(vec![b'x'; len]);
        let message = Message::from_frames([Bytes::new(), body.clone()]);
        assert_eq!(message.is_large(), is_large, "{len}");
        let pieces = message.to_pieces();
        assert_eq!(pieces.iter().any(|piece| piece.as_ptr() == body.as_ptr()), is_large, "{len}");
    }
    // In wire form it is the whole that counts.
    for (len, is_large) in [(LARGE_BODY_BYTES - 10, false), (LARGE_BODY_BYTES - 9, true)] {
        assert_eq!(Message::copy_from(&vec![b'x'; len]).is_large(), is_large, "{len}");
    }
}

#[test]
fn the_bodies_of_a_large_message_are_shared_even_with_an_envelope() {
    for len in [LARGE_BODY_BYTES - 12, LARGE_BODY_BYTES] {
        let body = Bytes::from(vec![b'x'; len]);
        let received = Message::from_frames([Bytes::new(), body.clone()]).detach();
        let place = received.get(1).unwrap().as_ptr();
        let enveloped = received.clone().with_envelope(&Envelope::of(&["me"]));
        assert_eq!(enveloped, Message::from_frames([Bytes::from("me"), Bytes::new(), body]));
        assert_eq!(enveloped.get(2).unwrap().as_ptr() == place, len == LARGE_BODY_BYTES, "{len}");
        let as_it_is = received.with_envelope(&Envelope::none());
        assert_eq!(as_it_is.get(1).unwrap().as_ptr(), place);
    }
}

proptest! {
    #[test]
    fn every_form_of_a_message_shows_the_same_frames(bodies in bodies()) {
        let made = Message::from_frames(bodies.clone());
        let wire = made.detach();
        prop_assert_eq!(&made, &wire);
        prop_assert_eq!(made.wire_len(), wire.wire_len());
        prop_assert_eq!(made.len(), bodies.len());
        prop_assert_eq!(wire.len(), bodies.len());
        prop_assert!(wire.clone().into_iter().eq(bodies.iter().cloned().map(Bytes::from)));
        prop_assert_eq!(made.to_pieces().concat(), wire.to_pieces().concat());
        let (first, rest) = wire.split_first();
        prop_assert_eq!(&first[..], &bodies[0][..]);
        prop_assert_eq!(&rest, &made.split_first().1);
        prop_assert_eq!(rest.map_or(0, |r| r.len()), bodies.len() - 1);
    }
}
