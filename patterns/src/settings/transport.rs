//! Settings of the listeners and streams over tcp and ipc.

use std::time::Duration;

use super::SocksProxy;

/// Settings of the listeners and streams of a socket.
#[derive(Clone, Debug)]
pub(crate) struct TransportSettings {
    pub(crate) backlog: u32,
    /// Maximum number of connections at one bound endpoint.
    pub(crate) max_connections: usize,
    pub(crate) ipv6: bool,
    pub(crate) send_buffer: Option<usize>,
    pub(crate) recv_buffer: Option<usize>,
    pub(crate) keepalive: Keepalive,
    pub(crate) tos: u8,
    pub(crate) device: String,
    pub(crate) max_retransmit: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) proxy: Option<SocksProxy>,
}

/// TCP keep-alive; `None` leaves a value to the system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keepalive {
    pub(crate) on: Option<bool>,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            backlog: 1024,
            max_connections: usize::MAX,
            ipv6: false,
            send_buffer: None,
            recv_buffer: None,
            keepalive: Keepalive::default(),
            tos: 0,
            device: String::new(),
            max_retransmit: None,
            connect_timeout: None,
            proxy: None,
        }
    }
}
