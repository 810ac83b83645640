//! Subscriptions of a SUB or XSUB, sent to all of its publishers alike (RFC 29, "The SUB Socket", "The XSUB Socket").

use bytes::{BufMut, BytesMut};
use enfonet_zmtp::{Subscription, Version};
use slotmap::SecondaryMap;

use super::topics::{ROOT, TopicTree, Value};
use super::{Outboxes, Routing};
use crate::error::RejectReason;
use crate::peer::{PeerId, PeerInfo};
use crate::queue::{Outbox, Recipients, Run};
use crate::settings::PubSubSettings;
use crate::tuning::SUBSCRIPTION_SLICE_BYTES;

/// Topics that the socket wants, each with the number of its subscriptions. Every publisher is sent the changes, and a
/// new publisher is sent all topics.
#[derive(Debug)]
pub(crate) struct SubscriptionSet {
    wanted: TopicTree<Count>,
    topics: usize,
    /// Whether every cancel is sent, not just the last of a topic.
    every_cancel: bool,
    /// Whether the socket wants the messages that match none of the topics.
    inverted: bool,
    publishers: SecondaryMap<PeerId, Publisher>,
}

/// Number of subscriptions to a topic.
type Count = u32;

impl Value for Count {
    fn is_vacant(&self) -> bool {
        *self == 0
    }
}

/// A publisher that is connected.
#[derive(Debug)]
struct Publisher {
    /// Version of its protocol, which decides the form of a subscription.
    version: Version,
    /// The next topic to be sent, in order. All topics below it have been sent; all there are, if this is `None`.
    next: Option<BytesMut>,
}

impl Publisher {
    /// Returns whether the publisher has been sent this topic, so that a change has to be sent now. If not, the topic
    /// is sent later in its order, as it is wanted then.
    fn has_reached(&self, topic: &[u8]) -> bool {
        self.next.as_ref().is_none_or(|next| topic < &next[..])
    }
}

impl SubscriptionSet {
    pub(crate) fn new(settings: &PubSubSettings) -> Self {
        Self {
            wanted: TopicTree::default(),
            topics: 0,
            every_cancel: settings.verbose_unsubscribe,
            inverted: settings.invert_matching,
            publishers: SecondaryMap::new(),
        }
    }

    /// Returns the number of topics.
    pub(crate) const fn topics(&self) -> usize {
        self.topics
    }

    /// Applies a change, and puts it into the queues of the publishers: every subscription, but only the last cancel of
    /// a topic, unless the options ask for all. libzmq does so, too, since a publisher keeps a set for each connection.
    ///
    /// Returns whether the socket may want less than before.
    pub(crate) fn apply(&mut self, subscription: &Subscription, outboxes: &mut Outboxes) -> bool {
        let (is_sent, less) = match subscription {
            Subscription::Subscribe(topic) => {
                self.add(topic);
                (true, self.inverted)
            }
            Subscription::Cancel(topic) => {
                let is_last = self.release(topic);
                (is_last || self.every_cancel, is_last && !self.inverted)
            }
        };
        if is_sent {
            for (id, publisher) in self.publishers.iter().filter(|(_, p)| p.has_reached(subscription.topic()))
            {
                subscription.encode(publisher.version, outboxes[id].control());
            }
        }
        less
    }

    fn add(&mut self, topic: &[u8]) {
        let at = self.wanted.make(topic);
        let count = self.wanted.value_mut(at);
        self.topics += usize::from(*count == 0);
        *count = count.saturating_add(1);
    }

    /// Removes one subscription to the topic. Returns whether it was the last.
    fn release(&mut self, topic: &[u8]) -> bool {
        let Some(at) = self.wanted.find(topic) else { return false };
        let count = self.wanted.value_mut(at);
        let is_last = *count == 1;
        *count = count.saturating_sub(1);
        if is_last {
            self.topics -= 1;
            self.wanted.prune(at, &mut |_, _, _| {});
        }
        is_last
    }

