//! Settings of a socket, as its core, policies and connections read them.

mod pub_sub;
mod reconnect;
mod socks_proxy;
mod transport;

use std::time::Duration;

use bytes::Bytes;
use enfonet_zmtp::{Batch, HeartbeatConfig, Limits, Message, Metadata, Security};

pub(crate) use pub_sub::XPubVerbosity;
pub(crate) use reconnect::ReconnectSettings;
pub use socks_proxy::SocksProxy;
pub(crate) use transport::{Keepalive, TransportSettings};

use crate::auth::AuthPolicy;

/// A message that the application receives as the last message of a departed peer.
#[derive(Clone, Debug)]
pub(crate) struct Parting {
    pub(crate) message: Message,
    /// Whether it is for accepted peers; otherwise it is for peers that this side connected to.
    pub(crate) of_accepted: bool,
}

/// Settings of a socket of any kind, as [`Options`](crate::options::Options) sets them.
#[derive(Clone, Debug)]
pub struct Settings {
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
    pub(crate) transport: TransportSettings,
    pub(crate) reconnect: ReconnectSettings,
    pub(crate) handshake: Duration,
    pub(crate) handshakes: usize,
    pub(crate) security: Security,
    pub(crate) auth_policy: AuthPolicy,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
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
            transport: TransportSettings::default(),
            reconnect: ReconnectSettings::default(),
            handshake: Duration::from_secs(30),
            handshakes: 10_000,
            security: Security::Null,
            auth_policy: AuthPolicy::default(),
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
