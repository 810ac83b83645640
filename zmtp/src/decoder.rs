//! The traffic decoder, from bytes to runs of whole messages and to commands.
//!
//! ```text
//!   buffer   | whole messages | whole frames of a message | gap |  not walked yet  |
//!            0              end                       cursor   cursor + gap      len
//! ```
//!
//! Frames are walked once, in place. Whole messages are split off as one shared slice, and their bodies aren't touched.
//! Only a form that isn't canonical is rewritten: reserved flag bits, the long form of a short body, or a command
//! between two frames of a message (legal, and libzmq sends PONG there). It leaves a *gap*, and the frames behind are
//! moved over it, each byte once.

use bytes::{Buf, Bytes, BytesMut};

use crate::frame::header::{FrameError, FrameHeader};
use crate::frame::limits::Limits;
use crate::message::batch::Batch;
use crate::read_buffers::{Buffers, room_ahead, spare};

/// Messages or a command that a [`Decoder`] found.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// One or more whole messages, in canonical wire form.
    Batch(Batch),
    /// The body of a command frame: see [`Command::parse`](crate::Command::parse).
    Command(Bytes),
}

/// Decoder of the bytes that one peer sends after the handshake, into [`Event`]s.
///
/// Read into the buffer that [`reserve`](Self::reserve) returns, then call [`poll_event`](Self::poll_event) until it
/// returns `Ok(None)`. After an error the stream can't be read any further.
///
/// ```
/// use enfonet_zmtp::{Decoder, Event, Limits};
///
/// let mut decoder = Decoder::new(Limits::default());
/// decoder.reserve(64).extend_from_slice(b"\x00\x02hi\x01\x01a\x00");
/// let Some(Event::Batch(batch)) = decoder.poll_event()? else { panic!() };
/// assert_eq!(batch.len(), 1); // the second message is not whole yet
/// assert_eq!(decoder.poll_event()?, None);
/// # Ok::<(), enfonet_zmtp::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    buffers: Buffers,
    /// Bytes of the whole messages at the front.
    end: usize,
    /// End of the walked frames.
    cursor: usize,
    /// Dropped bytes behind `cursor`.
    gap: usize,
    /// Messages before `end`.
    messages: usize,
    /// Frames between `end` and `cursor`.
    frames: usize,
    /// Bytes of the frame in progress that are still to come.
    missing: usize,
    limits: Limits,
}

