//! Options of publishing: which subscribers get a message, and which subscriptions are reported.

use super::{Kind, Options};
use crate::settings::XPubVerbosity;
use crate::socket::{Pub, Sub, XPub, XSub};

/// Kinds that publish.
pub trait Publishes: Kind {}
impl Publishes for Pub {}
impl Publishes for XPub {}

/// Kinds that compare messages with topics.
pub trait MatchesTopics: Kind {}
impl MatchesTopics for Pub {}
impl MatchesTopics for XPub {}
impl MatchesTopics for Sub {}

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

impl Options<XPub> {
    /// Tells the application every subscribe of every peer, not just the first to a topic. Messages still come to
    /// each subscriber once. Default off. Of this and [`verboser`](Self::verboser), the one that is set last counts.
    #[must_use]
    pub fn verbose(mut self, on: bool) -> Self {
        self.settings.xpub_verbosity = if on { XPubVerbosity::Subscribes } else { XPubVerbosity::Changes };
        self
    }

    /// Tells the application every subscribe and every cancel of every peer; when a peer goes, a cancel for each of
    /// its topics. Default off.
    #[must_use]
    pub fn verboser(mut self, on: bool) -> Self {
        self.settings.xpub_verbosity = if on { XPubVerbosity::All } else { XPubVerbosity::Changes };
        self
    }

    /// Leaves it to the application what a subscriber gets: what it asks for is only told, all of it, and
    /// [`XPub::subscribe`] and [`XPub::unsubscribe`] decide. When a peer goes, cancels of what it had asked for are
    /// told, and what the application has set for it is forgotten. Default off.
    #[must_use]
    pub fn manual(mut self, on: bool) -> Self {
        self.settings.manual = on;
        self
    }
}

impl Options<XSub> {
    /// Sends every unsubscribe to the publishers, also of topics that are still wanted or never were. A publisher
    /// ends all subscriptions of this socket to a topic at the first. Default off: only the last one is sent.
    #[must_use]
    pub fn verbose_unsubscribe(mut self, on: bool) -> Self {
        self.settings.verbose_unsubscribe = on;
        self
    }
}
