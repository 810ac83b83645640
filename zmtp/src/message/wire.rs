//! Canonical wire form: encoding it, and walking it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::header::FrameHeader;

/// Appends one frame.
#[inline]
pub(super) fn encode_frame(out: &mut BytesMut, body: &[u8], more: bool) {
    let header = FrameHeader::message(body.len(), more);
    out.reserve(header.frame_len());
    header.encode(out);
    out.put_slice(body);
}

/// Splits off the first frame: its body, whether another frame of the message follows, and the bytes behind it.
#[inline]
pub(super) fn split_frame(wire: &[u8]) -> (&[u8], bool, &[u8]) {
    match wire {
        // The fast path for a short frame, the most frequent.
        [more @ (0 | 1), len, rest @ ..] => {
            let (body, rest) = rest.split_at(usize::from(*len));
            (body, *more == 1, rest)
        }
        _ => split_long_frame(wire),
    }
}

#[inline(never)]
fn split_long_frame(wire: &[u8]) -> (&[u8], bool, &[u8]) {
    let header = match FrameHeader::parse(wire) {
        Ok(Some(header)) => header,
        // Wire form comes from the decoder or the encoder only, and both write whole frames.
        Ok(None) | Err(_) => unreachable!("wire form begins with a whole frame"),
    };
    let (body, rest) = wire[header.header_len()..].split_at(header.body_len());
    (body, header.more(), rest)
}

/// Returns the body of the first frame of the first message, and the bytes of all its frames.
#[inline]
pub(super) fn first_and_len(wire: &[u8]) -> (&[u8], usize) {
    let (first, mut more, mut rest) = split_frame(wire);
    while more {
        (_, more, rest) = split_frame(rest);
    }
    (first, wire.len() - rest.len())
}

/// Returns the bytes of the first message.
#[inline]
pub(super) fn message_len(wire: &[u8]) -> usize {
    first_and_len(wire).1
}

/// Returns the bytes up to and with the first empty frame, if another frame follows it.
#[inline]
pub(super) fn envelope_len(wire: &[u8]) -> Option<usize> {
    let mut rest = wire;
    loop {
        let (body, more, behind) = split_frame(rest);
        if !more {
            return None;
        }
        if body.is_empty() {
            return Some(wire.len() - behind.len());
        }
        rest = behind;
    }
}

/// Iterator over the bodies of a message's frames, in order.
#[derive(Clone, Debug)]
pub struct Frames<'a>(Source<'a>);

#[derive(Clone, Debug)]
enum Source<'a> {
    Wire(&'a [u8]),
    Parts(std::slice::Iter<'a, Bytes>),
}

impl<'a> Frames<'a> {
    pub(super) fn of_wire(wire: &'a [u8]) -> Self {
        Self(Source::Wire(wire))
    }

    pub(super) fn of_parts(parts: &'a [Bytes]) -> Self {
        Self(Source::Parts(parts.iter()))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        match &mut self.0 {
            Source::Wire([]) => None,
            Source::Wire(wire) => {
                let (body, _, rest) = split_frame(wire);
                *wire = rest;
                Some(body)
            }
            Source::Parts(parts) => parts.next().map(|body| &body[..]),
        }
    }
}
