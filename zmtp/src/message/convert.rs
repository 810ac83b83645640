//! Conversions from text, bytes and collections of these to frames and messages.
//!
//! Sockets encode small frames where they lie, while they hold their lock. So both traits are sealed: what runs there is
//! code of std, of `bytes` and of this module, never a user's, and it gives the same frames each time.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use smallvec::smallvec;

use super::{Frames, Message, Repr};
pub(super) use sealed::{AsFrame, AsFrames};

/// A value that can be sent as a message.
///
/// | value | frames |
/// |---|---|
/// | [`Message`] | its own |
/// | text and bytes: `str`, `String`, `[u8]`, `[u8; N]`, `Vec<u8>`, `Bytes`, `BytesMut`, `Cow`, `Box` and `Arc` of text or bytes | one |
/// | `[T; N]`, `[T]`, `Vec<T>` of text or bytes | one for each element; a single empty one without any |
/// | a tuple of text and bytes, also of different types | one for each element |
/// | `&T` of any of these | those of `T` |
///
/// So `u8` never stands for a frame: `[u8; 3]` is one frame of three bytes, `["a", "b", "c"]` is three frames. Large owned
/// bodies are sent from where they are; small ones are copied to where they are sent from, without a message being made. A
/// value behind a reference is copied, except for [`Bytes`] and messages, which are shared.
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

/// A value that can be the body of one frame: text or bytes. Owned bodies are taken as they are, borrowed ones copied.
///
/// Sealed as [`IntoMessage`], which has the list.
///
/// ```compile_fail,E0277
/// struct Reading(f32);
///
/// impl enfonet_zmtp::IntoFrame for Reading {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the body of a frame",
    label = "this is neither text nor bytes",
    note = "a number has no form of its own on the wire: send `n.to_string()`, `n.to_be_bytes()`, …"
)]
pub trait IntoFrame: AsFrame {
    /// Converts to the body.
    #[must_use]
    fn into_frame(self) -> Bytes
    where
        Self: Sized,
    {
        self.to_frame()
    }
}

mod sealed {
    use super::{Bytes, Frames, Message};

    /// The body of a frame, in place.
    pub trait AsFrame {
        fn as_frame(&self) -> &[u8];

        /// Copies the body, or shares it.
        fn to_frame(&self) -> Bytes {
            Bytes::copy_from_slice(self.as_frame())
        }
    }

    /// The frames of a message, in place.
    pub trait AsFrames {
        /// Returns the body of a frame, counted from 0: of all frames, or of none where they can't be read in place.
        fn frame(&self, n: usize) -> Option<&[u8]>;

        /// Copies the frames, or shares them.
        fn to_message(&self) -> Message;

        /// Returns whether a message of it would have these frames.
        fn has_frames(&self, frames: Frames<'_>) -> bool {
            // Without any, it would have a single empty one.
            let mut own = std::iter::successors(Some(0), |n| Some(n + 1)).map_while(|n| self.frame(n));
            frames.eq(own.next().or(Some(&[])).into_iter().chain(own))
        }
    }
}

impl<T: AsFrame + ?Sized> AsFrame for &T {
    #[inline]
    fn as_frame(&self) -> &[u8] {
        T::as_frame(self)
    }

    fn to_frame(&self) -> Bytes {
        T::to_frame(self)
    }
}

impl<T: IntoFrame + ?Sized> IntoFrame for &T {}

impl<T: AsFrames + ?Sized> AsFrames for &T {
    #[inline]
    fn frame(&self, n: usize) -> Option<&[u8]> {
        T::frame(self, n)
    }

