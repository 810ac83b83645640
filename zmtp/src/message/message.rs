//! The message: its frames, its wire form, and its envelope.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use smallvec::{SmallVec, smallvec};

use crate::frame::header::FrameHeader;
use crate::message::envelope::Envelope;
use crate::message::into_frame::IntoFrame;
use crate::message::message_bytes::MessageBytes;
use crate::message::wire;
use crate::message::wire::Frames;
use crate::tuning::LARGE_BODY_BYTES;

/// A message of at least one frame; cheap to clone.
///
/// A received message is a view into the buffer that it arrived in: its frames are slices of it, nothing is copied, and
/// it keeps that buffer alive; [`detach`](Self::detach) messages that you store for long. A message of up to 71 bytes,
/// with its frame headers, is held in place instead: a frame taken out of it is a copy. A message that you make holds
/// its frames as you passed them. [`IntoMessage`](crate::IntoMessage) lists the values that are sent as messages.
///
/// ```
/// use bytes::Bytes;
/// use enfonet_zmtp::Message;
///
/// let message = Message::from(["weather.lisbon", "21.5"]);
/// assert_eq!(message.len(), 2);
/// assert_eq!(message[0], *b"weather.lisbon");
/// assert_eq!(message.text(1).parse(), Ok(21.5));
/// assert_eq!(message, ["weather.lisbon", "21.5"]);
///
/// let [topic, temperature] = <[Bytes; 2]>::try_from(message)?;
/// assert_eq!((&topic[..], &temperature[..]), (&b"weather.lisbon"[..], &b"21.5"[..]));
/// # Ok::<(), enfonet_zmtp::WrongFrameCount>(())
/// ```
#[derive(Clone)]
pub struct Message {
    pub(super) repr: Repr,
}

#[derive(Clone)]
pub(super) enum Repr {
    /// Canonical frames, the last one without MORE.
    Wire(MessageBytes),
    /// The bodies of the frames; never empty.
    Frames(SmallVec<[Bytes; 1]>),
}

impl Message {
    /// Makes a message of the frames. Without frames it has a single empty frame, since a message has at least one
    /// frame.
    pub fn from_frames<T: IntoFrame>(frames: impl IntoIterator<Item = T>) -> Self {
        let mut frames: SmallVec<[Bytes; 1]> = frames.into_iter().map(T::into_frame).collect();
        if frames.is_empty() {
            frames.push(Bytes::new());
        }
        Self { repr: Repr::Frames(frames) }
    }

    /// Makes a message of one frame, with a copy of `body`.
    #[must_use]
    pub fn copy_from(body: &[u8]) -> Self {
        Self::from_wire(MessageBytes::of_body(body))
    }

    /// Returns the message with this wire form, which is canonical and exactly one message.
    #[inline]
    pub(super) fn from_wire(wire: impl Into<MessageBytes>) -> Self {
        let wire = wire.into();
        debug_assert_eq!(wire::message_len(&wire), wire.len(), "one whole message");
        Self { repr: Repr::Wire(wire) }
    }

