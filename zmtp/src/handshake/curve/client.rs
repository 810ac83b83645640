//! The client's side of CURVE.

use bytes::{Bytes, BytesMut};
use enfonet_secretbox::Key;

use crate::command::name::CommandName;
use crate::command::wire::encode_command;
use crate::curve::boxes::{LONG_NONCE, OVERHEAD, SHORT_NONCE, agree, long_nonce, short_nonce};
use crate::curve::error::CurveError;
use crate::curve::traffic::{Side, pair};
use crate::greeting::Version;
use crate::handshake::command::Received;
use crate::handshake::curve::layout::{
    COOKIE, HELLO_NONCE, INITIATE_NONCE, KEY, PADDING, READY_NONCE, SIGNATURE, VERSION, VOUCH_NONCE,
    WELCOME_BOX, WELCOME_NONCE, length, take,
};
use crate::handshake::entropy::Entropy;
use crate::handshake::error::HandshakeError;
use crate::handshake::properties::{LocalProperties, PeerProperties};
use crate::handshake::state::{AwaitCommand, Next};
use crate::metadata::Metadata;
use crate::security::keys::{KeyPair, PublicKey, SecretKey};
use crate::security::verdict::User;
use crate::socket_type::SocketType;

/// Nonces of the client's commands: they go up by one with each command.
const HELLO_NUMBER: u64 = 1;
const INITIATE_NUMBER: u64 = 2;

/// Appends HELLO: the proof that this client knows the server's key, and a key made for the connection.
pub(in crate::handshake) fn start(
    local: LocalProperties,
    version: Version,
    keys: KeyPair,
    server: PublicKey,
    entropy: &Entropy,
    out: &mut BytesMut,
) -> Result<Next, HandshakeError> {
    let short_term = KeyPair::new(SecretKey::from_bytes(*entropy.key()));
    let hello = agree(short_term.secret(), &server).map_err(|_| CurveError::WeakKey)?;
    let mut signature = BytesMut::new();
    hello.seal(&short_nonce(HELLO_NONCE, HELLO_NUMBER), &[&SIGNATURE], &mut signature);
    let number = HELLO_NUMBER.to_be_bytes();
    let parts = [&VERSION[..], &[0; PADDING], short_term.public().as_bytes(), &number, &signature];
    encode_command(CommandName::Hello.as_bytes(), &parts, out);
    let vouch_nonce = *entropy.nonce();
    let state = AwaitWelcome { local, version, keys, server, short_term, hello, vouch_nonce };
    Ok(Next::AwaitCommand(Box::new(state)))
}

/// State of the client after HELLO.
#[derive(Debug)]
struct AwaitWelcome {
    local: LocalProperties,
    version: Version,
    keys: KeyPair,
    server: PublicKey,
    short_term: KeyPair,
    hello: Key,
    vouch_nonce: [u8; LONG_NONCE],
}

impl AwaitCommand for AwaitWelcome {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let mut command = command.named_or_error(CommandName::Welcome)?;
        let (server, cookie) = self.open_welcome(&mut command)?;
        let key = agree(self.short_term.secret(), &server)?;
        let mut vouch = BytesMut::new();
        let nonce = long_nonce(VOUCH_NONCE, &self.vouch_nonce);
        let vouched = [&self.short_term.public().as_bytes()[..], self.server.as_bytes()];
        agree(self.keys.secret(), &server)?.seal(&nonce, &vouched, &mut vouch);
        let mut boxed = BytesMut::new();
        let metadata = self.local.to_metadata();
        let parts = [&self.keys.public().as_bytes()[..], &self.vouch_nonce, &vouch, metadata.as_wire()];
        key.seal(&short_nonce(INITIATE_NONCE, INITIATE_NUMBER), &parts, &mut boxed);
        encode_command(
            CommandName::Initiate.as_bytes(),
            &[&cookie, &INITIATE_NUMBER.to_be_bytes(), &boxed],
            out,
        );
        Ok(Next::AwaitCommand(Box::new(AwaitReady {
            ours: self.local.socket_type,
            version: self.version,
            key,
        })))
    }
}

impl AwaitWelcome {
    /// Opens WELCOME, and returns the server's key for the connection and the cookie.
    fn open_welcome(&self, command: &mut Received) -> Result<(PublicKey, Bytes), HandshakeError> {
        let wrong_length = length(CommandName::Welcome, command);
        let mut rest = command.data();
        let (Some(nonce), Ok(boxed)) =
            (take::<LONG_NONCE>(&mut rest), <&mut [u8; WELCOME_BOX]>::try_from(rest))
        else {
            return Err(wrong_length);
        };
        let opened = self.hello.open(&long_nonce(WELCOME_NONCE, nonce), boxed);
        let opened = opened.ok_or(CurveError::Box { command: CommandName::Welcome })?;
        let (server, cookie) = opened.split_first_chunk::<KEY>().ok_or(wrong_length)?;
        debug_assert_eq!(cookie.len(), COOKIE);
        Ok((PublicKey::from_bytes(*server), Bytes::copy_from_slice(cookie)))
    }
}

/// State of the client after INITIATE. An error in READY isn't reported to the server: clients send no ERROR.
#[derive(Debug)]
struct AwaitReady {
    ours: SocketType,
    version: Version,
    key: Key,
}

impl AwaitCommand for AwaitReady {
    fn handle(self: Box<Self>, command: Received, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        let mut command = command.named_or_error(CommandName::Ready)?;
        let wrong_length = length(CommandName::Ready, &command);
        let mut boxed = command.data();
        let number = take::<SHORT_NONCE>(&mut boxed).map(|bytes| u64::from_be_bytes(*bytes));
        let Some(number) = number.filter(|_| boxed.len() >= OVERHEAD) else {
            return Err(wrong_length);
        };
        let opened = self.key.open(&short_nonce(READY_NONCE, number), boxed);
        let opened = opened.ok_or(CurveError::Box { command: CommandName::Ready })?;
        let metadata = Metadata::parse(opened.freeze())?;
        let peer = PeerProperties::introduced(self.ours, self.version, User::default(), metadata)?;
        Ok(Next::complete(peer, Some(pair(&self.key, Side::Client, INITIATE_NUMBER, number))))
    }
}
