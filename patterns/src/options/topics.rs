//! Options of publishing: which subscribers get a message, and which subscriptions are reported.

use super::{Kind, Options};

/// Kinds that publish.
pub trait Publishes: Kind {}

/// Kinds that compare messages with topics.
pub trait MatchesTopics: Kind {}

impl<K: Publishes> Options<K> {
    /// Loses nothing: a message that any of its subscribers has no room for is sent to none of them. `send` waits
    /// until all have room, `try_send` gives the message back. So one subscriber that doesn't read holds up all
    /// others, until it goes. Default off. (libzmq's `XPUB_NODROP`.)
    ///
    /// A subscriber that is cut off loses the messages that were sent to it: see
    /// [`heartbeat_interval`](Self::heartbeat_interval) on receivers that are at their mark.
    #[must_use]
    pub fn nodrop(mut self, on: bool) -> Self {
        self.settings.nodrop = on;
        self
    }
}

impl<K: MatchesTopics> Options<K> {
    /// Turns subscriptions round: messages go to all subscribers that have no subscription to them, also to those
    /// that have none at all. Both ends must have it, since SUB looks at what it gets once more. Default off.
    #[must_use]
    pub fn invert_matching(mut self, on: bool) -> Self {
        self.settings.invert_matching = on;
        self
    }
}
