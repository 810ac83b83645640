//! Common form of messages for libzmq's sockets and ours: lists of frames.

use bytes::Bytes;
use enfonet::Message;

/// The library that a socket belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// libzmq's.
    Libzmq,
    /// Ours.
    Ours,
}

/// Both.
pub const LIBRARIES: [Library; 2] = [Library::Libzmq, Library::Ours];

/// A message of ours.
#[must_use]
pub fn ours<T: AsRef<[u8]>>(frames: &[T]) -> Message {
    Message::from_frames(frames.iter().map(|frame| Bytes::copy_from_slice(frame.as_ref())))
}

/// The frames of a message of ours, as libzmq gives them.
#[must_use]
pub fn theirs(message: &Message) -> Vec<Vec<u8>> {
    message.iter().map(<[u8]>::to_vec).collect()
}

/// Frames for people.
#[must_use]
pub fn text<T: AsRef<[u8]>>(frames: &[T]) -> Vec<String> {
    frames.iter().map(|frame| frame.as_ref().escape_ascii().to_string()).collect()
}
