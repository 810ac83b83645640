//! Conversions from text, bytes and collections of these to messages.
//!
//! [`IntoMessage`] is sealed for the reason that [`into_frame`](crate::message::into_frame) gives.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smallvec::smallvec;

use crate::message::into_frame::{AsFrame, IntoFrame};
use crate::message::message::{Message, Repr};
use crate::message::wire::Frames;
pub(super) use sealed::AsFrames;

/// A value that can be sent as a message.
///
/// | value | frames |
/// |---|---|
/// | [`Message`] | its own |
/// | text and bytes: `str`, `String`, `[u8]`, `[u8; N]`, `Vec<u8>`, `Bytes`, `BytesMut`, `Cow`, `Box` and `Arc` of text or bytes | one |
/// | `[T; N]`, `[T]`, `Vec<T>` of text or bytes | one for each element; a single empty frame if there are no elements |
/// | a tuple of text and bytes, also of different types | one for each element |
/// | `&T` of any of these | those of `T` |
///
/// So `u8` never stands for a frame: `[u8; 3]` is one frame of three bytes, `["a", "b", "c"]` is three frames. Large
/// owned bodies are sent without a copy. Small bodies are copied straight into the queue, without an intermediate
/// message. A value behind a reference is copied, except for [`Bytes`] and messages, which are shared.
///
/// ```
/// use std::borrow::Cow;
/// use enfonet_zmtp::{IntoMessage, Message};
///
/// let reading = vec![1u8, 2, 3];
/// assert_eq!((&reading).into_message().len(), 1);
/// assert_eq!([1u8, 2, 3].into_message(), reading.into_message());
///
/// let frames: &[&str] = &["weather", "sunny"];
/// assert_eq!(frames.into_message(), ("weather", b"sunny".to_vec()).into_message());
/// assert_eq!(frames.into_message(), vec![Cow::from("weather"), Cow::from("sunny")].into_message());
/// ```
///
/// The trait is sealed. Give a type of your own a conversion to [`Message`], and send that:
///
/// ```
/// use enfonet_zmtp::Message;
///
/// struct Reading(f32);
///
/// impl From<Reading> for Message {
///     fn from(Reading(degrees): Reading) -> Self {
///         Self::from(("weather.lisbon", format!("{degrees:.1}")))
///     }
/// }
/// assert_eq!(Message::from(Reading(21.5)).get(1), Some(&b"21.5"[..]));
/// ```
///
/// ```compile_fail,E0277
/// struct Reading(f32);
///
/// impl enfonet_zmtp::IntoMessage for Reading {
///     fn into_message(self) -> enfonet_zmtp::Message {
///         self.0.to_string().into()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be sent as a message",
    label = "this is neither a message nor text, bytes, or an array, slice, vector or tuple of these",
    note = "to send a type of your own, implement `From<{Self}> for Message` and send `Message::from(value)`",
    note = "to send the items of an iterator as frames, collect it: `iterator.collect::<Message>()`"
)]
pub trait IntoMessage: AsFrames {
    /// Converts to a message.
    #[must_use]
    fn into_message(self) -> Message
    where
        Self: Sized,
    {
        self.to_message()
    }
}

mod sealed {
    use super::{Frames, Message};

    /// A value that has the frames of a message in place.
    pub trait AsFrames {
        /// Returns the body of a frame, counted from 0: of all frames, or of none where they can't be read in place.
        fn frame(&self, n: usize) -> Option<&[u8]>;

        /// Returns a message of the frames: shared where the value is shared memory, else copies.
        fn to_message(&self) -> Message;

        /// Returns whether the bytes of the frames are borrowed: a message of the value is a copy.
        fn is_borrowed(&self) -> bool {
            false
        }

        /// Returns whether a message of the value has these frames.
        fn has_frames(&self, frames: Frames<'_>) -> bool {
            // A message without frames has a single empty frame.
            let mut own = std::iter::successors(Some(0), |n| Some(n + 1)).map_while(|n| self.frame(n));
            frames.eq(own.next().or(Some(&[])).into_iter().chain(own))
        }
    }
}

impl<T: AsFrames + ?Sized> AsFrames for &T {
    #[inline]
    fn frame(&self, n: usize) -> Option<&[u8]> {
        T::frame(self, n)
    }

    fn to_message(&self) -> Message {
        T::to_message(self)
    }

    #[inline]
    fn is_borrowed(&self) -> bool {
        T::is_borrowed(self)
    }

    fn has_frames(&self, frames: Frames<'_>) -> bool {
        T::has_frames(self, frames)
    }
}

impl<T: IntoMessage + ?Sized> IntoMessage for &T {}

impl<T: IntoMessage + ?Sized> From<&T> for Message {
    fn from(value: &T) -> Self {
        value.to_message()
    }
}

/// A message is encoded already, or has bodies to share, so it isn't read frame by frame.
impl AsFrames for Message {
    #[inline]
    fn frame(&self, _n: usize) -> Option<&[u8]> {
        None
    }

