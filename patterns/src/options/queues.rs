//! Options of queues: their bounds, and time limits.

use std::time::Duration;

use super::{Options, bounded, unlimited};

impl<K> Options<K> {
    /// Sets the high-water mark of sending: how many messages may wait for one peer, 0 for no limit. Default 1000. A
    /// message counts until the kernel has taken it. The kind of socket decides what happens at the mark: see its
    /// documentation.
    #[must_use]
    pub fn send_hwm(mut self, messages: usize) -> Self {
        self.settings.queue.send_limit.messages = unlimited(messages);
        self
    }

    /// Sets the high-water mark of sending in bytes, so that large messages don't fill the memory; 0 for no limit.
    /// Default 64 MiB. While fewer bytes wait, one more message is accepted, whatever its size.
    #[must_use]
    pub fn send_bytes(mut self, bytes: usize) -> Self {
        self.settings.queue.send_limit.bytes = unlimited(bytes);
        self
    }

    /// Sets the high-water mark of receiving: how many messages of one peer may wait to be received before its
    /// connection is no longer read, 0 for no limit. Default 1000. The messages of one read are kept whole, so
    /// they may pass the mark.
    #[must_use]
    pub fn recv_hwm(mut self, messages: usize) -> Self {
        self.settings.queue.recv_limit.messages = unlimited(messages);
        self
    }

    /// Sets the high-water mark of receiving in bytes; 0 for no limit. Default 64 MiB.
    #[must_use]
    pub fn recv_bytes(mut self, bytes: usize) -> Self {
        self.settings.queue.recv_limit.bytes = unlimited(bytes);
        self
    }

    /// Sets the time for which a dropped socket goes on sending the messages that wait for connected peers, in the
    /// background, while the runtime lives. Default 30 s. (libzmq's default is for ever.)
    ///
    /// If the linger is over or the runtime ends before all messages are sent, a warning in the log has their number.
    /// `close` takes a linger of its own, and returns the outcome. The linger holds for endpoints that are given up,
    /// too (`unbind`, `disconnect`). Over ipc, peers may take as long to read the messages that they were sent.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = bounded(linger);
        self
    }

    /// Sets the maximum time that a send waits for room; with zero it doesn't wait. Default `None`: for ever. A
    /// `tokio::time::timeout` around the send does the same, but doesn't return the message.
    #[must_use]
    pub fn send_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.settings.send_timeout = time.into().map(bounded);
        self
    }

    /// Sets the maximum time that a receive waits; with zero it doesn't wait. Default `None`: for ever. A
    /// `tokio::time::timeout` around the receive does the same, and loses no message.
    #[must_use]
    pub fn recv_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.settings.recv_timeout = time.into().map(bounded);
        self
    }

    /// Makes the socket send to connected peers only. No message is queued for an endpoint before its peer is
    /// connected, and the messages that wait for a peer are lost with its connection. Default off.
    #[must_use]
    pub fn immediate(mut self, on: bool) -> Self {
        self.settings.queue.immediate = on;
        self
    }
}
