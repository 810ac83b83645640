//! Settings of a socket, as its core, policies and connections read them.

mod handshake;
mod peer;
mod pub_sub;
mod queue;
mod reconnect;
mod request;
mod socks_proxy;
mod transport;

use std::time::Duration;

use bytes::Bytes;
use enfonet_zmtp::{HeartbeatConfig, Limits, Metadata};

use crate::auth::PermissionPolicy;
pub(crate) use handshake::HandshakeSettings;
pub(crate) use peer::{Parting, PeerSettings};
pub(crate) use pub_sub::{PubSubSettings, XPubVerbosity};
pub(crate) use queue::QueueSettings;
pub(crate) use reconnect::ReconnectSettings;
pub(crate) use request::RequestSettings;
pub use socks_proxy::SocksProxy;
pub(crate) use transport::{Keepalive, TransportSettings};

/// Settings of a socket of any kind, as [`Options`](crate::options::Options) sets them.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) identity: Bytes,
    pub(crate) properties: Metadata,
    pub(crate) linger: Duration,
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) recv_timeout: Option<Duration>,
    pub(crate) queue: QueueSettings,
    pub(crate) transport: TransportSettings,
    pub(crate) reconnect: ReconnectSettings,
    pub(crate) handshake: HandshakeSettings,
    pub(crate) permission_policy: PermissionPolicy,
    pub(crate) heartbeat: HeartbeatSettings,
    pub(crate) limits: Limits,
    pub(crate) peer: PeerSettings,
    pub(crate) pub_sub: PubSubSettings,
    pub(crate) request: RequestSettings,
    pub(crate) router: RouterSettings,
}

/// Settings of heartbeats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeartbeatSettings {
    pub(crate) config: HeartbeatConfig,
    /// Whether peers that speak ZMTP 3.0 are sent PINGs, too.
    pub(crate) to_zmtp30: bool,
}

/// Settings of a ROUTER.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RouterSettings {
    pub(crate) handover: Handover,
    /// Whether a message to an unknown peer is an error; otherwise it is dropped.
    pub(crate) mandatory: bool,
}

/// Peers that may take over the routing id of a connected peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Handover {
    /// No peer.
    #[default]
    Off,
    /// Peers that were authenticated as the same user, whose name isn't empty.
    SameUser,
    /// Every peer.
    Any,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            identity: Bytes::new(),
            properties: Metadata::default(),
            linger: Duration::from_secs(30),
            send_timeout: None,
            recv_timeout: None,
            queue: QueueSettings::default(),
            transport: TransportSettings::default(),
            reconnect: ReconnectSettings::default(),
            handshake: HandshakeSettings::default(),
            permission_policy: PermissionPolicy::default(),
            heartbeat: HeartbeatSettings { config: HeartbeatConfig::default(), to_zmtp30: true },
            limits: Limits::default(),
            peer: PeerSettings::default(),
            pub_sub: PubSubSettings::default(),
            request: RequestSettings::default(),
            router: RouterSettings::default(),
        }
    }
}
