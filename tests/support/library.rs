//! Lists of frames, the common form of messages for libzmq's sockets and ours.

use bytes::Bytes;
use enfonet::Message;

/// The library that a socket belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// libzmq.
    Libzmq,
    /// EnfoNet.
    Ours,
}

/// All libraries.
pub const LIBRARIES: [Library; 2] = [Library::Libzmq, Library::Ours];

/// Returns the message of these frames for our sockets.
#[must_use]
pub fn ours<T: AsRef<[u8]>>(frames: &[T]) -> Message {
    Message::from_frames(frames.iter().map(|frame| Bytes::copy_from_slice(frame.as_ref())))
}

/// Returns the frames of our message, as libzmq has them.
#[must_use]
pub fn theirs(message: &Message) -> Vec<Vec<u8>> {
    message.iter().map(<[u8]>::to_vec).collect()
}

/// Returns frames as text.
#[must_use]
pub fn text<T: AsRef<[u8]>>(frames: &[T]) -> Vec<String> {
    frames.iter().map(|frame| frame.as_ref().escape_ascii().to_string()).collect()
}
