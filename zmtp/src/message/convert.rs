//! What messages are made from.

use bytes::Bytes;
use smallvec::smallvec;

use super::{Message, Repr};

/// The body of one frame: text or octets. What is owned is taken as it is, what is borrowed is copied.
pub trait IntoFrame {
    /// The body.
    fn into_frame(self) -> Bytes;
}

impl IntoFrame for Bytes {
    fn into_frame(self) -> Bytes {
        self
    }
}

impl IntoFrame for Vec<u8> {
    fn into_frame(self) -> Bytes {
        self.into()
    }
}

impl IntoFrame for String {
    fn into_frame(self) -> Bytes {
        self.into()
    }
}

impl IntoFrame for &str {
    fn into_frame(self) -> Bytes {
        Bytes::copy_from_slice(self.as_bytes())
    }
}

impl IntoFrame for &String {
    fn into_frame(self) -> Bytes {
        self.as_str().into_frame()
    }
}

impl IntoFrame for &[u8] {
    fn into_frame(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl<const N: usize> IntoFrame for &[u8; N] {
    fn into_frame(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl From<Bytes> for Message {
    fn from(body: Bytes) -> Self {
        Self { repr: Repr::Frames(smallvec![body]) }
    }
}

impl From<Vec<u8>> for Message {
    fn from(body: Vec<u8>) -> Self {
        Bytes::from(body).into()
    }
}

impl From<String> for Message {
    fn from(body: String) -> Self {
        Bytes::from(body).into()
    }
}

impl From<&str> for Message {
    fn from(body: &str) -> Self {
        Self::copy_from(body.as_bytes())
    }
}

impl From<&[u8]> for Message {
    fn from(body: &[u8]) -> Self {
        Self::copy_from(body)
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(body: &[u8; N]) -> Self {
        Self::copy_from(body)
    }
}

impl From<&String> for Message {
    fn from(body: &String) -> Self {
        body.as_str().into()
    }
}

/// A frame of each.
impl<T: IntoFrame, const N: usize> From<[T; N]> for Message {
    fn from(frames: [T; N]) -> Self {
        Self::from_frames(frames.map(IntoFrame::into_frame))
    }
}

/// A frame of each; without any it has one empty frame.
impl<T: IntoFrame> From<Vec<T>> for Message {
    fn from(frames: Vec<T>) -> Self {
        Self::from_frames(frames.into_iter().map(IntoFrame::into_frame))
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
}
