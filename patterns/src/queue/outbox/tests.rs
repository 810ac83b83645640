use proptest::prelude::*;

use super::*;

fn outbox(messages: usize, octets: usize) -> Outbox {
    Outbox::new(Load::new(messages, octets), false)
}

fn run(n: usize, body: usize) -> Batch {
    (0..n).map(|_| Message::from(vec![b'x'; body])).collect()
}

fn taken(outbox: &mut Outbox, written: Load) -> Staged {
    let mut staged = Staged::default();
    outbox.exchange(written, false, true, &mut staged, Waker::noop());
    staged
}

#[test]
fn a_run_is_cut_at_the_mark_and_credit_returns_only_with_what_is_written() {
    let mut outbox = outbox(10, usize::MAX);
    assert_eq!(outbox.push_run(&run(7, 30), 0), 7);
    assert_eq!(outbox.push_run(&run(7, 30), 0), 3);
    assert_eq!(outbox.push_run(&run(7, 30), 0), 0);
    let staged = taken(&mut outbox, Load::default());
    assert_eq!(staged.runs.iter().map(Batch::len).sum::<usize>(), 10);
    assert!(!outbox.has_room(), "taken isn't written");
    taken(&mut outbox, Load::new(4, 4 * 32));
    assert_eq!(outbox.push_run(&run(7, 30), 0), 4);
}

#[test]
fn the_limit_in_octets_is_passed_by_one_message_at_most() {
    let mut outbox = outbox(usize::MAX, 100);
    assert_eq!(outbox.push_run(&run(1, 1000), 0), 1);
    assert_eq!(outbox.push_run(&run(1, 1), 0), 0);
    let mut outbox = self::outbox(usize::MAX, 100);
    assert_eq!(outbox.push_run(&run(9, 30), 0), 4, "four octets are left after three");
    assert!(!outbox.has_room());
    assert_eq!(outbox.push_run(&run(1, 30), 0), 0);
}

#[test]
fn small_runs_are_copied_and_large_ones_are_shared() {
    let mut outbox = outbox(usize::MAX, usize::MAX);
    let (small, large) = (run(2, 30), run(100, 30));
    outbox.push_run(&small, small.wire_len());
    outbox.push_run(&large, large.wire_len());
    outbox.push_run(&large, PINNED * large.wire_len() + 1);
    let staged = taken(&mut outbox, Load::default());
    let pointers: Vec<_> = staged.runs.iter().map(|r| r.wire().unwrap().as_ptr()).collect();
    assert_ne!(pointers[0], small.wire().unwrap().as_ptr());
    assert_eq!(pointers[1], large.wire().unwrap().as_ptr());
    assert_ne!(pointers[2], large.wire().unwrap().as_ptr());
}

#[test]
fn commands_overtake_messages_even_when_the_kernel_takes_none() {
    let mut outbox = outbox(10, usize::MAX);
    outbox.push(&Envelope::none(), &Message::from("a"));
    outbox.control().extend_from_slice(b"command");
    let mut staged = Staged::default();
    outbox.exchange(Load::default(), true, true, &mut staged, Waker::noop());
    assert_eq!((&staged.control[..], staged.runs.len()), (&b"command"[..], 0));
}

#[test]
fn what_a_lost_connection_had_not_written_comes_first_again() {
    let mut outbox = outbox(10, usize::MAX);
    for text in ["a", "b"] {
        outbox.push(&Envelope::none(), &Message::from(text));
    }
    let unsent: Vec<_> = taken(&mut outbox, Load::default()).runs.into();
    outbox.push(&Envelope::none(), &Message::from("c"));
    outbox.disconnect(unsent);
    assert_eq!(outbox.queued(), 3);
    let again: Vec<_> = outbox.drain().into_iter().flatten().collect();
    assert_eq!(again, ["a", "b", "c"].map(Message::from));
}

