#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "codec")]
pub mod codec;
mod command;
mod curve;
mod decoder;
mod error_origin;
mod frame;
mod greeting;
mod handshake;
mod heartbeat;
mod incoming;
mod message;
mod metadata;
mod read_buffers;
mod security;
mod socket_type;
mod tuning;

// Re-exports for users. Modules of this crate import from the module that owns a thing.
pub use command::error::CommandError;
pub use command::name::{CommandName, UnknownName};
pub use command::ping::Ping;
pub use command::subscription::Subscription;
pub use command::traffic::Command;
pub use curve::error::CurveError;
pub use curve::traffic::{Opener, Sealer};
pub use decoder::{Decoder, Event};
pub use error_origin::ErrorOrigin;
pub use frame::header::{FrameError, FrameHeader};
pub use frame::limits::Limits;
pub use greeting::{Greeting, GreetingError, Mechanism, Version};
pub use handshake::config::HandshakeConfig;
pub use handshake::entropy::Entropy;
pub use handshake::error::HandshakeError;
pub use handshake::machine::{Handshake, HandshakeStep};
pub use handshake::properties::{LocalProperties, PeerProperties};
pub use handshake::state::HandshakeOutcome;
pub use heartbeat::{Heartbeat, HeartbeatAction, HeartbeatConfig};
pub use incoming::{Incoming, TrafficError};
pub use message::batch::{Batch, Messages};
pub use message::batch_builder::BatchBuilder;
pub use message::envelope::Envelope;
pub use message::into_frame::IntoFrame;
pub use message::into_message::IntoMessage;
pub use message::message::Message;
pub use message::message_builder::MessageBuilder;
pub use message::small::Small;
pub use message::span::{Span, Spans};
pub use message::std_traits::WrongFrameCount;
pub use message::wire::Frames;
pub use metadata::{Metadata, MetadataError};
pub use security::config::Security;
pub use security::credentials::{Credentials, CredentialsTooLong, PlainCredentials, Secret};
pub use security::keys::{KeyError, KeyPair, PublicKey, SecretKey};
pub use security::verdict::{DenyReason, User, Verdict};
pub use socket_type::{SocketType, UnknownSocketType};
