//! The receiving side of a connection after the handshake, encrypted or not.

use bytes::{Buf, BytesMut};

use crate::curve::error::CurveError;
use crate::curve::traffic::{MESSAGE_OVERHEAD, Opener};
use crate::decoder::{Decoder, Event};
use crate::error_origin::ErrorOrigin;
use crate::frame::header::{FrameError, FrameHeader};
use crate::frame::limits::Limits;
use crate::read_buffers::{room_ahead, spare};
use crate::tuning::MAX_DECRYPTED_ROOM_BYTES;

/// A [`Decoder`] that decrypts first if the mechanism encrypts, and otherwise only decodes.
///
/// Read into the buffer that [`reserve`](Self::reserve) returns, then call [`poll_event`](Self::poll_event) until it
/// returns `Ok(None)`. After an error the stream can't be read any further.
#[derive(Debug)]
pub struct Incoming {
    decoder: Decoder,
    encrypted: Option<Box<Encrypted>>,
}

/// The bytes that have arrived and aren't decrypted yet, and their decryption.
#[derive(Debug)]
struct Encrypted {
    buffer: BytesMut,
    opener: Opener,
    /// Bytes of the frame under way that are still to come.
    missing: usize,
    limits: Limits,
}

impl Incoming {
    /// Returns the receiving side, which starts with the bytes that arrived together with the end of the handshake.
    #[must_use]
    pub fn new(received: BytesMut, limits: Limits, opener: Option<Opener>) -> Self {
        match opener {
            None => Self { decoder: Decoder::resume(received, limits), encrypted: None },
            Some(opener) => Self {
                decoder: Decoder::new(limits),
                encrypted: Some(Box::new(Encrypted { buffer: received, opener, missing: 0, limits })),
            },
        }
    }

    /// Returns the buffer to append received bytes to: see [`Decoder::reserve`].
    #[inline]
    pub fn reserve(&mut self, hint: usize) -> &mut BytesMut {
        match &mut self.encrypted {
            None => self.decoder.reserve(hint),
            Some(encrypted) => encrypted.reserve(hint),
        }
    }

    /// Returns the bytes of room that [`reserve`](Self::reserve) could hand out without allocating.
    #[must_use]
    pub fn spare(&self) -> usize {
        match &self.encrypted {
            None => self.decoder.spare(),
            Some(encrypted) => spare(&encrypted.buffer),
        }
    }

    /// Returns whether no partial frame or message is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.decoder.is_empty() && self.encrypted.as_ref().is_none_or(|encrypted| encrypted.buffer.is_empty())
    }

    /// Frees memory that holds no bytes. Call it when the connection becomes idle.
    pub fn shrink(&mut self) {
        self.decoder.shrink();
        if let Some(encrypted) = &mut self.encrypted
            && encrypted.buffer.is_empty()
        {
            encrypted.buffer = BytesMut::new();
            encrypted.opener.shrink();
        }
    }

    /// Returns the next run of whole messages, or the next command: see [`Decoder::poll_event`].
    ///
    /// # Errors
    /// [`TrafficError`]: close the connection. Whole messages that arrived before it come first.
    #[inline]
    pub fn poll_event(&mut self) -> Result<Option<Event>, TrafficError> {
        match &mut self.encrypted {
            None => Ok(self.decoder.poll_event()?),
            Some(encrypted) => {
                let opened = encrypted.open_into(&mut self.decoder);
                match self.decoder.poll_event()? {
                    None => opened.map(|()| None),
                    event => Ok(event),
                }
            }
        }
    }
}

impl Encrypted {
    /// Makes room as [`Decoder::reserve`] does: an announced frame gets its room as it arrives.
    fn reserve(&mut self, hint: usize) -> &mut BytesMut {
        self.buffer.reserve(hint.max(room_ahead(self.missing, &self.buffer)).max(1));
        &mut self.buffer
    }

