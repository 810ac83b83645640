//! Metadata: the properties that the ends announce in the handshake (RFC 37, "Metadata").

use bytes::{BufMut, Bytes, BytesMut};

/// A list of properties, which are names with values, checked and kept in wire form.
///
/// ```
/// use enfonet_zmtp::Metadata;
///
/// let mut metadata = Metadata::default();
/// metadata.push("Socket-Type", b"PUB");
/// assert_eq!(metadata.get("socket-type"), Some(&b"PUB"[..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Bytes);

impl Metadata {
    /// Checks that `wire` is a list of whole properties.
    ///
    /// # Errors
    /// [`MetadataError`] when a name is empty, or a name, length or value is cut off.
    pub fn parse(wire: Bytes) -> Result<Self, MetadataError> {
        let mut rest = &wire[..];
        while !rest.is_empty() {
            (_, _, rest) = split_property(rest).ok_or(MetadataError)?;
        }
        Ok(Self(wire))
    }

    /// Adds a property. The name has 1 to 255 bytes of `[A-Za-z0-9-_.+]`, the value fewer than 2^31.
    ///
    /// # Panics
    /// When the name's or value's length is out of range: names are constants of a program.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        let name_len = u8::try_from(name.len()).ok().filter(|len| *len > 0);
        let value_len = u32::try_from(value.len()).ok().filter(|len| len >> 31 == 0);
        let mut wire = BytesMut::from(&self.0[..]);
        wire.put_u8(name_len.expect("a property's name has 1 to 255 bytes"));
        wire.put_slice(name.as_bytes());
        wire.put_u32(value_len.expect("a property's value has fewer than 2^31 bytes"));
        wire.put_slice(value);
        self.0 = wire.freeze();
    }

    /// Appends all properties of another list.
    pub fn append(&mut self, other: &Self) {
        if !other.0.is_empty() {
            self.0 = [&self.0[..], &other.0].concat().into();
        }
    }

    /// Returns the properties, names and values, in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (name, value, next) = split_property(rest)?;
            rest = next;
            Some((name, value))
        })
    }

    /// Returns the value of the first property of this name. Names are compared without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Returns the wire form.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }
}

/// Splits off the first property: its name, its value, and the wire form behind it. Each has its length before it, of
/// one byte and of four.
fn split_property(wire: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name_len, rest) = wire.split_first().filter(|(len, _)| **len > 0)?;
    let (name, rest) = rest.split_at_checked(usize::from(*name_len))?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*value_len) as usize)?;
    Some((name, value, rest))
}

/// Error of metadata that isn't a list of whole properties. The peer is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("peer sent malformed metadata")]
pub struct MetadataError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_keep_their_order_and_the_first_of_a_name_counts() {
        let mut metadata = Metadata::default();
        metadata.push("A", b"1");
        metadata.push("Empty", b"");
        metadata.push("a", b"2");
        let again = Metadata::parse(Bytes::copy_from_slice(metadata.as_wire())).unwrap();
        assert_eq!(again.get("a"), Some(&b"1"[..]));
        assert_eq!(again.get("empty"), Some(&b""[..]));
        assert_eq!(again.get("b"), None);
        assert_eq!(again.iter().count(), 3);
    }

    #[test]
    fn a_property_has_a_name_of_1_to_255_bytes() {
        Metadata::default().push(&"n".repeat(255), b"");
        for name in [String::new(), "n".repeat(256)] {
            let pushed = std::panic::catch_unwind(|| Metadata::default().push(&name, b""));
            assert!(pushed.is_err(), "{}", name.len());
        }
    }

    #[test]
    fn cut_off_metadata_is_an_error() {
        let whole = b"\x01A\x00\x00\x00\x02xy";
        for end in 1..whole.len() {
            assert_eq!(Metadata::parse(Bytes::copy_from_slice(&whole[..end])), Err(MetadataError), "{end}");
        }
        assert!(Metadata::parse(Bytes::from_static(whole)).is_ok());
        assert_eq!(Metadata::parse(Bytes::from_static(b"\0\0\0\0\0")), Err(MetadataError));
        assert_eq!(Metadata::parse(Bytes::from_static(b"\x01A\xff\xff\xff\xff")), Err(MetadataError));
    }
}
