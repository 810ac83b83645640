//! Reaching peers, and noticing that they have gone.

use std::time::Duration;

use super::{Options, bounded};

impl<K> Options<K> {
    /// Whether a connection is tried again when it fails or is lost. Default on.
    ///
    /// Off, `connect` makes one attempt (libzmq's `RECONNECT_IVL` of -1). When that fails, or its connection ends,
    /// the endpoint is given up: the socket isn't connected to it any more, and what waits for the peer is dropped. It
    /// can be connected to again. A monitor is told [`Closed`](crate::monitor::MonitorEvent::Closed).
    #[must_use]
    pub fn reconnect(mut self, on: bool) -> Self {
        self.settings.reconnect.ever = on;
        self
    }

    /// Whether an endpoint is tried again after the system refused the connection, since no socket listens there. Default
    /// on; off, the endpoint is then given up. (libzmq's `RECONNECT_STOP_CONN_REFUSED`)
    #[must_use]
    pub fn reconnect_if_connection_refused(mut self, on: bool) -> Self {
        self.settings.reconnect.if_connection_refused = on;
        self
    }

    /// Whether a peer is tried again that was reached, and with which the handshake failed in whatever way: it went
    /// away, took too long, isn't one, or won't have us. Default on; off, the endpoint is then given up.
    /// (libzmq's `RECONNECT_STOP_HANDSHAKE_FAILED`)
    #[must_use]
    pub fn reconnect_if_handshake_fails(mut self, on: bool) -> Self {
        self.settings.reconnect.if_handshake_fails = on;
        self
    }

    /// The wait before a lost or failed connection is tried again, to which a share is added at random:
    /// [`reconnect_jitter`](Self::reconnect_jitter). Default 100 ms. At least 1 ms: zero doesn't mean never, as it does
    /// with libzmq; [`reconnect`](Self::reconnect) does.
    #[must_use]
    pub fn reconnect_interval(mut self, interval: Duration) -> Self {
        self.settings.reconnect.interval = bounded(interval).max(SHORTEST);
        self
    }

    /// Lets the wait double with every failure in a row, up to this. Default: it doesn't grow. Less than the interval,
    /// it has no effect.
    #[must_use]
    pub fn reconnect_interval_max(mut self, max: Duration) -> Self {
        self.settings.reconnect.max = Some(bounded(max));
        self
    }

    /// The share of the wait that is added to it at random, at most: from 0 to 1. So the clients of a server that was
    /// restarted don't all come back at the same instant. Default 1. (libzmq adds as much, and nothing to waits that
    /// grow.)
    ///
    /// # Panics
    /// When it isn't from 0 to 1.
    #[must_use]
    pub fn reconnect_jitter(mut self, share: f64) -> Self {
        assert!((0.0..=1.0).contains(&share), "the share of the wait is from 0 to 1");
        self.settings.reconnect.jitter = share;
        self
    }

    /// Sets the wait before a peer is tried again after a handshake that would fail again: the peer breaks the protocol,
    /// has a socket type or mechanism that doesn't fit, or rejects us. The same share is added at random. Default 5 s.
    /// (libzmq gives the endpoint up for good; a service that runs for long outlives the mistake.)
    #[must_use]
    pub fn rejected_reconnect_interval(mut self, interval: Duration) -> Self {
        self.settings.reconnect.rejected_interval = bounded(interval);
        self
    }

    /// How long a peer may take from the connection to the end of the handshake; zero for no limit. Default 30 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.handshake = bounded(timeout);
        self
    }

    /// How often a peer is asked for a sign of life (PING); zero for never, which is the default. A peer that
    /// stays silent for the heartbeat timeout is given up, and connected anew where this side connects.
    ///
    /// Any byte is a sign of life, and so is room that the peer makes for more, after it had taken nothing for a while. A
    /// connection that isn't read, since its inbox is full, isn't silent.
    ///
    /// A receiver whose inbox is at its mark reads nothing, and finds no PING behind the messages that it doesn't read. One of
    /// ours that has had a PING before sends PONGs by itself meanwhile. One of libzmq's says nothing: if its application
    /// takes less than some 100 KB within the timeout, it is given up though it lives. So let the timeout be longer than
    /// an application may pause.
    ///
    /// A PING that the kernel has no room for isn't written, and so its time to be answered doesn't begin. A peer that
    /// vanishes while much is sent to it is noticed by TCP:
    /// [`max_retransmit`](Self::max_retransmit) says when.
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.heartbeat.interval = bounded(interval);
        self
    }

    /// How long peers may wait for a sign of life of ours before they give us up; told with each PING, in
    /// tenths of a second, at most 65.5 s. Zero, the default: for ever. It takes a
    /// [`heartbeat_interval`](Self::heartbeat_interval), and PINGs come at least twice within it, also where the interval is
    /// longer.
    ///
    /// A peer of libzmq's counts this time also while its inbox is at its mark and it doesn't read our PINGs: it leaves
    /// then, unless its application goes on in time.
    #[must_use]
    pub fn heartbeat_ttl(mut self, ttl: Duration) -> Self {
        self.settings.heartbeat.ttl = bounded(ttl);
        self
    }

    /// Whether peers that speak ZMTP 3.0 are sent PINGs, too. That version has no such command (RFC 23), and not all such
    /// peers answer. Default on, as in libzmq.
    #[must_use]
    pub fn heartbeat_legacy(mut self, on: bool) -> Self {
        self.settings.heartbeat_legacy = on;
        self
    }

    /// How long a PING may stay without any sign of life, once the kernel has taken it; zero for no limit. Default: as
    /// long as the interval.
    #[must_use]
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.settings.heartbeat.timeout = Some(bounded(timeout));
        self
    }
}

/// Shortest interval: an endpoint whose connections fail at once isn't tried as fast as the machine can.
const SHORTEST: Duration = Duration::from_millis(1);
