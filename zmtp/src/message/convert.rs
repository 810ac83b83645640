//! What messages are made from.

use bytes::{Bytes, BytesMut};
use smallvec::smallvec;

use super::{LARGE_BODY, Message, Repr, wire};
use crate::FrameHeader;

/// What a message can be made of: a message; text or octets, the body of its only frame; an array or vector of those, a
/// frame of each.
///
/// What is large, and owned, is sent from where it is; what is small is copied to where it is sent from, without being
/// made a message first. For that, [`frame`](Self::frame) shows it in place. A type of your own needn't do so:
///
/// ```
/// use enfonet_zmtp::{IntoMessage, Message};
///
/// struct Reading(f32);
///
/// impl From<Reading> for Message {
///     fn from(Reading(degrees): Reading) -> Self {
///         Self::from(["weather.lisbon", &format!("{degrees:.1}")])
///     }
/// }
/// impl IntoMessage for Reading {}
/// ```
pub trait IntoMessage: Into<Message> {
    /// The body of a frame, counted from 0, where it can be seen without a message being made: of all its frames or of
    /// none, which is the default.
    #[must_use]
    fn frame(&self, n: usize) -> Option<&[u8]> {
        let _ = n;
        None
    }
}

impl IntoMessage for Message {}

/// The body of one frame: text or octets. What is owned is taken as it is, what is borrowed is copied.
pub trait IntoFrame {
    /// The body.
    fn into_frame(self) -> Bytes;

    /// The body in place.
    fn as_frame(&self) -> &[u8];
}

/// Text and octets: each a frame, or a message of one.
macro_rules! bodies {
    ($([$($const:tt)*] $kind:ty, |$body:ident| $frame:expr, $octets:expr, $message:expr;)*) => {$(
        impl<$($const)*> IntoFrame for $kind {
            fn into_frame(self) -> Bytes {
                let $body = self;
                $frame
            }

            #[inline]
            fn as_frame(&self) -> &[u8] {
                let $body = self;
                $octets
            }
        }

        impl<$($const)*> From<$kind> for Message {
            fn from($body: $kind) -> Self {
                $message
            }
        }

        impl<$($const)*> IntoMessage for $kind {
            #[inline]
            fn frame(&self, n: usize) -> Option<&[u8]> {
                (n == 0).then(|| self.as_frame())
            }
        }
    )*};
}

bodies! {
    [] Bytes, |body| body, body, Self { repr: Repr::Frames(smallvec![body]) };
    [] Vec<u8>, |body| body.into(), body, Bytes::from(body).into();
    [] String, |body| body.into(), body.as_bytes(), Bytes::from(body).into();
    [] &str, |body| Bytes::copy_from_slice(body.as_bytes()), body.as_bytes(), Self::copy_from(body.as_bytes());
    [] &String, |body| body.as_str().into_frame(), body.as_bytes(), Self::copy_from(body.as_bytes());
    [] &[u8], |body| Bytes::copy_from_slice(body), body, Self::copy_from(body);
    [const N: usize] &[u8; N], |body| Bytes::copy_from_slice(body), &body[..], Self::copy_from(body);
}

/// A frame of each.
impl<T: IntoFrame, const N: usize> From<[T; N]> for Message {
    fn from(frames: [T; N]) -> Self {
        Self::from_frames(frames.map(IntoFrame::into_frame))
    }
}

impl<T: IntoFrame, const N: usize> IntoMessage for [T; N] {
    #[inline]
    fn frame(&self, n: usize) -> Option<&[u8]> {
        self.get(n).map(T::as_frame)
    }
}

/// A frame of each; without any it has one empty frame.
impl<T: IntoFrame> From<Vec<T>> for Message {
    fn from(frames: Vec<T>) -> Self {
        Self::from_frames(frames.into_iter().map(IntoFrame::into_frame))
    }
}

impl<T: IntoFrame> IntoMessage for Vec<T> {
    #[inline]
    fn frame(&self, n: usize) -> Option<&[u8]> {
        self.get(n).map(T::as_frame)
    }
}

