//! What can be set on a socket.

use std::time::Duration;

use bytes::Bytes;
use enfonet_zmtp::{HeartbeatConfig, Limits, Metadata, Security};

use crate::auth::Door;
use crate::{Authenticator, Context};

/// The settings of a socket, with libzmq's names and defaults where it has them. Given when the socket is made.
///
/// ```
/// use std::time::Duration;
/// use enfonet_patterns::{Options, Pub};
///
/// let publisher = Pub::with_options(Options::default().send_hwm(100_000).linger(Duration::from_secs(5)));
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) context: Context,
    pub(crate) identity: Bytes,
    pub(crate) properties: Metadata,
    pub(crate) send_hwm: usize,
    pub(crate) send_octets: usize,
    pub(crate) recv_hwm: usize,
    pub(crate) recv_octets: usize,
    pub(crate) linger: Duration,
    pub(crate) reconnect: Duration,
    pub(crate) reconnect_max: Option<Duration>,
    pub(crate) refused: Duration,
    pub(crate) handshake: Duration,
    pub(crate) handshakes: usize,
    pub(crate) security: Security,
    pub(crate) door: Door,
    pub(crate) domain: String,
    pub(crate) zmtp2: bool,
    pub(crate) limits: Limits,
    pub(crate) metadata: usize,
    pub(crate) subscriptions: usize,
    pub(crate) subscription_octets: usize,
    pub(crate) peer_events: bool,
    pub(crate) heartbeat: HeartbeatConfig,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            context: Context::global().clone(),
            identity: Bytes::new(),
            properties: Metadata::default(),
            send_hwm: 1000,
            send_octets: 64 << 20,
            recv_hwm: 1000,
            recv_octets: 64 << 20,
            linger: Duration::from_secs(30),
            reconnect: Duration::from_millis(100),
            reconnect_max: None,
            refused: Duration::from_secs(5),
            handshake: Duration::from_secs(30),
            handshakes: 10_000,
            security: Security::Null,
            door: Door::default(),
            domain: String::new(),
            zmtp2: false,
            limits: Limits::default(),
            metadata: 64 << 10,
            subscriptions: 1_000_000,
            subscription_octets: 64 << 20,
            peer_events: false,
            heartbeat: HeartbeatConfig::default(),
        }
    }
}

impl Options {
    /// The context whose `inproc://` names the socket sees. Default: the one of the process.
    #[must_use]
    pub fn context(mut self, context: &Context) -> Self {
        self.context = context.clone();
        self
    }

    /// The identity (routing id) that REQ, DEALER and ROUTER announce: at most 255 octets, the first not
    /// zero. Default: none, and a ROUTER makes one up.
    ///
    /// # Panics
    /// When the identity is too long or begins with a zero.
    #[must_use]
    pub fn identity(mut self, identity: impl Into<Bytes>) -> Self {
        self.identity = identity.into();
        assert!(self.identity.len() <= 255, "an identity has at most 255 octets");
        assert!(self.identity.first() != Some(&0), "an identity doesn't begin with a zero octet");
        self
    }