    /// Opens all boxes that have arrived whole. A box that fails stays in the buffer, so that it fails again.
    fn open_into(&mut self, decoder: &mut Decoder) -> Result<(), TrafficError> {
        while let Some(header) = FrameHeader::parse(&self.buffer)? {
            let limit = self.limits.frame.saturating_add(MESSAGE_OVERHEAD);
            if header.body_len() > limit {
                return Err(FrameError::FrameTooLarge { announced: header.body_len(), limit }.into());
            }
            self.missing = header.frame_len().saturating_sub(self.buffer.len());
            if self.missing > 0 {
                break;
            }
            // Boxes are longer than their content: make room at once for all that have arrived.
            let room = self.buffer.len().min(MAX_DECRYPTED_ROOM_BYTES).max(header.frame_len());
            // The outer frame's flags mean nothing: libzmq sends those of a message, RFC 37 has a command's.
            let body = &self.buffer[header.header_len()..header.frame_len()];
            self.opener.open(body, decoder.reserve(room))?;
            self.buffer.advance(header.frame_len());
            if header.frame_len() > MAX_DECRYPTED_ROOM_BYTES {
                // Move the bytes behind the frame to a buffer of their own. Otherwise the frame would stay in memory
                // beside its content.
                self.buffer = BytesMut::from(&self.buffer[..]);
            }
        }
        Ok(())
    }
}

/// Error of traffic that can't be accepted. Close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrafficError {
    /// Broken framing, or an exceeded limit.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Traffic that can't be decrypted.
    #[error(transparent)]
    Curve(#[from] CurveError),
}

