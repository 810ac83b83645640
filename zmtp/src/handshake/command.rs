//! The commands of a handshake, taken off the input and encoded to the output.

use bytes::{Buf, Bytes, BytesMut};
use zeroize::Zeroize;

use crate::command::error::CommandError;
use crate::command::name::CommandName;
use crate::command::wire::{encode_command, split_name};
use crate::frame::header::FrameHeader;
use crate::handshake::error::HandshakeError;
use crate::metadata::Metadata;
use crate::security::verdict::DenyReason;

/// Name that libzmq's PLAIN servers send for ERROR: their source has `"\x05ERROR"`, where C takes `\x05E` for one byte.
const LIBZMQS_ERROR: &[u8] = b"^RROR";
/// Maximum bytes of a command in addition to its metadata: generous for the largest, CURVE's INITIATE.
const MAX_OTHER_BYTES: usize = 512;

/// A command of the peer. Wiped when dropped, since it may hold a password; kept data is copied out.
#[derive(Debug)]
pub(super) struct Received {
    body: BytesMut,
    /// Bytes of the name with its length.
    head: usize,
}

impl Received {
    /// Takes one command frame off the front; `Ok(None)` when it isn't whole yet.
    ///
    /// The COMMAND flag has to be set. (libzmq ignores it, but sets it.)
    pub(super) fn take(input: &mut BytesMut, max_metadata: usize) -> Result<Option<Self>, HandshakeError> {
        let Some(header) = FrameHeader::parse(input)? else {
            return Ok(None);
        };
        if !header.is_command() {
            return Err(HandshakeError::Message);
        }
        let (announced, limit) = (header.frame_len(), max_metadata.saturating_add(MAX_OTHER_BYTES));
        if announced > limit {
            return Err(HandshakeError::TooLarge { announced, limit });
        }
        if input.len() < announced {
            return Ok(None);
        }
        let mut body = input.split_to(announced);
        body.advance(header.header_len());
        if let Some(reason) = body.strip_prefix(LIBZMQS_ERROR) {
            let name = CommandName::Error.as_bytes();
            body = BytesMut::from(&[&[name.len() as u8], name, reason].concat()[..]);
        }
        let head = 1 + split_name(&body)?.0.len();
        Ok(Some(Self { body, head }))
    }

    fn name(&self) -> CommandName {
        CommandName::from_wire(&self.body[1..self.head])
    }

    /// Returns the bytes of name and data.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// Returns the data behind the name.
    pub(super) fn data(&mut self) -> &mut [u8] {
        &mut self.body[self.head..]
    }

    /// Reads the data as properties.
    pub(super) fn metadata(&mut self) -> Result<Metadata, HandshakeError> {
        Ok(Metadata::parse(Bytes::copy_from_slice(self.data()))?)
    }

    /// Checks that the command has the name `wanted`.
    pub(super) fn named(self, wanted: CommandName) -> Result<Self, HandshakeError> {
        let got = self.name();
        if got == wanted { Ok(self) } else { Err(HandshakeError::Unexpected { wanted, got }) }
    }

    /// Checks that the command has the name `wanted`, from a peer that may end the handshake with ERROR instead.
    pub(super) fn named_or_error(mut self, wanted: CommandName) -> Result<Self, HandshakeError> {
        if self.name() != CommandName::Error {
            return self.named(wanted);
        }
        // Bytes behind the reason are ignored.
        let whole = self.data().split_first().and_then(|(len, rest)| rest.get(..usize::from(*len)));
        let reason = whole.ok_or(CommandError::Malformed(CommandName::Error))?;
        let deny_reason = DenyReason::from_reason(reason);
        Err(HandshakeError::RejectedByPeer { reason: reason.escape_ascii().to_string(), deny_reason })
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.body.as_mut().zeroize();
    }
}

/// Appends READY, or INITIATE, with metadata in clear.
pub(super) fn encode_metadata(name: CommandName, metadata: &Metadata, out: &mut BytesMut) {
    encode_command(name.as_bytes(), &[metadata.as_wire()], out);
}

/// Appends ERROR; the reason is cut at 255 bytes.
pub(super) fn encode_error(reason: &str, out: &mut BytesMut) {
    let reason = &reason.as_bytes()[..reason.len().min(255)];
    encode_command(CommandName::Error.as_bytes(), &[&[reason.len() as u8], reason], out);
}

/// Appends ERROR if `outcome` is an error, so that the peer learns what is wrong with its properties.
pub(super) fn or_send_error<T>(
    outcome: Result<T, HandshakeError>,
    out: &mut BytesMut,
) -> Result<T, HandshakeError> {
    if let Err(error) = &outcome {
        encode_error(&error.to_string(), out);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(frame: &[u8]) -> Result<Option<Received>, HandshakeError> {
        Received::take(&mut BytesMut::from(frame), 100)
    }

    #[test]
    fn an_error_command_has_a_whole_reason_and_may_have_further_bytes() {
        let rejection = |body: &[u8]| {
            let frame = [&[4, body.len() as u8][..], body].concat();
            take(&frame).unwrap().unwrap().named_or_error(CommandName::Ready).unwrap_err()
        };
        let rejected =
            |reason: &str, deny_reason| HandshakeError::RejectedByPeer { reason: reason.into(), deny_reason };
        assert_eq!(rejection(b"\x05ERROR\x03400"), rejected("400", Some(DenyReason::Credentials)));
        assert_eq!(rejection(b"\x05ERROR\x02400"), rejected("40", None));
        assert_eq!(rejection(b"\x05ERROR\0"), rejected("", None));
        for cut in [&b"\x05ERROR\x04400"[..], b"\x05ERROR"] {
            assert_eq!(rejection(cut), CommandError::Malformed(CommandName::Error).into());
        }
    }

    #[test]
    fn the_misspelt_error_command_of_libzmqs_plain_servers_is_understood() {
        let rejected =
            take(b"\x04\x09^RROR\x03400").unwrap().unwrap().named_or_error(CommandName::Ready).unwrap_err();
        assert_eq!(
            rejected,
            HandshakeError::RejectedByPeer {
                reason: "400".into(),
                deny_reason: Some(DenyReason::Credentials)
            }
        );
    }

    #[test]
    fn an_error_reason_ends_after_its_length() {
        let mut out = BytesMut::new();
        encode_error("no", &mut out);
        assert_eq!(&out[..], b"\x04\x09\x05ERROR\x02no");
        out.clear();
        encode_error(&"x".repeat(300), &mut out);
        assert_eq!(out[..16], *b"\x06\0\0\0\0\0\0\x01\x06\x05ERROR\xff");
    }

    #[test]
    fn the_announced_length_of_a_command_is_limited() {
        let header = |len: usize| {
            let mut out = BytesMut::new();
            FrameHeader::command(len).encode(&mut out);
            out
        };
        assert!(take(&header(100 + MAX_OTHER_BYTES - 9)).unwrap().is_none());
        let limit = 100 + MAX_OTHER_BYTES;
        assert_eq!(
            take(&header(limit - 8)).unwrap_err(),
            HandshakeError::TooLarge { announced: limit + 1, limit }
        );
    }
}