    /// Returns the body of the first frame: the topic of a published message.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        self.iter().next().unwrap_or_default()
    }

    /// Returns the bodies of the frames, in order.
    #[must_use]
    pub fn iter(&self) -> Frames<'_> {
        match &self.repr {
            Repr::Wire(wire) => Frames::of_wire(wire),
            Repr::Frames(frames) => Frames::of_parts(frames),
        }
    }

    /// Returns the body of a frame, counted from 0, as text. Bytes that aren't UTF-8 are replaced by `\u{FFFD}`. The
    /// text of a missing frame is empty; [`get`](Self::get) distinguishes it from an empty frame.
    ///
    /// ```
    /// # use enfonet_zmtp::Message;
    /// let message = Message::from(["answer", "42"]);
    /// assert_eq!(message.text(0), "answer");
    /// assert_eq!(message.text(1).parse(), Ok(42));
    /// assert!(message.text(2).parse::<i32>().is_err());
    /// ```
    #[must_use]
    pub fn text(&self, frame: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.get(frame).unwrap_or_default())
    }

    /// Returns the body of a frame, counted from 0, or `None` if the message has fewer frames.
    ///
    /// `message[n]` panics instead. A peer decides how many frames it sends, so only `message[0]` is safe for a
    /// received message: every message has a first frame.
    #[must_use]
    pub fn get(&self, frame: usize) -> Option<&[u8]> {
        match &self.repr {
            Repr::Wire(_) => self.iter().nth(frame),
            Repr::Frames(frames) => frames.get(frame).map(|body| &body[..]),
        }
    }

    /// Returns the number of frames, at least 1. Walks the headers of a received message.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a message without frames doesn't exist")]
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Wire(_) => self.iter().count(),
            Repr::Frames(frames) => frames.len(),
        }
    }

    /// Returns the bytes of all frames with their headers.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        match &self.repr {
            Repr::Wire(wire) => wire.len(),
            Repr::Frames(frames) => {
                frames.iter().map(|f| FrameHeader::message(f.len(), false).frame_len()).sum()
            }
        }
    }

    /// Splits off the first frame. The frames behind it, if there are any, are a message again.
    #[must_use]
    pub fn split_first(self) -> (Bytes, Option<Self>) {
        match self.repr {
            Repr::Wire(wire) => {
                let (body, more, rest) = wire::split_frame(&wire);
                let (body, frame_len) = (wire.slice(body), wire.len() - rest.len());
                (body, more.then(|| Self::from_wire(wire.skip(frame_len))))
            }
            Repr::Frames(mut frames) => {
                let first = frames.remove(0);
                (first, (!frames.is_empty()).then_some(Self { repr: Repr::Frames(frames) }))
            }
        }
    }

    /// Adds a frame before the others.
    #[must_use]
    pub fn with_first(self, frame: impl IntoFrame) -> Self {
        match self.repr {
            Repr::Wire(_) => self.with_envelope(&Envelope::of(&[frame.into_frame()])),
            Repr::Frames(mut frames) => {
                frames.insert(0, frame.into_frame());
                Self { repr: Repr::Frames(frames) }
            }
        }
    }

    /// Returns a copy that shares no memory with the buffer that the message arrived in.
    #[must_use]
    pub fn detach(&self) -> Self {
        match &self.repr {
            Repr::Wire(wire) => Self::from_wire(wire.detach()),
            Repr::Frames(_) => Self::from_wire(self.clone().into_wire()),
        }
    }

    /// Returns the wire form. Only a message in another form is copied.
    pub(super) fn into_wire(self) -> Bytes {
        if let Repr::Wire(wire) = self.repr {
            return wire.into_bytes();
        }
        let mut wire = BytesMut::with_capacity(self.wire_len());
        self.encode(&mut wire);
        wire.freeze()
    }

    /// Appends the wire form.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        match &self.repr {
            Repr::Wire(wire) => out.extend_from_slice(wire),
            Repr::Frames(frames) => {
                let last = frames.len() - 1;
                for (i, frame) in frames.iter().enumerate() {
                    wire::encode_frame(out, frame, i < last);
                }
            }
        }
    }

    /// Returns the wire form as pieces for a vectored write: large bodies as they are, all else encoded between them.
    #[must_use]
    pub fn to_pieces(&self) -> SmallVec<[Bytes; 2]> {
        let frames = match &self.repr {
            Repr::Wire(wire) => return smallvec![wire.clone().into_bytes()],
            Repr::Frames(frames) => frames,
        };
        let large: usize = frames.iter().map(Bytes::len).filter(|len| *len >= LARGE_BODY_BYTES).sum();
        // Without spare capacity, `freeze` needs no second allocation. Mostly there is one large body, the last.
        let mut small = BytesMut::with_capacity(self.wire_len() - large);
        let (mut pieces, last) = (SmallVec::new(), frames.len() - 1);
        for (i, frame) in frames.iter().enumerate() {
            if frame.len() < LARGE_BODY_BYTES {
                wire::encode_frame(&mut small, frame, i < last);
            } else {
                FrameHeader::message(frame.len(), i < last).encode(&mut small);
                pieces.push(std::mem::take(&mut small).freeze());
                pieces.push(frame.clone());
            }
        }
        if !small.is_empty() {
            pieces.push(small.freeze());
        }
        pieces
    }

    /// Splits off the envelope: the frames up to and with the first empty one (RFC 28, "The REP Socket").
    ///
    /// # Errors
    /// The message itself, when it has no empty frame or no frame behind that.
    pub fn split_envelope(self) -> Result<(Envelope, Self), Self> {
        match self.repr {
            Repr::Wire(wire) => match wire::envelope_len(&wire) {
                Some(len) => Ok((Envelope::from_wire(&wire[..len]), Self::from_wire(wire.skip(len)))),
                None => Err(Self::from_wire(wire)),
            },
            Repr::Frames(mut frames) => match frames.iter().position(Bytes::is_empty) {
                Some(at) if at + 1 < frames.len() => {
                    let body: SmallVec<_> = frames.drain(at + 1..).collect();
                    Ok((Envelope::of(&frames), Self { repr: Repr::Frames(body) }))
                }
                _ => Err(Self { repr: Repr::Frames(frames) }),
            },
        }
    }

    /// Returns whether [`split_envelope`](Self::split_envelope) would find an envelope.
    #[must_use]
    pub fn has_envelope(&self) -> bool {
        match &self.repr {
            Repr::Wire(wire) => wire::envelope_len(wire).is_some(),
            Repr::Frames(frames) => frames.iter().rev().skip(1).any(Bytes::is_empty),
        }
    }

    /// Adds an envelope before the frames. A small received message is copied; the bodies of a large one are shared.
    #[must_use]
    pub fn with_envelope(self, envelope: &Envelope) -> Self {
        match &self.repr {
            _ if envelope.is_empty() => self,
            Repr::Wire(wire) if wire.len() < LARGE_BODY_BYTES => {
                Self::from_wire(Bytes::from([envelope.as_wire(), wire].concat()))
            }
            _ => {
                let mut frames = SmallVec::with_capacity(envelope.iter().count() + self.len());
                frames.extend(envelope.to_frames().chain(self));
                Self { repr: Repr::Frames(frames) }
            }
        }
    }

    /// Returns whether the body of a frame is large enough to be written from where it is.
    #[must_use]
    #[inline]
    pub fn is_large(&self) -> bool {
        match &self.repr {
            Repr::Wire(wire) => wire.len() >= LARGE_BODY_BYTES,
            Repr::Frames(frames) => frames.iter().any(|f| f.len() >= LARGE_BODY_BYTES),
        }
    }
}

#[cfg(test)]
mod tests;
