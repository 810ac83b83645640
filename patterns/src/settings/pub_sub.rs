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
