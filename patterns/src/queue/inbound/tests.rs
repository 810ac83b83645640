mod model;

use super::*;

fn setup(limit: usize, peers: usize) -> (Inbound, Vec<PeerId>) {
    let mut inbound = Inbound::new(InboundConfig {
        limit: Size::new(limit, usize::MAX),
        joins: Joins::Reported,
        conflates: false,
    });
    let ids = (0..peers).map(|_| inbound.open()).collect();
    (inbound, ids)
}

fn run(texts: &[&str]) -> Run {
    texts.iter().copied().map(Message::from).collect()
}

fn texts(inbound: &mut Inbound, messages: usize) -> Vec<String> {
    let text = |run: Run| run.map(|message| message.text(0).into_owned()).collect::<String>();
    std::iter::from_fn(|| inbound.pop(messages))
        .map(|arrival| match arrival {
            Arrival::Messages(_, run) => text(run),
            Arrival::Left(_, unsent) => {
                unsent.into_iter().fold("left".to_owned(), |left, run| format!("{left} {}", text(run)))
            }
            Arrival::Joined(..) => "joined".into(),
            Arrival::Subscription(_, s) => format!("{s:?}"),
        })
        .collect()
}

fn peer(id: PeerId) -> Arc<PeerInfo> {
    named(id, "")
}

fn named(id: PeerId, name: &'static str) -> Arc<PeerInfo> {
    crate::routing::tests::peer(id, enfonet_zmtp::Version::V3_1, name).into()
}

#[test]
fn peers_are_served_in_turn_per_message_or_per_run() {
    for (messages, expected) in
        [(1, vec!["a1", "b1", "a2", "b2", "a3"]), (usize::MAX, vec!["a1a2", "b1b2", "a3"])]
    {
        let (mut inbound, ids) = setup(100, 2);
        inbound.push(ids[0], run(&["a1", "a2"]));
        inbound.push(ids[1], run(&["b1", "b2"]));
        inbound.push(ids[0], run(&["a3"]));
        assert_eq!(texts(&mut inbound, messages), expected);
        assert!(!inbound.has_arrivals());
    }
}

#[test]
fn the_rest_of_a_run_stays_first_in_its_inbox_and_room_is_made_for_the_popped_messages_only() {
    let (mut inbound, ids) = setup(4, 2);
    inbound.push(ids[0], run(&["a1", "a2", "a3", "a4", "a5"]));
    inbound.push(ids[0], run(&["a6"]));
    inbound.push(ids[1], run(&["b1", "b2"]));
    let pop = |inbound: &mut Inbound, messages| {
        let Some(Arrival::Messages(id, run)) = inbound.pop(messages) else { panic!("messages wait") };
        (id, run.map(|message| message.text(0).into_owned()).collect::<String>())
    };
    assert_eq!(pop(&mut inbound, 2), (ids[0], "a1a2".into()));
    assert_eq!(inbound.unread(ids[0]).messages, 4);
    assert!(!inbound.may_read(ids[0], Waker::noop()));
    assert_eq!(pop(&mut inbound, 2), (ids[1], "b1b2".into()));
    assert_eq!(pop(&mut inbound, usize::MAX), (ids[0], "a3a4a5".into()));
    assert_eq!(inbound.unread(ids[0]).messages, 1);
    assert!(inbound.may_read(ids[0], Waker::noop()));
    assert_eq!(pop(&mut inbound, 2), (ids[0], "a6".into()));
}

#[test]
fn a_peer_at_the_mark_is_not_read_until_half_has_been_received() {
    let (mut inbound, ids) = setup(4, 2);
    inbound.push(ids[0], run(&["1", "2", "3"]));
    assert!(inbound.may_read(ids[0], Waker::noop()));
    inbound.push(ids[0], run(&["4"]));
    assert!(!inbound.may_read(ids[0], Waker::noop()));
    assert!(inbound.may_read(ids[1], Waker::noop()), "the other peer isn't concerned");
    inbound.pop(1);
    assert!(inbound.inboxes[ids[0]].paused.is_some());
    inbound.pop(1);
    assert!(inbound.inboxes[ids[0]].paused.is_none());
    assert!(inbound.may_read(ids[0], Waker::noop()));
}

#[test]
fn messages_of_a_lost_peer_are_received_before_its_departure() {
    let (mut inbound, ids) = setup(100, 1);
    inbound.join(peer(ids[0]));
    inbound.push(ids[0], run(&["last"]));
    inbound.part_reported(ids[0], Vec::new());
    inbound.close(ids[0]);
    assert_eq!(texts(&mut inbound, 1), ["joined", "last", "left"]);
    assert!(inbound.inboxes.is_empty());
}

