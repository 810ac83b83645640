//! Options of sockets.

mod connecting;
mod kinds;
mod limits;
mod queues;
mod requests;
mod security;
mod topics;
mod transport;

pub(crate) use connecting::Reconnect;
pub use kinds::{Conflates, KnowsPeers, Probes};
pub use topics::{MatchesTopics, Publishes};
pub use transport::SocksProxy;
pub(crate) use transport::{Keepalive, Transport};

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use enfonet_zmtp::{Batch, HeartbeatConfig, Limits, Message, Metadata, Security};

use crate::auth::Door;
use crate::context::Context;

/// The settings of a socket, with libzmq's names and defaults where it has them. Given when the socket is made.
///
/// Options that any socket may have are set on `Options`, which can be given to many sockets. Options of some kinds
/// only are set on the builder of such a kind, `Options<Router>` say: on another kind they don't compile.
///
/// ```
/// use std::time::Duration;
/// use enfonet::{Options, Pub, Router};
///
/// let publisher = Pub::builder().send_hwm(100_000).linger(Duration::from_secs(5)).build();
/// let shared = Options::default().send_hwm(10);
/// let (first, second) = (Router::with_options(shared.clone()), Router::with_options(shared));
/// ```
#[derive(Clone, Debug)]
pub struct Options<K = ()> {
    pub(crate) settings: Settings,
    kind: PhantomData<fn() -> K>,
}

impl Default for Options {
    /// Returns libzmq's defaults, except where the doc of a setting gives another.
    fn default() -> Self {
        Self::new()
    }
}

/// Conversion of the options of any socket to those of one kind, which may have more.
impl<K: Kind> From<Options> for Options<K> {
    fn from(options: Options) -> Self {
        Self { settings: options.settings, kind: PhantomData }
    }
}

/// A kind of socket: what its [`Options`] make.
pub trait Kind: sealed::Open {}

impl<K: Kind> Options<K> {
    /// The socket.
    #[must_use]
    pub fn build(self) -> K {
        K::open(self.settings)
    }
}

/// A message that the application receives as the last message of a peer that has gone.
#[derive(Clone, Debug)]
pub(crate) struct Parting {
    pub(crate) message: Message,
    /// Whether it is for peers that connected to us; otherwise for peers that this side connected to.
    pub(crate) of_accepted: bool,
}

pub(crate) mod sealed {
    /// How a kind of socket begins; kinds are ours to define.
    pub trait Open {
        fn open(settings: super::Settings) -> Self;
    }
}

/// All settings, whatever the kind of socket.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) context: Context,
    pub(crate) identity: Bytes,
    pub(crate) properties: Metadata,
    pub(crate) send_hwm: usize,
    pub(crate) send_bytes: usize,
    pub(crate) recv_hwm: usize,
    pub(crate) recv_bytes: usize,
    pub(crate) linger: Duration,
    pub(crate) immediate: bool,
    pub(crate) conflate: bool,
    pub(crate) handover: bool,
    pub(crate) mandatory: bool,
    pub(crate) probe: bool,
    pub(crate) hello: Option<Message>,
    pub(crate) parting: Option<Parting>,
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) recv_timeout: Option<Duration>,
    pub(crate) transport: Transport,
    pub(crate) reconnect: Reconnect,
    pub(crate) handshake: Duration,
    pub(crate) handshakes: usize,
    pub(crate) security: Security,
    pub(crate) door: Door,
    pub(crate) domain: String,
    pub(crate) zmtp2: bool,
    pub(crate) limits: Limits,
    pub(crate) metadata: usize,
    pub(crate) subscriptions: usize,
    pub(crate) subscription_bytes: usize,
    pub(crate) peer_events: bool,
    pub(crate) nodrop: bool,
    pub(crate) invert_matching: bool,
    pub(crate) xpub_verbosity: XPubVerbosity,
    pub(crate) manual: bool,
    pub(crate) verbose_unsubscribe: bool,
    pub(crate) relaxed: bool,
    pub(crate) correlate: bool,
    pub(crate) retries: usize,
    pub(crate) reply_timeout: Option<Duration>,
    pub(crate) heartbeat: HeartbeatConfig,
    pub(crate) heartbeat_legacy: bool,
}

