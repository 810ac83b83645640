//! The server's side of CURVE.

use bytes::{Bytes, BytesMut};
use enfonet_secretbox::Key;
use subtle::ConstantTimeEq;

use crate::command::name::CommandName;
use crate::command::wire::encode_command;
use crate::curve::boxes::{LONG_NONCE, OVERHEAD, SHORT_NONCE, agree, long_nonce, short_nonce};
use crate::curve::error::CurveError;
use crate::curve::traffic::{Side, pair};
use crate::greeting::Version;
use crate::handshake::command::{Received, or_send_error};
use crate::handshake::curve::layout::{
    COOKIE, COOKIE_NONCE, HELLO_DATA, HELLO_NONCE, INITIATE_HEAD, INITIATE_NONCE, KEY, PADDING, READY_NONCE,
    SIGNATURE, VERSION, VOUCH_BOX, VOUCH_NONCE, WELCOME_NONCE, length, take,
};
use crate::handshake::entropy::Entropy;
use crate::handshake::error::HandshakeError;
use crate::handshake::properties::{LocalProperties, PeerProperties};
use crate::handshake::state::{AwaitCommand, AwaitVerdict, Next};
use crate::metadata::Metadata;
use crate::security::credentials::Credentials;
use crate::security::keys::{KeyPair, PublicKey, SecretKey};
use crate::security::verdict::User;

/// Nonce of the server's READY.
const READY_NUMBER: u64 = 1;

pub(in crate::handshake) fn start(
    local: LocalProperties,
    version: Version,
    keys: KeyPair,
    entropy: Entropy,
) -> Next {
    Next::AwaitCommand(Box::new(AwaitHello { local, version, keys, entropy }))
}

/// State of the server before HELLO.
#[derive(Debug)]
struct AwaitHello {
    local: LocalProperties,
    version: Version,
    keys: KeyPair,
    entropy: Entropy,
}

impl AwaitCommand for AwaitHello {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let hello = Hello::open(&mut command.named(CommandName::Hello)?, self.keys.secret())?;
        let short_term = KeyPair::new(SecretKey::from_bytes(*self.entropy.key()));
        let cookie = self.bake(&hello.client, short_term.secret());
        let mut boxed = BytesMut::new();
        let nonce = self.entropy.nonce();
        let parts = [&short_term.public().as_bytes()[..], &cookie];
        hello.key.seal(&long_nonce(WELCOME_NONCE, nonce), &parts, &mut boxed);
        encode_command(CommandName::Welcome.as_bytes(), &[nonce, &boxed], out);
        Ok(Next::AwaitCommand(Box::new(AwaitInitiate {
            key: agree(short_term.secret(), &hello.client)?,
            hello,
            local: self.local,
            version: self.version,
            keys: self.keys,
            short_term,
            cookie,
        })))
    }
}

impl AwaitHello {
    /// Returns a cookie. RFC 26 has it for servers that keep no state between WELCOME and INITIATE. This server keeps
    /// its state with the connection and compares the cookie, so the key of the cookie is dropped at once.
    fn bake(&self, client: &PublicKey, short_term: &SecretKey) -> BytesMut {
        let nonce = self.entropy.cookie_nonce();
        let mut cookie = BytesMut::with_capacity(COOKIE);
        cookie.extend_from_slice(nonce);
        let parts = [&client.as_bytes()[..], short_term.as_bytes()];
        Key::new(self.entropy.cookie_key()).seal(&long_nonce(COOKIE_NONCE, nonce), &parts, &mut cookie);
        cookie
    }
}

/// A HELLO of a client that knows the server's key.
#[derive(Debug)]
struct Hello {
    /// The client's key for this connection.
    client: PublicKey,
    key: Key,
    number: u64,
}

impl Hello {
    fn open(command: &mut Received, secret: &SecretKey) -> Result<Self, HandshakeError> {
        let wrong_length = length(CommandName::Hello, command);
        let mut rest = command.data();
        if rest.len() != HELLO_DATA {
            return Err(wrong_length);
        }
        let fields = (
            take::<{ VERSION.len() }>(&mut rest),
            take::<PADDING>(&mut rest),
            take::<KEY>(&mut rest),
            take::<SHORT_NONCE>(&mut rest),
        );
        let (Some(version), Some(_), Some(client), Some(number)) = fields else {
            return Err(wrong_length);
        };
        if *version != VERSION {
            return Err(CurveError::Version { major: version[0], minor: version[1] }.into());
        }
        let (client, number) = (PublicKey::from_bytes(*client), u64::from_be_bytes(*number));
        let key = agree(secret, &client)?;
        let opened = key.open(&short_nonce(HELLO_NONCE, number), rest);
        if !opened.is_some_and(|signature| signature[..].ct_eq(&SIGNATURE).into()) {
            return Err(CurveError::Box { command: CommandName::Hello }.into());
        }
        Ok(Self { client, key, number })
    }
}