/// What is sent by being copied: frames, all of them small.
#[derive(Debug)]
pub struct Small<M>(M);

impl<M: IntoMessage> Small<M> {
    /// What shows its frames, if they are small; else it is made a message.
    ///
    /// # Errors
    /// The message.
    #[inline]
    pub fn new(message: M) -> Result<Self, Message> {
        let mut frames = 0;
        while let Some(body) = message.frame(frames) {
            if body.len() >= LARGE_BODY {
                return Err(message.into());
            }
            frames += 1;
        }
        if frames > 0 { Ok(Self(message)) } else { Err(message.into()) }
    }

    /// A message of it.
    pub fn into_message(self) -> Message {
        self.0.into()
    }

    /// The body of the first frame.
    #[must_use]
    #[inline]
    pub fn first(&self) -> &[u8] {
        self.0.frame(0).unwrap_or_default()
    }

    /// Octets of its wire form.
    #[must_use]
    #[inline]
    pub fn wire_len(&self) -> usize {
        let mut octets = 0;
        let mut frames = 0;
        while let Some(body) = self.0.frame(frames) {
            octets += FrameHeader::message(body.len(), false).frame_len();
            frames += 1;
        }
        octets
    }

    /// Appends the wire form.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        let (mut next, mut frames) = (self.0.frame(0), 0);
        while let Some(body) = next {
            frames += 1;
            next = self.0.frame(frames);
            wire::put_frame(out, body, next.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_is_made_from_text_or_octets() {
        let text = String::from("a");
        for message in [
            Message::from("a"),
            Message::from(&text),
            Message::from(text),
            Message::from(b"a"),
            Message::from(&b"a"[..]),
            Message::from(b"a".to_vec()),
            Message::from(Bytes::from_static(b"a")),
        ] {
            assert!(message.iter().eq([b"a"]));
        }
    }

    #[test]
    fn several_frames_are_made_from_arrays_and_vectors_of_those() {
        let (a, b) = (String::from("a"), String::from("b"));
        for message in [
            Message::from([a.as_str(), &b]),
            Message::from([&a, &b]),
            Message::from([a.clone(), b.clone()]),
            Message::from([b"a", b"b"]),
            Message::from([&b"a"[..], b"b"]),
            Message::from([b"a".to_vec(), b"b".to_vec()]),
            Message::from([Bytes::from_static(b"a"), Bytes::from_static(b"b")]),
            Message::from(vec!["a", "b"]),
            Message::from(vec![a, b]),
            Message::from(vec![b"a".to_vec(), b"b".to_vec()]),
        ] {
            assert!(message.iter().eq([b"a", b"b"]));
            assert_eq!((message.get(1), message.get(2)), (Some(&b"b"[..]), None));
        }
        assert_eq!(Message::from(Vec::<String>::new()), Message::from(""));
    }

    #[test]
    fn what_is_owned_is_not_copied() {
        let body = vec![7u8; 100];
        let place = body.as_ptr();
        assert_eq!(Message::from([body]).into_iter().next().unwrap().as_ptr(), place);
    }

    #[test]
    fn what_is_small_is_encoded_as_its_message_is() {
        fn check(message: impl IntoMessage + Clone, small: bool) {
            let mut expected = BytesMut::new();
            message.clone().into().encode(&mut expected);
            let mut wire = BytesMut::new();
            let is_small = match Small::new(message) {
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
        let large = vec![7; LARGE_BODY];
        check("a", true);
        check("", true);
        check(String::from("a"), true);
        check(&String::from("a"), true);
        check(b"ab", true);
        check(&large[1..], true);
        check(&large[..], false);
        check(large.clone(), false);
        check(Bytes::from(large[1..].to_vec()), true);
        check(["", "a", "b"], true);
        check(vec![vec![1; 300], vec![2]], true);
        check(vec![vec![1; 300], large], false);
        // Without frames there is nothing to be seen in place.
        check(Vec::<String>::new(), false);
        check(Message::from("a"), false);
    }
}
