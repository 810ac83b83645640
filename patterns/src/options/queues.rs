//! Options of queues: how much waits, and for how long.

use std::time::Duration;

use super::{Options, bounded, unlimited};

impl<K> Options<K> {
    /// Sets the high-water mark of sending: how many messages may wait for one peer, 0 for no limit. Default 1000.
    /// A message counts until the kernel has taken it. What happens at the mark depends on the kind of
    /// socket: see there.
    #[must_use]
    pub fn send_hwm(mut self, messages: usize) -> Self {
        self.settings.send_hwm = unlimited(messages);
        self
    }

    /// Sets the high-water mark of sending in bytes, so that large messages don't fill the memory; 0 for no limit.
    /// Default 64 MiB. As long as fewer bytes wait, one more message is taken, whatever its size.
    #[must_use]
    pub fn send_bytes(mut self, bytes: usize) -> Self {
        self.settings.send_bytes = unlimited(bytes);
        self
    }

    /// Sets the high-water mark of receiving: how many messages of one peer may wait to be received before its
    /// connection is no longer read, 0 for no limit. Default 1000. The messages of one read are kept whole, so
    /// they may pass the mark.
    #[must_use]
    pub fn recv_hwm(mut self, messages: usize) -> Self {
        self.settings.recv_hwm = unlimited(messages);
        self
    }

    /// Sets the high-water mark of receiving in bytes; 0 for no limit. Default 64 MiB.
    #[must_use]
    pub fn recv_bytes(mut self, bytes: usize) -> Self {
        self.settings.recv_bytes = unlimited(bytes);
        self
    }

    /// How long, once the socket is dropped, what waits for connected peers is still sent in the
    /// background, as long as the runtime lives. Default 30 s. (libzmq's default is for ever.) If anything is left when it is
    /// over, or the runtime ends, a warning in the log says how many messages that was.
    /// `close` takes a linger of its own, and is the way to be sure. It holds for endpoints that are given up, too
    /// (`unbind`, `disconnect`). Over ipc, peers that were sent messages may take as long to read them.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = bounded(linger);
        self
    }

    /// How long a send may wait for room; zero not at all. Default `None`: for ever. A `tokio::time::timeout` around it
    /// does as well, only that it doesn't give the message back.
    #[must_use]
    pub fn send_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.settings.send_timeout = time.into().map(bounded);
        self
    }

    /// How long a receive may wait; zero not at all. Default `None`: for ever. A `tokio::time::timeout` around it does
    /// as well: nothing is lost by it.
    #[must_use]
    pub fn recv_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.settings.recv_timeout = time.into().map(bounded);
        self
    }

    /// Sends to peers that are there only: what is sent to an endpoint that was connected to doesn't wait there for the
    /// connection, and what waits for a peer when its connection is lost is lost with it. Default off.
    #[must_use]
    pub fn immediate(mut self, on: bool) -> Self {
        self.settings.immediate = on;
        self
    }
}
