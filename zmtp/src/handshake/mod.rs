//! From the first octet to the first message.
//!
//! ```text
//!    we                                            the peer
//!    new() ── greeting ──────────────────────────► │
//!    ExpectGreeting ◄────────────────── greeting ──│     neither waits for the other
//!    ──────── READY ─────────────────────────────► │
//!    ExpectReady ◄──────────────────────── READY ──│     or ERROR
//!    Peer: traffic may flow
//! ```
//!
//! Each state is a type that is consumed to make the next, so no step can be taken twice or out of order.
//! [`Handshake`] drives them over a buffer: call [`Handshake::handle_input`] whenever octets have arrived and
//! send what [`Handshake::poll_output`] gives after every call, errors included: they may have told the peer.

mod null;

use bytes::{Bytes, BytesMut};

use crate::{CommandError, FrameError, Greeting, GreetingError, Mechanism, Metadata, SocketType};
use null::{ExpectGreeting, ExpectReady};

/// What we tell the peer about ourselves.
#[derive(Clone, Debug)]
pub struct Local {
    /// The kind of our socket.
    pub socket_type: SocketType,
    /// Our identity (routing id), 0 to 255 octets; announced by REQ, DEALER and ROUTER only.
    pub identity: Bytes,
}

impl Local {
    /// Of this kind, without an identity.
    #[must_use]
    pub const fn new(socket_type: SocketType) -> Self {
        Self { socket_type, identity: Bytes::new() }
    }
}

/// What the peer has told us, once the handshake is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The minor version of ZMTP 3 that it speaks.
    pub minor: u8,
    /// Its kind; compatible with ours. `None` when it announced none, which is allowed.
    pub socket_type: Option<SocketType>,
    /// Its identity; empty when it has none, or one with a leading zero, which is reserved to ROUTER itself.
    pub identity: Bytes,
    /// All that it announced.
    pub metadata: Metadata,
}

/// A handshake with the NULL mechanism.
#[derive(Debug)]
pub struct Handshake {
    state: State,
    output: BytesMut,
}

#[derive(Debug)]
enum State {
    Greeting(ExpectGreeting),
    Ready(ExpectReady),
    Over,
}

impl Handshake {
    /// Starts: our greeting is ready to be sent at once, all 64 octets, so that neither end waits for the other.
    #[must_use]
    pub fn new(local: Local) -> Self {
        let greeting = Greeting::new(Mechanism::Null).to_wire();
        Self { state: State::Greeting(ExpectGreeting::new(local)), output: BytesMut::from(&greeting[..]) }
    }

    /// Takes what it needs from the front of `input`. Yields the peer when the handshake is complete: what
    /// is left in `input` then is traffic. `Ok(None)`: send the output, then come back with more octets.
    ///
    /// # Errors
    /// [`HandshakeError`]: send the output that is left, then close the connection.
    pub fn handle_input(&mut self, input: &mut BytesMut) -> Result<Option<Peer>, HandshakeError> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Greeting(state) => match Greeting::parse(input, Mechanism::Null)? {
                    None => {
                        self.state = State::Greeting(state);
                        return Ok(None);
                    }
                    Some(greeting) => {
                        let _ = input.split_to(Greeting::LEN);
                        self.state = State::Ready(state.handle_greeting(greeting, &mut self.output));
                    }
                },
                State::Ready(state) => match null::take_command(input)? {
                    None => {
                        self.state = State::Ready(state);
                        return Ok(None);
                    }
                    Some(command) => return state.handle_command(command, &mut self.output).map(Some),
                },
                State::Over => return Err(HandshakeError::Over),
            }
        }
    }

    /// Octets to send to the peer; empty when there are none.
    pub fn poll_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }
}

