use std::task::Waker;

use enfonet_zmtp::Message;
use proptest::prelude::*;

use super::*;
use crate::queue::{Taken, WriteReport};
use crate::routing::tests::add_queue;
use crate::size::Size;

struct Fan {
    routing: FanOut,
    outboxes: Outboxes,
    ids: Vec<PeerId>,
    remainder: Remainder,
}

impl Fan {
    fn new(topics: &[&[&str]], hwm: usize) -> Self {
        Self::with(topics, hwm, PubSubSettings::default())
    }

    fn with(topics: &[&[&str]], hwm: usize, settings: PubSubSettings) -> Self {
        let settings = PubSubSettings { max_subscriptions: 100, max_subscription_bytes: 1000, ..settings };
        let (mut routing, mut outboxes) = (FanOut::new(&settings), Outboxes::new());
        let ids: Vec<_> = topics
            .iter()
            .map(|topics| {
                let id = add_queue(&mut outboxes, Size::new(hwm, usize::MAX));
                routing.open(id);
                outboxes[id].connect(Size::default());
                for topic in *topics {
                    routing.subscription(id, &Subscription::Subscribe(topic.to_string().into())).unwrap();
                }
                id
            })
            .collect();
        Self { routing, outboxes, ids, remainder: Remainder::default() }
    }

    fn publish(&mut self, batch: &Batch) -> usize {
        self.routing.publish_batch(&mut self.outboxes, batch, &mut self.remainder, |_| {})
    }

    /// Reports for peer `at` that the kernel takes no more bytes.
    fn block(&mut self, at: usize) {
        let outbox = &mut self.outboxes[self.ids[at]];
        outbox.exchange(
            &WriteReport { blocked: true, ..WriteReport::of(Size::default()) },
            &mut Taken::default(),
            Waker::noop(),
        );
    }

    /// Takes the messages that peer `at` gets to write, as text. Credits `written` first, then sets it to their load.
    fn take(&mut self, at: usize, written: &mut Size) -> Vec<String> {
        let mut taken = Taken::default();
        let outbox = &mut self.outboxes[self.ids[at]];
        outbox.exchange(&WriteReport::of(std::mem::take(written)), &mut taken, Waker::noop());
        let messages: Vec<_> = taken.runs.iter().cloned().flatten().collect();
        *written = Size::new(messages.len(), taken.runs.iter().map(|run| run.size().bytes as usize).sum());
        messages.iter().map(|m| String::from_utf8_lossy(m.first()).into_owned()).collect()
    }
}

fn batch(topics: &[&str]) -> Batch {
    topics.iter().map(|t| Message::from_frames([t.to_string(), "body".into()])).collect()
}

#[test]
fn each_peer_gets_its_topics_once_and_in_order() {
    let mut fan = Fan::new(&[&["a", "", "ab"], &["b"], &[], &["ab", "c"]], 100);
    fan.publish(&batch(&["ab1", "b1", "x1", "ab2", "c1", "a1"]));
    let none = || Size::default();
    assert_eq!(fan.take(0, &mut none()), ["ab1", "b1", "x1", "ab2", "c1", "a1"]);
    assert_eq!(fan.take(1, &mut none()), ["b1"]);
    assert!(fan.take(2, &mut none()).is_empty());
    assert_eq!(fan.take(3, &mut none()), ["ab1", "ab2", "c1"]);
}

