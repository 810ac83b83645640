//! Subscriptions that peers request, that they have been granted, and that are reported to the application (RFC 29,
//! "The XPUB Socket").

use bytes::Bytes;
use enfonet_zmtp::Subscription;
use slotmap::SecondaryMap;

use super::marked_queues::{MarkedQueues, Marks};
use super::subscriptions::{Change, Subscriptions, TopicTotals};
use crate::auth::Permissions;
use crate::error::RejectReason;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::Outbox;
use crate::settings::{PubSubSettings, XPubVerbosity};

#[derive(Debug)]
pub(crate) struct Subscribers {
    /// Subscriptions by which peers get messages.
    index: Subscriptions,
    /// Subscriptions that peers have requested, if the application decides which are granted.
    requested: Option<Subscriptions>,
    verbosity: XPubVerbosity,
    /// Whether a message goes to the peers without a matching subscription.
    inverted: bool,
    /// Permissions of the peers that may not get every message, if the matching is inverted. Otherwise a peer has no
    /// subscription by which it would get a message that it may not get.
    restricted: SecondaryMap<PeerId, Permissions>,
    max_subscriptions: usize,
    max_bytes: usize,
}

impl Subscribers {
    pub(crate) fn new(settings: &PubSubSettings) -> Self {
        Self {
            index: Subscriptions::default(),
            requested: settings.manual.then(Subscriptions::default),
            verbosity: settings.xpub_verbosity,
            inverted: settings.invert_matching,
            restricted: SecondaryMap::new(),
            max_subscriptions: settings.max_subscriptions,
            max_bytes: settings.max_subscription_bytes,
        }
    }

    /// Returns the number of peers with a subscription.
    pub(crate) fn len(&self) -> usize {
        self.index.subscribers()
    }

    /// Returns the number of topics that are granted to any peer.
    pub(crate) const fn topics(&self) -> usize {
        self.index.held_by_all().topics
    }

    /// Adds a peer, which has no subscriptions yet.
    pub(crate) fn join(&mut self, peer: &PeerInfo) {
        if self.inverted && !peer.permissions.allow_all() {
            self.restricted.insert(peer.id, peer.permissions.clone());
        }
    }

    /// Applies a peer's subscription or cancel. Returns whether it is reported to the application.
    pub(crate) fn apply(&mut self, id: PeerId, subscription: &Subscription) -> Result<bool, RejectReason> {
        let change = match subscription {
            Subscription::Subscribe(topic) => self.admit(id, topic)?,
            Subscription::Cancel(topic) => self.requested().remove(topic, id),
        };
        let is_reported = match (self.verbosity, subscription) {
            _ if self.requested.is_some() => true,
            (XPubVerbosity::All, _) | (XPubVerbosity::Subscribes, Subscription::Subscribe(_)) => true,
            (XPubVerbosity::Changes | XPubVerbosity::Subscribes, _) => change == Change::Topic,
        };
        Ok(is_reported)
    }

    /// Returns the subscriptions that peers have requested.
    fn requested(&mut self) -> &mut Subscriptions {
        self.requested.as_mut().unwrap_or(&mut self.index)
    }

    /// Adds a requested subscription, unless that passes a limit. A topic that the peer has requested already doesn't
    /// count again.
    fn admit(&mut self, id: PeerId, topic: &[u8]) -> Result<Change, RejectReason> {
        let (max_topics, max_bytes) = (self.max_subscriptions, self.max_bytes);
        let passes = |held: TopicTotals| {
            held.topics >= max_topics || held.bytes.saturating_add(topic.len()) > max_bytes
        };
        let requested = self.requested();
        // The subscriptions of departed peers must not use up the limit.
        let (of_peer, of_all) = (requested.held_by(id), requested.wanted_at_least());
        match requested.would_insert(topic, id) {
            Change::None => Ok(Change::None),
            Change::Peer if passes(of_peer) => Err(RejectReason::Subscriptions),
            Change::Topic if passes(of_peer) || passes(of_all) => Err(RejectReason::Subscriptions),
            Change::Peer | Change::Topic => Ok(requested.insert(topic, id)),
        }
    }

    /// Grants a topic to a connected peer.
    pub(crate) fn grant(&mut self, id: PeerId, topic: &[u8]) {
        self.index.insert(topic, id);
    }

    /// Revokes a topic from a peer.
    pub(crate) fn revoke(&mut self, id: PeerId, topic: &[u8]) {
        self.index.remove(topic, id);
    }

    /// Stops sending to a departed peer. [`sweep`](Self::sweep) removes its subscriptions.
    pub(crate) fn part(&mut self, id: PeerId) {
        self.index.part(id);
        self.restricted.remove(id);
        if let Some(requested) = &mut self.requested {
            requested.part(id);
        }
    }

