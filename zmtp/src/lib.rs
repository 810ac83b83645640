#![doc = include_str!("../README.md")]

mod command;
mod frame;
mod greeting;
mod handshake;
mod heartbeat;
mod message;
mod metadata;
mod socket_type;

pub use command::{Command, CommandError, Ping, Subscription};
pub use frame::{Decoder, Event, FrameError, FrameHeader, Limits};
pub use greeting::{Greeting, GreetingError, Mechanism};
pub use handshake::{Handshake, HandshakeError, Local, Peer};
pub use heartbeat::{Heartbeat, HeartbeatConfig, Pulse};
pub use message::{Batch, Envelope, Frames, Message, Messages, Span, Spans};
pub use metadata::{Metadata, MetadataError};
pub use socket_type::{SocketType, UnknownSocketType};
