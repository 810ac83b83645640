//! NULL (RFC 37, "The NULL Security Mechanism"): both ends send READY.
//!
//! The RFC leaves open which end goes first. The connecting end never waits. The accepting end waits for the peer's
//! READY, so that it can reject the peer before the peer takes the connection for established.

use bytes::BytesMut;

use crate::command::name::CommandName;
use crate::greeting::Version;
use crate::handshake::command::{Received, encode_metadata, or_send_error};
use crate::handshake::error::HandshakeError;
use crate::handshake::properties::{LocalProperties, PeerProperties};
use crate::handshake::state::{AwaitCommand, AwaitVerdict, Next};
use crate::security::credentials::Credentials;
use crate::security::verdict::User;
use crate::socket_type::SocketType;

pub(super) fn start(local: LocalProperties, version: Version, is_acceptor: bool) -> Next {
    let undecided: Box<dyn AwaitVerdict> = if is_acceptor {
        Box::new(AcceptorUndecided { local, version })
    } else {
        Box::new(ConnectorUndecided { local, version })
    };
    Next::NeedVerdict(Credentials::Null, undecided)
}

/// State of the connecting end after the greetings. The authenticator decides about the peer's address.
#[derive(Debug)]
struct ConnectorUndecided {
    local: LocalProperties,
    version: Version,
}

impl AwaitVerdict for ConnectorUndecided {
    fn admit(self: Box<Self>, user: User, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        encode_metadata(CommandName::Ready, &self.local.to_metadata(), out);
        Ok(Next::AwaitCommand(Box::new(AwaitAnswer {
            ours: self.local.socket_type,
            version: self.version,
            user,
        })))
    }

    fn may_peer_speak(&self) -> bool {
        true
    }
}

/// State after our READY: the peer's READY or ERROR comes next.
#[derive(Debug)]
struct AwaitAnswer {
    ours: SocketType,
    version: Version,
    user: User,
}

impl AwaitCommand for AwaitAnswer {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let peer = introduced(command, self.ours, self.version, self.user, out)?;
        Ok(Next::complete(peer, None))
    }
}

/// State of the accepting end after the greetings. The authenticator decides about the peer's address.
#[derive(Debug)]
struct AcceptorUndecided {
    local: LocalProperties,
    version: Version,
}

impl AwaitVerdict for AcceptorUndecided {
    fn admit(self: Box<Self>, user: User, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        Ok(Next::AwaitCommand(Box::new(AwaitFirst { local: self.local, version: self.version, user })))
    }

    fn may_peer_speak(&self) -> bool {
        true
    }
}

/// State before our READY: the peer's READY or ERROR comes first.
#[derive(Debug)]
struct AwaitFirst {
    local: LocalProperties,
    version: Version,
    user: User,
}

impl AwaitCommand for AwaitFirst {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let peer = introduced(command, self.local.socket_type, self.version, self.user, out)?;
        encode_metadata(CommandName::Ready, &self.local.to_metadata(), out);
        Ok(Next::complete(peer, None))
    }
}

/// Reads the peer's READY. Appends ERROR if the properties don't fit.
fn introduced(
    command: Received,
    ours: SocketType,
    version: Version,
    user: User,
    out: &mut BytesMut,
) -> Result<PeerProperties, HandshakeError> {
    let metadata = command.named_or_error(CommandName::Ready)?.metadata()?;
    or_send_error(PeerProperties::introduced(ours, version, user, metadata), out)
}