    /// Encodes topics that a publisher hasn't been sent yet, until they take `bytes` bytes or there are no more.
    fn encode_slice(&mut self, id: PeerId, control: &mut BytesMut, bytes: usize) {
        let Some(publisher) = self.publishers.get_mut(id) else { return };
        let Some(next) = &mut publisher.next else { return };
        let (mut at, enough) = (self.wanted.first_from(next), control.len() + bytes);
        while let Some(node) = at.filter(|_| control.len() < enough) {
            let topic = self.wanted.topic(node);
            at = self.wanted.next(node);
            next.clear();
            next.extend_from_slice(&topic);
            // Nothing lies between a topic and that topic with a zero behind it.
            next.put_u8(0);
            Subscription::Subscribe(topic).encode(publisher.version, control);
        }
        if at.is_none() {
            publisher.next = None;
        }
    }

    /// Returns whether the socket wants messages of this topic.
    #[inline]
    fn wants_topic(&self, topic: &[u8]) -> bool {
        self.wanted.find_prefix(topic, |count| *count > 0) != self.inverted
    }

    /// Returns whether the socket wants all messages, whatever their topic.
    fn wants_all(&self) -> bool {
        if self.inverted { self.topics == 0 } else { *self.wanted.value(ROOT) > 0 }
    }
}

impl Routing for SubscriptionSet {
    const KEEPS_QUEUE: bool = true;
    const RECIPIENTS: Recipients = Recipients::Any;

    fn join(&mut self, peer: &mut PeerInfo, outbox: &mut Outbox) -> Result<(), RejectReason> {
        let next = (self.topics > 0).then(BytesMut::new);
        self.publishers.insert(peer.id, Publisher { version: peer.version, next });
        self.encode_pending(peer.id, outbox);
        Ok(())
    }

    fn encode_pending(&mut self, id: PeerId, outbox: &mut Outbox) {
        self.encode_slice(id, outbox.control(), SUBSCRIPTION_SLICE_BYTES);
    }

    fn wants(&self, run: &Run) -> bool {
        self.wants_all() || run.all_first(|topic| self.wants_topic(topic))
    }

    fn wanted(&self, run: Run) -> Run {
        if self.wants(&run) {
            return run;
        }
        run.filter(|message| self.wants_topic(message.first())).collect()
    }

    fn retire(&mut self, id: PeerId) {
        self.publishers.remove(id);
    }

    fn part(&mut self, id: PeerId) -> bool {
        self.publishers.remove(id);
        false
    }
}

#[cfg(test)]
mod tests {
    use enfonet_zmtp::Message;
    use proptest::prelude::*;

    use super::*;
    use crate::routing::tests::{add_queue, peer};
    use crate::size::Size;

    fn subscribe(topic: &'static str) -> Subscription {
        Subscription::Subscribe(topic.into())
    }

    fn cancel(topic: &'static str) -> Subscription {
        Subscription::Cancel(topic.into())
    }

    fn join(set: &mut SubscriptionSet, outboxes: &mut Outboxes, version: Version) -> PeerId {
        let id = add_queue(outboxes, Size::new(1, 1));
        set.join(&mut peer(id, version, ""), &mut outboxes[id]).unwrap();
        id
    }

    #[test]
    fn every_subscribe_and_the_last_cancel_are_sent() {
        let (mut set, mut outboxes) = (SubscriptionSet::new(&PubSubSettings::default()), Outboxes::new());
        let id = join(&mut set, &mut outboxes, Version::V3_0);
        for step in [subscribe("a"), subscribe("a"), cancel("a"), cancel("b"), cancel("a"), cancel("a")] {
            set.apply(&step, &mut outboxes);
        }
        assert_eq!(&outboxes[id].control()[..], b"\0\x02\x01a\0\x02\x01a\0\x02\0a");
    }

