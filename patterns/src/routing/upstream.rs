//! To all publishers alike: what a subscriber wants of them (RFC 29, "The SUB Socket", "The XSUB Socket").

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

use bytes::Bytes;
use enfonet_zmtp::{Batch, Subscription, Version};
use slotmap::SecondaryMap;

use super::{Outboxes, Refusal, Routing};
use crate::options::Settings;
use crate::queue::Outbox;
use crate::{PeerId, PeerInfo};

/// The topics that the socket wants, each with how often. Every publisher is told, a new one at its coming.
#[derive(Debug)]
pub(crate) struct Upstream {
    topics: BTreeMap<Bytes, usize>,
    /// Whether every cancel is told, not just the last of a topic.
    every_cancel: bool,
    /// What is wanted is what doesn't begin with a topic.
    inverted: bool,
    /// The version of each connected publisher: it decides the form of a subscription.
    versions: SecondaryMap<PeerId, Version>,
}

impl Upstream {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            topics: BTreeMap::new(),
            every_cancel: settings.verbose_unsubscribe,
            inverted: settings.invert_matching,
            versions: SecondaryMap::new(),
        }
    }

    /// How many topics are subscribed to.
    pub(crate) fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Every subscription goes upstream, but only the last cancel of a topic, unless all are asked for: as libzmq
    /// does it, since a publisher keeps a set for each connection.
    ///
    /// Gives whether the socket may now want less than before.
    pub(crate) fn apply(&mut self, subscription: &Subscription, outboxes: &mut Outboxes) -> bool {
        let (told, less) = match subscription {
            Subscription::Subscribe(topic) => {
                *self.topics.entry(topic.clone()).or_default() += 1;
                (true, self.inverted)
            }
            Subscription::Cancel(topic) => {
                let is_last = self.release(topic);
                (is_last || self.every_cancel, is_last && !self.inverted)
            }
        };
        if told {
            for (id, version) in &self.versions {
                subscription.put(*version, outboxes[id].control());
            }
        }
        less
    }

    /// Whether that was the last wish for the topic.
    fn release(&mut self, topic: &Bytes) -> bool {
        match self.topics.get_mut(topic) {
            Some(1) => self.topics.remove(topic).is_some(),
            Some(count) => {
                *count -= 1;
                false
            }
            None => false,
        }
    }

    /// Whether the socket wants messages of this topic.
    #[inline]
    fn wants_topic(&self, topic: &[u8]) -> bool {
        self.is_subscribed(topic) != self.inverted
    }

    /// Whether it wants all messages, whatever their topic.
    fn wants_all(&self) -> bool {
        if self.inverted { self.topics.is_empty() } else { self.topics.contains_key(&b""[..]) }
    }

    fn is_subscribed(&self, topic: &[u8]) -> bool {
        if self.topics.contains_key(&b""[..]) {
            return true;
        }
        // The greatest subscription that isn't greater than the topic either is a prefix of it, or shares
        // with it what any prefix that exists has to lie in.
        let mut bound = topic;
        while let Some((wanted, _)) = self.topics.range::<[u8], _>((Unbounded, Included(bound))).next_back() {
            if topic.starts_with(wanted) {
                return true;
            }
            let shared = wanted.iter().zip(topic).take_while(|(a, b)| a == b).count();
            if shared == 0 {
                return false;
            }
            bound = &topic[..shared];
        }
        false
    }
}

impl Routing for Upstream {
    const KEEPS_QUEUE: bool = true;

    fn join(&mut self, peer: &mut PeerInfo, outbox: &mut Outbox) -> Result<(), Refusal> {
        self.versions.insert(peer.id, peer.version);
        for topic in self.topics.keys() {
            Subscription::Subscribe(topic.clone()).put(peer.version, outbox.control());
        }
        Ok(())
    }

    fn wants(&self, run: &Batch) -> bool {
        self.wants_all()
            || match run.wire() {
                Some(_) => run.spans().all(|span| self.wants_topic(span.first)),
                None => run.clone().into_iter().all(|message| self.wants_topic(message.first())),
            }
    }

    fn wanted(&self, run: Batch) -> Batch {
        if self.wants(&run) {
            return run;
        }
        run.into_iter().filter(|message| self.wants_topic(message.first())).collect()
    }

    fn retire(&mut self, id: PeerId) {
        self.versions.remove(id);
    }

    fn part(&mut self, id: PeerId, _cancelled: &mut dyn FnMut(Subscription)) -> bool {
        self.versions.remove(id);
        false
    }
}

#[cfg(test)]
mod tests {
    use enfonet_zmtp::Message;
    use proptest::prelude::*;

    use super::*;
    use crate::queue::Load;
    use crate::routing::tests::{add_queue, peer};

    fn subscribe(topic: &'static str) -> Subscription {
        Subscription::Subscribe(topic.into())
    }

    fn cancel(topic: &'static str) -> Subscription {
        Subscription::Cancel(topic.into())
    }

    fn join(upstream: &mut Upstream, outboxes: &mut Outboxes, version: Version) -> PeerId {
        let id = add_queue(outboxes, Load::new(1, 1));
        upstream.join(&mut peer(id, version, ""), &mut outboxes[id]).unwrap();
        id
    }

    #[test]
    fn every_subscribe_and_the_last_cancel_are_told() {
        let (mut upstream, mut outboxes) = (Upstream::new(&Settings::default()), Outboxes::new());
        let id = join(&mut upstream, &mut outboxes, Version::V3_0);
        for step in [subscribe("a"), subscribe("a"), cancel("a"), cancel("b"), cancel("a"), cancel("a")] {
            upstream.apply(&step, &mut outboxes);
        }
        assert_eq!(&outboxes[id].control()[..], b"\0\x02\x01a\0\x02\x01a\0\x02\0a");
    }

