//! Conversions from text and bytes to the body of a frame.
//!
//! Sockets encode small frames where they lie, while they hold their lock. So the traits are sealed: the code that runs
//! there is that of std, of `bytes` and of this module, never a user's, and it returns the same frames each time.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

pub(super) use sealed::AsFrame;

/// A value that can be the body of one frame: text or bytes. Owned bodies are taken as they are, borrowed bodies are
/// copied.
///
/// Sealed like [`IntoMessage`](crate::IntoMessage), which lists the types.
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
    use super::Bytes;

    /// A value whose bytes are the body of a frame.
    pub trait AsFrame {
        fn as_frame(&self) -> &[u8];

        /// Returns the body: shared if the value is shared memory, else a copy.
        fn to_frame(&self) -> Bytes {
            Bytes::copy_from_slice(self.as_frame())
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

/// Implements the traits for text and bytes that are always behind a reference.
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
    )*};
}

borrowed_bodies! {
    str, |body| body.as_bytes();
    [u8], |body| body;
}

/// Implements the traits for text and bytes by value, with an expression that reads them in place, and an expression
/// that makes them a shared body.
macro_rules! owned_bodies {
    ($($type:ty, |$body:ident| $bytes:expr, $frame:expr;)*) => {$(
        impl AsFrame for $type {
            #[inline]
            fn as_frame(&self) -> &[u8] {
                let $body = self;
                $bytes
            }
        }

        impl IntoFrame for $type {
            fn into_frame(self) -> Bytes {
                let $body = self;
                $frame
            }
        }
    )*};
}

owned_bodies! {
    Vec<u8>, |body| body, body.into();
    String, |body| body.as_bytes(), body.into();
    BytesMut, |body| body, body.freeze();
    Box<[u8]>, |body| body, body.into();
    Box<str>, |body| body.as_bytes(), body.into_string().into();
    Arc<[u8]>, |body| body, Bytes::from_owner(body);
    Arc<str>, |body| body.as_bytes(), Bytes::from_owner(Arc::<[u8]>::from(body));
    Cow<'_, str>, |body| body.as_bytes(), body.into_owned().into();
    Cow<'_, [u8]>, |body| body, body.into_owned().into();
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

impl<const N: usize> AsFrame for [u8; N] {
    #[inline]
    fn as_frame(&self) -> &[u8] {
        self
    }
}

impl<const N: usize> IntoFrame for [u8; N] {}