#[test]
fn each_message_is_counted_once_as_sent_unsent_or_dropped() {
    let mut outbox = outbox(10, usize::MAX);
    let counts = |outbox: &Outbox| (outbox.sent().messages, outbox.unsent().messages, outbox.dropped());
    outbox.connect(Load::default());
    outbox.push_run(&run(4, 1), 0);
    let mut runs: Vec<_> = taken(&mut outbox, Load::default()).runs.into();
    taken(&mut outbox, Load::new(1, 3));
    assert_eq!(counts(&outbox), (1, 3, 0));
    // It has written another, and goes before it says so.
    let _ = runs[0].split_to(2);
    outbox.disconnect(runs);
    assert_eq!((counts(&outbox), outbox.sent().octets), ((2, 2, 0), 6));
    outbox.connect(Load::default());
    taken(&mut outbox, Load::default());
    // Within the process, a peer that has two, and has received one of them when it goes.
    outbox.hand_over(Load::new(2, 6));
    assert_eq!(counts(&outbox), (4, 0, 0));
    taken(&mut outbox, Load::new(1, 3));
    outbox.disconnect(Vec::new());
    assert_eq!((counts(&outbox), outbox.sent().octets), ((4, 0, 0), 12));
    outbox.lose(3);
    assert_eq!(counts(&outbox), (4, 0, 3));
    let mut newest = Outbox::new(Load::new(1, 1), true);
    newest.push_run(&run(3, 1), 0);
    newest.push(&Envelope::none(), &Message::from("newer"));
    assert_eq!(counts(&newest), (0, 1, 3));
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_in_order_and_the_count_returns_to_zero(
        bodies in prop::collection::vec((0usize..6000, any::<bool>()), 0..60)
    ) {
        let mut outbox = outbox(usize::MAX, usize::MAX);
        let (mut expected, mut out) = (Vec::new(), Vec::new());
        for (i, (len, single)) in bodies.into_iter().enumerate() {
            let message = Message::from_frames([i.to_string().into_bytes(), vec![b'x'; len]]);
            expected.push(message.clone());
            if single { outbox.push(&Envelope::none(), &message) } else { outbox.push_run(&message.into(), 0); }
            if i % 3 == 0 {
                out.extend(taken(&mut outbox, Load::default()).runs);
            }
        }
        out.extend(taken(&mut outbox, Load::default()).runs);
        let octets = out.iter().map(Batch::wire_len).sum();
        taken(&mut outbox, Load::new(expected.len(), octets));
        prop_assert_eq!(outbox.queued(), 0);
        prop_assert_eq!(out.into_iter().flatten().collect::<Vec<_>>(), expected);
    }
}