    #[test]
    fn a_new_publisher_is_sent_each_topic_once_in_the_form_it_understands() {
        let (mut set, mut outboxes) = (SubscriptionSet::new(&PubSubSettings::default()), Outboxes::new());
        for step in [subscribe("b"), subscribe("a"), subscribe("b"), subscribe("c"), cancel("c")] {
            set.apply(&step, &mut outboxes);
        }
        let (old, new) =
            (join(&mut set, &mut outboxes, Version::V3_0), join(&mut set, &mut outboxes, Version::V3_1));
        assert_eq!(&outboxes[old].control()[..], b"\0\x02\x01a\0\x02\x01b");
        assert_eq!(&outboxes[new].control()[..], b"\x04\x0b\x09SUBSCRIBEa\x04\x0b\x09SUBSCRIBEb");
    }

    #[test]
    fn a_verbose_subscriber_sends_every_cancel() {
        let settings = PubSubSettings { verbose_unsubscribe: true, ..PubSubSettings::default() };
        let (mut set, mut outboxes) = (SubscriptionSet::new(&settings), Outboxes::new());
        let id = join(&mut set, &mut outboxes, Version::V3_0);
        for step in [cancel("b"), subscribe("a"), subscribe("a"), cancel("a"), cancel("a"), cancel("a")] {
            set.apply(&step, &mut outboxes);
        }
        assert_eq!(
            &outboxes[id].control()[..],
            b"\0\x02\0b\0\x02\x01a\0\x02\x01a\0\x02\0a\0\x02\0a\0\x02\0a"
        );
        assert_eq!(set.topics(), 0);
    }

    #[test]
    fn each_topic_is_counted_once_even_if_it_is_the_prefix_of_another() {
        let (mut set, mut outboxes) = (SubscriptionSet::new(&PubSubSettings::default()), Outboxes::new());
        for (step, topics) in [
            (subscribe("a"), 1),
            (subscribe("ab"), 2),
            (subscribe("a"), 2),
            (subscribe(""), 3),
            (cancel("a"), 3),
            (cancel("x"), 3),
            (cancel("a"), 2),
        ] {
            set.apply(&step, &mut outboxes);
            assert_eq!(set.topics(), topics, "{step:?}");
        }
    }

    #[test]
    fn a_departed_publisher_is_sent_no_more_topics() {
        let (mut set, mut outboxes) = (SubscriptionSet::new(&PubSubSettings::default()), Outboxes::new());
        let [gone, stays] = [Version::V3_0; 2].map(|version| join(&mut set, &mut outboxes, version));
        assert!(!set.part(gone), "nobody has to know of it");
        set.apply(&subscribe("a"), &mut outboxes);
        assert!(outboxes[gone].control().is_empty());
        assert_eq!(&outboxes[stays].control()[..], b"\0\x02\x01a");
    }

    #[test]
    fn a_last_cancel_or_with_inverted_matching_a_subscribe_reduces_the_wanted_messages() {
        for inverted in [false, true] {
            let settings = PubSubSettings { invert_matching: inverted, ..PubSubSettings::default() };
            let (mut set, mut outboxes) = (SubscriptionSet::new(&settings), Outboxes::new());
            for (step, less) in [
                (subscribe("a"), inverted),
                (subscribe("a"), inverted),
                (cancel("a"), false),
                (cancel("b"), false),
                (cancel("a"), !inverted),
                (cancel("a"), false),
            ] {
                assert_eq!(set.apply(&step, &mut outboxes), less, "{step:?}, {inverted}");
            }
        }
    }

    #[test]
    fn a_new_publisher_is_sent_many_topics_in_slices() {
        let (mut set, mut outboxes) = (SubscriptionSet::new(&PubSubSettings::default()), Outboxes::new());
        let topics = 5000;
        (0..topics).for_each(|n| set.add(format!("{n:08}").as_bytes()));
        let id = join(&mut set, &mut outboxes, Version::V3_0);
        let mut sent = 0;
        while !outboxes[id].control().is_empty() {
            let slice = std::mem::take(outboxes[id].control());
            assert!(slice.len() <= SUBSCRIPTION_SLICE_BYTES + 11, "{}", slice.len());
            for message in slice.chunks(11) {
                assert_eq!(message[3..], *format!("{sent:08}").as_bytes());
                sent += 1;
            }
            set.encode_pending(id, &mut outboxes[id]);
        }
        assert_eq!(sent, topics);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Subscribe(String),
        Cancel(String),
        Encode(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => "[ab]{0,4}".prop_map(Step::Subscribe),
            2 => "[ab]{0,4}".prop_map(Step::Cancel),
            2 => (1usize..20).prop_map(Step::Encode),
        ]
    }