    /// A property of the application's own that peers are told in the handshake; `name` begins with `X-` (RFC 37).
    /// Peers of ours see it in [`Peer::metadata`](crate::Peer). May be given again, for others.
    ///
    /// # Panics
    /// When the name doesn't begin so, or has more than 255 octets.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        assert!(name.starts_with("X-"), "the name of an application's property begins with X-");
        self.properties.push(name, value.as_ref());
        self
    }

    /// High-water mark of sending: how many messages may wait for one peer, 0 for no limit. Default 1000.
    /// A message counts until the kernel has taken it. What happens at the mark depends on the kind of
    /// socket: see there.
    #[must_use]
    pub fn send_hwm(mut self, messages: usize) -> Self {
        self.send_hwm = unlimited(messages);
        self
    }

    /// The same in octets, so that large messages don't fill the memory; 0 for no limit. Default 64 MiB.
    /// As long as less than this waits, one more message is taken, whatever its size.
    #[must_use]
    pub fn send_octets(mut self, octets: usize) -> Self {
        self.send_octets = unlimited(octets);
        self
    }

    /// High-water mark of receiving: how many messages of one peer may wait to be received before its
    /// connection is no longer read, 0 for no limit. Default 1000. What one read brought is kept whole, so
    /// the mark may be passed by that much.
    #[must_use]
    pub fn recv_hwm(mut self, messages: usize) -> Self {
        self.recv_hwm = unlimited(messages);
        self
    }

    /// The same in octets; 0 for no limit. Default 64 MiB.
    #[must_use]
    pub fn recv_octets(mut self, octets: usize) -> Self {
        self.recv_octets = unlimited(octets);
        self
    }

    /// How long, once the socket is dropped, what waits for connected peers is still sent in the
    /// background, as long as the runtime lives. Default 30 s. (libzmq's default is for ever.)
    /// `close` takes a linger of its own, and is the way to be sure.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = bounded(linger);
        self
    }

    /// The wait before a lost or refused connection is tried again, to which up to as much again is added
    /// at random. Default 100 ms.
    #[must_use]
    pub fn reconnect_interval(mut self, interval: Duration) -> Self {
        self.reconnect = bounded(interval);
        self
    }

    /// Lets the wait double with every failure in a row, up to this. Default: it doesn't grow.
    #[must_use]
    pub fn reconnect_interval_max(mut self, max: Duration) -> Self {
        self.reconnect_max = Some(bounded(max));
        self
    }

    /// The wait before a peer is tried again that has been reached and can't be talked to: it breaks the
    /// protocol, it is of a kind or mechanism that doesn't fit, or it doesn't let us in. Up to as much again is
    /// added at random. Default 5 s. (libzmq gives such an endpoint up for good; a service that runs for long
    /// outlives the mistake.)
    #[must_use]
    pub fn refused_interval(mut self, interval: Duration) -> Self {
        self.refused = bounded(interval);
        self
    }

    /// How long a peer may take from the connection to the end of the handshake; zero for no limit. Default 30 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake = bounded(timeout);
        self
    }

    /// How many peers may be in the middle of their handshake at each endpoint that is bound; who comes beyond
    /// that is disconnected at once. Default 10,000.
    #[must_use]
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.handshakes = handshakes;
        self
    }

    /// The mechanism of the socket, its role in it, and what that needs: on tcp and ipc, not within the process.
    /// Default [`Security::Null`].
    ///
    /// Both ends must have the same mechanism, one as client and one as server. A PLAIN server needs an
    /// [`authenticator`](Self::authenticator), or nobody comes in. A CURVE server without one lets everybody in
    /// who knows its public key.
    #[must_use]
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Who decides which peers may come in: a [`PlainUsers`](crate::PlainUsers), a
    /// [`CurveClients`](crate::CurveClients), a ZAP handler ([`Zap`](crate::Zap)), or a closure. Default nobody.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.door = Door::kept_by(authenticator);
        self
    }

    /// The security domain, which the authenticator gets to see (libzmq's `ZAP_DOMAIN`). Default empty.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = domain.into();
        self
    }

    /// Serves peers of ZMTP 2.0 too, as libzmq 3.x is. Default off; and never with a mechanism or an
    /// authenticator, of which they know nothing.
    #[must_use]
    pub fn zmtp2(mut self, on: bool) -> Self {
        self.zmtp2 = on;
        self
    }

    /// How often a peer is asked for a sign of life (PING); zero for never, which is the default. A peer that
    /// stays silent for the heartbeat timeout is given up, and connected anew where this side connects.
    /// Any octet is a sign of life; a connection that isn't read, since its inbox is full, isn't silent.
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat.interval = bounded(interval);
        self
    }

    /// How long peers may wait for a sign of life of ours before they give us up; told with each PING, in
    /// tenths of a second, at most 65.5 s. Zero, the default: for ever.
    #[must_use]
    pub fn heartbeat_ttl(mut self, ttl: Duration) -> Self {
        self.heartbeat.ttl = bounded(ttl);
        self
    }

    /// How long a PING may stay without any sign of life. Default: as long as the interval.
    #[must_use]
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.heartbeat.timeout = Some(bounded(timeout));
        self
    }

    /// The largest message, all frames together, that is accepted from a peer: a larger one ends its
    /// connection. Default 256 MiB.
    #[must_use]
    pub fn max_message_size(mut self, octets: usize) -> Self {
        self.limits.message = octets;
        self
    }

    /// The largest frame that is accepted from a peer (libzmq's `MAXMSGSIZE`): a larger one ends its connection.
    /// Default 256 MiB.
    #[must_use]
    pub fn max_frame_size(mut self, octets: usize) -> Self {
        self.limits.frame = octets;
        self
    }

    /// How many frames a message from a peer may have: one of more ends its connection. Default 1,000,000.
    #[must_use]
    pub fn max_frames(mut self, frames: usize) -> Self {
        self.limits.frames = frames;
        self
    }

    /// How many octets of metadata a peer may announce, not counting some 512 that its commands may have besides:
    /// more end its connection. Default 64 KiB.
    #[must_use]
    pub fn max_metadata(mut self, octets: usize) -> Self {
        self.metadata = octets;
        self
    }

    /// How many subscriptions a subscriber may hold, and how many octets their topics may have; the same
    /// bounds hold for the topics of all subscribers together, so that a broker never asks a publisher for
    /// more than that takes. Who passes them is disconnected. Default 1,000,000 and 64 MiB.
    #[must_use]
    pub fn max_subscriptions(mut self, subscriptions: usize, octets: usize) -> Self {
        (self.subscriptions, self.subscription_octets) = (subscriptions, octets);
        self
    }

    /// Makes ROUTER and DEALER report peers that come and go: see `recv_event` there. Default off.
    #[must_use]
    pub fn peer_events(mut self, on: bool) -> Self {
        self.peer_events = on;
        self
    }
}

/// No timer has to reach further than a century: longer times are as good as for ever.
fn bounded(time: Duration) -> Duration {
    time.min(Duration::from_secs(100 * 365 * 24 * 3600))
}

const fn unlimited(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}
