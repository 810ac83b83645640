//! Settings of publishers and subscribers.

/// Changes of subscriptions that an XPUB reports to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum XPubVerbosity {
    /// The first subscribe to a topic, and the last cancel.
    #[default]
    Changes,
    /// Every subscribe, and the last cancel.
    Subscribes,
    /// All of them.
    All,
}

/// Settings of publishers and subscribers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PubSubSettings {
    /// Whether a publication waits for subscribers without room; otherwise they miss it.
    pub(crate) nodrop: bool,
    /// Whether messages go to the subscribers that did not subscribe to their topic.
    pub(crate) invert_matching: bool,
    pub(crate) xpub_verbosity: XPubVerbosity,
    /// Whether the application decides which subscriptions a subscriber has.
    pub(crate) manual: bool,
    /// Whether publishers are sent every cancel; otherwise the last of a topic.
    pub(crate) verbose_unsubscribe: bool,
    /// Maximum number of subscriptions of one subscriber, and of topics of all of them.
    pub(crate) max_subscriptions: usize,
    /// Maximum bytes of the topics of one subscriber, and of all topics.
    pub(crate) max_subscription_bytes: usize,
}

impl Default for PubSubSettings {
    fn default() -> Self {
        Self {
            nodrop: false,
            invert_matching: false,
            xpub_verbosity: XPubVerbosity::default(),
            manual: false,
            verbose_unsubscribe: false,
            max_subscriptions: 1_000_000,
            max_subscription_bytes: 64 << 20,
        }
    }
}
