//! Options of publishing: which subscribers get a message, and which subscriptions are reported.

use super::{Narrow, Options, PublishOptions, TopicOptions};

impl<K: Narrow<PublishOptions>> Options<K> {
    /// Makes the socket drop no messages: if a subscriber has no room for a message, the message is sent to no
    /// subscriber. `send` waits until all have room, and `try_send` returns the message. So one subscriber that doesn't
    /// read holds up all others until it disconnects. Default off. (libzmq's `XPUB_NODROP`.)
    ///
    /// A subscriber that is disconnected loses the messages that wait for it. Heartbeats may disconnect a subscriber
    /// whose inbox is at its high-water mark: see [`heartbeat_interval`](Self::heartbeat_interval).
    #[must_use]
    pub fn nodrop(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.pub_sub.nodrop = on;
        self.retyped()
    }
}

impl<K: Narrow<TopicOptions>> Options<K> {
    /// Inverts the matching: a message is sent to the subscribers without a matching subscription, also to subscribers
    /// without any subscription. Both ends must have it, since a SUB matches the messages that it receives again.
    /// Default off.
    #[must_use]
    pub fn invert_matching(mut self, on: bool) -> Options<K::Narrowed> {
        self.settings.pub_sub.invert_matching = on;
        self.retyped()
    }
}
