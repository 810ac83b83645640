//! Reaching peers, and noticing that they have gone.

use std::time::Duration;

use super::{Options, bounded};

impl<K> Options<K> {
    /// The wait before a lost or refused connection is tried again, to which up to as much again is added
    /// at random. Default 100 ms.
    #[must_use]
    pub fn reconnect_interval(mut self, interval: Duration) -> Self {
        self.settings.reconnect = bounded(interval);
        self
    }

    /// Lets the wait double with every failure in a row, up to this. Default: it doesn't grow.
    #[must_use]
    pub fn reconnect_interval_max(mut self, max: Duration) -> Self {
        self.settings.reconnect_max = Some(bounded(max));
        self
    }

    /// The wait before a peer is tried again that has been reached and can't be talked to: it breaks the
    /// protocol, it is of a kind or mechanism that doesn't fit, or it doesn't let us in. Up to as much again is
    /// added at random. Default 5 s. (libzmq gives such an endpoint up for good; a service that runs for long
    /// outlives the mistake.)
    #[must_use]
    pub fn refused_interval(mut self, interval: Duration) -> Self {
        self.settings.refused = bounded(interval);
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
    /// Any octet is a sign of life; a connection that isn't read, since its inbox is full, isn't silent.
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.heartbeat.interval = bounded(interval);
        self
    }

    /// How long peers may wait for a sign of life of ours before they give us up; told with each PING, in
    /// tenths of a second, at most 65.5 s. Zero, the default: for ever.
    #[must_use]
    pub fn heartbeat_ttl(mut self, ttl: Duration) -> Self {
        self.settings.heartbeat.ttl = bounded(ttl);
        self
    }

    /// How long a PING may stay without any sign of life. Default: as long as the interval.
    #[must_use]
    pub fn heartbeat_timeout(mut self, timeout: Duration) -> Self {
        self.settings.heartbeat.timeout = Some(bounded(timeout));
        self
    }
}