#[test]
fn messages_without_room_wait_for_a_writing_connection_and_are_lost_to_a_blocked_connection() {
    let mut fan = Fan::new(&[&[""], &[""]], 2);
    let blocked = fan.ids[1];
    fan.block(1);
    fan.publish(&batch(&["1", "2", "3", "4", "5"]));
    fan.publish(&batch(&["6"]));
    assert_eq!(
        fan.remainder.unplaced.iter().map(|l| (l.id, l.run.len())).collect::<Vec<_>>(),
        [(fan.ids[0], 3), (fan.ids[0], 1)]
    );
    let (mut seen, mut written) = (Vec::new(), Size::default());
    while !fan.remainder.unplaced.is_empty() {
        seen.extend(fan.take(0, &mut written));
        fan.routing.retry(&mut fan.outboxes, &mut fan.remainder, |_| {});
    }
    seen.extend(fan.take(0, &mut written));
    assert_eq!(seen, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(fan.take(1, &mut Size::default()), ["1", "2"]);
    assert_eq!((fan.outboxes[fan.ids[0]].dropped(), fan.outboxes[blocked].dropped()), (0, 4));
}

#[test]
fn a_message_is_lost_if_no_interested_peer_has_room_or_is_writing() {
    let mut fan = Fan::new(&[&["a"], &["a"]], 1);
    let publish = |fan: &mut Fan, topic: &'static str| {
        let (message, mut reported) = (Outgoing::new(topic), 0);
        let published =
            fan.routing.publish(&mut fan.outboxes, &message, &mut fan.remainder, |_| reported += 1);
        (published, reported)
    };
    assert_eq!(publish(&mut fan, "b"), (Published::Taken, 0), "nobody wants it");
    assert_eq!(publish(&mut fan, "a1"), (Published::Taken, 2));
    assert_eq!(publish(&mut fan, "a2"), (Published::Taken, 0), "both are writing");
    assert_eq!(std::mem::take(&mut fan.remainder.unplaced).len(), 2);
    fan.block(0);
    assert_eq!(publish(&mut fan, "a3"), (Published::Taken, 0), "the second is writing");
    fan.block(1);
    assert_eq!(publish(&mut fan, "a4"), (Published::Lost, 0));
    let mut written = Size::default();
    fan.take(1, &mut written);
    fan.take(1, &mut written);
    assert_eq!(publish(&mut fan, "a5"), (Published::Taken, 1), "the second has room");
    assert_eq!(fan.remainder.unplaced.len(), 1);
    assert_eq!([0, 1].map(|at| fan.outboxes[fan.ids[at]].dropped()), [3, 1]);
}

#[test]
fn only_queues_that_got_messages_are_reported() {
    for topics in [&[&[""][..], &[""]][..], &[&["a"], &["a"], &["b"]]] {
        let mut fan = Fan::new(topics, 1);
        let second = fan.ids[1];
        fan.outboxes[second].push(&Envelope::none(), &Message::from("full"));
        let (mut reported, batch) = (0, batch(&["a"]));
        fan.routing.publish_batch(&mut fan.outboxes, &batch, &mut fan.remainder, |_| reported += 1);
        assert_eq!((reported, fan.remainder.unplaced.len()), (1, 1));
        fan.routing.retry(&mut fan.outboxes, &mut fan.remainder, |_| reported += 1);
        assert_eq!((reported, fan.remainder.unplaced.len()), (1, 1), "no room yet");
        let mut written = Size::default();
        fan.take(1, &mut written);
        fan.take(1, &mut written);
        fan.routing.retry(&mut fan.outboxes, &mut fan.remainder, |_| reported += 1);
        assert_eq!((reported, fan.remainder.unplaced.len()), (2, 0));
    }
}

#[test]
fn a_long_run_for_one_peer_is_shared() {
    let mut fan = Fan::new(&[&["a"], &["b"]], usize::MAX);
    let batch = batch(&[&["a"; 300][..], &["b"; 100]].concat());
    fan.publish(&batch);
    let mut taken = Taken::default();
    let outbox = &mut fan.outboxes[fan.ids[0]];
    outbox.exchange(&WriteReport::of(Size::default()), &mut taken, Waker::noop());
    assert_eq!(taken.runs.iter().map(Run::len).collect::<Vec<_>>(), [300]);
    assert_eq!(taken.runs[0].to_pieces()[0].as_ptr(), batch.wire().as_ptr());
}

#[test]
fn a_peer_beyond_a_limit_of_subscriptions_is_rejected() {
    let mut fan = Fan::new(&[&[]], 1);
    let (id, subscribe) = (fan.ids[0], |topic: String| Subscription::Subscribe(topic.into()));
    assert_eq!(fan.routing.subscription(id, &subscribe("x".repeat(1001))), Err(RejectReason::Subscriptions));
    for n in 0..100 {
        assert_eq!(fan.routing.subscription(id, &subscribe(n.to_string())), Ok(true));
    }
    assert_eq!(fan.routing.subscription(id, &subscribe("more".into())), Err(RejectReason::Subscriptions));
}

