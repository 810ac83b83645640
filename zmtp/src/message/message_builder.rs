//! A builder that makes a message frame by frame.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::message::into_frame::IntoFrame;
use crate::message::message::{Message, Repr};

impl Message {
    /// Returns a builder, to which frames of any type are added one by one.
    pub fn builder() -> MessageBuilder {
        MessageBuilder::default()
    }
}

/// A builder of a message: see [`Message::builder`].
///
/// ```
/// use enfonet_zmtp::Message;
///
/// let readings = [21.5, 22.0];
/// let message = Message::builder()
///     .frame("weather.lisbon")
///     .frame(7u32.to_be_bytes())
///     .frames(readings.map(|degrees| degrees.to_string()))
///     .build();
/// assert_eq!(message, ("weather.lisbon", [0, 0, 0, 7], "21.5", "22"));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct MessageBuilder {
    frames: SmallVec<[Bytes; 1]>,
}

impl MessageBuilder {
    /// Adds a frame.
    pub fn frame(mut self, frame: impl IntoFrame) -> Self {
        self.frames.push(frame.into_frame());
        self
    }

    /// Adds frames.
    pub fn frames<T: IntoFrame>(mut self, frames: impl IntoIterator<Item = T>) -> Self {
        self.frames.extend(frames.into_iter().map(T::into_frame));
        self
    }

    /// Returns the message. Without any frames, the message has a single empty frame.
    #[must_use]
    pub fn build(mut self) -> Message {
        if self.frames.is_empty() {
            self.frames.push(Bytes::new());
        }
        Message { repr: Repr::Frames(self.frames) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_keep_the_order_in_which_they_were_added() {
        let builder = Message::builder().frame("a").frames([String::from("b"), String::new()]).frame(*b"c");
        assert_eq!(builder.build(), ["a", "b", "", "c"]);
        assert_eq!(Message::builder().build(), "");
    }

    #[test]
    fn owned_frames_are_not_copied() {
        let body = vec![7u8; 100];
        let place = body.as_ptr();
        let message = Message::builder().frame("a").frame(body).build();
        assert_eq!(message[1].as_ptr(), place);
    }
}
