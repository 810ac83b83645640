//! Subscriptions that departed peers have left, which are removed in slices.

use std::ops::Range;

use enfonet_zmtp::{Message, Version};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

use super::*;
use crate::queue::{Arrival, Outgoing};
use crate::routing::tests::handshaken_peer;
use crate::routing::{FanOut, Remainder};
use crate::settings::PubSubSettings;

fn publisher(kind: SocketType) -> Arc<SocketCore<FanOut>> {
    SocketCore::with_defaults(kind, FanOut::new(&PubSubSettings::default()))
}

fn topic(n: usize) -> String {
    format!("{n:06}")
}

/// Joins a peer that subscribes to these topics.
fn subscriber(core: &SocketCore<FanOut>, topics: Range<usize>) -> PeerId {
    let id = core.join(None, handshaken_peer(Version::V3_1, ""), &CancellationToken::new()).unwrap().id;
    for n in topics {
        core.command(id, Command::Subscription(Subscription::Subscribe(topic(n).into()))).unwrap();
    }
    id
}

/// Receives at most `most` changes of subscriptions that are reported to the application.
fn changes(core: &SocketCore<FanOut>, most: usize) -> Vec<(PeerId, Subscription)> {
    let next = || match core.try_recv_by(Inbound::pop_one).ok()? {
        Arrival::Subscription(id, subscription) => Some((id, subscription)),
        other => panic!("{other:?}"),
    };
    std::iter::from_fn(next).take(most).collect()
}

fn sweep(core: &SocketCore<FanOut>) -> Poll<bool> {
    core.poll_sweep(&Context::from_waker(Waker::noop()))
}

fn topics(core: &SocketCore<FanOut>) -> usize {
    core.out().routing.subscribers.topics()
}

/// Publishes a message of this topic, and returns the number of its recipients.
fn published(core: &SocketCore<FanOut>, topic: &str) -> usize {
    let (mut out, message, mut got) = (core.out(), Outgoing::new(Message::from(topic.to_owned())), 0);
    let Out { routing, outboxes, .. } = &mut *out;
    routing.publish(outboxes, &message, &mut Remainder::default(), |_| got += 1);
    got
}

#[test]
fn a_departed_peers_subscriptions_are_removed_in_slices_and_cancelled_unless_another_has_them() {
    let core = publisher(SocketType::XPub);
    let gone = subscriber(&core, 0..3 * SWEEP_TOPICS);
    assert_eq!(changes(&core, usize::MAX).len(), 3 * SWEEP_TOPICS);
    assert!(core.part(gone, Vec::new(), QueueLifetime::Connection), "somebody has to sweep");
    assert_eq!((topics(&core), core.out().routing.subscribers.len()), (2 * SWEEP_TOPICS, 0));

    // Subscriptions left of the departed peer get no message, and don't hide another peer's.
    assert_eq!(published(&core, &topic(0)), 0);
    let other = subscriber(&core, 0..1);
    assert_eq!(published(&core, &topic(0)), 1);
    assert!(
        !core.part(subscriber(&core, 1..2), Vec::new(), QueueLifetime::Connection),
        "somebody does already"
    );

    while let Poll::Ready(true) = sweep(&core) {}
    assert_eq!(topics(&core), 1);
    let cancelled = changes(&core, usize::MAX);
    assert_eq!(cancelled.len(), 3 * SWEEP_TOPICS - 1);
    assert!(cancelled.iter().all(|(_, change)| matches!(change, Subscription::Cancel(t) if *t != topic(0))));
    assert!(!core.part(other, Vec::new(), QueueLifetime::Connection), "one topic takes no time");
    assert_eq!(changes(&core, usize::MAX), [(other, Subscription::Cancel(topic(0).into()))]);
}

#[test]
fn the_slice_of_a_sweep_is_bounded() {
    for kind in [SocketType::Pub, SocketType::XPub] {
        let core = publisher(kind);
        let gone = subscriber(&core, 0..5 * SWEEP_TOPICS / 2);
        assert!(core.part(gone, Vec::new(), QueueLifetime::Connection));
        let (mut left, mut slices) = (topics(&core), 1);
        while sweep(&core) == Poll::Ready(true) {
            assert_eq!(left - topics(&core), SWEEP_TOPICS);
            (left, slices) = (topics(&core), slices + 1);
        }
        assert_eq!((topics(&core), slices), (0, 2));
    }
}

