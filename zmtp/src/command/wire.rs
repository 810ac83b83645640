//! The form of every command on the wire: a name behind its length, then data.

use bytes::{BufMut, BytesMut};

use crate::command::error::CommandError;
use crate::frame::header::FrameHeader;

/// Splits the body of a command into its name and the data behind it.
pub(crate) fn split_name(body: &[u8]) -> Result<(&[u8], &[u8]), CommandError> {
    let (len, rest) = body.split_first().filter(|(len, _)| **len > 0).ok_or(CommandError::Name)?;
    rest.split_at_checked(usize::from(*len)).ok_or(CommandError::Name)
}

/// Appends a command frame made of a name and the parts of its data.
pub(crate) fn encode_command(name: &[u8], data: &[&[u8]], out: &mut BytesMut) {
    let data_len: usize = data.iter().map(|part| part.len()).sum();
    let header = FrameHeader::command(1 + name.len() + data_len);
    out.reserve(header.frame_len());
    header.encode(out);
    out.put_u8(name.len() as u8);
    out.put_slice(name);
    for part in data {
        out.put_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_takes_the_long_form() {
        let mut out = BytesMut::new();
        encode_command(b"X", &[&[0; 100], &[0; 154]], &mut out);
        assert_eq!(out[..2], [0x06, 0]);
        assert_eq!(out[..11], [0x06, 0, 0, 0, 0, 0, 0, 1, 0, 1, b'X']);
        out.clear();
        encode_command(b"X", &[&[0; 253]], &mut out);
        assert_eq!(out[..4], [0x04, 0xff, 1, b'X']);
    }
}
