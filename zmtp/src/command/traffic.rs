//! Commands after the handshake.

use bytes::{Bytes, BytesMut};

use crate::command::error::CommandError;
use crate::command::name::CommandName;
use crate::command::ping::Ping;
use crate::command::subscription::Subscription;
use crate::command::wire::{encode_command, split_name};
use crate::greeting::Version;

/// A command after the handshake. ([`Handshake`](crate::Handshake) has its own commands.)
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// SUBSCRIBE or CANCEL.
    Subscription(Subscription),
    /// PING, which asks for a PONG. It may carry the time without traffic after which its receiver may close the
    /// connection.
    Ping(Ping),
    /// PONG, with the context of the PING that it answers.
    Pong(Bytes),
    /// Any other command, by its name. Ignore it, as libzmq does, since peers may speak later versions. READY and ERROR
    /// are unknown once the handshake is complete.
    Unknown(Bytes),
}

impl Command {
    /// Reads the body of a command frame: a name of 1 to 255 bytes behind its length, then data.
    ///
    /// # Errors
    /// [`CommandError`]: the peer broke the command's form; close the connection.
    pub fn parse(mut body: Bytes) -> Result<Self, CommandError> {
        let name_len = split_name(&body)?.0.len();
        let name = body.split_to(1 + name_len).slice(1..);
        match CommandName::from_wire(&name) {
            // Topics are kept for long: as slices they would keep their whole read buffer alive.
            CommandName::Subscribe => {
                Ok(Self::Subscription(Subscription::Subscribe(Bytes::copy_from_slice(&body))))
            }
            CommandName::Cancel => {
                Ok(Self::Subscription(Subscription::Cancel(Bytes::copy_from_slice(&body))))
            }
            CommandName::Ping => {
                Ping::parse(body).map(Self::Ping).ok_or(CommandError::Malformed(CommandName::Ping))
            }
            CommandName::Pong => Ok(Self::Pong(body)),
            _ => Ok(Self::Unknown(name)),
        }
    }

    /// Appends the frame of the command, in the form that a peer of this version understands. Appends nothing if there
    /// is no such form, since commands came with ZMTP 3, or if an unknown command has no name of 1 to 255 bytes. An
    /// unknown command has no data.
    pub fn encode(&self, version: Version, out: &mut BytesMut) {
        match self {
            Self::Subscription(subscription) => subscription.encode(version, out),
            _ if version < Version::V3_0 => {}
            Self::Ping(ping) => ping.encode(out),
            Self::Pong(context) => Self::encode_pong(context, out),
            Self::Unknown(name) if (1..=255).contains(&name.len()) => encode_command(name, &[], out),
            Self::Unknown(_) => {}
        }
    }

    /// Appends the PONG command frame that answers a PING of this context.
    pub fn encode_pong(context: &[u8], out: &mut BytesMut) {
        encode_command(CommandName::Pong.as_bytes(), &[context], out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &'static [u8]) -> Result<Command, CommandError> {
        Command::parse(Bytes::from_static(body))
    }

    #[test]
    fn a_missing_or_cut_off_command_name_is_an_error() {
        for body in [&b""[..], b"\x00", b"\x00READY", b"\x05READ", b"\x01"] {
            assert_eq!(Command::parse(Bytes::from(body)), Err(CommandError::Name), "{body:?}");
        }
        assert_eq!(parse(b"\x01X"), Ok(Command::Unknown(Bytes::from_static(b"X"))));
    }

    #[test]
    fn handshake_commands_are_unknown_after_the_handshake() {
        for name in ["READY", "ERROR", "HELLO", "MESSAGE"] {
            let body = Bytes::from([&[5][..], &name.as_bytes()[..5], &[0xff; 3]].concat());
            assert!(matches!(Command::parse(body), Ok(Command::Unknown(_))), "{name}");
        }
    }

    #[test]
    fn a_command_is_forwarded_unchanged_to_peers_that_know_commands() {
        for body in [&b"\x09SUBSCRIBEa"[..], b"\x06CANCEL", b"\x04PING\0\x07abc", b"\x04PONGabc", b"\x01X"] {
            let command = Command::parse(Bytes::copy_from_slice(body)).unwrap();
            let mut out = BytesMut::new();
            command.encode(Version::V3_1, &mut out);
            assert_eq!(out[2..], *body);
            out.clear();
            command.encode(Version::V3_0, &mut out);
            let is_message = matches!(command, Command::Subscription(_));
            assert_eq!(out[0], if is_message { 0 } else { 4 });
            out.clear();
            command.encode(Version::V2_0, &mut out);
            assert_eq!(out.first().copied(), is_message.then_some(0));
        }
    }

    #[test]
    fn a_command_with_an_impossible_name_is_not_encoded() {
        let mut out = BytesMut::new();
        for len in [0, 256] {
            Command::Unknown(vec![b'X'; len].into()).encode(Version::V3_1, &mut out);
        }
        assert!(out.is_empty());
    }
}
