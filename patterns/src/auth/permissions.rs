//! Topics that a peer may publish and subscribe to.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use enfonet_zmtp::User;

/// The topics that a peer may publish and subscribe to, as prefixes. By default a peer may use all topics.
///
/// | the peer | and the topic doesn't begin with an allowed prefix | then |
/// |---|---|---|
/// | subscribes | also if it is shorter than the prefix, or empty | the subscription is ignored, and its cancel |
/// | sends a message | the topic is its first frame | the message is dropped |
///
/// Both are counted ([`PeerStatus::forbidden`](crate::peer::PeerStatus)), and logged at most once a second for each
/// peer.
///
/// ```
/// use enfonet::auth::Permissions;
///
/// let permissions = Permissions::none().publish(["orders."]).subscribe(["orders.", "prices."]);
/// assert!(permissions.may_publish(b"orders.42") && !permissions.may_publish(b"prices.42"));
/// assert!(permissions.may_subscribe(b"prices.") && !permissions.may_subscribe(b"prices"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    publish: Option<Prefixes>,
    subscribe: Option<Prefixes>,
}

impl Permissions {
    /// Returns the permissions to publish and to subscribe to all topics.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns the permissions to publish and to subscribe to no topic.
    #[must_use]
    pub fn none() -> Self {
        let none = || Some(Prefixes::default());
        Self { publish: none(), subscribe: none() }
    }

    /// Sets the prefixes of the topics that the peer may publish. The empty prefix stands for all topics.
    #[must_use]
    pub fn publish<P: Into<Bytes>>(mut self, prefixes: impl IntoIterator<Item = P>) -> Self {
        self.publish = Some(prefixes.into_iter().collect());
        self
    }

    /// Sets the prefixes of the topics that the peer may subscribe to. The empty prefix stands for all topics.
    #[must_use]
    pub fn subscribe<P: Into<Bytes>>(mut self, prefixes: impl IntoIterator<Item = P>) -> Self {
        self.subscribe = Some(prefixes.into_iter().collect());
        self
    }

    /// Returns whether the peer may publish messages of this topic.
    #[must_use]
    pub fn may_publish(&self, topic: &[u8]) -> bool {
        self.publish.as_ref().is_none_or(|prefixes| prefixes.cover(topic))
    }

    /// Returns whether the peer may subscribe to this topic.
    #[must_use]
    pub fn may_subscribe(&self, topic: &[u8]) -> bool {
        self.subscribe.as_ref().is_none_or(|prefixes| prefixes.cover(topic))
    }

    /// Returns whether every topic is allowed, so that none has to be looked at.
    pub(crate) const fn allow_all(&self) -> bool {
        self.publish.is_none() && self.subscribe.is_none()
    }
}

/// Prefixes of topics, sorted, and none of which begins with another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Prefixes(Arc<[Bytes]>);

impl<P: Into<Bytes>> FromIterator<P> for Prefixes {
    fn from_iter<I: IntoIterator<Item = P>>(prefixes: I) -> Self {
        let mut prefixes: Vec<Bytes> = prefixes.into_iter().map(Into::into).collect();
        prefixes.sort_unstable();
        // In this order, a prefix stands directly before all that begin with it.
        prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter));
        Self(prefixes.into())
    }
}

impl Prefixes {
    /// Returns whether the topic begins with one of the prefixes.
    fn cover(&self, topic: &[u8]) -> bool {
        // Whatever lies between a prefix of the topic and the topic begins with that prefix, too. So that prefix is the
        // last which isn't greater than the topic.
        let behind = self.0.partition_point(|prefix| prefix <= topic);
        behind.checked_sub(1).is_some_and(|last| topic.starts_with(&self.0[last]))
    }
}

/// The function that decides a peer's permissions, if a socket has one.
#[derive(Clone, Default)]
pub(crate) struct PermissionPolicy(Option<Arc<Decide>>);

type Decide = dyn Fn(&User) -> Permissions + Send + Sync;

impl PermissionPolicy {
    pub(crate) fn with(decide: impl Fn(&User) -> Permissions + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(decide)))
    }

    /// Returns the permissions of a peer that was authenticated as this user: all, without a function.
    pub(crate) fn decide(&self, user: &User) -> Permissions {
        self.0.as_ref().map_or_else(Permissions::all, |decide| decide(user))
    }
}

impl fmt::Debug for PermissionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "PermissionPolicy(set)" } else { "PermissionPolicy(none)" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_topic_is_allowed_if_it_begins_with_an_allowed_prefix() {
        let permissions = Permissions::none().subscribe(["orders.", "prices."]);
        for (topic, expected) in [
            ("orders.", true),
            ("orders.1", true),
            ("prices.x", true),
            ("orders", false),
            ("", false),
            ("z", false),
        ] {
            assert_eq!(permissions.may_subscribe(topic.as_bytes()), expected, "{topic}");
            assert!(
                !permissions.may_publish(topic.as_bytes())
                    && Permissions::all().may_publish(topic.as_bytes())
            );
        }
        assert!(Permissions::all().subscribe([""]).may_subscribe(b""));
        assert!(!Permissions::all().subscribe([""; 0]).may_subscribe(b""));
        assert!(Permissions::all().allow_all() && !Permissions::none().publish([""]).allow_all());
    }

    #[test]
    fn permissions_are_equal_whatever_the_order_of_their_prefixes() {
        let [one, other] =
            [["b", "ab", "a"], ["a", "b", "b"]].map(|prefixes| Permissions::all().publish(prefixes));
        assert_eq!(one, other);
        assert_ne!(one, Permissions::all().publish(["a"]));
        assert_ne!(one, Permissions::all().subscribe(["a", "b"]));
    }

    proptest! {
        #[test]
        fn the_covered_topics_agree_with_a_prefix_match(
            prefixes in prop::collection::vec("[ab]{0,4}", 0..6),
            topic in "[abc]{0,6}",
        ) {
            let permissions = Permissions::none().publish(prefixes.clone());
            let expected = prefixes.iter().any(|prefix| topic.starts_with(prefix));
            prop_assert_eq!(permissions.may_publish(topic.as_bytes()), expected);
        }
    }
}