#[test]
fn the_departure_of_a_returning_peer_is_received_before_its_join() {
    let (mut inbound, ids) = setup(100, 1);
    inbound.join(peer(ids[0]));
    inbound.push(ids[0], run(&["a"]));
    inbound.part_reported(ids[0], Vec::new());
    inbound.join(peer(ids[0]));
    inbound.push(ids[0], run(&["b"]));
    assert_eq!(texts(&mut inbound, 1), ["joined", "a", "left", "joined", "b"]);
}

#[test]
fn each_message_carries_its_sender_even_after_another_peer_took_the_queue() {
    let mut inbound = Inbound::new(InboundConfig {
        limit: Size::new(100, usize::MAX),
        joins: Joins::Silent,
        conflates: false,
    });
    let id = inbound.open();
    inbound.join(named(id, "first"));
    inbound.push(id, run(&["a", "b"]));
    for name in ["unheard", "second"] {
        inbound.part(id);
        inbound.join(named(id, name));
    }
    let next = |inbound: &mut Inbound| {
        let (arrival, peer) = inbound.pop_known(1)?;
        let Arrival::Messages(_, run) = arrival else { panic!() };
        Some((run.into_iter().next().unwrap(), peer.unwrap().routing_id.clone()))
    };
    assert_eq!(next(&mut inbound), Some((Message::from("a"), "first".into())));
    assert_eq!(inbound.peer(id).unwrap().routing_id, "second");
    assert_eq!(next(&mut inbound), Some((Message::from("b"), "first".into())));
    assert!(!inbound.has_arrivals() && next(&mut inbound).is_none(), "a peer that comes is no arrival here");
    inbound.push(id, run(&["c"]));
    inbound.close(id);
    assert_eq!(next(&mut inbound), Some((Message::from("c"), "second".into())));
    assert!(inbound.inboxes.is_empty());
}

#[test]
fn only_the_newest_join_is_kept_of_peers_without_wanted_messages() {
    let mut inbound = Inbound::new(InboundConfig {
        limit: Size::new(100, usize::MAX),
        joins: Joins::Silent,
        conflates: false,
    });
    let id = inbound.open();
    for name in ["first", "second", "third", "fourth"] {
        inbound.join(named(id, name));
        if name != "fourth" {
            inbound.push(id, run(&["unwanted"]));
        }
    }
    inbound.retain(|_| Run::default());
    assert!(!inbound.has_arrivals() && inbound.pop(1).is_none());
    assert!(inbound.inboxes[id].items.is_empty());
    assert_eq!(inbound.peer(id).unwrap().routing_id, "fourth");
    assert_eq!(inbound.unread(id), Size::default());
}

#[test]
fn unsent_messages_are_returned_with_each_departure_of_a_peer() {
    for reports in [false, true] {
        let mut inbound = Inbound::new(InboundConfig {
            limit: Size::new(100, usize::MAX),
            joins: if reports { Joins::Reported } else { Joins::Silent },
            conflates: false,
        });
        let id = inbound.open();
        for text in ["a", "b"] {
            inbound.join(peer(id));
            inbound.part_reported(id, vec![run(&[text]), run(&["c"])]);
        }
        let mut texts = texts(&mut inbound, 1);
        assert_eq!(texts.iter().filter(|text| *text == "joined").count(), if reports { 2 } else { 0 });
        texts.retain(|text| text != "joined");
        assert_eq!(texts, ["left a c", "left b c"]);
    }
}

#[test]
fn the_departure_of_a_peer_without_messages_is_received_after_an_earlier_peers_messages() {
    let mut inbound = Inbound::new(InboundConfig {
        limit: Size::new(100, usize::MAX),
        joins: Joins::Silent,
        conflates: false,
    });
    let id = inbound.open();
    inbound.push(id, run(&["a"]));
    inbound.join(peer(id));
    inbound.part_reported(id, Vec::new());
    assert_eq!(texts(&mut inbound, 1), ["a", "left"]);
}

#[test]
fn the_join_of_a_returning_peer_without_messages_is_received() {
    let (mut inbound, ids) = setup(100, 1);
    inbound.push(ids[0], run(&["a"]));
    inbound.part_reported(ids[0], Vec::new());
    inbound.join(peer(ids[0]));
    assert_eq!(texts(&mut inbound, 1), ["a", "left", "joined"]);
}

