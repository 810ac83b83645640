//! NULL (RFC 37, "The NULL Security Mechanism"): both ends send READY.
//!
//! The RFC leaves open which end goes first. The connecting end never waits. The accepting end waits for the peer's
//! READY, so that it can reject the peer before that takes the connection for one that is there.

use bytes::BytesMut;

use super::command::{READY, Received, encode_metadata, tell};
use super::{Ask, Expect, HandshakeError, Local, Next, Peer};
use crate::{Credentials, SocketType, User, Version};

pub(super) fn start(local: Local, version: Version, is_acceptor: bool) -> Next {
    let asked: Box<dyn Ask> = if is_acceptor {
        Box::new(AcceptorAsked { local, version })
    } else {
        Box::new(ConnectorAsked { local, version })
    };
    Next::Ask(Credentials::Null, asked)
}

/// The connecting end after the greetings. The authenticator decides about the peer's address.
#[derive(Debug)]
struct ConnectorAsked {
    local: Local,
    version: Version,
}

impl Ask for ConnectorAsked {
    fn admit(self: Box<Self>, user: User, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        encode_metadata(READY, &self.local.to_metadata(), out);
        Ok(Next::Expect(Box::new(ExpectAnswer { ours: self.local.socket_type, version: self.version, user })))
    }

    fn may_peer_speak(&self) -> bool {
        true
    }
}

/// Our READY is out; the peer's, or its ERROR, is to come.
#[derive(Debug)]
struct ExpectAnswer {
    ours: SocketType,
    version: Version,
    user: User,
}

impl Expect for ExpectAnswer {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let peer = introduced(command, self.ours, self.version, self.user, out)?;
        Ok(Next::complete(peer, None))
    }
}

/// The accepting end after the greetings. The authenticator decides about the peer's address.
#[derive(Debug)]
struct AcceptorAsked {
    local: Local,
    version: Version,
}

impl Ask for AcceptorAsked {
    fn admit(self: Box<Self>, user: User, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        Ok(Next::Expect(Box::new(ExpectFirst { local: self.local, version: self.version, user })))
    }

    fn may_peer_speak(&self) -> bool {
        true
    }
}

/// The peer's READY, or its ERROR, comes before our READY.
#[derive(Debug)]
struct ExpectFirst {
    local: Local,
    version: Version,
    user: User,
}

impl Expect for ExpectFirst {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let peer = introduced(command, self.local.socket_type, self.version, self.user, out)?;
        encode_metadata(READY, &self.local.to_metadata(), out);
        Ok(Next::complete(peer, None))
    }
}

/// Reads the peer's READY. A peer that doesn't fit is told so.
fn introduced(
    command: Received,
    ours: SocketType,
    version: Version,
    user: User,
    out: &mut BytesMut,
) -> Result<Peer, HandshakeError> {
    let metadata = command.named_or_error(READY)?.metadata()?;
    tell(Peer::introduced(ours, version, user, metadata), out)
}
