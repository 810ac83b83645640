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
fn only_whole_messages_are_counted_as_fitting() {
    let batch = letters("abc");
    let one = batch.wire_len() / 3;
    assert_eq!(batch.fitting(one - 1), (0, 0));
    assert_eq!(batch.fitting(2 * one + 1), (2, 2 * one));
    assert_eq!(batch.fitting(usize::MAX), (3, 3 * one));
}

#[test]
fn the_last_owner_of_a_batch_can_reuse_its_memory() {
    let batch = letters("abc");
    let place = batch.wire().as_ptr();
    assert!(batch.clone().into_buffer().is_none());
    let buffer = batch.into_buffer().unwrap();
    assert_eq!((buffer.as_ptr(), buffer.len()), (place, 0));
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
fn a_constructed_message_is_copied_into_a_batch_and_a_received_message_is_shared() {
    let body = Bytes::from(vec![1u8; 10_000]);
    let mut batch = Batch::from(Message::from(body.clone()));
    assert_eq!((batch.len(), batch.wire_len()), (1, 10_009));
    let place = batch.wire().as_ptr();
    let received = batch.pop_front().unwrap();
    assert_eq!((received == body, batch.pop_front()), (true, None));
    assert_eq!(Batch::from(received).wire().as_ptr(), place);
}