/// Why there is no connection. All but [`Refused`](Self::Refused) and [`Over`](Self::Over) are the
/// peer's doing or a mismatch of configuration: trying again helps only once one end has been changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The greeting is no ZMTP 3, or of another mechanism.
    #[error(transparent)]
    Greeting(#[from] GreetingError),
    /// A frame that can't be accepted.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A command that can't be read.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A message, or a command that has no place here.
    #[error("peer sent something else than READY or ERROR in the handshake")]
    Unexpected,
    /// RFC 37 doesn't let these two kinds talk.
    #[error("peer is a {theirs} socket, which doesn't talk to {ours}")]
    SocketType {
        /// What the peer announced, printable.
        theirs: String,
        /// Our kind.
        ours: SocketType,
    },
    /// An identity has at most 255 octets.
    #[error("peer announced an identity of {len} octets, at most 255 are allowed")]
    Identity {
        /// Its length.
        len: usize,
    },
    /// The peer ended the handshake with ERROR.
    #[error("peer refused the connection: {reason}")]
    Refused {
        /// Its reason, printable.
        reason: String,
    },
    /// The handshake was over already: the caller's fault.
    #[error("the handshake is over")]
    Over,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn local(socket_type: SocketType) -> Local {
        Local::new(socket_type)
    }

    /// Feeds `stream` in the given pieces; what came of it, and all that was sent.
    fn run(local: Local, pieces: &[&[u8]]) -> (Result<Option<Peer>, HandshakeError>, Vec<u8>, BytesMut) {
        let mut handshake = Handshake::new(local);
        let (mut input, mut sent) = (BytesMut::new(), handshake.poll_output().to_vec());
        let mut result = Ok(None);
        for piece in pieces {
            input.extend_from_slice(piece);
            if matches!(result, Ok(None)) {
                result = handshake.handle_input(&mut input);
                sent.extend(handshake.poll_output());
            }
        }
        (result, sent, input)
    }

    fn hello(metadata: &[(&str, &[u8])]) -> Vec<u8> {
        let mut list = Metadata::default();
        metadata.iter().for_each(|(name, value)| list.push(name, value));
        let mut out = BytesMut::from(&Greeting::new(Mechanism::Null).to_wire()[..]);
        crate::Command::put_ready(&list, &mut out);
        out.to_vec()
    }

    #[test]
    fn our_greeting_needs_no_octet_of_the_peers() {
        let (_, sent, _) = run(local(SocketType::Pub), &[]);
        assert_eq!(sent, Greeting::new(Mechanism::Null).to_wire());
    }

    #[test]
    fn ready_follows_the_peers_greeting_without_waiting_for_its_ready() {
        let (result, sent, _) = run(local(SocketType::XPub), &[&hello(&[])[..64]]);
        assert_eq!(result, Ok(None));
        assert_eq!(&sent[64..], b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB");
    }

    #[test]
    fn only_req_dealer_and_router_announce_an_identity() {
        for socket_type in SocketType::ALL {
            let local = Local { identity: Bytes::from_static(b"me"), ..local(socket_type) };
            let (_, sent, _) = run(local, &[&hello(&[])[..64]]);
            let told = sent.windows(8).any(|w| w == b"Identity");
            assert_eq!(
                told,
                matches!(socket_type, SocketType::Req | SocketType::Dealer | SocketType::Router)
            );
        }
    }

    #[test]
    fn every_pair_of_types_is_accepted_or_refused_as_the_rfc_says() {
        for ours in SocketType::ALL {
            for theirs in SocketType::ALL {
                let hello = hello(&[("Socket-Type", theirs.name().as_bytes())]);
                let (result, sent, _) = run(local(ours), &[&hello]);
                if ours.is_compatible(theirs) {
                    assert_eq!(result.unwrap().unwrap().socket_type, Some(theirs));
                } else {
                    assert!(matches!(result, Err(HandshakeError::SocketType { .. })), "{ours} {theirs}");
                    assert!(sent.windows(6).any(|w| w == b"\x05ERROR"), "the peer is told");
                }
            }
        }
    }

    #[test]
    fn a_peer_without_a_type_is_accepted_and_one_of_an_unknown_type_is_not() {
        assert!(run(local(SocketType::Pub), &[&hello(&[])]).0.unwrap().is_some());
        for name in ["", "sub", "SUBX", "STREAM"] {
            let (result, ..) = run(local(SocketType::Pub), &[&hello(&[("Socket-Type", name.as_bytes())])]);
            assert!(matches!(result, Err(HandshakeError::SocketType { .. })), "{name}");
        }
    }

    #[test]
    fn identities_are_bounded_and_a_reserved_one_counts_as_none() {
        let identity = |value: &[u8]| {
            run(local(SocketType::Router), &[&hello(&[("Socket-Type", b"DEALER"), ("identity", value)])]).0
        };
        assert_eq!(identity(&[7; 255]).unwrap().unwrap().identity, [7; 255][..]);
        assert_eq!(identity(&[7; 256]), Err(HandshakeError::Identity { len: 256 }));
        assert_eq!(identity(b"\0abc").unwrap().unwrap().identity, b""[..]);
    }

    #[test]
    fn a_message_or_a_strange_command_before_ready_is_refused() {
        let greeting = &hello(&[])[..64];
        for frame in [&b"\x00\x01a"[..], b"\x01\x00", b"\x04\x07\x04PING\0\0", b"\x04\x02\x01X"] {
            let (result, ..) = run(local(SocketType::Pub), &[greeting, frame]);
            assert_eq!(result, Err(HandshakeError::Unexpected), "{frame:?}");
        }
        let (result, ..) = run(local(SocketType::Pub), &[greeting, b"\x04\x0a\x05ERROR\x03400"]);
        assert_eq!(result, Err(HandshakeError::Refused { reason: "400".into() }));
        let (result, ..) = run(local(SocketType::Pub), &[greeting, b"\x06\0\0\0\0\x7f\0\0\0"]);
        assert!(matches!(result, Err(HandshakeError::Frame(FrameError::CommandTooLarge { .. }))));
    }

    proptest! {
        #[test]
        fn any_split_leaves_the_traffic_behind_the_handshake_untouched(cuts in prop::collection::vec(0usize..100, 0..6)) {
            let mut stream = hello(&[("Socket-Type", b"SUB")]);
            stream.extend(b"\x00\x02\x01A");
            let mut at: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
            at.extend([0, stream.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
            let (result, _, rest) = run(local(SocketType::Pub), &pieces);
            prop_assert_eq!(result.unwrap().unwrap().socket_type, Some(SocketType::Sub));
            prop_assert_eq!(&rest[..], b"\x00\x02\x01A");
        }

        #[test]
        fn no_input_panics(input in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = run(local(SocketType::Rep), &[&input]);
            let _ = run(local(SocketType::Rep), &[&hello(&[])[..64], &input]);
        }
    }
}