#[test]
fn with_nodrop_a_message_is_sent_to_all_interested_peers_or_none() {
    let mut fan =
        Fan::with(&[&["a"], &["a", "b"]], 2, PubSubSettings { nodrop: true, ..PubSubSettings::default() });
    assert_eq!(fan.publish(&batch(&["b1", "a1"])), 2);
    assert_eq!(fan.publish(&batch(&["a2"])), 0, "the second is full");
    assert_eq!(fan.publish(&batch(&["x", "b2", "x"])), 1);
    assert!(fan.remainder.unplaced.is_empty());
    let (mut written, mut others) = (Size::default(), Size::default());
    assert_eq!(fan.take(1, &mut written), ["b1", "a1"]);
    assert_eq!(fan.publish(&batch(&["a2"])), 0, "taken isn't written");
    assert!(fan.take(1, &mut written).is_empty());
    assert_eq!(fan.publish(&batch(&["a2", "a3"])), 1, "the first is full");
    assert_eq!(fan.take(0, &mut others), ["a1", "a2"]);
    let gone = fan.ids[0];
    fan.outboxes.remove(gone);
    fan.routing.part(gone);
    assert_eq!(fan.publish(&batch(&["a3", "a4"])), 1, "who has gone needs no room");
    assert_eq!(fan.take(1, &mut written), ["a2", "a3"]);
    let retired = fan.ids[1];
    fan.outboxes[retired].retire();
    assert_eq!(fan.publish(&batch(&["a4", "a5", "a6"])), 3, "nor does who was given up");
}

/// An event at a publisher with `nodrop`.
#[derive(Clone, Debug)]
enum Step {
    Publish(Vec<String>),
    /// A peer's queue is taken and written.
    Write(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec("[abc]{0,3}", 1..4).prop_map(Step::Publish),
        (0usize..3).prop_map(Step::Write),
    ]
}

fn wants(wanted: &[&str], topic: &str, inverted: bool) -> bool {
    wanted.iter().any(|wanted| topic.starts_with(wanted)) != inverted
}

proptest! {
    #[test]
    fn a_batch_is_published_as_its_messages_would_be(
        wanted in prop::collection::vec(prop::collection::vec("[ab]{0,2}", 0..3), 1..5),
        topics in prop::collection::vec("[abc]{0,3}", 0..40),
        inverted in any::<bool>(),
    ) {
        let wanted: Vec<Vec<&str>> = wanted.iter().map(|w| w.iter().map(String::as_str).collect()).collect();
        let wanted: Vec<&[&str]> = wanted.iter().map(Vec::as_slice).collect();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let settings = PubSubSettings { invert_matching: inverted, ..PubSubSettings::default() };
        let mut fan = Fan::with(&wanted, usize::MAX, settings);
        let mut singly = Fan::with(&wanted, usize::MAX, settings);
        prop_assert_eq!(fan.publish(&batch(&topics)), topics.len());
        topics.iter().for_each(|topic| { singly.publish(&Message::from(topic.to_string()).into()); });
        for (at, wanted) in wanted.iter().enumerate() {
            let expected: Vec<_> = topics.iter().filter(|t| wants(wanted, t, inverted)).copied().collect();
            prop_assert_eq!(&fan.take(at, &mut Size::default()), &expected);
            prop_assert_eq!(singly.take(at, &mut Size::default()), expected);
        }
    }

    #[test]
    fn with_nodrop_an_accepted_message_reaches_all_its_subscribers(
        wanted in prop::collection::vec(prop::collection::vec("[ab]{0,2}", 0..3), 3),
        steps in prop::collection::vec(step(), 0..40),
        inverted in any::<bool>(),
    ) {
        const HWM: usize = 3;
        let wanted: Vec<Vec<&str>> = wanted.iter().map(|w| w.iter().map(String::as_str).collect()).collect();
        let wanted: Vec<&[&str]> = wanted.iter().map(Vec::as_slice).collect();
        let settings = PubSubSettings { nodrop: true, invert_matching: inverted, ..PubSubSettings::default() };
        let mut fan = Fan::with(&wanted, HWM, settings);
        let mut queues = vec![Vec::new(); 3];
        for step in steps {
            match step {
                Step::Publish(topics) => {
                    let mut taken = 0;
                    for topic in &topics {
                        let whom: Vec<_> = (0..3).filter(|at| wants(wanted[*at], topic, inverted)).collect();
                        if whom.iter().any(|at| queues[*at].len() == HWM) {
                            break;
                        }
                        whom.iter().for_each(|at| queues[*at].push(topic.clone()));
                        taken += 1;
                    }
                    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                    prop_assert_eq!(fan.publish(&batch(&topics)), taken);
                }
                Step::Write(at) => {
                    let mut written = Size::default();
                    prop_assert_eq!(fan.take(at, &mut written), std::mem::take(&mut queues[at]));
                    prop_assert!(fan.take(at, &mut written).is_empty());
                }
            }
            prop_assert!(fan.remainder.unplaced.is_empty());
        }
    }
}
