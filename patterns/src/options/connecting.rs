//! Options of connections: reconnecting, the time limit of handshakes, and heartbeats.

use std::time::Duration;

use super::{Options, bounded};

impl<K> Options<K> {
    /// Sets whether the socket connects again after a connection failed or ended. Default on.
    ///
    /// If off, `connect` makes one attempt (libzmq's `RECONNECT_IVL` of -1). When the attempt fails, or its connection
    /// ends, the socket gives up the endpoint: it drops the messages that wait for the peer, and monitors receive
    /// [`Closed`](crate::monitor::MonitorEvent::Closed). The application may connect to the endpoint again.
    #[must_use]
    pub fn reconnect(mut self, on: bool) -> Self {
        self.settings.reconnect.ever = on;
        self
    }

    /// Sets whether the socket connects again after the system refused a connection, since no socket listens at the
    /// address. Default on; if off, the endpoint is then given up. (libzmq's `RECONNECT_STOP_CONN_REFUSED`)
    #[must_use]
    pub fn reconnect_if_connection_refused(mut self, on: bool) -> Self {
        self.settings.reconnect.if_connection_refused = on;
        self
    }

    /// Sets whether the socket connects again after a handshake failed, for any reason: the peer disconnected, took too
    /// long, or speaks another protocol, or either end rejected the other. Default on; if off, the endpoint is then
    /// given up. (libzmq's `RECONNECT_STOP_HANDSHAKE_FAILED`)
    #[must_use]
    pub fn reconnect_if_handshake_fails(mut self, on: bool) -> Self {
        self.settings.reconnect.if_handshake_fails = on;
        self
    }

    /// Sets the wait before the socket connects again after a connection failed or ended.
    /// [`reconnect_jitter`](Self::reconnect_jitter) adds a random share to it. Default 100 ms, at least 1 ms. Zero
    /// doesn't turn reconnecting off, as it does in libzmq: use [`reconnect`](Self::reconnect).
    #[must_use]
    pub fn reconnect_interval(mut self, interval: Duration) -> Self {
        self.settings.reconnect.interval = bounded(interval).max(SHORTEST);
        self
    }

    /// Sets the maximum of the wait, which doubles up to it with every failure in a row. By default the wait doesn't
    /// grow. A maximum below the interval has no effect.
    #[must_use]
    pub fn reconnect_interval_max(mut self, max: Duration) -> Self {
        self.settings.reconnect.max = Some(bounded(max));
        self
    }

    /// Sets the maximum share of the wait that is added to it at random, from 0 to 1. Default 1. The random share keeps
    /// the clients of a restarted server from reconnecting all at the same instant. (libzmq adds as much, but nothing
    /// to waits that grow.)
    ///
    /// # Panics
    /// If the share isn't from 0 to 1.
    #[must_use]
    pub fn reconnect_jitter(mut self, share: f64) -> Self {
        assert!((0.0..=1.0).contains(&share), "the share of the wait is from 0 to 1");
        self.settings.reconnect.jitter = share;
        self
    }

    /// Sets the minimum wait after a handshake that would fail again: the peer breaks the protocol, has a socket type
    /// or mechanism that doesn't fit, or rejects us. A random share is added as to every wait. Default 5 s. (libzmq
    /// gives the endpoint up for good. A service that goes on trying recovers when the mistake is corrected.)
    #[must_use]
    pub fn rejected_reconnect_interval(mut self, interval: Duration) -> Self {
        self.settings.reconnect.rejected_interval = bounded(interval);
        self
    }

    /// Sets the maximum time from the connection to the end of the handshake; zero for no limit. Default 30 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.handshake.timeout = bounded(timeout);
        self
    }

    /// Sets the interval of PINGs, which ask a peer for a sign of life; zero, the default, for no PINGs. A peer that
    /// stays silent for the [heartbeat timeout](Self::heartbeat_timeout) is disconnected. Where this side connects, it
    /// connects again.
    ///
    /// Any byte from the peer is a sign of life. So is room in the kernel's send buffer, when there was none before:
    /// the peer has read something. While the inbox of a peer is full and its connection isn't read, the peer doesn't
    /// count as silent.
    ///
    /// A peer whose inbox is at its high-water mark reads nothing, and so finds no PING behind the unread messages. A
    /// peer of this crate that has received a PING before sends unsolicited PONGs meanwhile. A libzmq peer sends
    /// nothing: if its application receives less than some 100 KB within the timeout, the peer is disconnected although
    /// it is alive. So choose a timeout that is longer than the peer's application may pause.
    ///
    /// The timeout begins when the PING is written. While the kernel has no room for the PING, only TCP detects a lost
    /// peer: see [`max_retransmit`](Self::max_retransmit).
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.heartbeat.config.interval = bounded(interval);
        self
    }

    /// Sets the time that peers may wait for a sign of life of this side before they disconnect. Each PING carries it,
    /// in tenths of a second, at most 65.5 s. Zero, the default, sets no limit. It needs a
    /// [`heartbeat_interval`](Self::heartbeat_interval), and at least two PINGs are sent within it, also if the
    /// interval is longer.
    ///
    /// A libzmq peer measures this time also while its inbox is at its high-water mark and it doesn't read our PINGs:
    /// it disconnects then, unless its application receives messages in time.
    #[must_use]
    pub fn heartbeat_ttl(mut self, ttl: Duration) -> Self {
        self.settings.heartbeat.config.ttl = bounded(ttl);
        self
    }

    /// Sets whether peers that speak ZMTP 3.0 are sent PINGs, too. ZMTP 3.0 has no PING (RFC 23), and not all of its
    /// peers answer. Default on, as in libzmq.
    #[must_use]
    pub fn heartbeat_legacy(mut self, on: bool) -> Self {
        self.settings.heartbeat.to_zmtp30 = on;
        self
    }

    /// Sets the maximum time without a sign of life after the kernel has taken a PING; zero for no limit. Default: the
    /// interval.
    #[must_use]
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.settings.heartbeat.config.timeout = Some(bounded(timeout));
        self
    }
}

/// Minimum wait between two attempts, so that an endpoint whose connections fail at once doesn't keep the processor
/// busy.
const SHORTEST: Duration = Duration::from_millis(1);
