//! Messages that are sent by copying their frames.

use bytes::BytesMut;

use crate::frame::header::FrameHeader;
use crate::message::into_message::IntoMessage;
use crate::message::message::Message;
use crate::message::wire;
use crate::tuning::{HUGE_BODY_BYTES, LARGE_BODY_BYTES};

/// A value whose frames can be read in place, and are copied into a queue without an intermediate message: they are
/// small, or only borrowed, so that a message would be a copy too.
#[derive(Debug)]
pub struct Small<M>(M);

impl<M: IntoMessage> Small<M> {
    /// Wraps a value whose frames can be read in place and are small.
    ///
    /// # Errors
    /// The message of any other value.
    #[inline]
    pub fn new(value: M) -> Result<Self, Message> {
        Self::below(LARGE_BODY_BYTES, value)
    }

    /// Wraps a value whose frames can be read in place, and are small or borrowed and not huge. For a message to a
    /// single peer: for several peers, one copy that they share is cheaper.
    ///
    /// # Errors
    /// The message of any other value.
    #[inline]
    pub fn or_borrowed(value: M) -> Result<Self, Message> {
        Self::below(if value.is_borrowed() { HUGE_BODY_BYTES } else { LARGE_BODY_BYTES }, value)
    }

    #[inline]
    fn below(limit: usize, value: M) -> Result<Self, Message> {
        let mut frames = 0;
        while let Some(body) = value.frame(frames) {
            if body.len() >= limit {
                return Err(value.into_message());
            }
            frames += 1;
        }
        if frames > 0 { Ok(Self(value)) } else { Err(value.into_message()) }
    }

    /// Converts to a message.
    pub fn into_message(self) -> Message {
        self.0.into_message()
    }

    /// Returns the body of the first frame.
    #[must_use]
    #[inline]
    pub fn first(&self) -> &[u8] {
        self.0.frame(0).unwrap_or_default()
    }

    /// Returns the length of the wire form.
    #[must_use]
    #[inline]
    pub fn wire_len(&self) -> usize {
        let (mut bytes, mut frames) = (0, 0);
        while let Some(body) = self.0.frame(frames) {
            bytes += FrameHeader::message(body.len(), false).frame_len();
            frames += 1;
        }
        bytes
    }

    /// Appends the wire form.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        let (mut next, mut frames) = (self.0.frame(0), 0);
        while let Some(body) = next {
            frames += 1;
            next = self.0.frame(frames);
            wire::encode_frame(out, body, next.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_small_value_is_encoded_as_its_message_is() {
        fn check(value: impl IntoMessage + Clone, small: bool) {
            let mut expected = BytesMut::new();
            value.clone().into_message().encode(&mut expected);
            let mut wire = BytesMut::new();
            let is_small = match Small::new(value) {
                Ok(small) => {
                    assert_eq!(small.wire_len(), expected.len());
                    small.encode(&mut wire);
                    true
                }
                Err(message) => {
                    message.encode(&mut wire);
                    false
                }
            };
            assert_eq!((is_small, wire), (small, expected));
        }
        let large = vec![7; LARGE_BODY_BYTES];
        check("a", true);
        check("", true);
        check(String::from("a"), true);
        check(&String::from("a"), true);
        check(b"ab", true);
        check(*b"ab", true);
        check(&large[1..], true);
        check(&large[..], false);
        check(&large, false);
        check(large.clone(), false);
        check(Bytes::from(large[1..].to_vec()), true);
        check(["", "a", "b"], true);
        check(&["", "a", "b"][..], true);
        check(("", String::from("a"), b"b"), true);
        check(("", &large[..]), false);
        check(vec![vec![1; 300], vec![2]], true);
        check(vec![vec![1; 300], large], false);
        // Without frames there is nothing to be read in place.
        check(Vec::<String>::new(), false);
        check(Message::from("a"), false);
        check(&Message::from("a"), false);
    }

    #[test]
    fn a_large_body_is_copied_in_place_only_if_it_is_borrowed_and_not_huge() {
        let huge = vec![7; HUGE_BODY_BYTES];
        assert!(Small::or_borrowed(&huge[..HUGE_BODY_BYTES - 1]).is_ok());
        assert!(Small::or_borrowed(&huge[..]).is_err());
        let large = &huge[..LARGE_BODY_BYTES];
        assert!(Small::new(large).is_err());
        assert!(Small::or_borrowed(large.to_vec()).is_err());
        assert!(Small::or_borrowed(Bytes::from(large.to_vec())).is_err());
        assert!(Small::or_borrowed([large, large]).is_err(), "an array is copied as a message");
    }
}