    /// Returns the topics that a publisher holds for a socket that has sent it these commands.
    fn subscribed(mut control: &[u8]) -> Vec<Vec<u8>> {
        let mut topics = std::collections::BTreeSet::new();
        while let [0, len, change, rest @ ..] = control {
            let (topic, behind) = rest.split_at(usize::from(*len) - 1);
            if *change == 1 {
                topics.insert(topic.to_vec())
            } else {
                topics.remove(topic)
            };
            control = behind;
        }
        topics.into_iter().collect()
    }

    proptest! {
        #[test]
        fn a_publisher_that_is_sent_slices_ends_with_the_current_topics_whatever_changes_meanwhile(
            before in prop::collection::vec("[ab]{0,4}", 0..20),
            steps in prop::collection::vec(step(), 0..30),
        ) {
            let (mut set, mut outboxes) = (SubscriptionSet::new(&PubSubSettings::default()), Outboxes::new());
            before.iter().for_each(|topic| set.add(topic.as_bytes()));
            let id = add_queue(&mut outboxes, Size::new(1, 1));
            let next = Some(BytesMut::new());
            set.publishers.insert(id, Publisher { version: Version::V3_0, next });
            for step in steps.into_iter().chain([Step::Encode(usize::MAX / 2)]) {
                match step {
                    Step::Subscribe(topic) => { set.apply(&Subscription::Subscribe(topic.into()), &mut outboxes); }
                    Step::Cancel(topic) => { set.apply(&Subscription::Cancel(topic.into()), &mut outboxes); }
                    Step::Encode(bytes) => set.encode_slice(id, outboxes[id].control(), bytes),
                }
            }
            let wanted = std::iter::successors(set.wanted.first_from(b""), |at| set.wanted.next(*at));
            let wanted: Vec<_> = wanted.map(|at| set.wanted.topic(at).to_vec()).collect();
            prop_assert_eq!(set.topics(), wanted.len());
            prop_assert_eq!(subscribed(outboxes[id].control()), wanted);
        }

        #[test]
        fn the_wanted_messages_of_a_run_agree_with_a_prefix_match(
            topics in prop::collection::vec("[ab]{0,4}", 0..6),
            probes in prop::collection::vec("[abc]{0,6}", 0..5),
            inverted in any::<bool>(),
        ) {
            let settings = PubSubSettings { invert_matching: inverted, ..PubSubSettings::default() };
            let (mut set, mut outboxes) = (SubscriptionSet::new(&settings), Outboxes::new());
            for topic in &topics {
                set.apply(&Subscription::Subscribe(topic.clone().into()), &mut outboxes);
            }
            let everything = if inverted { topics.is_empty() } else { topics.iter().any(String::is_empty) };
            prop_assert_eq!(set.wants_all(), everything);
            let expected = |probe: &str| topics.iter().any(|topic| probe.starts_with(topic)) != inverted;
            let messages = || probes.iter().map(|probe| Message::from_frames([&probe[..], "body"].map(str::to_owned)));
            let run: Run = messages().collect();
            prop_assert_eq!(set.wants(&run), probes.iter().all(|probe| expected(probe)));
            let wanted: Vec<_> = set.wanted(run).collect();
            let kept = messages().zip(&probes).filter(|(_, probe)| expected(probe)).map(|(message, _)| message);
            prop_assert_eq!(wanted, kept.collect::<Vec<_>>());
            for probe in &probes {
                let large = Run::from(Message::from_frames([probe.clone().into_bytes(), vec![b'x'; 5000]]));
                prop_assert!(matches!(large, Run::Large(_)));
                prop_assert_eq!(set.wants(&large), expected(probe));
                prop_assert_eq!(set.wanted(large).len(), usize::from(expected(probe)));
            }
        }
    }
}