    #[test]
    fn a_new_publisher_is_told_each_topic_once_in_the_form_it_understands() {
        let (mut upstream, mut outboxes) = (Upstream::new(&Settings::default()), Outboxes::new());
        for step in [subscribe("b"), subscribe("a"), subscribe("b"), subscribe("c"), cancel("c")] {
            upstream.apply(&step, &mut outboxes);
        }
        let (old, new) = (
            join(&mut upstream, &mut outboxes, Version::V3_0),
            join(&mut upstream, &mut outboxes, Version::V3_1),
        );
        assert_eq!(&outboxes[old].control()[..], b"\0\x02\x01a\0\x02\x01b");
        assert_eq!(&outboxes[new].control()[..], b"\x04\x0b\x09SUBSCRIBEa\x04\x0b\x09SUBSCRIBEb");
    }

    #[test]
    fn every_cancel_is_told_where_that_is_asked_for() {
        let settings = Settings { verbose_unsubscribe: true, ..Settings::default() };
        let (mut upstream, mut outboxes) = (Upstream::new(&settings), Outboxes::new());
        let id = join(&mut upstream, &mut outboxes, Version::V3_0);
        for step in [cancel("b"), subscribe("a"), subscribe("a"), cancel("a"), cancel("a"), cancel("a")] {
            upstream.apply(&step, &mut outboxes);
        }
        assert_eq!(
            &outboxes[id].control()[..],
            b"\0\x02\0b\0\x02\x01a\0\x02\x01a\0\x02\0a\0\x02\0a\0\x02\0a"
        );
        assert_eq!(upstream.topics(), 0);
    }

    #[test]
    fn topics_are_counted_once_each_also_where_one_begins_with_another() {
        let (mut upstream, mut outboxes) = (Upstream::new(&Settings::default()), Outboxes::new());
        for (step, topics) in [
            (subscribe("a"), 1),
            (subscribe("ab"), 2),
            (subscribe("a"), 2),
            (subscribe(""), 3),
            (cancel("a"), 3),
            (cancel("x"), 3),
            (cancel("a"), 2),
        ] {
            upstream.apply(&step, &mut outboxes);
            assert_eq!(upstream.topics(), topics, "{step:?}");
        }
    }

    #[test]
    fn a_publisher_that_went_is_told_nothing_more() {
        let (mut upstream, mut outboxes) = (Upstream::new(&Settings::default()), Outboxes::new());
        let [gone, stays] = [Version::V3_0; 2].map(|version| join(&mut upstream, &mut outboxes, version));
        assert!(!upstream.part(gone, &mut |_| {}), "nobody has to know of it");
        upstream.apply(&subscribe("a"), &mut outboxes);
        assert!(outboxes[gone].control().is_empty());
        assert_eq!(&outboxes[stays].control()[..], b"\0\x02\x01a");
    }

    #[test]
    fn a_last_cancel_leaves_less_wanted_or_where_it_is_inverted_any_subscribe() {
        for inverted in [false, true] {
            let settings = Settings { invert_matching: inverted, ..Settings::default() };
            let (mut upstream, mut outboxes) = (Upstream::new(&settings), Outboxes::new());
            for (step, less) in [
                (subscribe("a"), inverted),
                (subscribe("a"), inverted),
                (cancel("a"), false),
                (cancel("b"), false),
                (cancel("a"), !inverted),
                (cancel("a"), false),
            ] {
                assert_eq!(upstream.apply(&step, &mut outboxes), less, "{step:?}, {inverted}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_wanted_of_a_run_agrees_with_a_prefix_match(
            topics in prop::collection::vec("[ab]{0,4}", 0..6),
            probes in prop::collection::vec("[abc]{0,6}", 0..5),
            inverted in any::<bool>(),
        ) {
            let settings = Settings { invert_matching: inverted, ..Settings::default() };
            let (mut upstream, mut outboxes) = (Upstream::new(&settings), Outboxes::new());
            for topic in &topics {
                upstream.apply(&Subscription::Subscribe(topic.clone().into()), &mut outboxes);
            }
            let everything = if inverted { topics.is_empty() } else { topics.iter().any(String::is_empty) };
            prop_assert_eq!(upstream.wants_all(), everything);
            let expected = |probe: &str| topics.iter().any(|topic| probe.starts_with(topic)) != inverted;
            let messages = || probes.iter().map(|probe| Message::from_frames([&probe[..], "body"].map(str::to_owned)));
            let run: Batch = messages().collect();
            prop_assert_eq!(upstream.wants(&run), probes.iter().all(|probe| expected(probe)));
            let wanted: Vec<_> = upstream.wanted(run).into_iter().collect();
            let kept = messages().zip(&probes).filter(|(_, probe)| expected(probe)).map(|(message, _)| message);
            prop_assert_eq!(wanted, kept.collect::<Vec<_>>());
            for probe in &probes {
                let large = Batch::from(Message::from_frames([probe.clone().into_bytes(), vec![b'x'; 5000]]));
                prop_assert!(large.wire().is_none(), "it isn't in wire form");
                prop_assert_eq!(upstream.wants(&large), expected(probe));
                prop_assert_eq!(upstream.wanted(large).len(), usize::from(expected(probe)));
            }
        }
    }
}