/// State of the server after WELCOME.
#[derive(Debug)]
struct AwaitInitiate {
    local: LocalProperties,
    version: Version,
    keys: KeyPair,
    short_term: KeyPair,
    hello: Hello,
    cookie: BytesMut,
    key: Key,
}

impl AwaitCommand for AwaitInitiate {
    fn handle(self: Box<Self>, command: Received, _: &mut BytesMut) -> Result<Next, HandshakeError> {
        let mut command = command.named(CommandName::Initiate)?;
        let wrong_length = length(CommandName::Initiate, &command);
        let mut rest = command.data();
        let fields = (take::<COOKIE>(&mut rest), take::<SHORT_NONCE>(&mut rest));
        let (Some(cookie), Some(number)) = fields else {
            return Err(wrong_length);
        };
        if rest.len() < INITIATE_HEAD + OVERHEAD {
            return Err(wrong_length);
        }
        if !bool::from(cookie.ct_eq(&self.cookie)) {
            return Err(CurveError::Cookie.into());
        }
        let number = u64::from_be_bytes(*number);
        if number <= self.hello.number {
            return Err(CurveError::Replay { nonce: number, last: self.hello.number }.into());
        }
        let opened = self.key.open(&short_nonce(INITIATE_NONCE, number), rest);
        let mut opened = opened.ok_or(CurveError::Box { command: CommandName::Initiate })?;
        let mut opened = &mut opened[..];
        let fields =
            (take::<KEY>(&mut opened), take::<LONG_NONCE>(&mut opened), take::<VOUCH_BOX>(&mut opened));
        let (Some(client), Some(nonce), Some(vouch)) = fields else {
            return Err(wrong_length);
        };
        let client = PublicKey::from_bytes(*client);
        self.check_vouch(&client, nonce, vouch)?;
        let metadata = Bytes::copy_from_slice(opened);
        let Self { local, version, key, .. } = *self;
        let undecided = Undecided { local, version, key, number, metadata };
        Ok(Next::NeedVerdict(Credentials::Curve(client), Box::new(undecided)))
    }
}

impl AwaitInitiate {
    /// Checks that the owner of the client's long-term key vouches for its short-term key and for this server. (libzmq
    /// ignores the latter.)
    fn check_vouch(
        &self,
        client: &PublicKey,
        nonce: &[u8; LONG_NONCE],
        vouch: &[u8; VOUCH_BOX],
    ) -> Result<(), CurveError> {
        let key = agree(self.short_term.secret(), client)?;
        let opened = key.open(&long_nonce(VOUCH_NONCE, nonce), vouch);
        let opened = opened.ok_or(CurveError::Box { command: CommandName::Initiate })?;
        let expected = [*self.hello.client.as_bytes(), *self.keys.public().as_bytes()].concat();
        if opened[..].ct_eq(&expected).into() { Ok(()) } else { Err(CurveError::Vouch) }
    }
}

/// State of the server after INITIATE, until the verdict about the client's key.
#[derive(Debug)]
struct Undecided {
    local: LocalProperties,
    version: Version,
    key: Key,
    number: u64,
    metadata: Bytes,
}

impl AwaitVerdict for Undecided {
    fn admit(self: Box<Self>, user: User, out: &mut BytesMut) -> Result<Next, HandshakeError> {
        let metadata = Metadata::parse(self.metadata)?;
        let peer = or_send_error(
            PeerProperties::introduced(self.local.socket_type, self.version, user, metadata),
            out,
        )?;
        let mut boxed = BytesMut::new();
        let ours = self.local.to_metadata();
        self.key.seal(&short_nonce(READY_NONCE, READY_NUMBER), &[ours.as_wire()], &mut boxed);
        encode_command(CommandName::Ready.as_bytes(), &[&READY_NUMBER.to_be_bytes(), &boxed], out);
        Ok(Next::complete(peer, Some(pair(&self.key, Side::Server, READY_NUMBER, self.number))))
    }
}
