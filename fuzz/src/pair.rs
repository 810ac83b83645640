//! A fuzz target for two connected ends, and the operations that they do.

use std::collections::VecDeque;

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use enfonet_zmtp::{
    Command, Entropy, Event, Handshake, HandshakeConfig, HandshakeStep, Incoming, KeyPair, Limits, Message,
    Ping, PlainCredentials, Sealer, SecretKey, Security, SocketType, Subscription, Verdict, Version,
};

/// An operation of one end, or of the connection between the ends.
#[derive(Arbitrary, Debug)]
enum Operation {
    Send {
        frames: Vec<Frame>,
    },
    Subscribe {
        topic: Vec<u8>,
    },
    Ping {
        context: [u8; 4],
    },
    /// `bytes` bytes arrive at the other end.
    Carry {
        bytes: u16,
    },
    /// All bytes on the way arrive.
    Flush,
    /// The other end acts from now on.
    Turn,
}

/// A frame's body: its length, and the byte that it repeats.
#[derive(Arbitrary, Debug)]
struct Frame {
    len: u16,
    byte: u8,
}

/// A message or command that the other end has to receive.
#[derive(Debug, PartialEq)]
enum Sent {
    Message(Message),
    Command(Command),
}

struct End {
    handshake: Handshake,
    sealer: Option<Sealer>,
    incoming: Option<Incoming>,
    /// Bytes that arrived before the handshake was over.
    input: BytesMut,
    /// Bytes on the way to the other end.
    way: BytesMut,
    /// Messages and commands that were sent, and that the other end hasn't received yet.
    sent: VecDeque<Sent>,
}

/// Runs a sequence of operations on two connected ends, with any mechanism. The other end gets all messages and
/// commands, once and in order, however their bytes are cut on the way.
pub fn pair(data: &[u8]) {
    let mut choices = Unstructured::new(data);
    let Ok(securities) = securities(&mut choices) else { return };
    let mut ends = securities.map(End::new);
    let mut at = 0;
    while let Ok(operation) = Operation::arbitrary(&mut choices) {
        if choices.is_empty() {
            break;
        }
        let (left, right) = ends.split_at_mut(1);
        let (us, them) = if at == 0 { (&mut left[0], &mut right[0]) } else { (&mut right[0], &mut left[0]) };
        match operation {
            Operation::Turn => at = 1 - at,
            Operation::Carry { bytes } => us.carry(them, usize::from(bytes)),
            Operation::Flush => us.carry(them, usize::MAX),
            operation => us.act(operation),
        }
    }
    // At the end all messages and commands have arrived.
    for _ in 0..6 {
        let [one, two] = &mut ends;
        one.carry(two, usize::MAX);
        two.carry(one, usize::MAX);
    }
    assert!(ends.iter().all(|end| end.sent.is_empty() && end.incoming.is_some()));
}

fn securities(choices: &mut Unstructured<'_>) -> arbitrary::Result<[Security; 2]> {
    let keys = |byte| KeyPair::new(SecretKey::from_bytes([byte; 32]));
    let login = || PlainCredentials::new("user", "password").expect("short enough");
    Ok(match choices.int_in_range(0..=2)? {
        0 => [Security::Null, Security::Null],
        1 => [Security::PlainServer, Security::PlainClient(login())],
        _ => {
            let server = *keys(1).public();
            [Security::CurveServer { keys: keys(1) }, Security::CurveClient { keys: keys(2), server }]
        }
    })
}

impl End {
    fn new(security: Security) -> Self {
        let config = HandshakeConfig { security, ..HandshakeConfig::new(SocketType::Pair) };
        let mut handshake = Handshake::new(config, [9; Entropy::LEN].into());
        let way = BytesMut::from(handshake.poll_output());
        let (input, sent) = (BytesMut::new(), VecDeque::new());
        Self { handshake, sealer: None, incoming: None, input, way, sent }
    }

    /// Sends a message or command. Does nothing before the handshake is over.
    fn act(&mut self, operation: Operation) {
        if self.incoming.is_none() {
            return;
        }
        let mut frames = BytesMut::new();
        match operation {
            Operation::Send { frames } => {
                let bodies = frames.into_iter().take(20);
                let bodies = bodies.map(|Frame { len, byte }| vec![byte; usize::from(len % 2000)]);
                return self.send(Message::from_frames(bodies));
            }
            Operation::Subscribe { topic } => {
                let subscription = Subscription::Subscribe(Bytes::from(topic));
                subscription.encode(Version::V3_1, &mut frames);
                self.sent.push_back(Sent::Command(Command::Subscription(subscription)));
            }
            Operation::Ping { context } => {
                let ping = Ping { ttl: 7, context: Bytes::copy_from_slice(&context) };
                ping.encode(&mut frames);
                self.sent.push_back(Sent::Command(Command::Ping(ping)));
            }
            Operation::Carry { .. } | Operation::Flush | Operation::Turn => {}
        }
        match &mut self.sealer {
            Some(sealer) => sealer.seal_frames(&frames, &mut self.way).expect("nonces are left"),
            None => self.way.extend_from_slice(&frames),
        }
    }

    fn send(&mut self, message: Message) {
        match &mut self.sealer {
            Some(sealer) => sealer.seal_message(&message, &mut self.way).expect("nonces are left"),
            None => message.encode(&mut self.way),
        }
        self.sent.push_back(Sent::Message(message));
    }

    fn carry(&mut self, to: &mut Self, bytes: usize) {
        let arrived = self.way.split_to(bytes.min(self.way.len()));
        match &mut to.incoming {
            Some(incoming) => incoming.reserve(arrived.len()).extend_from_slice(&arrived),
            None => to.input.extend_from_slice(&arrived),
        }
        to.shake();
        let Some(incoming) = &mut to.incoming else { return };
        while let Some(event) = incoming.poll_event().expect("what we send is accepted") {
            match event {
                Event::Batch(batch) => {
                    for message in batch {
                        assert_eq!(self.sent.pop_front(), Some(Sent::Message(message)));
                    }
                }
                Event::Command(body) => {
                    let command = Command::parse(body).expect("a command of ours");
                    assert_eq!(self.sent.pop_front(), Some(Sent::Command(command)));
                }
            }
        }
    }

    fn shake(&mut self) {
        while self.incoming.is_none() {
            let step = self.handshake.handle_input(&mut self.input).expect("two honest ends");
            self.way.extend_from_slice(&self.handshake.poll_output());
            match step {
                HandshakeStep::NeedInput => return,
                HandshakeStep::Authenticate(_) => {
                    self.handshake.handle_verdict(Verdict::allow()).expect("it was asked")
                }
                HandshakeStep::Complete(outcome) => {
                    let received = std::mem::take(&mut self.input);
                    self.incoming = Some(Incoming::new(received, Limits::default(), outcome.opener));
                    self.sealer = outcome.sealer;
                }
            }
        }
    }
}
