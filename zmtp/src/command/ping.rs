//! PING, which asks the peer for a PONG (RFC 37, "Connection Heartbeating").

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use crate::command::name::CommandName;
use crate::command::wire::encode_command;

const MAX_CONTEXT: usize = 16;

/// A PING command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Tenths of a second without traffic after which the receiver may close the connection; 0: no limit.
    pub ttl: u16,
    /// Bytes that the PONG returns; at most 16.
    pub context: Bytes,
}

impl Ping {
    /// Reads the data of a PING; `None` when the two bytes of the TTL aren't there. A context longer than allowed is
    /// cut, as libzmq does.
    pub(super) fn parse(mut data: Bytes) -> Option<Self> {
        let ttl = data.try_get_u16().ok()?;
        data.truncate(MAX_CONTEXT);
        Some(Self { ttl, context: data })
    }

    /// Returns the TTL as a duration; `None` when the sender sets no limit.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        (self.ttl > 0).then(|| Duration::from_millis(u64::from(self.ttl) * 100))
    }

    /// Appends the PING command frame.
    pub fn encode(&self, out: &mut BytesMut) {
        encode_command(
            CommandName::Ping.as_bytes(),
            &[&self.ttl.to_be_bytes(), &self.context[..self.context.len().min(MAX_CONTEXT)]],
            out,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::error::CommandError;
    use crate::command::traffic::Command;

    fn parse(body: &[u8]) -> Result<Command, CommandError> {
        Command::parse(Bytes::copy_from_slice(body))
    }

    #[test]
    fn a_pong_returns_the_context_which_is_cut_at_16_bytes() {
        let Ok(Command::Ping(ping)) = parse(b"\x04PING\x00\x00LOL") else { panic!() };
        let mut out = BytesMut::new();
        Command::encode_pong(&ping.context, &mut out);
        assert_eq!(&out[..], b"\x04\x08\x04PONGLOL");
        let Ok(Command::Ping(ping)) = parse(&[b"\x04PING\x00\x00", &[7; 65][..]].concat()) else { panic!() };
        assert_eq!(ping.context, [7; 16][..]);
    }

    #[test]
    fn the_ttl_counts_tenths_of_a_second_beyond_16_bits_of_milliseconds() {
        let ping = Ping { ttl: 700, context: Bytes::new() };
        assert_eq!(ping.ttl(), Some(Duration::from_secs(70)));
        assert_eq!(Ping { ttl: 0, ..ping.clone() }.ttl(), None);
        let mut out = BytesMut::new();
        ping.encode(&mut out);
        assert_eq!(&out[..], b"\x04\x07\x04PING\x02\xbc");
        assert_eq!(parse(&out[2..]), Ok(Command::Ping(ping)));
    }

    #[test]
    fn a_ping_without_a_whole_ttl_is_malformed() {
        assert_eq!(parse(b"\x04PING"), Err(CommandError::Malformed(CommandName::Ping)));
        assert_eq!(parse(b"\x04PING\x00"), Err(CommandError::Malformed(CommandName::Ping)));
    }
}
