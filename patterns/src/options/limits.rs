//! Limits on the memory that a peer can make us allocate.

use super::Options;

impl<K> Options<K> {
    /// Sets the maximum bytes of a message from a peer, all frames together. A larger message ends the connection.
    /// Default 256 MiB.
    #[must_use]
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.settings.limits.message = bytes;
        self
    }

    /// Sets the maximum bytes of a frame from a peer (libzmq's `MAXMSGSIZE`). A larger frame ends the connection.
    /// Default 256 MiB.
    #[must_use]
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.settings.limits.frame = bytes;
        self
    }

    /// Sets the maximum number of frames of a message from a peer. A message of more frames ends the connection.
    /// Default 1,000,000.
    #[must_use]
    pub fn max_frames(mut self, frames: usize) -> Self {
        self.settings.limits.frames = frames;
        self
    }

    /// Sets the maximum bytes of metadata that a peer may announce. Its handshake commands may have some 512 bytes more
    /// for other data. A larger command ends the connection. Default 64 KiB.
    #[must_use]
    pub fn max_metadata(mut self, bytes: usize) -> Self {
        self.settings.handshake.max_metadata = bytes;
        self
    }

    /// Sets the maximum number of connections at each endpoint that is bound over tcp or ipc, with those whose handshake
    /// or end is in progress; 0 for no limit, the default. At the limit a new connection takes the place of a handshake
    /// in progress, if there is one: of the oldest handshake of the address with the most, as for
    /// [`max_handshakes`](Self::max_handshakes), so that silent peers keep no other peer out. Otherwise the new
    /// connection is closed at once, without a handshake. Established connections go on.
    ///
    /// Monitors report [`ConnectionError::TooManyConnections`](crate::error::ConnectionError::TooManyConnections), and
    /// at most one log line a second tells how many connections were closed. A closed peer is free to connect again,
    /// and gets the next free place.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.transport.max_connections = if connections == 0 { usize::MAX } else { connections };
        self
    }

    /// Sets the maximum number of subscriptions that a subscriber may hold, and the maximum bytes of their topics. The
    /// same bounds hold for the topics of all subscribers together, so that a broker never subscribes to more topics
    /// than a publisher with the same limits accepts. A peer that passes a bound is disconnected. Default 1,000,000 and
    /// 64 MiB.
    #[must_use]
    pub fn max_subscriptions(mut self, subscriptions: usize, bytes: usize) -> Self {
        self.settings.pub_sub.max_subscriptions = subscriptions;
        self.settings.pub_sub.max_subscription_bytes = bytes;
        self
    }
}