    fn to_message(&self) -> Message {
        T::to_message(self)
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

/// Encoded already, or with bodies to be shared: not read frame by frame.
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

/// Messages of one frame, for types that are the body of a frame.
macro_rules! messages_of_one_frame {
    ($([$($generics:tt)*] $type:ty),*) => {$(
        impl<$($generics)*> AsFrames for $type {
            #[inline]
            fn frame(&self, n: usize) -> Option<&[u8]> {
                (n == 0).then(|| self.as_frame())
            }

            fn to_message(&self) -> Message {
                Message::copy_from(self.as_frame())
            }
        }
    )*};
}

/// Text and bytes that are only ever seen behind a reference.
macro_rules! borrowed_bodies {
    ($($type:ty, |$body:ident| $bytes:expr;)*) => {$(
        impl AsFrame for $type {
            #[inline]
            fn as_frame(&self) -> &[u8] {
                let $body = self;
                $bytes
            }
        }

        impl IntoFrame for $type {}
        messages_of_one_frame!([] $type);
        impl IntoMessage for $type {}
    )*};
}

borrowed_bodies! {
    str, |body| body.as_bytes();
    [u8], |body| body;
}

/// Text and bytes by value: how to read them in place, and how to make them a shared body.
macro_rules! owned_bodies {
    ($([$($generics:tt)*] $type:ty, |$body:ident| $bytes:expr, $frame:expr;)*) => {$(
        impl<$($generics)*> AsFrame for $type {
            #[inline]
            fn as_frame(&self) -> &[u8] {
                let $body = self;
                $bytes
            }
        }

        impl<$($generics)*> IntoFrame for $type {
            fn into_frame(self) -> Bytes {
                let $body = self;
                $frame
            }
        }

        messages_of_one_frame!([$($generics)*] $type);

        impl<$($generics)*> IntoMessage for $type {
            fn into_message(self) -> Message {
                self.into_frame().into_message()
            }
        }

        impl<$($generics)*> From<$type> for Message {
            fn from(body: $type) -> Self {
                body.into_message()
            }
        }
    )*};
}

owned_bodies! {
    [] Vec<u8>, |body| body, body.into();
    [] String, |body| body.as_bytes(), body.into();
    [] BytesMut, |body| body, body.freeze();
    [] Box<[u8]>, |body| body, body.into();
    [] Box<str>, |body| body.as_bytes(), body.into_string().into();
    [] Arc<[u8]>, |body| body, Bytes::from_owner(body);
    [] Arc<str>, |body| body.as_bytes(), Bytes::from_owner(Arc::<[u8]>::from(body));
    [] Cow<'_, str>, |body| body.as_bytes(), body.into_owned().into();
    [] Cow<'_, [u8]>, |body| body, body.into_owned().into();
}

impl AsFrame for Bytes {
    #[inline]
    fn as_frame(&self) -> &[u8] {
        self
    }

    fn to_frame(&self) -> Bytes {
        self.clone()
    }
}

impl IntoFrame for Bytes {
    fn into_frame(self) -> Bytes {
        self
    }
}

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

impl<const N: usize> AsFrame for [u8; N] {
    #[inline]
    fn as_frame(&self) -> &[u8] {
        self
    }
}

impl<const N: usize> IntoFrame for [u8; N] {}
messages_of_one_frame!([const N: usize] [u8; N]);
impl<const N: usize> IntoMessage for [u8; N] {}

/// One frame.
impl<const N: usize> From<[u8; N]> for Message {
    fn from(body: [u8; N]) -> Self {
        body.to_message()
    }
}

/// Collections with a frame for each element.
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

/// Tuples with a frame for each element.
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
mod tests {
    use super::*;

    fn frames(message: impl IntoMessage) -> Vec<Vec<u8>> {
        message.into_message().iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn text_and_bytes_are_one_frame_by_value_and_by_reference() {
        fn check<T: IntoMessage + Clone + Into<Message>>(value: T)
        where
            for<'a> Message: From<&'a T>,
        {
            assert_eq!(frames(&value), [b"ab"]);
            assert_eq!(Message::from(&value), value.clone().into());
            assert_eq!(frames(value), [b"ab"]);
        }
        check("ab");
        check(b"ab");
        check(*b"ab");
        check(&b"ab"[..]);
        check(b"ab".to_vec());
        check(String::from("ab"));
        check(Bytes::from_static(b"ab"));
        check(BytesMut::from("ab"));
        check(Box::<str>::from("ab"));
        check(Box::<[u8]>::from(*b"ab"));
        check(Arc::<str>::from("ab"));
        check(Arc::<[u8]>::from(*b"ab"));
        check(Cow::from("ab"));
        check(Cow::from(String::from("ab")));
        check(Cow::from(&b"ab"[..]));
        check(Message::from("ab"));
        assert_eq!(frames([0u8; 0]), [b""]);
        assert_eq!(frames(Vec::<u8>::new()), [b""]);
    }

    #[test]
    fn arrays_slices_vectors_and_tuples_of_these_are_a_frame_for_each() {
        fn check<T: IntoMessage + Clone + Into<Message>>(value: T) {
            assert_eq!(frames(&value), [b"a", b"b"]);
            assert_eq!(frames(value.clone()), [b"a", b"b"]);
            assert_eq!(value.clone().into(), Message::from(&value));
        }
        let (a, b) = (String::from("a"), String::from("b"));
        check(["a", "b"]);
        check(&["a", "b"][..]);
        check(vec!["a", "b"]);
        check([&a, &b]);
        check([a.clone(), b.clone()]);
        check(vec![a.clone(), b.clone()]);
        check(&[a.clone(), b][..]);
        check([*b"a", *b"b"]);
        check([b"a", b"b"]);
        check(vec![b"a".to_vec(), b"b".to_vec()]);
        check([Bytes::from_static(b"a"), Bytes::from_static(b"b")]);
        check([Cow::from("a"), Cow::from("b")]);
        check(("a", "b"));
        check((a.clone(), b"b"));
        check((&a, Bytes::from_static(b"b")));
        check((Cow::from("a"), *b"b"));
    }

    #[test]
    fn tuples_have_up_to_eight_frames_and_collections_any_number_but_none() {
        assert_eq!(frames(("a",)), [b"a"]);
        assert_eq!(frames(("a", "b", "c", "d", "e", "f", "g", *b"h")).concat(), b"abcdefgh");
        assert_eq!(frames(Vec::<String>::new()), [b""]);
        assert_eq!(frames(&[] as &[&str]), [b""]);
        assert_eq!(frames(["a"; 1000]).len(), 1000);
    }

    #[test]
    fn large_owned_bodies_are_not_copied_and_shared_ones_are_not_behind_a_reference_either() {
        let place = |message: Message, n: usize| message.into_iter().nth(n).unwrap().as_ptr();
        let body = vec![7u8; 100];
        let at = body.as_ptr();
        assert_ne!(place((&body).into(), 0), at);
        assert_eq!(place([body].into(), 0), at);
        let body = Arc::<[u8]>::from([7u8; 100]);
        assert_eq!(place(body.clone().into(), 0), body.as_ptr());
        let body = Bytes::from(vec![7u8; 100]);
        assert_eq!(place(Message::from(&body), 0), body.as_ptr());
        assert_eq!(place(Message::from(&[&body]), 0), body.as_ptr());
        assert_eq!(place(Message::from(&("a", &body)), 1), body.as_ptr());
        let message = Message::from(body.clone());
        assert_eq!(place(Message::from(&message), 0), body.as_ptr());
    }
}
