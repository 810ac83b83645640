//! States of a mechanism, and its outcome.

use std::fmt;

use bytes::BytesMut;

use crate::curve::traffic::{Opener, Sealer};
use crate::handshake::command::{Received, encode_error};
use crate::handshake::error::HandshakeError;
use crate::handshake::properties::PeerProperties;
use crate::security::credentials::Credentials;
use crate::security::verdict::{DenyReason, User};

/// A state in which a command of the peer comes next.
pub(super) trait AwaitCommand: fmt::Debug + Send + Sync {
    fn handle(self: Box<Self>, command: Received, out: &mut BytesMut) -> Result<Next, HandshakeError>;
}

/// A state in which the caller decides whether the peer is admitted.
pub(super) trait AwaitVerdict: fmt::Debug + Send + Sync {
    fn admit(self: Box<Self>, user: User, out: &mut BytesMut) -> Result<Next, HandshakeError>;

    /// Appends ERROR for a denied peer, if the reason has a status for it.
    fn deny(&self, deny_reason: DenyReason, out: &mut BytesMut) {
        if let Some(reason) = deny_reason.reason() {
            encode_error(reason, out);
        }
    }

    /// Returns whether the peer may send more before the verdict.
    fn may_peer_speak(&self) -> bool {
        false
    }
}

/// The successor of a mechanism's state.
#[derive(Debug)]
pub(super) enum Next {
    AwaitCommand(Box<dyn AwaitCommand>),
    NeedVerdict(Credentials, Box<dyn AwaitVerdict>),
    Complete(Box<HandshakeOutcome>),
}

impl Next {
    pub(super) fn complete(peer: PeerProperties, keys: Option<(Sealer, Opener)>) -> Self {
        let (sealer, opener) = keys.unzip();
        Self::Complete(Box::new(HandshakeOutcome { peer, sealer, opener }))
    }
}

/// The result of a complete handshake.
#[derive(Debug)]
pub struct HandshakeOutcome {
    /// The peer, with its properties.
    pub peer: PeerProperties,
    /// Encryption of sent traffic, if the mechanism encrypts.
    pub sealer: Option<Sealer>,
    /// Decryption of received traffic, if the mechanism encrypts: see [`Incoming`](crate::Incoming).
    pub opener: Option<Opener>,
}