/// What may happen to a queue.
#[derive(Clone, Debug)]
enum Step {
    Push,
    PushRun(usize),
    /// The connection takes all, and has written so many of what it has.
    Exchange(usize, bool),
    Reserve,
    Unreserve,
    SetLimit(usize),
    Connect(usize),
    Disconnect,
    Retire,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Push),
        4 => (1usize..12).prop_map(Step::PushRun),
        6 => (0usize..12, any::<bool>()).prop_map(|(written, blocked)| Step::Exchange(written, blocked)),
        2 => Just(Step::Reserve),
        2 => Just(Step::Unreserve),
        1 => (0usize..12).prop_map(Step::SetLimit),
        1 => (0usize..6).prop_map(Step::Connect),
        1 => Just(Step::Disconnect),
        1 => Just(Step::Retire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    /// The model: a count of what waits here, one of what the connection has, and the limit.
    #[test]
    fn credit_agrees_with_a_count_and_all_comes_out_once_and_in_order(steps in prop::collection::vec(step(), 0..80)) {
        let unlimited = |messages| Load::new(messages, usize::MAX);
        let mut outbox = outbox(5, usize::MAX);
        let (mut set, mut room, mut reserved, mut retired) = (5usize, 0, 0, false);
        let (mut next, mut written, mut expected) = (0usize, 0usize, 0usize);
        let mut hands = VecDeque::<Message>::new();
        let numbered = |n: usize| Message::from(n.to_string());
        for step in steps {
            let limit = if retired { 0 } else { set + room };
            let free = limit.saturating_sub(next - written + reserved);
            prop_assert_eq!(outbox.has_room(), free > 0);
            match step {
                Step::Push if free > 0 => {
                    outbox.push(&Envelope::none(), &numbered(next));
                    next += 1;
                }
                Step::PushRun(n) => {
                    let run = (next..next + n).map(numbered).collect();
                    let admitted = outbox.push_run(&run, 0);
                    prop_assert_eq!(admitted, n.min(free));
                    next += admitted;
                }
                Step::Exchange(n, blocked) => {
                    let done: Vec<_> = hands.drain(..n.min(hands.len())).collect();
                    let load = Load::new(done.len(), done.iter().map(Message::wire_len).sum());
                    for message in done {
                        prop_assert_eq!(message, numbered(written));
                        written += 1;
                    }
                    let mut staged = Staged::default();
                    outbox.exchange(load, blocked, true, &mut staged, Waker::noop());
                    prop_assert!(!blocked || staged.runs.is_empty());
                    hands.extend(staged.runs.into_iter().flatten());
                }
                Step::Reserve if free > 0 => {
                    outbox.reserve();
                    reserved += 1;
                }
                Step::Unreserve if reserved > 0 => {
                    outbox.unreserve();
                    reserved -= 1;
                }
                Step::SetLimit(n) => {
                    outbox.set_limit(unlimited(n));
                    set = n;
                }
                Step::Connect(n) if !outbox.has_peer() => {
                    outbox.connect(Load::new(n, 0));
                    room = n;
                }
                Step::Disconnect if outbox.has_peer() => {
                    let unsent = hands.drain(..).map(Batch::from).collect();
                    outbox.disconnect(unsent);
                    room = 0;
                }
                Step::Retire => {
                    outbox.retire();
                    retired = true;
                }
                _ => {}
            }
            prop_assert_eq!(outbox.queued(), next - written);
            expected = expected.max(written);
        }
        let rest = hands.into_iter().chain(outbox.drain().into_iter().flatten());
        prop_assert!(rest.eq((expected..next).map(numbered)));
    }
}

#[test]
fn of_conflated_messages_the_last_waits_also_when_the_connection_had_another_in_hand() {
    let mut outbox = Outbox::new(Load::new(1, usize::MAX), true);
    outbox.connect(Load::default());
    outbox.push(&Envelope::none(), &Message::from("in hand"));
    let in_hand = taken(&mut outbox, Load::default()).runs;
    outbox.push(&Envelope::none(), &Message::from("last"));
    outbox.disconnect(in_hand.into());
    assert_eq!((outbox.queued(), outbox.dropped()), (1, 1));
    let waits: Vec<Message> = outbox.drain().into_iter().flatten().collect();
    assert_eq!(waits, [Message::from("last")]);
}

#[test]
fn of_a_greeting_what_is_not_written_is_dropped_with_the_connection_and_nothing_else() {
    let [greeting, messages]: [Vec<Message>; 2] =
        [["", "hello"], ["a", "b"]].map(|m| m.map(Message::from).into());
    for written in [None, Some(0), Some(1), Some(2), Some(3)] {
        let mut outbox = outbox(10, usize::MAX);
        messages.iter().for_each(|message| outbox.push(&Envelope::none(), message));
        outbox.connect(Load::default());
        outbox.greet(greeting.iter().cloned().collect());
        assert_eq!(outbox.queued(), 4);
        let unsent = written.map(|written| {
            let in_hand = taken(&mut outbox, Load::default()).runs.into_iter().flatten();
            in_hand.skip(written).map(Batch::from).collect()
        });
        outbox.disconnect(unsent.unwrap_or_default());
        let expected = &messages[written.unwrap_or_default().saturating_sub(2)..];
        assert_eq!(
            (outbox.queued(), outbox.sent().messages),
            (expected.len(), written.unwrap_or_default() as u64)
        );
        let waits: Vec<Message> = outbox.drain().into_iter().flatten().collect();
        assert_eq!(waits, expected, "{written:?} written");
    }
}
