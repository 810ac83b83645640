use super::*;

fn letters(text: &str) -> Batch {
    text.chars().map(|c| Message::from_frames([c.to_string(), "body".into()])).collect()
}

#[test]
fn split_to_cuts_at_message_boundaries() {
    let mut batch = letters("abcde");
    assert_eq!(batch.split_to(0), Batch::default());
    assert_eq!(batch.split_to(2), letters("ab"));
    assert_eq!((batch.len(), batch.clone()), (3, letters("cde")));
    assert_eq!(batch.split_to(9), letters("cde"));
    assert!(batch.is_empty());
}

#[test]
fn fitting_counts_whole_messages_only() {
    let batch = letters("abc");
    let one = batch.wire_len() / 3;
    assert_eq!(batch.fitting(one - 1), (0, 0));
    assert_eq!(batch.fitting(2 * one + 1), (2, 2 * one));
    assert_eq!(batch.fitting(usize::MAX), (3, 3 * one));
}

#[test]
fn an_enveloped_message_is_two_pieces_and_comes_out_whole() {
    let body = Message::from_frames(["", "body"]).detach();
    let mut batch = Batch::enveloped(&Envelope::of(&["me"]), body.clone());
    let whole = Message::from_frames(["me", "", "body"]);
    assert_eq!((batch.len(), batch.wire_len()), (1, whole.wire_len()));
    assert_eq!(batch.clone().into_pieces().concat(), whole.to_pieces().concat());
    assert_eq!(batch.detach(), batch);
    assert_eq!(batch.pop_front(), Some(whole));
    assert!(batch.is_empty());
    assert_eq!(Batch::enveloped(&Envelope::none(), body.clone()), body.into());
}

#[test]
fn the_memory_of_a_batch_is_had_by_its_last_owner() {
    let batch = letters("abc");
    let place = batch.wire().unwrap().as_ptr();
    assert!(batch.clone().into_buffer().is_none());
    let buffer = batch.into_buffer().unwrap();
    assert_eq!((buffer.as_ptr(), buffer.len()), (place, 0));
    assert!(Batch::from(Message::from(vec![1u8; 10_000])).into_buffer().is_none(), "it isn't encoded");
}

#[test]
fn batches_are_equal_when_their_messages_are() {
    assert_eq!(letters("ab"), letters("ab").detach());
    for other in ["a", "abc", "ba", ""] {
        assert_ne!(letters("ab"), letters(other), "{other}");
    }
    assert!(letters("").is_empty() && !letters("a").is_empty());
}

#[test]
fn without_an_envelope_a_message_stays_as_it_is() {
    let body = Message::from_frames(["", "body"]).detach();
    assert!(Batch::enveloped(&Envelope::none(), body.clone()).wire().is_some());
    assert!(Batch::enveloped(&Envelope::delimiter(), body).wire().is_none());
}

#[test]
fn none_of_a_message_in_parts_is_none() {
    let mut batch = Batch::from(Message::from(vec![1u8; 10_000]));
    assert!(batch.split_to(0).is_empty());
    assert_eq!(batch.len(), 1);
}

#[test]
fn a_message_in_parts_is_a_batch_of_one() {
    let message = Message::from(vec![1u8; 10_000]);
    let mut batch = Batch::from(message.clone());
    assert_eq!((batch.len(), batch.wire_len()), (1, 10_009));
    assert_eq!(batch.pop_front(), Some(message));
    assert_eq!(batch.pop_front(), None);
}
