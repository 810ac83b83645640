//! Options of sockets.

mod connecting;
mod groups;
mod kinds;
mod limits;
mod queues;
mod security;
mod topics;
mod transport;

pub use groups::{
    ConflateOptions, HasOptions, Narrow, OneOf, PeerOptions, ProbeOptions, PublishOptions, TopicOptions,
};

pub use crate::settings::SocksProxy;

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;

use crate::context::Context;
use crate::settings::Settings;

/// The options of a socket, which are set when the socket is made. Options that libzmq has too have its names and
/// defaults, unless their documentation states another.
///
/// An option that a kind of socket doesn't have is a compile error. All kinds can share an `Options` value, unless an
/// option of some kinds only is set: then these kinds can share it.
///
/// ```
/// use std::time::Duration;
/// use enfonet::{Options, Pub, Router};
///
/// let publisher = Pub::builder().send_hwm(100_000).linger(Duration::from_secs(5)).build();
/// let lossless = Pub::with_options(Options::default().send_hwm(100).nodrop(true));
/// let shared = Options::default().send_hwm(10);
/// let (router, publisher) = (Router::with_options(shared.clone()), Pub::with_options(shared));
/// ```
///
/// ```compile_fail,E0277
/// # use enfonet::{Options, Push};
/// let push = Push::with_options(Options::default().nodrop(true)); // an option of PUB and XPUB
/// ```
///
/// ```compile_fail,E0599
/// # use enfonet::Push;
/// let push = Push::builder().nodrop(true).build();
/// ```
#[derive(Clone, Debug)]
pub struct Options<K = ()> {
    pub(crate) settings: Settings,
    pub(crate) context: Context,
    kind: PhantomData<fn() -> K>,
}

impl Default for Options {
    /// Returns libzmq's defaults, except where the documentation of an option states another.
    fn default() -> Self {
        Self::new()
    }
}

/// Conversion of the options of any socket to the options of one kind, which may have more options.
impl<K: Kind> From<Options> for Options<K> {
    fn from(options: Options) -> Self {
        options.retyped()
    }
}

/// Conversion of the options of several kinds of sockets to those of one of these kinds.
impl<G, S, K: OneOf<(G, S)>> From<Options<(G, S)>> for Options<K> {
    fn from(options: Options<(G, S)>) -> Self {
        options.retyped()
    }
}

/// A kind of socket, which its [`Options`] build.
pub trait Kind: sealed::Open {}

impl<K: Kind> Options<K> {
    /// Builds the socket.
    #[must_use]
    pub fn build(self) -> K {
        K::open(self.settings, self.context)
    }
}

pub(crate) mod sealed {
    /// The creation of a socket of this kind. Sealed: only this crate defines kinds.
    pub trait Open {
        fn open(settings: super::Settings, context: super::Context) -> Self;
    }
}

impl<K> Options<K> {
    pub(crate) fn new() -> Self {
        Self { settings: Settings::default(), context: Context::global().clone(), kind: PhantomData }
    }

    /// Returns the same options for other kinds of sockets.
    pub(crate) fn retyped<L>(self) -> Options<L> {
        Options { settings: self.settings, context: self.context, kind: PhantomData }
    }

    /// Sets the context that the socket belongs to, and whose `inproc://` names it uses. Default: the context of the
    /// process.
    #[must_use]
    pub fn context(mut self, context: &Context) -> Self {
        self.context = context.clone();
        self
    }

    /// Sets the identity (routing id) that REQ, DEALER and ROUTER announce: at most 255 bytes, the first not zero. By
    /// default they announce none, and a ROUTER generates an identity for its peer.
    ///
    /// # Panics
    /// If the identity is too long or begins with a zero.
    #[must_use]
    pub fn identity(mut self, identity: impl Into<Bytes>) -> Self {
        self.settings.identity = identity.into();
        assert!(self.settings.identity.len() <= 255, "an identity has at most 255 bytes");
        assert!(self.settings.identity.first() != Some(&0), "an identity doesn't begin with a zero byte");
        self
    }

    /// Adds a property of the application, which peers receive in the handshake; `name` begins with `X-` (RFC 37).
    /// Peers of this crate find the property in [`PeerInfo::metadata`](crate::peer::PeerInfo).
    ///
    /// # Panics
    /// If `name` doesn't begin with `X-`, or has more than 255 bytes.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        assert!(name.starts_with("X-"), "the name of an application's property begins with X-");
        self.settings.properties.push(name, value.as_ref());
        self
    }
}

/// Returns the time, shortened to a century: longer times are as good as for ever, and could overflow a clock.
pub(crate) fn bounded(time: Duration) -> Duration {
    time.min(Duration::from_secs(100 * 365 * 24 * 3600))
}

/// Returns the limit of a queue; 0 is none.
pub(crate) const fn unlimited(limit: usize) -> u64 {
    if limit == 0 { u64::MAX } else { limit as u64 }
}
