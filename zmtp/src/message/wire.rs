//! Walking canonical wire form: octets that the decoder, or we, have already put into order.

use bytes::{BufMut, Bytes, BytesMut};

use crate::FrameHeader;

/// Appends one frame.
#[inline]
pub(super) fn put_frame(out: &mut BytesMut, body: &[u8], more: bool) {
    let header = FrameHeader::message(body.len(), more);
    out.reserve(header.frame_len());
    header.put(out);
    out.put_slice(body);
}

/// The header that `wire` begins with, and what stands behind it.
#[inline]
pub(super) fn split_header(wire: &[u8]) -> (FrameHeader, &[u8]) {
    let header = match FrameHeader::parse(wire) {
        Ok(Some(header)) => header,
        // Wire form is made by the decoder or the encoder only; both write whole frames.
        Ok(None) | Err(_) => unreachable!("wire form begins with a whole frame"),
    };
    (header, &wire[header.header_len()..])
}

/// Octets of the message that `wire` begins with.
#[inline]
pub(super) fn message_len(wire: &[u8]) -> usize {
    // The common message, one short frame, without the general walk.
    if let [0, len, ..] = wire {
        return 2 + usize::from(*len);
    }
    let mut at = 0;
    loop {
        let (header, _) = split_header(&wire[at..]);
        at += header.frame_len();
        if !header.more() {
            return at;
        }
    }
}

/// Octets up to and with the first empty frame, if another frame follows it.
pub(super) fn envelope_len(wire: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let (header, _) = split_header(&wire[at..]);
        at += header.frame_len();
        if !header.more() {
            return None;
        }
        if header.body_len() == 0 {
            return Some(at);
        }
    }
}

/// The bodies of a message's frames, in order.
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
                let (header, rest) = split_header(wire);
                let (body, rest) = rest.split_at(header.body_len());
                *wire = rest;
                Some(body)
            }
            Source::Parts(parts) => parts.next().map(|body| &body[..]),
        }
    }
}