#[test]
fn the_disconnect_message_of_a_peer_is_queued_once_until_the_peer_sends_more() {
    let mut inbound = Inbound::new(InboundConfig {
        limit: Size::new(100, usize::MAX),
        joins: Joins::Silent,
        conflates: false,
    });
    let id = inbound.open();
    let last = Message::from("gone");
    for text in ["a", "b"] {
        inbound.join(peer(id));
        inbound.push(id, run(&[text]));
        for _ in 0..3 {
            inbound.push_last(id, &last);
            inbound.part(id);
            inbound.join(peer(id));
        }
    }
    assert_eq!(texts(&mut inbound, 1), ["a", "gone", "b", "gone"]);
}

#[test]
fn a_new_peer_gets_another_inbox_than_a_peer_with_waiting_messages() {
    let (mut inbound, ids) = setup(100, 1);
    inbound.push(ids[0], run(&["a"]));
    inbound.close(ids[0]);
    let second = inbound.open();
    inbound.push(second, run(&["b"]));
    assert_eq!(texts(&mut inbound, 1), ["a", "b"]);
    assert_eq!(inbound.inboxes.len(), 1, "the first has gone");
}

#[test]
fn messages_of_departed_peers_stop_all_reading_until_they_are_received() {
    let (mut inbound, ids) = setup(4, 3);
    for id in &ids[..2] {
        inbound.push(*id, run(&["1", "2"]));
        inbound.close(*id);
    }
    assert!(!inbound.may_read(ids[2], Waker::noop()));
    inbound.pop(1);
    assert!(inbound.inboxes[ids[2]].paused.is_none());
    assert!(inbound.may_read(ids[2], Waker::noop()));
    inbound.clear();
    assert_eq!((inbound.orphaned, inbound.inboxes.len()), (Size::default(), 1));
}

#[test]
fn a_connection_at_its_own_mark_is_not_woken_when_messages_of_departed_peers_are_received() {
    let (mut inbound, ids) = setup(4, 2);
    inbound.push(ids[0], run(&["1", "2"]));
    inbound.close(ids[0]);
    inbound.push(ids[1], run(&["1", "2", "3", "4"]));
    assert!(!inbound.may_read(ids[1], Waker::noop()));
    inbound.pop(1);
    assert_eq!(inbound.orphaned.messages, 1);
    assert!(inbound.inboxes[ids[1]].paused.is_some());
}

#[test]
fn a_connection_at_the_mark_reads_on_when_the_mark_is_raised() {
    let (mut inbound, ids) = setup(2, 1);
    inbound.push(ids[0], run(&["1", "2"]));
    assert!(!inbound.may_read(ids[0], Waker::noop()));
    inbound.set_hwm(3);
    assert!(inbound.inboxes[ids[0]].paused.is_none());
    assert!(inbound.may_read(ids[0], Waker::noop()));
}

#[test]
fn a_stopped_socket_reads_no_connection_and_still_delivers_what_was_read() {
    let (mut inbound, ids) = setup(100, 1);
    inbound.push(ids[0], run(&["a"]));
    inbound.stop();
    assert!(!inbound.may_read(ids[0], Waker::noop()));
    assert_eq!(texts(&mut inbound, 1), ["a"]);
    assert!(!inbound.may_read(ids[0], Waker::noop()));
}

#[test]
fn short_lived_peers_without_messages_leave_no_inbox_behind() {
    let (mut inbound, ids) = setup(100, 50);
    for id in ids {
        inbound.join(peer(id));
        inbound.part_reported(id, Vec::new());
        inbound.close(id);
    }
    assert!(inbound.inboxes.is_empty() && !inbound.has_arrivals());
}

#[test]
fn too_many_subscription_changes_stop_reading_until_half_are_received() {
    let (mut inbound, ids) = setup(100, 1);
    for _ in 0..MAX_SUBSCRIPTIONS {
        inbound.push_subscription(ids[0], Subscription::Subscribe("a".into()));
    }
    assert!(!inbound.may_read(ids[0], Waker::noop()));
    for _ in 0..MAX_SUBSCRIPTIONS / 2 {
        assert!(inbound.inboxes[ids[0]].paused.is_some());
        inbound.pop(1);
    }
    assert!(inbound.inboxes[ids[0]].paused.is_none());
    assert!(inbound.may_read(ids[0], Waker::noop()));
}

