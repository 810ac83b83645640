//! How tcp and ipc are spoken: what the system is asked for.

use std::time::Duration;

use super::{Options, bounded};
use crate::settings::SocksProxy;

impl<K> Options<K> {
    /// How many connections may wait in the kernel to be accepted, at each endpoint that is bound; the system has a
    /// limit of its own. Default 1024 (libzmq: 100).
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.settings.transport.backlog = connections;
        self
    }

    /// Makes `*` stand for every interface of IPv6 too, and the name of an interface for its IPv6 address, if it has
    /// one. Where the machine has no IPv6, it is IPv4 all the same. Default off.
    ///
    /// Addresses are what they are, and of a name every address is tried, with and without.
    #[must_use]
    pub fn ipv6(mut self, on: bool) -> Self {
        self.settings.transport.ipv6 = on;
        self
    }

    /// Sets the kernel's buffer for sending over a TCP connection, in bytes (`SO_SNDBUF`). Linux takes twice as much,
    /// up to a limit of its own. Default: the system's, which grows with the traffic.
    #[must_use]
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.settings.transport.send_buffer = Some(bytes.min(MAX_BUFFER));
        self
    }

    /// Sets the kernel's buffer for receiving over a TCP connection, in bytes (`SO_RCVBUF`). Linux takes twice as much,
    /// up to a limit of its own. Default: the system's, which grows with the traffic.
    #[must_use]
    pub fn recv_buffer(mut self, bytes: usize) -> Self {
        self.settings.transport.recv_buffer = Some(bytes.min(MAX_BUFFER));
        self
    }

    /// Whether the kernel probes idle TCP connections, and ends those whose peer is silent. Default: as the system
    /// has it. ([`heartbeat_interval`](Self::heartbeat_interval) also finds a peer that hangs.)
    #[must_use]
    pub fn keepalive(mut self, on: bool) -> Self {
        self.settings.transport.keepalive.on = Some(on);
        self
    }

    /// How long a connection is idle before it is probed, in seconds from 1 to 32,767. Only with
    /// [`keepalive`](Self::keepalive) on. Default: the system's.
    #[must_use]
    pub fn keepalive_idle(mut self, time: Duration) -> Self {
        self.settings.transport.keepalive.idle = Some(seconds(time));
        self
    }

    /// The time between two probes, in seconds from 1 to 32,767. Only with [`keepalive`](Self::keepalive) on.
    /// Default: the system's.
    #[must_use]
    pub fn keepalive_interval(mut self, time: Duration) -> Self {
        self.settings.transport.keepalive.interval = Some(seconds(time));
        self
    }

    /// How many probes may stay without an answer, from 1 to 127. Only with [`keepalive`](Self::keepalive) on.
    /// Default: the system's.
    #[must_use]
    pub fn keepalive_count(mut self, probes: u32) -> Self {
        self.settings.transport.keepalive.count = Some(probes.clamp(1, 127));
        self
    }

    /// The byte of type of service, or traffic class, in the IP packets of TCP connections: a DSCP in its upper six
    /// bits. The lower two are the kernel's. Default 0.
    #[must_use]
    pub fn tos(mut self, tos: u8) -> Self {
        self.settings.transport.tos = tos;
        self
    }

    /// The only interface whose packets TCP endpoints take part in, for instance `eth0`, or a VRF (Linux's
    /// `SO_BINDTODEVICE`). Empty, the default: all.
    ///
    /// The system may ask for a privilege. Without it, or if there is no such interface, `bind` fails with
    /// [`BindError::Io`](crate::error::BindError); what connects tries again, as after any failure.
    #[must_use]
    pub fn bind_to_device(mut self, interface: impl Into<String>) -> Self {
        self.settings.transport.device = interface.into();
        self
    }

    /// How long the kernel sends again what a TCP peer doesn't acknowledge, before it ends the connection, in
    /// milliseconds (libzmq's `TCP_MAXRT`, Linux's `TCP_USER_TIMEOUT`; without effect elsewhere). Zero, the default:
    /// as the system has it, a quarter of an hour or so.
    #[must_use]
    pub fn max_retransmit(mut self, time: Duration) -> Self {
        self.settings.transport.max_retransmit =
            (!time.is_zero()).then(|| time.clamp(MILLISECOND, MAX_RETRANSMIT));
        self
    }

    /// How long a connection may take to come about, with the proxy's part, if there is one; each address of a name
    /// has so long. Then it is given up, and tried again as after any failure. Zero, the default: as long as the
    /// system tries, some two minutes.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.transport.connect_timeout = (!timeout.is_zero()).then(|| bounded(timeout));
        self
    }

    /// The proxy through which TCP endpoints are connected to. `None`, the default: none. When it fails, or
    /// can't connect to the peer, the endpoint is tried again as after any failure.
    ///
    /// ```
    /// use enfonet::Options;
    /// use enfonet::auth::PlainCredentials;
    /// use enfonet::options::SocksProxy;
    ///
    /// let proxy = SocksProxy::new("tcp://proxy.example:1080")?.login(PlainCredentials::new("ada", "secret")?);
    /// let options = Options::default().socks_proxy(proxy);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn socks_proxy(mut self, proxy: impl Into<Option<SocksProxy>>) -> Self {
        self.settings.transport.proxy = proxy.into();
        self
    }
}

/// Maximum that the system's calls take.
const MAX_BUFFER: usize = i32::MAX as usize;
const MAX_RETRANSMIT: Duration = Duration::from_millis(i32::MAX as u64);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Whole seconds, as many as Linux takes.
fn seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().clamp(1, 32_767))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_stay_within_what_the_system_takes() {
        let options = Options::default()
            .keepalive_idle(Duration::ZERO)
            .keepalive_interval(Duration::MAX)
            .keepalive_count(0)
            .max_retransmit(Duration::from_nanos(1))
            .send_buffer(usize::MAX);
        let transport = options.settings.transport;
        assert_eq!(transport.keepalive.idle, Some(Duration::from_secs(1)));
        assert_eq!(transport.keepalive.interval, Some(Duration::from_secs(32_767)));
        assert_eq!(transport.keepalive.count, Some(1));
        assert_eq!(transport.max_retransmit, Some(MILLISECOND));
        assert_eq!(transport.send_buffer, Some(MAX_BUFFER));
    }
}