impl Decoder {
    /// Returns a decoder with an empty buffer.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::resume(BytesMut::new(), limits)
    }

    /// Returns a decoder that starts with the bytes that arrived together with the end of the handshake.
    #[must_use]
    pub fn resume(buffer: BytesMut, limits: Limits) -> Self {
        let buffers = Buffers::default();
        Self { buffer, buffers, end: 0, cursor: 0, gap: 0, messages: 0, frames: 0, missing: 0, limits }
    }

    /// Returns the buffer to append received bytes to. It has room for at least one byte, and for half of `hint`.
    ///
    /// While a large frame arrives, its room is as much as has arrived, or a multiple of a large amount, and never more
    /// than is missing: an announced size costs the peer its bytes before it costs memory here.
    pub fn reserve(&mut self, hint: usize) -> &mut BytesMut {
        let (hint, ahead) = (hint.max(1), room_ahead(self.missing, &self.buffer));
        if hint.max(ahead) > self.spare() {
            if ahead > hint {
                self.buffers.grow(&mut self.buffer, ahead);
            } else {
                self.buffers.make_room(&mut self.buffer, hint);
            }
        }
        &mut self.buffer
    }

    /// Returns the bytes of room that [`reserve`](Self::reserve) could hand out without allocating.
    #[must_use]
    pub fn spare(&self) -> usize {
        spare(&self.buffer)
    }

    /// Returns whether no partial frame or message is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Frees memory that holds no bytes. Call it when the connection becomes idle.
    pub fn shrink(&mut self) {
        self.buffers.clear();
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Returns the next run of whole messages, or the next command; `Ok(None)` when more bytes are needed.
    ///
    /// A run ends before a command that stands between two messages, so events keep the order of the wire. A command
    /// between the frames of one message comes before that message.
    ///
    /// # Errors
    /// [`FrameError`]: the peer broke the framing or a limit; close the connection. Whole messages that arrived before
    /// the error come first.
    pub fn poll_event(&mut self) -> Result<Option<Event>, FrameError> {
        loop {
            self.walk_canonical();
            let at = self.cursor + self.gap;
            let header = match self.next_header(at) {
                Ok(Some(header)) => header,
                Ok(None) => {
                    self.missing = 0;
                    return Ok(self.poll_batch());
                }
                Err(error) => return self.poll_batch().map(Some).ok_or(error),
            };
            let arrived = self.buffer.len() - at;
            if arrived < header.frame_len() {
                self.missing = header.frame_len() - arrived;
                return Ok(self.poll_batch());
            }
            if !header.is_command() {
                self.take_frame(at, header);
            } else if self.end > 0 && self.cursor == self.end {
                return Ok(self.poll_batch());
            } else {
                return Ok(Some(Event::Command(self.take_command(header))));
            }
        }
    }

    /// Steps over frames that are whole and canonical: the fast path. Leaves all else (commands, other headers, limits,
    /// a gap to close, the end of the input) to the caller.
    fn walk_canonical(&mut self) {
        if self.gap > 0 {
            return;
        }
        let harmless = self.limits.harmless();
        loop {
            // A message that lies whole within the window can't break a limit, so limits aren't checked for each frame.
            let window = self.buffer.len().min(self.end.saturating_add(harmless));
            let begun = self.end;
            self.walk_window(window);
            if window == self.buffer.len() || self.end == begun {
                return;
            }
        }
    }

    /// Steps over the frames of one byte of length that lie before `window`.
    fn walk_window(&mut self, window: usize) {
        let Some(mut rest) = self.buffer.get(self.cursor..window) else { return };
        let (mut messages, mut frames, mut behind_end) = (self.messages, self.frames, window - self.end);
        while let [flags @ (0 | 1), len, behind @ ..] = rest {
            let Some(behind) = behind.get(usize::from(*len)..) else { break };
            rest = behind;
            frames += 1;
            if *flags == 0 {
                behind_end = rest.len();
                messages += 1;
                frames = 0;
            }
        }
        (self.cursor, self.end) = (window - rest.len(), window - behind_end);
        (self.messages, self.frames) = (messages, frames);
    }

    /// Returns the header of the frame at `at`, if it is whole and the frame is within the limits.
    fn next_header(&self, at: usize) -> Result<Option<FrameHeader>, FrameError> {
        let header = FrameHeader::parse(&self.buffer[at..])?;
        header.iter().try_for_each(|header| self.check_limits(header))?;
        Ok(header)
    }

    fn check_limits(&self, header: &FrameHeader) -> Result<(), FrameError> {
        let Limits { frame, message, frames } = self.limits;
        if header.body_len() > frame {
            return Err(FrameError::FrameTooLarge { announced: header.body_len(), limit: frame });
        }
        if header.is_command() {
            return Ok(());
        }
        let announced = (self.cursor - self.end).saturating_add(header.frame_len());
        if announced > message {
            return Err(FrameError::MessageTooLarge { announced, limit: message });
        }
        if self.frames >= frames { Err(FrameError::TooManyFrames { limit: frames }) } else { Ok(()) }
    }

    /// Steps over one whole frame at `at`, moving it down over the gap and rewriting its header if need be.
    fn take_frame(&mut self, at: usize, header: FrameHeader) {
        let canonical = header.canonical();
        if canonical != header || self.gap > 0 {
            let body = at + header.header_len();
            let mut head = &mut self.buffer[self.cursor..self.cursor + canonical.header_len()];
            canonical.encode(&mut head);
            let target = self.cursor + canonical.header_len();
            self.buffer.copy_within(body..body + header.body_len(), target);
            self.gap += header.header_len() - canonical.header_len();
        }
        self.cursor += canonical.frame_len();
        self.frames += 1;
        if !header.more() {
            self.end = self.cursor;
            self.messages += 1;
            self.frames = 0;
        }
    }

    /// Takes out the whole command that comes next.
    fn take_command(&mut self, header: FrameHeader) -> Bytes {
        if self.cursor == 0 {
            self.close_gap();
            let mut frame = self.buffer.split_to(header.frame_len()).freeze();
            frame.advance(header.header_len());
            frame
        } else {
            let body = self.cursor + self.gap + header.header_len();
            self.gap += header.frame_len();
            Bytes::copy_from_slice(&self.buffer[body..body + header.body_len()])
        }
    }

    /// Splits off the whole messages that have been walked; closes the gap when there are none.
    fn poll_batch(&mut self) -> Option<Event> {
        if self.end == 0 {
            self.close_gap();
            return None;
        }
        let wire = self.buffer.split_to(self.end).freeze();
        let batch = Batch::from_encoded(wire, self.messages);
        self.cursor -= self.end;
        (self.end, self.messages) = (0, 0);
        Some(Event::Batch(batch))
    }

    /// Moves the bytes behind the gap down to the cursor, so that dropped bytes don't pile up.
    fn close_gap(&mut self) {
        if self.gap == 0 {
            return;
        }
        if self.cursor == 0 {
            self.buffer.advance(self.gap);
        } else {
            self.buffer.copy_within(self.cursor + self.gap.., self.cursor);
            self.buffer.truncate(self.buffer.len() - self.gap);
        }
        self.gap = 0;
    }
}

#[cfg(test)]
mod tests;