#[test]
fn several_departures_of_a_peer_without_a_receive_are_received_once() {
    let mut inbound = Inbound::new(InboundConfig {
        limit: Size::new(100, usize::MAX),
        joins: Joins::Silent,
        conflates: false,
    });
    let id = inbound.open();
    for _ in 0..100 {
        inbound.join(peer(id));
        inbound.part_reported(id, Vec::new());
    }
    inbound.join(peer(id));
    inbound.push(id, run(&["a"]));
    inbound.part_reported(id, Vec::new());
    assert_eq!(texts(&mut inbound, 1), ["left", "a", "left"]);
}

#[test]
fn a_conflated_peer_that_reconnects_without_a_receive_leaves_its_last_message() {
    let mut inbound = Inbound::new(InboundConfig {
        limit: Size::new(100, usize::MAX),
        joins: Joins::Silent,
        conflates: true,
    });
    let id = inbound.open();
    for _ in 0..100 {
        inbound.join(peer(id));
        inbound.push(id, run(&["a", "b"]));
        inbound.part(id);
    }
    assert!(inbound.inboxes[id].items.len() <= 2, "{:?}", inbound.inboxes[id].items);
    assert_eq!(texts(&mut inbound, 1), ["b"]);
}

#[test]
fn an_idle_connection_ends_only_without_waiting_or_partial_messages() {
    let (mut inbound, ids) = setup(100, 1);
    let id = ids[0];
    inbound.push(id, run(&["a"]));
    assert!(!inbound.end_when_idle(id), "a message waits");
    assert_eq!(inbound.idle_end(id, ReadPosition::Boundary), IdleEnd::CalledOff);
    inbound.pop(1);
    assert!(inbound.end_when_idle(id));
    assert_eq!(inbound.idle_end(id, ReadPosition::Boundary), IdleEnd::Now);
    assert_eq!(
        inbound.idle_end(id, ReadPosition::WithinMessage),
        IdleEnd::Later,
        "part of a message has arrived"
    );
    inbound.push(id, run(&["b"]));
    assert_eq!(inbound.idle_end(id, ReadPosition::Boundary), IdleEnd::CalledOff);
    assert_eq!(inbound.idle_end(id, ReadPosition::WithinMessage), IdleEnd::CalledOff);
}

#[test]
fn a_stopped_queue_ends_a_connection_in_the_middle_of_a_message() {
    let (mut inbound, ids) = setup(100, 1);
    assert!(inbound.end_when_idle(ids[0]));
    inbound.stop();
    assert_eq!(inbound.idle_end(ids[0], ReadPosition::WithinMessage), IdleEnd::Now);
}

#[test]
fn a_short_lived_peer_without_messages_is_not_reported_after_an_earlier_departure() {
    let (mut inbound, ids) = setup(100, 1);
    inbound.push(ids[0], run(&["a"]));
    inbound.part_reported(ids[0], Vec::new());
    inbound.join(peer(ids[0]));
    inbound.part_reported(ids[0], Vec::new());
    assert_eq!(texts(&mut inbound, 1), ["a", "left"]);
}

#[test]
fn the_queue_of_subscription_changes_frees_its_memory_after_many_changes() {
    let (mut inbound, ids) = setup(100, 1);
    for (changes, is_kept) in [(1, true), (MAX_SUBSCRIPTIONS, false), (1, true)] {
        for _ in 0..changes {
            inbound.push_subscription(ids[0], Subscription::Subscribe("a".into()));
        }
        for _ in 0..changes {
            assert!(inbound.subscriptions.capacity() > 0);
            inbound.pop(1);
        }
        assert_eq!(inbound.subscriptions.capacity() > 0, is_kept, "after {changes}");
    }
}

#[test]
fn a_full_queue_of_subscription_changes_holds_back_the_sweep_until_half_are_received() {
    let (mut inbound, ids) = setup(100, 1);
    for _ in 0..MAX_SUBSCRIPTIONS {
        assert!(inbound.may_sweep(Waker::noop()) && inbound.sweeper.is_none());
        inbound.push_subscription(ids[0], Subscription::Subscribe("a".into()));
    }
    assert!(!inbound.may_sweep(Waker::noop()));
    for _ in 0..MAX_SUBSCRIPTIONS / 2 {
        assert!(inbound.sweeper.is_some());
        inbound.pop(1);
    }
    assert!(inbound.sweeper.is_none() && inbound.may_sweep(Waker::noop()));
}
