//! NULL (RFC 37, "The NULL Security Mechanism"): both ends send READY, and neither waits for the other's.

use bytes::BytesMut;

use super::command::{READY, Received, put_metadata, tell};
use super::{Ask, Expect, HandshakeError, Local, Next, Peer};
use crate::{Credentials, SocketType, User, Version};

pub(super) fn start(local: Local, version: Version) -> Next {
    Next::Ask(Credentials::Null, Box::new(Asked { local, version }))
}

/// The greetings are exchanged. Whoever is at that address may come in, or not.
#[derive(Debug)]
struct Asked {
    local: Local,
    version: Version,
}

impl Ask for Asked {
    fn admit(self: Box<Self>, user: User, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        put_metadata(READY, &self.local.to_metadata(), out);
        Ok(Next::Expect(Box::new(ExpectReady { ours: self.local.socket_type, version: self.version, user })))
    }

    fn may_peer_speak(&self) -> bool {
        true
    }
}

/// Our READY is out; the peer's, or its ERROR, is to come.
#[derive(Debug)]
struct ExpectReady {
    ours: SocketType,
    version: Version,
    user: User,
}

impl Expect for ExpectReady {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let metadata = command.named_or_error(READY)?.metadata()?;
        let peer = Peer::introduced(self.ours, self.version, self.user, metadata);
        Ok(Next::complete(tell(peer, out)?, None))
    }
}