impl TrafficError {
    /// Returns the origin of the error.
    #[must_use]
    pub const fn origin(&self) -> ErrorOrigin {
        match self {
            Self::Frame(FrameError::Length { .. }) | Self::Curve(_) => ErrorOrigin::Peer,
            Self::Frame(_) => ErrorOrigin::Limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use enfonet_secretbox::Key;
    use proptest::prelude::*;

    use super::*;
    use crate::command::name::CommandName;
    use crate::curve::traffic::{Sealer, Side, pair};
    use crate::message::batch::Batch;
    use crate::message::message::Message;

    fn ends(limits: Limits) -> (Sealer, Incoming) {
        let key = Key::new(&[5; 32]);
        let (sealer, _) = pair(&key, Side::Client, 2, 1);
        let (_, opener) = pair(&key, Side::Server, 1, 2);
        (sealer, Incoming::new(BytesMut::new(), limits, Some(opener)))
    }

    fn sealed(sealer: &mut Sealer, frames: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        sealer.seal_frames(frames, &mut out).unwrap();
        out
    }

    fn feed(incoming: &mut Incoming, bytes: &[u8]) -> Result<Vec<Event>, TrafficError> {
        incoming.reserve(bytes.len()).extend_from_slice(bytes);
        std::iter::from_fn(|| incoming.poll_event().transpose()).collect()
    }

    #[test]
    fn whole_messages_before_a_box_that_does_not_open_come_out_first_and_then_it_fails_for_good() {
        let (mut sealer, mut incoming) = ends(Limits::default());
        let mut wire = sealed(&mut sealer, b"\0\x01a\0\x01b");
        let last = wire.len() - 1;
        wire[last] ^= 1;
        wire.extend_from_slice(&sealed(&mut sealer, b"\0\x01c"));
        incoming.reserve(wire.len()).extend_from_slice(&wire);
        assert_eq!(incoming.poll_event(), Ok(Some(Event::Batch(Message::from("a").into()))));
        for _ in 0..3 {
            let error = CurveError::Box { command: CommandName::Message };
            assert_eq!(incoming.poll_event(), Err(TrafficError::Curve(error)));
        }
    }

    #[test]
    fn the_outer_flags_mean_nothing() {
        for flags in [0, 1, 4, 5, 0xf8] {
            let (mut sealer, mut incoming) = ends(Limits::default());
            let mut wire = sealed(&mut sealer, b"\0\x01a");
            wire[0] = flags;
            let events = feed(&mut incoming, &wire).unwrap();
            assert_eq!(events, [Event::Batch(Message::from("a").into())], "{flags}");
        }
    }

    #[test]
    fn what_is_in_the_clear_is_refused() {
        for clear in [&b"\0\x05hello"[..], b"\x04\x07\x04PING\0\0"] {
            let (_, mut incoming) = ends(Limits::default());
            assert_eq!(feed(&mut incoming, clear), Err(CurveError::Unencrypted.into()));
        }
    }

    #[test]
    fn limits_are_those_of_what_is_in_the_boxes() {
        let limits = Limits { frame: 10, message: 24, frames: 2 };
        let fits = |frames: &[u8]| {
            let (mut sealer, mut incoming) = ends(limits);
            feed(&mut incoming, &sealed(&mut sealer, frames))
        };
        assert!(fits(b"\x01\x0aaaaaaaaaaa\0\x0aaaaaaaaaaa").is_ok());
        assert!(matches!(
            fits(b"\0\x0baaaaaaaaaaa"),
            Err(TrafficError::Frame(FrameError::FrameTooLarge { .. }))
        ));
        assert!(matches!(
            fits(b"\x01\0\x01\0\0\0"),
            Err(TrafficError::Frame(FrameError::TooManyFrames { .. }))
        ));
        let (_, mut incoming) = ends(limits);
        assert!(feed(&mut incoming, &[0, 10 + 33]).is_ok());
        let (_, mut incoming) = ends(limits);
        assert!(feed(&mut incoming, &[0, 11 + 33]).is_err(), "before any of it has arrived");
    }

    #[test]
    fn spare_room_is_what_reads_can_have_without_another_buffer() {
        let (_, encrypted) = ends(Limits::default());
        for mut incoming in [encrypted, Incoming::new(BytesMut::new(), Limits::default(), None)] {
            assert_eq!(incoming.spare(), 0);
            incoming.reserve(100).extend_from_slice(b"\0");
            let buffer = incoming.reserve(0);
            let (start, room) = (buffer.as_ptr(), buffer.capacity() - buffer.len());
            assert_eq!(incoming.spare(), room);
            assert_eq!(incoming.reserve(room).as_ptr(), start);
        }
    }

    #[test]
    fn an_announced_size_is_not_allocated_before_it_arrives() {
        let (_, mut incoming) = ends(Limits::default());
        assert_eq!(feed(&mut incoming, b"\x02\0\0\0\0\x0f\0\0\0"), Ok(vec![]));
        assert!(incoming.reserve(4096).capacity() < 16 << 10);
    }

    #[test]
    fn a_large_frame_is_not_kept_beside_what_was_in_it() {
        let (mut sealer, mut incoming) = ends(Limits::default());
        let large = Message::from(vec![7; 1 << 20]);
        let mut wire = BytesMut::new();
        sealer.seal(&large.clone().into(), &mut wire).unwrap();
        // The first bytes of what follows have come with it.
        wire.extend_from_slice(&sealed(&mut sealer, b"\0\x01a")[..5]);
        let encrypted = incoming.reserve(wire.len());
        encrypted.extend_from_slice(&wire);
        let place = encrypted.as_ptr_range();
        assert_eq!(incoming.poll_event(), Ok(Some(Event::Batch(large.into()))));
        assert!(!place.contains(&incoming.reserve(1).as_ptr()), "five bytes keep a megabyte");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_messages(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..20), size in 1usize..400
        ) {
            let (mut sealer, mut incoming) = ends(Limits::default());
            let batch: Batch = bodies.iter().map(|body| Message::from_frames([&b"x"[..], &body[..]].map(<[u8]>::to_vec))).collect();
            let wire = sealed(&mut sealer, batch.wire().unwrap());
            let mut messages = Vec::new();
            for chunk in wire.chunks(size) {
                for event in feed(&mut incoming, chunk).unwrap() {
                    let Event::Batch(run) = event else { panic!("no commands were sent") };
                    messages.extend(run);
                }
            }
            prop_assert!(messages.into_iter().eq(batch));
            incoming.shrink();
            prop_assert_eq!(incoming.spare(), 0);
        }
    }
}
