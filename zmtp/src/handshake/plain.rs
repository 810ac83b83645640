//! PLAIN (RFC 24): a name and a password in clear, which the server accepts or denies.
//!
//! ```text
//!    client                                          server
//!    HELLO name, password ─────────────────────────► │  decides
//!    │ ◄────────────────────────────────── WELCOME ──│  or ERROR
//!    INITIATE metadata ────────────────────────────► │
//!    │ ◄─────────────────────────── READY metadata ──│  or ERROR
//! ```

use bytes::{Bytes, BytesMut};

use crate::command::error::CommandError;
use crate::command::name::CommandName;
use crate::command::wire::encode_command;
use crate::greeting::Version;
use crate::handshake::command::{Received, encode_metadata, or_send_error};
use crate::handshake::error::HandshakeError;
use crate::handshake::properties::{LocalProperties, PeerProperties};
use crate::handshake::state::{AwaitCommand, AwaitVerdict, Next};
use crate::security::credentials::{Credentials, PlainCredentials};
use crate::security::verdict::User;
use crate::socket_type::SocketType;

pub(super) fn start_client(
    local: LocalProperties,
    version: Version,
    login: &PlainCredentials,
    out: &mut BytesMut,
) -> Next {
    let (username, password) = (login.username(), login.password().expose());
    // Neither is longer than 255 bytes: `PlainCredentials` ensures it.
    let lengths = [username.len() as u8, password.len() as u8];
    encode_command(CommandName::Hello.as_bytes(), &[&lengths[..1], username, &lengths[1..], password], out);
    Next::AwaitCommand(Box::new(AwaitWelcome { local, version }))
}

/// State of the client after HELLO.
#[derive(Debug)]
struct AwaitWelcome {
    local: LocalProperties,
    version: Version,
}

impl AwaitCommand for AwaitWelcome {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let mut welcome = command.named_or_error(CommandName::Welcome)?;
        if !welcome.data().is_empty() {
            return Err(CommandError::Malformed(CommandName::Welcome).into());
        }
        encode_metadata(CommandName::Initiate, &self.local.to_metadata(), out);
        Ok(Next::AwaitCommand(Box::new(AwaitReady { ours: self.local.socket_type, version: self.version })))
    }
}

/// State of the client after INITIATE. An error in READY isn't reported to the server: clients send no ERROR.
#[derive(Debug)]
struct AwaitReady {
    ours: SocketType,
    version: Version,
}

impl AwaitCommand for AwaitReady {
    fn handle(self: Box<Self>, command: Received, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        let metadata = command.named_or_error(CommandName::Ready)?.metadata()?;
        let peer = PeerProperties::introduced(self.ours, self.version, User::default(), metadata)?;
        Ok(Next::complete(peer, None))
    }
}

pub(super) fn start_server(local: LocalProperties, version: Version) -> Next {
    Next::AwaitCommand(Box::new(AwaitHello { local, version }))
}

/// State of the server before HELLO.
#[derive(Debug)]
struct AwaitHello {
    local: LocalProperties,
    version: Version,
}

impl AwaitCommand for AwaitHello {
    fn handle(self: Box<Self>, command: Received, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        let login = parse_hello(command.named(CommandName::Hello)?.data())
            .ok_or(CommandError::Malformed(CommandName::Hello))?;
        let undecided = Undecided { local: self.local, version: self.version };
        Ok(Next::NeedVerdict(Credentials::Plain(login), Box::new(undecided)))
    }
}

/// Reads a name and a password, each behind its length; `None` if they don't fill the data exactly.
fn parse_hello(data: &[u8]) -> Option<PlainCredentials> {
    let (len, rest) = data.split_first()?;
    let (username, rest) = rest.split_at_checked(usize::from(*len))?;
    let (len, password) = rest.split_first()?;
    if password.len() != usize::from(*len) {
        return None;
    }
    PlainCredentials::new(Bytes::copy_from_slice(username), password).ok()
}

/// State of the server after HELLO, until the verdict.
#[derive(Debug)]
struct Undecided {
    local: LocalProperties,
    version: Version,
}

impl AwaitVerdict for Undecided {
    fn admit(self: Box<Self>, user: User, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let Self { local, version } = *self;
        encode_command(CommandName::Welcome.as_bytes(), &[], out);
        Ok(Next::AwaitCommand(Box::new(AwaitInitiate { local, version, user })))
    }
}

/// State of the server after WELCOME.
#[derive(Debug)]
struct AwaitInitiate {
    local: LocalProperties,
    version: Version,
    user: User,
}

impl AwaitCommand for AwaitInitiate {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let metadata = command.named(CommandName::Initiate)?.metadata()?;
        let peer = PeerProperties::introduced(self.local.socket_type, self.version, self.user, metadata);
        let peer = or_send_error(peer, out)?;
        encode_metadata(CommandName::Ready, &self.local.to_metadata(), out);
        Ok(Next::complete(peer, None))
    }
}
