#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "codec")]
pub mod codec;
mod command;
mod curve;
mod frame;
mod greeting;
mod handshake;
mod heartbeat;
mod incoming;
mod message;
mod metadata;
mod security;
mod socket_type;

pub use command::{Command, CommandError, Ping, Subscription};
pub use curve::{CurveError, Opener, Sealer};
pub use frame::{Decoder, Event, FrameError, FrameHeader, Limits};
pub use greeting::{Greeting, GreetingError, Mechanism, Version};
pub use handshake::{
    Entropy, ErrorOrigin, Handshake, HandshakeConfig, HandshakeError, HandshakeOutcome, HandshakeStep,
    LocalProperties, PeerProperties,
};
pub use heartbeat::{Heartbeat, HeartbeatAction, HeartbeatConfig};
pub use incoming::{Incoming, TrafficError};
pub use message::{
    Batch, BatchBuilder, Envelope, Frames, IntoFrame, IntoMessage, Message, MessageBuilder, Messages, Small,
    Span, Spans, WrongFrameCount,
};
pub use metadata::{Metadata, MetadataError};
pub use security::{
    Credentials, CredentialsTooLong, DenyReason, KeyError, KeyPair, PlainCredentials, PublicKey, Secret,
    SecretKey, Security, User, Verdict,
};
pub use socket_type::{SocketType, UnknownSocketType};
