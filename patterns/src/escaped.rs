//! Bytes of a peer in a log line.

use std::fmt;

/// Bytes that a peer has chosen (an identity, a topic, a user's name, metadata), as a log line shows them: in quotes,
/// escaped like a byte string of Rust, so that no peer can write control characters into a log. At most 64 bytes are
/// shown, since a peer may choose many.
///
/// ```
/// use enfonet::monitor::Escaped;
///
/// assert_eq!(Escaped(b"ada\x1b[2J\n").to_string(), r#""ada\x1b[2J\n""#);
/// assert_eq!(Escaped(&[b'a'; 65]).to_string(), format!("\"{}…\" (65 bytes)", "a".repeat(64)));
/// ```
#[derive(Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

/// Maximum bytes that are shown.
const MAX_SHOWN_BYTES: usize = 64;

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = self;
        match bytes.get(..MAX_SHOWN_BYTES).filter(|shown| shown.len() < bytes.len()) {
            None => write!(f, "\"{}\"", bytes.escape_ascii()),
            Some(shown) => write!(f, "\"{}…\" ({} bytes)", shown.escape_ascii(), bytes.len()),
        }
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
