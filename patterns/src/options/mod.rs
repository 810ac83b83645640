//! Options of sockets.

mod connecting;
mod kinds;
mod limits;
mod queues;
mod security;
mod topics;
mod transport;

pub use kinds::{Conflates, KnowsPeers, Probes};
pub use topics::{MatchesTopics, Publishes};

pub use crate::settings::SocksProxy;

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;

use crate::context::Context;
use crate::settings::Settings;

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
    pub(crate) context: Context,
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
        Self { settings: options.settings, context: options.context, kind: PhantomData }
    }
}

/// A kind of socket: what its [`Options`] make.
pub trait Kind: sealed::Open {}

impl<K: Kind> Options<K> {
    /// The socket.
    #[must_use]
    pub fn build(self) -> K {
        K::open(self.settings, self.context)
    }
}

pub(crate) mod sealed {
    /// How a kind of socket begins; kinds are ours to define.
    pub trait Open {
        fn open(settings: super::Settings, context: super::Context) -> Self;
    }
}

impl<K> Options<K> {
    pub(crate) fn new() -> Self {
        Self { settings: Settings::default(), context: Context::global().clone(), kind: PhantomData }
    }

    /// The context whose `inproc://` names the socket sees. Default: the one of the process.
    #[must_use]
    pub fn context(mut self, context: &Context) -> Self {
        self.context = context.clone();
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
    /// Peers of ours see it in [`PeerInfo::metadata`](crate::peer::PeerInfo). May be given again, for others.
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
pub(crate) fn bounded(time: Duration) -> Duration {
    time.min(Duration::from_secs(100 * 365 * 24 * 3600))
}

pub(crate) const fn unlimited(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}