/// Changes of subscriptions that an XPUB reports to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum XPubVerbosity {
    /// The first subscribe to a topic, and the last cancel.
    #[default]
    Changes,
    /// Every subscribe, and the last cancel.
    Subscribes,
    /// All of them.
    All,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            context: Context::global().clone(),
            identity: Bytes::new(),
            properties: Metadata::default(),
            send_hwm: 1000,
            send_bytes: 64 << 20,
            recv_hwm: 1000,
            recv_bytes: 64 << 20,
            linger: Duration::from_secs(30),
            immediate: false,
            conflate: false,
            handover: false,
            mandatory: false,
            probe: false,
            hello: None,
            parting: None,
            send_timeout: None,
            recv_timeout: None,
            transport: Transport::default(),
            reconnect: Reconnect::default(),
            handshake: Duration::from_secs(30),
            handshakes: 10_000,
            security: Security::Null,
            door: Door::default(),
            domain: String::new(),
            zmtp2: false,
            limits: Limits::default(),
            metadata: 64 << 10,
            subscriptions: 1_000_000,
            subscription_bytes: 64 << 20,
            peer_events: false,
            nodrop: false,
            invert_matching: false,
            xpub_verbosity: XPubVerbosity::default(),
            manual: false,
            verbose_unsubscribe: false,
            relaxed: false,
            correlate: false,
            retries: 0,
            reply_timeout: None,
            heartbeat: HeartbeatConfig::default(),
            heartbeat_legacy: true,
        }
    }
}

impl Settings {
    /// Returns the messages that each peer gets first.
    pub(crate) fn greeting(&self) -> Batch {
        let probe = self.probe.then(|| Message::from(""));
        match (probe, &self.hello) {
            (None, None) => Batch::default(),
            (None, Some(only)) => only.clone().into(),
            (probe, hello) => probe.into_iter().chain(hello.clone()).collect(),
        }
    }
}

impl<K> Options<K> {
    pub(crate) fn new() -> Self {
        Self { settings: Settings::default(), kind: PhantomData }
    }

    /// The context whose `inproc://` names the socket sees. Default: the one of the process.
    #[must_use]
    pub fn context(mut self, context: &Context) -> Self {
        self.settings.context = context.clone();
        self
    }

    /// The identity (routing id) that REQ, DEALER and ROUTER announce: at most 255 bytes, the first not
    /// zero. Default: none, and a ROUTER makes one up.
    ///
    /// # Panics
    /// When the identity is too long or begins with a zero.
    #[must_use]
    pub fn identity(mut self, identity: impl Into<Bytes>) -> Self {
        self.settings.identity = identity.into();
        assert!(self.settings.identity.len() <= 255, "an identity has at most 255 bytes");
        assert!(self.settings.identity.first() != Some(&0), "an identity doesn't begin with a zero byte");
        self
    }

    /// A property of the application's own that peers are told in the handshake; `name` begins with `X-` (RFC 37).
    /// Peers of ours see it in [`PeerInfo::metadata`](crate::PeerInfo). May be given again, for others.
    ///
    /// # Panics
    /// When the name doesn't begin so, or has more than 255 bytes.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        assert!(name.starts_with("X-"), "the name of an application's property begins with X-");
        self.settings.properties.push(name, value.as_ref());
        self
    }
}

/// No timer has to reach further than a century: longer times are as good as for ever.
fn bounded(time: Duration) -> Duration {
    time.min(Duration::from_secs(100 * 365 * 24 * 3600))
}

pub(crate) const fn unlimited(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}
