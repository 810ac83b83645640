//! The states of the NULL handshake (RFC 37, "The NULL Security Mechanism").

use bytes::{Bytes, BytesMut};

use super::{HandshakeError, Local, Peer};
use crate::{Command, FrameError, FrameHeader, Greeting, Limits, Metadata, SocketType};

const SOCKET_TYPE: &str = "Socket-Type";
const IDENTITY: &str = "Identity";
const MAX_IDENTITY: usize = 255;

/// Our greeting is out; the peer's is to come.
#[derive(Debug)]
pub(super) struct ExpectGreeting {
    local: Local,
}

impl ExpectGreeting {
    pub(super) fn new(local: Local) -> Self {
        Self { local }
    }

    /// READY goes out at once: with NULL neither end waits for the other's.
    pub(super) fn handle_greeting(self, greeting: Greeting, output: &mut BytesMut) -> ExpectReady {
        let Local { socket_type, identity } = self.local;
        let mut metadata = Metadata::default();
        metadata.push(SOCKET_TYPE, socket_type.name().as_bytes());
        if socket_type.announces_identity() {
            metadata.push(IDENTITY, &identity);
        }
        Command::put_ready(&metadata, output);
        ExpectReady { ours: socket_type, greeting }
    }
}

/// Our READY is out; the peer's, or its ERROR, is to come.
#[derive(Debug)]
pub(super) struct ExpectReady {
    ours: SocketType,
    greeting: Greeting,
}

impl ExpectReady {
    pub(super) fn handle_command(
        self,
        command: Command,
        output: &mut BytesMut,
    ) -> Result<Peer, HandshakeError> {
        let metadata = match command {
            Command::Ready(metadata) => metadata,
            Command::Error(reason) => {
                return Err(HandshakeError::Refused { reason: reason.escape_ascii().to_string() });
            }
            _ => return Err(HandshakeError::Unexpected),
        };
        let checked = self.check(metadata);
        if let Err(error) = &checked {
            Command::put_error(&error.to_string(), output);
        }
        checked
    }

    fn check(self, metadata: Metadata) -> Result<Peer, HandshakeError> {
        let socket_type = match metadata.get(SOCKET_TYPE) {
            None => None,
            Some(name) => match SocketType::try_from(name) {
                Ok(theirs) if theirs.is_compatible(self.ours) => Some(theirs),
                _ => {
                    let theirs = name[..name.len().min(32)].escape_ascii().to_string();
                    return Err(HandshakeError::SocketType { theirs, ours: self.ours });
                }
            },
        };
        let identity = match metadata.get(IDENTITY).unwrap_or_default() {
            long if long.len() > MAX_IDENTITY => return Err(HandshakeError::Identity { len: long.len() }),
            // A leading zero is for the identities that a ROUTER makes up itself.
            [0, ..] => Bytes::new(),
            identity => Bytes::copy_from_slice(identity),
        };
        Ok(Peer { minor: self.greeting.minor, socket_type, identity, metadata })
    }
}

/// Takes one command frame off the front; `Ok(None)` when it isn't whole yet.
pub(super) fn take_command(input: &mut BytesMut) -> Result<Option<Command>, HandshakeError> {
    let Some(header) = FrameHeader::parse(input)? else {
        return Ok(None);
    };
    if !header.is_command() {
        return Err(HandshakeError::Unexpected);
    }
    let (announced, limit) = (header.frame_len(), Limits::default().command);
    if announced > limit {
        return Err(FrameError::CommandTooLarge { announced, limit }.into());
    }
    if input.len() < announced {
        return Ok(None);
    }
    // Detached: the metadata outlives the octets that arrived beside it.
    let frame = input.split_to(announced);
    Ok(Some(Command::parse(Bytes::copy_from_slice(&frame[header.header_len()..]))?))
}
