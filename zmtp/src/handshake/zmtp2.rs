//! Peers of ZMTP 2.0 (RFC 15), as libzmq 3.x is: served if that is asked for, and without any mechanism.
//!
//! Behind the version each end sends one octet for the kind of its socket, and its identity in a frame.

use bytes::{Buf, BufMut, BytesMut};

use super::introduction::checked_identity;
use super::{Ask, HandshakeError, Local, Next, Peer};
use crate::{Denial, FrameHeader, Metadata, SocketType, User, Version};

/// The number of a kind is its place here.
const NUMBERED: [SocketType; 11] = [
    SocketType::Pair,
    SocketType::Pub,
    SocketType::Sub,
    SocketType::Req,
    SocketType::Rep,
    SocketType::Dealer,
    SocketType::Router,
    SocketType::Pull,
    SocketType::Push,
    SocketType::XPub,
    SocketType::XSub,
];

/// Appends what follows our signature and version.
pub(super) fn introduce(local: &Local, out: &mut BytesMut) {
    let number = NUMBERED.iter().position(|kind| *kind == local.socket_type);
    out.put_u8(number.map_or(u8::MAX, |number| number as u8));
    let identity = if local.socket_type.announces_identity() { &local.identity[..] } else { &[] };
    FrameHeader::message(identity.len(), false).put(out);
    out.put_slice(identity);
}

/// Takes what follows the peer's version; `Ok(None)` when it isn't whole yet.
pub(super) fn take_peer(ours: SocketType, input: &mut BytesMut) -> Result<Option<Peer>, HandshakeError> {
    let Some((number, rest)) = input.split_first() else {
        return Ok(None);
    };
    let theirs = NUMBERED.get(usize::from(*number)).copied();
    let Some(socket_type) = theirs.filter(|theirs| theirs.is_compatible(ours)) else {
        let theirs = theirs.map_or_else(|| format!("number {number}"), |theirs| theirs.to_string());
        return Err(HandshakeError::SocketType { theirs, ours });
    };
    let Some(header) = FrameHeader::parse(rest)? else {
        return Ok(None);
    };
    if header.is_command() || header.more() {
        return Err(HandshakeError::Message);
    }
    if header.body_len() > 255 {
        return Err(HandshakeError::Identity { len: header.body_len() });
    }
    if rest.len() < header.frame_len() {
        return Ok(None);
    }
    let identity = checked_identity(&rest[header.header_len()..header.frame_len()])?;
    input.advance(1 + header.frame_len());
    let (metadata, user) = (Metadata::default(), Default::default());
    Ok(Some(Peer { version: Version::V2_0, socket_type: Some(socket_type), identity, metadata, user }))
}

/// Whoever is at that address may come in, or not: there is no command to say so.
#[derive(Debug)]
pub(super) struct Asked(pub(super) Peer);

impl Ask for Asked {
    fn admit(self: Box<Self>, user: User, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        Ok(Next::complete(Peer { user, ..self.0 }, None))
    }

    fn deny(&self, _: Denial, _: &mut BytesMut) {}

    fn may_peer_speak(&self) -> bool {
        true
    }
}
