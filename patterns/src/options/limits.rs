//! Limits on the memory that a peer can make us allocate.

use super::Options;

impl<K> Options<K> {
    /// The largest message, all frames together, that is accepted from a peer: a larger one ends its
    /// connection. Default 256 MiB.
    #[must_use]
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.settings.limits.message = bytes;
        self
    }

    /// The largest frame that is accepted from a peer (libzmq's `MAXMSGSIZE`): a larger one ends its connection.
    /// Default 256 MiB.
    #[must_use]
    pub fn max_frame_size(mut self, bytes: usize) -> Self {
        self.settings.limits.frame = bytes;
        self
    }

    /// How many frames a message from a peer may have: one of more ends its connection. Default 1,000,000.
    #[must_use]
    pub fn max_frames(mut self, frames: usize) -> Self {
        self.settings.limits.frames = frames;
        self
    }

    /// How many bytes of metadata a peer may announce, not counting some 512 that its commands may have besides:
    /// more end its connection. Default 64 KiB.
    #[must_use]
    pub fn max_metadata(mut self, bytes: usize) -> Self {
        self.settings.metadata = bytes;
        self
    }

    /// How many subscriptions a subscriber may hold, and how many bytes their topics may have; the same
    /// bounds hold for the topics of all subscribers together, so that a broker never asks a publisher for
    /// more than that takes. A peer that passes them is disconnected. Default 1,000,000 and 64 MiB.
    #[must_use]
    pub fn max_subscriptions(mut self, subscriptions: usize, bytes: usize) -> Self {
        (self.settings.subscriptions, self.settings.subscription_bytes) = (subscriptions, bytes);
        self
    }
}