    /// Removes at most `most` subscriptions of departed peers. Calls `cancelled` with the peer and the topic of each
    /// cancel that is reported to the application. Returns whether subscriptions are left.
    pub(crate) fn sweep(&mut self, most: usize, mut cancelled: impl FnMut(PeerId, Bytes)) -> bool {
        let all = self.requested.is_some() || self.verbosity == XPubVerbosity::All;
        let swept = self.requested().sweep(most, |id, topic, change| {
            if all || change == Change::Topic {
                cancelled(id, topic);
            }
        });
        if self.requested.is_some() {
            self.index.sweep(most - swept, |_, _, _| {});
        }
        !self.index.is_swept() || self.requested.as_ref().is_some_and(|requested| !requested.is_swept())
    }

    /// Returns the peers that get every message, if no peer gets only some messages: then topics needn't be looked up.
    /// Departed peers may be among them.
    pub(crate) fn of_all(&self) -> Option<&[PeerId]> {
        if self.inverted { None } else { self.index.of_all() }
    }

    /// Calls `found` for each peer that gets messages of this topic: once or more. `serial` is new: no peer has it as
    /// its last serial.
    #[inline]
    pub(super) fn for_each_recipient(
        &self,
        queues: &mut MarkedQueues<'_>,
        topic: &[u8],
        serial: u64,
        mut found: impl FnMut(PeerId, &mut Outbox, &mut Marks),
    ) {
        if self.inverted {
            return self.for_each_other(queues, topic, serial, &mut found);
        }
        self.index.for_each_match(topic, |id| {
            // A departed peer has no queue.
            if let Some((outbox, marks)) = queues.get(id) {
                found(id, outbox, marks);
            }
        });
    }

