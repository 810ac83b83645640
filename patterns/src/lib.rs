#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod auth;
pub mod blocking;
mod close_summary;
mod connection;
mod context;
mod core;
mod endpoint;
mod error;
mod log_limiter;
mod monitor;
mod options;
mod peer;
mod proxy;
mod queue;
mod routing;
mod session;
mod settings;
mod size;
mod socket;
mod transport;
mod zap;

pub use auth::{AuthRequest, Authenticator, CurveClients, Decision, PlainUsers, new_key_pair};
pub use close_summary::CloseSummary;
pub use context::Context;
pub use endpoint::{Endpoint, EndpointError, Host, IpcPath, Source, Zone};
pub use enfonet_zmtp::{
    Batch, BatchBuilder, CommandError, CommandName, Credentials, CredentialsTooLong, CurveError, DenyReason,
    Envelope, ErrorOrigin, FrameError, Frames, GreetingError, HandshakeError, IntoFrame, IntoMessage,
    KeyError, KeyPair, Mechanism, Message, MessageBuilder, Metadata, MetadataError, PlainCredentials,
    PublicKey, Secret, SecretKey, Security, SocketType, Span, Spans, Subscription, TrafficError, UnknownName,
    User, Verdict, Version, WrongFrameCount,
};
pub use error::{
    BindError, Closed, ConnectError, ConnectionError, RecvError, RejectReason, ReplyError, RequestError,
    SendError, SocksError, UnknownEndpoint,
};
pub use log_limiter::LogLimiter;
pub use monitor::{Monitor, MonitorEvent};
pub use options::{Conflates, Kind, KnowsPeers, MatchesTopics, Options, Probes, Publishes, SocksProxy};
pub use peer::{PeerId, PeerInfo, PeerStatus};
pub use proxy::{Control, Leftover, Proxy, Statistics, Traffic, proxy};
pub use size::Size;
pub use socket::{
    Client, Dealer, Pair, PeerEvent, Permit, Pub, Pull, Push, Relay, Rep, Req, Request, Router, SocketSink,
    SocketStream, Sub, XPub, XPubEvent, XSub,
};
pub use zap::Zap;
