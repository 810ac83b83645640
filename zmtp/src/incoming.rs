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
    /// Bytes of the frame in progress that are still to come.
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
            // The outer frame's flags are ignored: libzmq sends the flags of a message, RFC 37 has the flags of a
            // command.
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
mod tests;
