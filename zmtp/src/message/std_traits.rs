//! Traits of std for messages: index, iteration, comparison, hash, collection, display, and conversion to arrays.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Index;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::message::into_frame::IntoFrame;
use crate::message::into_message::IntoMessage;
use crate::message::message::{Message, Repr};
use crate::message::wire::Frames;

/// Access to the body of a frame, counted from 0.
///
/// # Panics
/// If the message has fewer frames. Every message has a first frame. [`get`](Message::get) doesn't panic.
impl Index<usize> for Message {
    type Output = [u8];

    fn index(&self, frame: usize) -> &[u8] {
        match self.get(frame) {
            Some(body) => body,
            None => panic!("the message has {} frames, and none with index {frame}", self.len()),
        }
    }
}

/// The frames as shared slices, in order.
impl IntoIterator for Message {
    type Item = Bytes;
    type IntoIter = smallvec::IntoIter<[Bytes; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        match self.repr {
            Repr::Frames(frames) => frames.into_iter(),
            Repr::Wire(wire) => {
                let frames: SmallVec<[Bytes; 1]> =
                    Frames::of_wire(&wire).map(|body| wire.slice(body)).collect();
                frames.into_iter()
            }
        }
    }
}

impl<'a> IntoIterator for &'a Message {
    type Item = &'a [u8];
    type IntoIter = Frames<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A message with a frame for each item, or a single empty frame without items.
///
/// ```
/// use enfonet_zmtp::Message;
///
/// let message: Message = (1..=3).map(|n| n.to_string()).collect();
/// assert_eq!(message, ["1", "2", "3"]);
/// ```
impl<T: IntoFrame> FromIterator<T> for Message {
    fn from_iter<I: IntoIterator<Item = T>>(frames: I) -> Self {
        Self::from_frames(frames)
    }
}

/// A message is equal to a value when the frames are equal, one by one: to another message, or to any value that could
/// be sent as one.
///
/// ```
/// use enfonet_zmtp::Message;
///
/// let message = Message::from(["weather", "sunny"]);
/// assert_eq!(message, ["weather", "sunny"]);
/// assert_ne!(message, "weather");
/// assert!(Message::from("weather") == *"weather");
/// ```
impl<T: IntoMessage + ?Sized> PartialEq<T> for Message {
    fn eq(&self, other: &T) -> bool {
        other.has_frames(self.iter())
    }
}

impl Eq for Message {}

/// Implements equality with text and bytes on the left-hand side.
macro_rules! equal_to_messages {
    ($($type:ty),*) => {$(
        impl PartialEq<Message> for $type {
            fn eq(&self, message: &Message) -> bool {
                message == self
            }
        }
    )*};
}
equal_to_messages!(str, &str, String, [u8], &[u8], Vec<u8>, Bytes);

/// Equal messages have equal hashes, in whatever form they are held.
impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        for frame in self {
            frame.hash(state);
        }
    }
}

/// The frames as text, with ` | ` between them. Bytes that aren't UTF-8 are replaced by `\u{FFFD}`. Nothing is escaped:
/// a peer's bytes may clear a terminal. [`Debug`](fmt::Debug) is for logs.
///
/// ```
/// use enfonet_zmtp::Message;
///
/// assert_eq!(Message::from("hello").to_string(), "hello");
/// assert_eq!(Message::from(["weather", "sunny"]).to_string(), "weather | sunny");
/// ```
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, frame) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(" | ")?;
            }
            f.write_str(&String::from_utf8_lossy(frame))?;
        }
        Ok(())
    }
}

/// Frames as text where they are printable, cut at 32 bytes.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for frame in self {
            let (shown, rest) = frame.split_at(frame.len().min(32));
            let dots = if rest.is_empty() { "" } else { "…" };
            list.entry(&format_args!("\"{}{dots}\" ({})", shown.escape_ascii(), frame.len()));
        }
        list.finish()
    }
}

/// Error of the conversion of a message to an array of another number of frames. It holds the message.
#[derive(Clone, PartialEq, Eq)]
pub struct WrongFrameCount {
    expected: usize,
    message: Message,
}

impl WrongFrameCount {
    /// Returns the number of frames that were expected.
    #[must_use]
    pub const fn expected(&self) -> usize {
        self.expected
    }

    /// Returns the message.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.message
    }
}

impl fmt::Display for WrongFrameCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a message of {} frames, got one of {}", self.expected, self.message.len())
    }
}

/// Debug output without the bodies, which may be secrets.
impl fmt::Debug for WrongFrameCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WrongFrameCount");
        shown.field("expected", &self.expected).field("got", &self.message.len()).finish()
    }
}

impl std::error::Error for WrongFrameCount {}

/// The frames of a message that has exactly `N`.
///
/// ```
/// use bytes::Bytes;
/// use enfonet_zmtp::Message;
///
/// let [topic, body] = Message::from(["weather", "sunny"]).try_into()?;
/// assert_eq!((topic, body), (Bytes::from("weather"), Bytes::from("sunny")));
/// assert!(<[Bytes; 2]>::try_from(Message::from("weather")).is_err());
/// # Ok::<(), enfonet_zmtp::WrongFrameCount>(())
/// ```
impl<const N: usize> TryFrom<Message> for [Bytes; N] {
    type Error = WrongFrameCount;

    fn try_from(message: Message) -> Result<Self, WrongFrameCount> {
        if message.len() != N {
            return Err(WrongFrameCount { expected: N, message });
        }
        let mut frames = message.into_iter();
        Ok([(); N].map(|()| frames.next().unwrap_or_default()))
    }
}

/// The frames in place, of a message that has exactly `N`.
///
/// ```
/// use enfonet_zmtp::Message;
///
/// let message = Message::from(["weather", "sunny"]);
/// if let Ok([b"weather", what]) = <[&[u8]; 2]>::try_from(&message) {
///     assert_eq!(what, b"sunny");
/// }
/// ```
impl<'a, const N: usize> TryFrom<&'a Message> for [&'a [u8]; N] {
    type Error = WrongFrameCount;

    fn try_from(message: &'a Message) -> Result<Self, WrongFrameCount> {
        if message.len() != N {
            return Err(WrongFrameCount { expected: N, message: message.clone() });
        }
        let mut frames = message.iter();
        Ok([(); N].map(|()| frames.next().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