    /// Calls `found` for each peer that may get the message and has no subscription that matches.
    #[cold]
    fn for_each_other(
        &self,
        queues: &mut MarkedQueues<'_>,
        topic: &[u8],
        serial: u64,
        found: &mut dyn FnMut(PeerId, &mut Outbox, &mut Marks),
    ) {
        self.index.for_each_match(topic, |id| {
            if let Some(marks) = queues.marks.get_mut(id) {
                marks.last_serial = serial;
            }
        });
        let MarkedQueues { outboxes, marks } = queues;
        for (id, marks) in marks.iter_mut().filter(|(_, marks)| marks.last_serial != serial) {
            let is_permitted = self.restricted.get(id).is_none_or(|peer| peer.may_subscribe(topic));
            if let Some(outbox) = outboxes.get_mut(id).filter(|_| is_permitted) {
                found(id, outbox, marks);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use slotmap::SlotMap;

    use super::*;

    const PEERS: usize = 3;

    #[derive(Clone, Debug)]
    enum Step {
        Subscribe(usize, String),
        Cancel(usize, String),
        Grant(usize, String),
        Revoke(usize, String),
        Gone(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let (topic, peer) = (|| "[ab]{0,2}", || 0..PEERS);
        prop_oneof![
            4 => (peer(), topic()).prop_map(|(p, t)| Step::Subscribe(p, t)),
            3 => (peer(), topic()).prop_map(|(p, t)| Step::Cancel(p, t)),
            2 => (peer(), topic()).prop_map(|(p, t)| Step::Grant(p, t)),
            2 => (peer(), topic()).prop_map(|(p, t)| Step::Revoke(p, t)),
            1 => peer().prop_map(Step::Gone),
        ]
    }

    /// Holders of each topic.
    type Topics = BTreeMap<String, BTreeSet<usize>>;

    /// Adds a holder. Returns whether it is the first holder of the topic.
    fn put(topics: &mut Topics, topic: &str, peer: usize) -> bool {
        let holders = topics.entry(topic.into()).or_default();
        let is_new = holders.is_empty();
        holders.insert(peer) && is_new
    }

    fn drop_out(topics: &mut Topics, topic: &str, peer: usize) -> bool {
        let holders = topics.entry(topic.into()).or_default();
        holders.remove(&peer) && holders.is_empty()
    }

    fn all_of(topics: &Topics, peer: usize) -> Vec<String> {
        topics.iter().filter(|(_, holders)| holders.contains(&peer)).map(|(topic, _)| topic.clone()).collect()
    }

    proptest! {
        #[test]
        fn reports_and_recipients_agree_with_plain_maps(
            steps in prop::collection::vec(step(), 0..60),
            verbosity in prop::sample::select(vec![XPubVerbosity::Changes, XPubVerbosity::Subscribes, XPubVerbosity::All]),
            manual in any::<bool>(),
            probe in "[abc]{0,3}",
        ) {
            let mut ids = SlotMap::<PeerId, ()>::with_key();
            let ids: Vec<_> = (0..PEERS).map(|_| ids.insert(())).collect();
            let mut subscribers = Subscribers::new(&PubSubSettings { xpub_verbosity: verbosity, manual, ..PubSubSettings::default() });
            // If the application doesn't decide, peers are granted all topics that they request.
            let (mut asked, mut given) = (Topics::new(), Topics::new());
            for step in steps {
                let requested = if manual { &mut asked } else { &mut given };
                match step {
                    Step::Subscribe(peer, topic) => {
                        let news = put(requested, &topic, peer) || manual || verbosity != XPubVerbosity::Changes;
                        let subscribe = Subscription::Subscribe(topic.into());
                        prop_assert_eq!(subscribers.apply(ids[peer], &subscribe), Ok(news));
                    }
                    Step::Cancel(peer, topic) => {
                        let news = drop_out(requested, &topic, peer) || manual || verbosity == XPubVerbosity::All;
                        prop_assert_eq!(subscribers.apply(ids[peer], &Subscription::Cancel(topic.into())), Ok(news));
                    }
                    Step::Grant(peer, topic) => {
                        put(&mut given, &topic, peer);
                        subscribers.grant(ids[peer], topic.as_bytes());
                    }
                    Step::Revoke(peer, topic) => {
                        drop_out(&mut given, &topic, peer);
                        subscribers.revoke(ids[peer], topic.as_bytes());
                    }
                    Step::Gone(peer) => {
                        let mut expected = all_of(requested, peer);
                        expected.retain(|topic| drop_out(requested, topic, peer) || manual || verbosity == XPubVerbosity::All);
                        all_of(&given, peer).iter().for_each(|topic| { drop_out(&mut given, topic, peer); });
                        let mut cancelled = Vec::new();
                        subscribers.part(ids[peer]);
                        let report = |id, topic: Bytes| {
                            assert_eq!(id, ids[peer]);
                            cancelled.push(String::from_utf8(topic.into()).unwrap());
                        };
                        prop_assert!(!subscribers.sweep(usize::MAX, report));
                        cancelled.sort();
                        prop_assert_eq!(cancelled, expected);
                    }
                }
                let held: Topics = given.clone().into_iter().filter(|(_, holders)| !holders.is_empty()).collect();
                let holders: BTreeSet<_> = held.values().flatten().collect();
                prop_assert_eq!((subscribers.topics(), subscribers.len()), (held.len(), holders.len()));
                let of_all = held.keys().all(String::is_empty).then(|| holders.iter().map(|peer| ids[**peer]).collect());
                prop_assert_eq!(subscribers.of_all().map(<[PeerId]>::to_vec), of_all);
            }
            let expected: BTreeSet<_> =
                given.iter().filter(|(t, _)| probe.starts_with(&**t)).flat_map(|(_, holders)| holders).copied().collect();
            let mut matched = BTreeSet::new();
            subscribers.index.for_each_match(probe.as_bytes(), |id| {
                matched.extend(ids.iter().position(|peer| *peer == id));
            });
            prop_assert_eq!(matched, expected);
        }
    }

    #[test]
    fn the_requested_topics_of_a_peer_are_limited_even_in_manual_mode() {
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        let (id, other) = (ids.insert(()), ids.insert(()));
        let settings = PubSubSettings { manual: true, max_subscriptions: 2, ..PubSubSettings::default() };
        let mut subscribers = Subscribers::new(&settings);
        for topic in ["a", "b", "a"] {
            assert_eq!(subscribers.apply(id, &Subscription::Subscribe(topic.into())), Ok(true));
        }
        for (id, topic) in [(id, "c"), (other, "c")] {
            let rejected = subscribers.apply(id, &Subscription::Subscribe(topic.into()));
            assert_eq!(rejected, Err(RejectReason::Subscriptions));
        }
        assert_eq!(subscribers.apply(other, &Subscription::Subscribe("a".into())), Ok(true));
    }

    #[test]
    fn the_bytes_of_all_topics_may_reach_the_limit_but_not_exceed_it() {
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        let (id, other) = (ids.insert(()), ids.insert(()));
        let settings = PubSubSettings { max_subscription_bytes: 4, ..PubSubSettings::default() };
        let mut subscribers = Subscribers::new(&settings);
        for (id, topic, answer) in [
            (id, "abc", Ok(true)),
            (other, "de", Err(RejectReason::Subscriptions)),
            (other, "d", Ok(true)),
            (id, "", Ok(true)),
            (id, "e", Err(RejectReason::Subscriptions)),
        ] {
            assert_eq!(subscribers.apply(id, &Subscription::Subscribe(topic.into())), answer, "{topic}");
        }
    }

    #[test]
    fn a_peer_may_not_exceed_its_own_limit_with_topics_granted_to_other_peers() {
        let mut ids = SlotMap::<PeerId, ()>::with_key();
        let (id, other) = (ids.insert(()), ids.insert(()));
        let mut subscribers =
            Subscribers::new(&PubSubSettings { max_subscriptions: 2, ..PubSubSettings::default() });
        ["a", "b", "c"].iter().for_each(|topic| subscribers.grant(other, topic.as_bytes()));
        for (topic, answer) in [("a", Ok(false)), ("b", Ok(false)), ("c", Err(RejectReason::Subscriptions))] {
            assert_eq!(subscribers.apply(id, &Subscription::Subscribe(topic.into())), answer, "{topic}");
        }
    }
}
