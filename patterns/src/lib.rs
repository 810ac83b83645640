#![doc = include_str!("../README.md")]

mod auth;
mod connection;
mod context;
mod endpoint;
mod error;
mod options;
mod peer;
mod proxy;
mod queue;
mod routing;
mod socket;
mod transport;

pub use auth::{Authenticator, Claim, CurveClients, Decision, PlainUsers, Zap, new_key_pair};
pub use context::Context;
pub use endpoint::{Endpoint, EndpointError, Host};
pub use enfonet_zmtp::{
    Batch, Credentials, Denial, Envelope, Frames, IntoFrame, KeyError, KeyPair, Login, LoginTooLong,
    Mechanism, Message, Metadata, PublicKey, Secret, SecretKey, Security, SocketType, Subscription, User,
    Verdict, Version,
};
pub use error::{
    BindError, Closed, ConnectError, RecvError, ReplyError, ReserveError, SendBatchError, SendError,
    TrySendError, UnknownEndpoint,
};
pub use options::{Conflates, Kind, KnowsPeers, MatchesTopics, Options, Probes, Publishes};
pub use peer::{PeerId, PeerInfo};
pub use proxy::{Amount, Control, Leftover, Proxy, Statistics, Traffic, proxy};
pub use socket::{
    Closing, Dealer, FromSubscriber, Pair, PeerEvent, Permit, Pub, Pull, Push, Receiving, Relay, Rep, Req,
    Request, RequestError, Router, Sending, Sub, XPub, XSub,
};
