//! Settings of the queues of peers.

use crate::size::Size;

/// High-water marks in messages, and in bytes.
const DEFAULT_LIMIT: Size = Size { messages: 1000, bytes: 64 << 20 };

/// Settings of the queues of peers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueSettings {
    /// High-water mark of sending to one peer.
    pub(crate) send_limit: Size,
    /// High-water mark of receiving from one peer.
    pub(crate) recv_limit: Size,
    /// Whether messages wait for connected peers only.
    pub(crate) immediate: bool,
    /// Whether only the last message to and from each peer is kept.
    pub(crate) conflate: bool,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { send_limit: DEFAULT_LIMIT, recv_limit: DEFAULT_LIMIT, immediate: false, conflate: false }
    }
}
