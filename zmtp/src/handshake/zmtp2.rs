//! Peers of ZMTP 2.0 (RFC 15), as libzmq 3.x is. They are served if [`zmtp2`](crate::HandshakeConfig::zmtp2) is set,
//! and without any mechanism.
//!
//! Behind the version each end sends one byte for its socket type, and its identity in a frame.
//!
//! The accepting end waits for the peer's socket type, so that a peer of an incompatible type isn't sent anything and
//! sends no messages. The accepting end can't wait for the identity too: libzmq 3.x sends its identity only after it
//! has our socket type.

use bytes::{Buf, BufMut, BytesMut};

use crate::frame::header::FrameHeader;
use crate::greeting::Version;
use crate::handshake::error::HandshakeError;
use crate::handshake::properties::{LocalProperties, PeerProperties, checked_identity};
use crate::handshake::state::{AwaitVerdict, Next};
use crate::metadata::Metadata;
use crate::security::verdict::{DenyReason, User};
use crate::socket_type::SocketType;

/// Socket types by their number on the wire.
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

/// Starts when the peer's version is known. The connecting end introduces itself at once.
pub(super) fn start(local: LocalProperties, is_acceptor: bool, out: &mut BytesMut) -> AwaitType {
    if !is_acceptor {
        introduce(&local, out);
    }
    AwaitType { local, is_introduced: !is_acceptor }
}

/// Appends the socket type and the identity, which follow signature and version.
fn introduce(local: &LocalProperties, out: &mut BytesMut) {
    let number = NUMBERED.iter().position(|kind| *kind == local.socket_type);
    out.put_u8(number.map_or(u8::MAX, |number| number as u8));
    let identity = if local.socket_type.announces_identity() { &local.identity[..] } else { &[] };
    FrameHeader::message(identity.len(), false).encode(out);
    out.put_slice(identity);
}

/// State before the peer's socket type.
#[derive(Debug)]
pub(super) struct AwaitType {
    local: LocalProperties,
    /// Whether this end has introduced itself.
    is_introduced: bool,
}

impl AwaitType {
    /// Takes the socket type off the front, and introduces this end to a peer that fits. `Ok(None)` when the type
    /// hasn't arrived yet.
    pub(super) fn take(
        &self,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Option<AwaitIdentity>, HandshakeError> {
        let ours = self.local.socket_type;
        let Some(&number) = input.first() else {
            return Ok(None);
        };
        let theirs = NUMBERED.get(usize::from(number)).copied();
        let Some(socket_type) = theirs.filter(|theirs| theirs.is_compatible(ours)) else {
            let theirs = theirs.map_or_else(|| format!("number {number}"), |theirs| theirs.to_string());
            return Err(HandshakeError::SocketType { theirs, ours });
        };
        input.advance(1);
        if !self.is_introduced {
            introduce(&self.local, out);
        }
        Ok(Some(AwaitIdentity(socket_type)))
    }
}

/// State before the peer's identity, with the peer's socket type.
#[derive(Debug)]
pub(super) struct AwaitIdentity(SocketType);

impl AwaitIdentity {
    /// Takes the identity off the front; `Ok(None)` when it isn't whole yet.
    pub(super) fn take(&self, input: &mut BytesMut) -> Result<Option<PeerProperties>, HandshakeError> {
        let Some(header) = FrameHeader::parse(input)? else {
            return Ok(None);
        };
        if header.is_command() || header.more() {
            return Err(HandshakeError::Message);
        }
        if header.body_len() > 255 {
            return Err(HandshakeError::Identity { len: header.body_len() });
        }
        if input.len() < header.frame_len() {
            return Ok(None);
        }
        let identity = checked_identity(&input[header.header_len()..header.frame_len()])?;
        input.advance(header.frame_len());
        let (metadata, user) = (Metadata::default(), Default::default());
        Ok(Some(PeerProperties {
            version: Version::V2_0,
            socket_type: Some(self.0),
            identity,
            metadata,
            user,
        }))
    }
}

/// State after the introduction, until the verdict about the peer's address. ZMTP 2.0 has no command for a denial.
#[derive(Debug)]
pub(super) struct Undecided(pub(super) PeerProperties);

impl AwaitVerdict for Undecided {
    fn admit(self: Box<Self>, user: User, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        Ok(Next::complete(PeerProperties { user, ..self.0 }, None))
    }

    fn deny(&self, _: DenyReason, _: &mut BytesMut) {}

    fn may_peer_speak(&self) -> bool {
        true
    }
}
