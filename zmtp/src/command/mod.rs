//! Commands: what the ends tell each other beside messages (RFC 37, "Commands").

mod ping;
mod subscription;

use bytes::{Buf, BufMut, Bytes, BytesMut};

pub use ping::Ping;
pub use subscription::Subscription;

use crate::{FrameHeader, Metadata, MetadataError};

/// A command's body, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Ends the NULL handshake: who the sender is.
    Ready(Metadata),
    /// Ends the handshake in failure: the reason, for people to read.
    Error(Bytes),
    /// The sender wants, or no longer wants, messages that begin with the topic.
    Subscription(Subscription),
    /// Asks for a PONG, and says how long the sender means to be heard at least.
    Ping(Ping),
    /// Answers a PING with its context.
    Pong(Bytes),
    /// Any other command: ignored after the handshake, as libzmq does, so that peers may know more than we.
    Unknown(Bytes),
}

const READY: &[u8] = b"READY";
const ERROR: &[u8] = b"ERROR";
const PONG: &[u8] = b"PONG";

impl Command {
    /// Reads the body of a command frame: a name of 1 to 255 octets behind its length, then data.
    ///
    /// # Errors
    /// [`CommandError`]: the peer broke the command's form; close the connection.
    pub fn parse(mut body: Bytes) -> Result<Self, CommandError> {
        let name_len = body.first().map_or(0, |len| usize::from(*len));
        if name_len == 0 || name_len >= body.len() {
            return Err(CommandError::Name);
        }
        let name = body.split_to(1 + name_len).slice(1..);
        match &name[..] {
            READY => Ok(Self::Ready(Metadata::parse(body)?)),
            ERROR => parse_error(body).map(Self::Error),
            // Topics are kept for long: they must not keep what arrived beside them.
            subscription::SUBSCRIBE => {
                Ok(Self::Subscription(Subscription::Subscribe(Bytes::copy_from_slice(&body))))
            }
            subscription::CANCEL => {
                Ok(Self::Subscription(Subscription::Cancel(Bytes::copy_from_slice(&body))))
            }
            ping::PING => Ping::parse(body).map(Self::Ping).ok_or(CommandError::Malformed("PING")),
            PONG => Ok(Self::Pong(body)),
            _ => Ok(Self::Unknown(name)),
        }
    }

    /// Appends the READY command frame.
    pub fn put_ready(metadata: &Metadata, out: &mut BytesMut) {
        put(READY, &[metadata.as_wire()], out);
    }

    /// Appends the ERROR command frame; the reason is cut at 255 octets.
    pub fn put_error(reason: &str, out: &mut BytesMut) {
        let reason = &reason.as_bytes()[..reason.len().min(255)];
        put(ERROR, &[&[reason.len() as u8], reason], out);
    }

    /// Appends the PONG command frame that answers a PING of this context.
    pub fn put_pong(context: &[u8], out: &mut BytesMut) {
        put(PONG, &[context], out);
    }
}

/// ERROR's reason stands behind its length; octets behind the reason are tolerated.
fn parse_error(mut body: Bytes) -> Result<Bytes, CommandError> {
    match body.split_first() {
        Some((len, rest)) if rest.len() >= usize::from(*len) => {
            let len = usize::from(*len);
            body.advance(1);
            Ok(body.split_to(len))
        }
        _ => Err(CommandError::Malformed("ERROR")),
    }
}

/// Appends a command frame made of a name and the parts of its data.
fn put(name: &[u8], data: &[&[u8]], out: &mut BytesMut) {
    let data_len: usize = data.iter().map(|part| part.len()).sum();
    let header = FrameHeader::command(1 + name.len() + data_len);
    out.reserve(header.frame_len());
    header.put(out);
    out.put_u8(name.len() as u8);
    out.put_slice(name);
    for part in data {
        out.put_slice(part);
    }
}

/// A command of a form that ZMTP doesn't allow: the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no name, or it is cut off.
    #[error("peer sent a command without a whole name")]
    Name,
    /// The data doesn't fit the command.
    #[error("peer sent a malformed {0} command")]
    Malformed(&'static str),
    /// READY with malformed properties.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &'static [u8]) -> Result<Command, CommandError> {
        Command::parse(Bytes::from_static(body))
    }

    #[test]
    fn ready_has_the_octets_of_the_conformance_example() {
        let mut metadata = Metadata::default();
        metadata.push("Socket-Type", b"DEALER");
        metadata.push("Identity", b"");
        let mut out = BytesMut::new();
        Command::put_ready(&metadata, &mut out);
        assert_eq!(out.len(), 43);
        assert_eq!(&out[..], b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0");
        assert_eq!(Command::parse(out.freeze().slice(2..)), Ok(Command::Ready(metadata)));
    }

    #[test]
    fn a_name_that_is_missing_or_cut_off_is_refused() {
        for body in [&b""[..], b"\x00", b"\x00READY", b"\x05READ", b"\x01"] {
            assert_eq!(Command::parse(Bytes::from(body)), Err(CommandError::Name), "{body:?}");
        }
        assert_eq!(parse(b"\x01X"), Ok(Command::Unknown(Bytes::from_static(b"X"))));
    }

    #[test]
    fn an_error_needs_its_whole_reason_and_may_have_more_behind_it() {
        assert_eq!(parse(b"\x05ERROR\x03400"), Ok(Command::Error(Bytes::from_static(b"400"))));
        assert_eq!(parse(b"\x05ERROR\x02400"), Ok(Command::Error(Bytes::from_static(b"40"))));
        assert_eq!(parse(b"\x05ERROR\x04400"), Err(CommandError::Malformed("ERROR")));
        assert_eq!(parse(b"\x05ERROR"), Err(CommandError::Malformed("ERROR")));
        let mut out = BytesMut::new();
        Command::put_error("no", &mut out);
        assert_eq!(&out[..], b"\x04\x09\x05ERROR\x02no");
    }

    #[test]
    fn a_long_command_takes_the_long_form() {
        let mut metadata = Metadata::default();
        metadata.push("X", &[0; 300]);
        let mut out = BytesMut::new();
        Command::put_ready(&metadata, &mut out);
        assert_eq!(out[..9], [0x06, 0, 0, 0, 0, 0, 0, 1, 56]);
    }
}