#[test]
fn a_sweep_pauses_while_the_application_has_many_changes_to_receive() {
    let core = publisher(SocketType::XPub);
    let gone = subscriber(&core, 0..20_000);
    changes(&core, usize::MAX);
    assert!(core.part(gone, Vec::new(), QueueLifetime::Connection));
    let mut sweeper = spawn(());
    sweeper.enter(|cx, _| {
        while topics(&core) > 10_000 {
            assert_eq!(core.poll_sweep(cx), Poll::Ready(true));
        }
        assert_eq!(core.poll_sweep(cx), Poll::Pending);
    });
    assert_eq!(topics(&core), 10_000);
    changes(&core, 4_999);
    assert!(!sweeper.is_woken());
    changes(&core, 1);
    assert!(sweeper.is_woken());
    assert_eq!(sweep(&core), Poll::Ready(true));
}

#[test]
fn a_join_sweeps_more_subscriptions_than_it_adds() {
    let core = publisher(SocketType::XPub);
    let gone = subscriber(&core, 0..2 * SWEEP_TOPICS);
    assert!(core.part(gone, Vec::new(), QueueLifetime::Connection));
    let before = topics(&core);
    subscriber(&core, 10_000..10_000 + SWEEP_TOPICS / 2);
    assert_eq!(topics(&core), before - SWEEP_TOPICS / 2);
    assert_eq!(sweep(&core), Poll::Ready(false));
}

#[test]
fn subscriptions_of_departed_peers_do_not_keep_other_peers_out() {
    let settings = PubSubSettings { max_subscriptions: 3 * SWEEP_TOPICS, ..PubSubSettings::default() };
    let core = SocketCore::with_defaults(SocketType::Pub, FanOut::new(&settings));
    let gone = subscriber(&core, 0..3 * SWEEP_TOPICS);
    assert!(core.part(gone, Vec::new(), QueueLifetime::Connection));
    let full = subscriber(&core, 10_000..10_000 + 3 * SWEEP_TOPICS);
    let one_more = Command::Subscription(Subscription::Subscribe("x".into()));
    assert_eq!(core.command(full, one_more), Err(RejectReason::Subscriptions));
}

#[tokio::test]
async fn a_closed_socket_is_not_swept() {
    let core = publisher(SocketType::XPub);
    let gone = subscriber(&core, 0..20_000);
    changes(&core, usize::MAX);
    assert!(core.part(gone, Vec::new(), QueueLifetime::Connection));
    let mut sweeping = spawn(async { while std::future::poll_fn(|cx| core.poll_sweep(cx)).await {} });
    assert_pending!(sweeping.poll());
    core.close(std::time::Duration::ZERO).await;
    assert!(sweeping.is_woken());
    assert_ready!(sweeping.poll());
}

#[test]
fn a_finished_sweeper_is_followed_by_one_other_sweeper() {
    let core = publisher(SocketType::XPub);
    let first = subscriber(&core, 0..SWEEP_TOPICS * 3 / 2);
    assert!(core.part(first, Vec::new(), QueueLifetime::Connection), "it is to be swept");
    assert_eq!(sweep(&core), Poll::Ready(false));
    let second = subscriber(&core, 0..SWEEP_TOPICS * 3);
    assert!(core.part(second, Vec::new(), QueueLifetime::Connection), "there is no sweeper any more");
    let third = subscriber(&core, 5000..5000 + SWEEP_TOPICS * 3);
    assert!(!core.part(third, Vec::new(), QueueLifetime::Connection), "there is a sweeper");
}

#[test]
fn peers_that_leave_together_queue_no_more_changes_than_the_limit() {
    let core = publisher(SocketType::XPub);
    let ids: Vec<_> = (0..60).map(|n| subscriber(&core, n * 900..(n + 1) * 900)).collect();
    changes(&core, usize::MAX);
    let sweepers = ids.into_iter().filter(|id| core.part(*id, Vec::new(), QueueLifetime::Connection)).count();
    assert_eq!(sweepers, 1);
    let waiting = changes(&core, usize::MAX).len();
    assert!((10_000..10_000 + SWEEP_TOPICS).contains(&waiting), "{waiting}");
    while sweep(&core) != Poll::Ready(false) {
        changes(&core, usize::MAX);
    }
}