    fn to_message(&self) -> Message {
        self.clone()
    }

    fn has_frames(&self, frames: Frames<'_>) -> bool {
        self.iter().eq(frames)
    }
}

impl IntoMessage for Message {
    fn into_message(self) -> Message {
        self
    }
}

/// Implements `AsFrames` for types that are the body of a frame: their messages have one frame.
macro_rules! messages_of_one_frame {
    ($([$($generics:tt)*] $type:ty $(, borrowed: $borrowed:literal)?);*) => {$(
        impl<$($generics)*> AsFrames for $type {
            #[inline]
            fn frame(&self, n: usize) -> Option<&[u8]> {
                (n == 0).then(|| self.as_frame())
            }

            fn to_message(&self) -> Message {
                Message::copy_from(self.as_frame())
            }

            $(
                #[inline]
                fn is_borrowed(&self) -> bool {
                    $borrowed
                }
            )?
        }
    )*};
}

/// Implements the traits for text and bytes that are always behind a reference.
macro_rules! borrowed_bodies {
    ($($type:ty),*) => {$(
        messages_of_one_frame!([] $type, borrowed: true);
        impl IntoMessage for $type {}
    )*};
}

borrowed_bodies!(str, [u8]);

/// Implements the traits for text and bytes by value, which a message takes without a copy.
macro_rules! owned_bodies {
    ($($type:ty),*) => {$(
        messages_of_one_frame!([] $type);

        impl IntoMessage for $type {
            fn into_message(self) -> Message {
                self.into_frame().into_message()
            }
        }

        impl From<$type> for Message {
            fn from(body: $type) -> Self {
                body.into_message()
            }
        }
    )*};
}

owned_bodies!(
    Vec<u8>,
    String,
    BytesMut,
    Box<[u8]>,
    Box<str>,
    Arc<[u8]>,
    Arc<str>,
    Cow<'_, str>,
    Cow<'_, [u8]>
);

impl AsFrames for Bytes {
    #[inline]
    fn frame(&self, n: usize) -> Option<&[u8]> {
        (n == 0).then_some(self)
    }

    fn to_message(&self) -> Message {
        self.clone().into_message()
    }
}

impl IntoMessage for Bytes {
    fn into_message(self) -> Message {
        Message { repr: Repr::Frames(smallvec![self]) }
    }
}

impl From<Bytes> for Message {
    fn from(body: Bytes) -> Self {
        body.into_message()
    }
}

messages_of_one_frame!([const N: usize] [u8; N]);
impl<const N: usize> IntoMessage for [u8; N] {}

/// One frame.
impl<const N: usize> From<[u8; N]> for Message {
    fn from(body: [u8; N]) -> Self {
        body.to_message()
    }
}

/// Implements `AsFrames` for collections with a frame for each element.
macro_rules! messages_of_elements {
    ($([$($generics:tt)*] $type:ty),*) => {$(
        impl<T: IntoFrame, $($generics)*> AsFrames for $type {
            #[inline]
            fn frame(&self, n: usize) -> Option<&[u8]> {
                self.get(n).map(T::as_frame)
            }

            fn to_message(&self) -> Message {
                self.iter().collect()
            }
        }
    )*};
}
messages_of_elements!([] [T], [] Vec<T>, [const N: usize] [T; N]);

impl<T: IntoFrame> IntoMessage for [T] {}

impl<T: IntoFrame> IntoMessage for Vec<T> {
    fn into_message(self) -> Message {
        self.into_iter().collect()
    }
}

impl<T: IntoFrame, const N: usize> IntoMessage for [T; N] {
    fn into_message(self) -> Message {
        self.into_iter().collect()
    }
}

/// A frame for each element; a single empty one without any.
impl<T: IntoFrame> From<Vec<T>> for Message {
    fn from(frames: Vec<T>) -> Self {
        frames.into_message()
    }
}

/// A frame for each element; a single empty one without any.
impl<T: IntoFrame, const N: usize> From<[T; N]> for Message {
    fn from(frames: [T; N]) -> Self {
        frames.into_message()
    }
}

/// Implements the traits for tuples with a frame for each element.
macro_rules! tuples {
    ($($($type:ident $n:tt)*;)*) => {$(
        impl<$($type: IntoFrame),*> AsFrames for ($($type,)*) {
            #[inline]
            fn frame(&self, n: usize) -> Option<&[u8]> {
                match n {
                    $($n => Some(self.$n.as_frame()),)*
                    _ => None,
                }
            }

            fn to_message(&self) -> Message {
                Message::from_frames([$(self.$n.to_frame()),*])
            }
        }

        impl<$($type: IntoFrame),*> IntoMessage for ($($type,)*) {
            fn into_message(self) -> Message {
                Message::from_frames([$(self.$n.into_frame()),*])
            }
        }

        /// A frame for each element.
        impl<$($type: IntoFrame),*> From<($($type,)*)> for Message {
            fn from(frames: ($($type,)*)) -> Self {
                frames.into_message()
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}

#[cfg(test)]
mod tests;
