//! Options of the transports tcp and ipc, most of which are options of the system.

use std::time::Duration;

use super::{Options, bounded};
use crate::settings::SocksProxy;

impl<K> Options<K> {
    /// Sets the maximum number of connections that wait in the kernel to be accepted, at each bound endpoint. The
    /// system has a limit of its own. Default 1024 (libzmq: 100).
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.settings.transport.backlog = connections;
        self
    }

    /// Makes `*` stand for every interface of IPv6 too, and the name of an interface for its IPv6 address, if it has
    /// any. On a machine without IPv6 both still stand for IPv4. Default off.
    ///
    /// The option has no effect on endpoints with an address, and none on connecting to a name: all addresses of the
    /// name are tried.
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

    /// Sets whether the kernel probes idle TCP connections, and ends the connections of silent peers. Default: the
    /// system's. ([`heartbeat_interval`](Self::heartbeat_interval) also detects a peer whose program hangs.)
    #[must_use]
    pub fn keepalive(mut self, on: bool) -> Self {
        self.settings.transport.keepalive.on = Some(on);
        self
    }

    /// Sets the time after which an idle connection is probed, in whole seconds from 1 to 32,767. Only with
    /// [`keepalive`](Self::keepalive) on. Default: the system's.
    #[must_use]
    pub fn keepalive_idle(mut self, time: Duration) -> Self {
        self.settings.transport.keepalive.idle = Some(seconds(time));
        self
    }

    /// Sets the time between two probes, in whole seconds from 1 to 32,767. Only with [`keepalive`](Self::keepalive)
    /// on. Default: the system's.
    #[must_use]
    pub fn keepalive_interval(mut self, time: Duration) -> Self {
        self.settings.transport.keepalive.interval = Some(seconds(time));
        self
    }

    /// Sets the number of unanswered probes after which the connection ends, from 1 to 127. Only with
    /// [`keepalive`](Self::keepalive) on. Default: the system's.
    #[must_use]
    pub fn keepalive_count(mut self, probes: u32) -> Self {
        self.settings.transport.keepalive.count = Some(probes.clamp(1, 127));
        self
    }

    /// Sets the type of service, or traffic class, in the IP packets of TCP connections: a byte with a DSCP in its
    /// upper six bits. The kernel sets the lower two. Default 0.
    #[must_use]
    pub fn tos(mut self, tos: u8) -> Self {
        self.settings.transport.tos = tos;
        self
    }

    /// Binds the sockets of TCP endpoints to an interface, for instance `eth0`, or to a VRF (Linux's
    /// `SO_BINDTODEVICE`): they send and receive only through it. Empty, the default, stands for all interfaces.
    ///
    /// The system may demand a privilege. Without it, or if the interface doesn't exist, `bind` fails with
    /// [`BindError::Io`](crate::error::BindError), and a connecting socket tries again as after any failure.
    #[must_use]
    pub fn bind_to_device(mut self, interface: impl Into<String>) -> Self {
        self.settings.transport.device = interface.into();
        self
    }

    /// Sets the time for which the kernel resends bytes that a TCP peer doesn't acknowledge, before it ends the
    /// connection, in milliseconds (libzmq's `TCP_MAXRT`, Linux's `TCP_USER_TIMEOUT`; without effect elsewhere). Zero,
    /// the default, leaves it to the system: about a quarter of an hour.
    #[must_use]
    pub fn max_retransmit(mut self, time: Duration) -> Self {
        self.settings.transport.max_retransmit =
            (!time.is_zero()).then(|| time.clamp(MILLISECOND, MAX_RETRANSMIT));
        self
    }

    /// Sets the maximum time to establish a connection, a proxy's part included. Each address of a name has the whole
    /// time. Afterwards the attempt has failed, and the socket tries again as after any failure. Zero, the default,
    /// leaves the limit to the system: some two minutes.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.transport.connect_timeout = (!timeout.is_zero()).then(|| bounded(timeout));
        self
    }

    /// Sets the proxy through which the socket connects to TCP endpoints. Default `None`. When the proxy fails, or
    /// can't connect to the peer, the socket tries again as after any failure.
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

/// Maximum bytes that the system's calls take.
const MAX_BUFFER: usize = i32::MAX as usize;
const MAX_RETRANSMIT: Duration = Duration::from_millis(i32::MAX as u64);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Returns the time in whole seconds, within the range that Linux takes.
fn seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().clamp(1, 32_767))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts_stay_within_the_limits_of_the_system() {
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
