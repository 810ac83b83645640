mod model;

use proptest::prelude::*;

use super::*;

fn outbox(messages: usize, bytes: usize) -> Outbox {
    Outbox::new(Size::new(messages, bytes))
}

fn run(n: usize, body: usize) -> Run {
    (0..n).map(|_| Message::from(vec![b'x'; body])).collect()
}

fn take_all(outbox: &mut Outbox, written: Size) -> Taken {
    let mut taken = Taken::default();
    outbox.exchange(&WriteReport::of(written), &mut taken, Waker::noop());
    taken
}

#[test]
fn a_run_is_cut_at_the_mark_and_only_written_messages_free_room() {
    let mut outbox = outbox(10, usize::MAX);
    assert_eq!(outbox.push_run(&mut run(7, 30), 0), 7);
    assert_eq!(outbox.push_run(&mut run(7, 30), 0), 3);
    assert_eq!(outbox.push_run(&mut run(7, 30), 0), 0);
    let taken = take_all(&mut outbox, Size::default());
    assert_eq!(taken.runs.iter().map(Run::len).sum::<usize>(), 10);
    assert!(!outbox.has_room(), "taken isn't written");
    take_all(&mut outbox, Size::new(4, 4 * 32));
    assert_eq!(outbox.push_run(&mut run(7, 30), 0), 4);
}

#[test]
fn a_connection_is_woken_once_after_an_exchange_without_messages() {
    let mut outbox = outbox(4, usize::MAX);
    outbox.connect(Size::default());
    assert!(outbox.wake().is_none(), "the connection has made no exchange yet");
    take_all(&mut outbox, Size::default());
    outbox.push_run(&mut run(1, 30), 0);
    assert!(outbox.wake().is_some() && outbox.wake().is_none());
    take_all(&mut outbox, Size::default());
    assert!(outbox.wake().is_none(), "it has something to write");
    take_all(&mut outbox, Size::new(1, 32));
    assert!(outbox.wake_to_close().is_some() && outbox.wake().is_none());
}

#[test]
fn a_connection_that_waits_for_the_kernel_is_woken_only_for_its_end() {
    let mut outbox = outbox(4, usize::MAX);
    outbox.connect(Size::default());
    outbox.push_run(&mut run(1, 30), 0);
    take_all(&mut outbox, Size::default());
    outbox.exchange(
        &WriteReport { blocked: true, ..WriteReport::of(Size::default()) },
        &mut Taken::default(),
        Waker::noop(),
    );
    outbox.push_run(&mut run(1, 30), 0);
    assert!(outbox.wake().is_none());
    assert!(outbox.wake_to_close().is_some());
}

#[test]
fn the_limit_in_bytes_is_exceeded_by_one_message_at_most() {
    let mut outbox = outbox(usize::MAX, 100);
    assert_eq!(outbox.push_run(&mut run(1, 1000), 0), 1);
    assert_eq!(outbox.push_run(&mut run(1, 1), 0), 0);
    let mut outbox = self::outbox(usize::MAX, 100);
    assert_eq!(outbox.push_run(&mut run(9, 30), 0), 4, "four bytes are left after three");
    assert!(!outbox.has_room());
    assert_eq!(outbox.push_run(&mut run(1, 30), 0), 0);
}

#[test]
fn runs_of_2_kib_are_shared_unless_they_are_less_than_a_quarter_of_their_source() {
    for (messages, source, is_shared) in
        [(63, 2016, false), (64, 2048, true), (64, 8192, true), (64, 8193, false)]
    {
        let (mut outbox, run) = (outbox(usize::MAX, usize::MAX), run(messages, 30));
        outbox.push_run(&mut run.clone(), source);
        let taken = take_all(&mut outbox, Size::default());
        let [given, taken] = [&run, &taken.runs[0]].map(|run| run.to_pieces().remove(0));
        assert_eq!(given.as_ptr() == taken.as_ptr(), is_shared, "{messages} messages of {source} bytes");
        assert_eq!(given, taken);
    }
}

#[test]
fn small_messages_are_encoded_into_runs_of_64_kib() {
    for at_once in [1, 2] {
        let (mut outbox, run) = (outbox(usize::MAX, usize::MAX), run(at_once, 254));
        for _ in 0..300 / at_once {
            outbox.push_run(&mut run.clone(), 0);
        }
        let taken = take_all(&mut outbox, Size::default());
        assert_eq!(taken.runs.iter().map(Run::len).collect::<Vec<_>>(), [256, 44]);
    }
    let (mut outbox, message) = (outbox(usize::MAX, usize::MAX), Message::from(vec![b'x'; 254]));
    (0..300).for_each(|_| outbox.push(&Envelope::none(), &message));
    let taken = take_all(&mut outbox, Size::default());
    assert_eq!(taken.runs.iter().map(Run::len).collect::<Vec<_>>(), [256, 44]);
}

#[test]
fn pings_are_answered_while_less_than_64_kib_of_commands_wait() {
    for (waits, is_answered) in [(0, true), (65_535, true), (65_536, false), (65_537, false)] {
        let mut outbox = outbox(1, 1);
        outbox.control().resize(waits, 0);
        outbox.pong(b"context");
        let expected: &[u8] = if is_answered { b"\x04\x0c\x04PONGcontext" } else { b"" };
        assert_eq!(&outbox.control()[waits..], expected, "{waits}");
    }
}

#[test]
fn a_connection_is_overrun_by_more_than_64_mib_of_commands_beyond_its_first_commands() {
    let (mut outbox, begins_with) = (outbox(1, 1), 10);
    outbox.control().resize(begins_with, 0);
    outbox.connect(Size::default());
    outbox.exchange(
        &WriteReport { blocked: true, wants_control: false, ..WriteReport::of(Size::default()) },
        &mut Taken::default(),
        Waker::noop(),
    );
    outbox.control().resize(begins_with + (64 << 20), 0);
    assert!(!outbox.is_overrun());
    assert!(outbox.wake().is_none(), "the kernel takes nothing");
    outbox.control().extend_from_slice(b"x");
    assert!(outbox.is_overrun());
    assert!(outbox.wake().is_some(), "it is woken to end");
}

#[test]
fn an_idle_outbox_frees_its_unused_memory() {
    let big = || Outbox::with(Staging::with_memory(), Size::new(10, usize::MAX));
    let at_rest = WriteReport { may_shrink: true, ..WriteReport::of(Size::default()) };
    let mut idle = big();
    take_all(&mut idle, Size::default());
    assert_eq!(idle.staging.capacities(), (65, 10, 1), "it may be busy again at once");
    idle.exchange(&at_rest, &mut Taken::default(), Waker::noop());
    assert_eq!(idle.staging.capacities(), (0, 0, 0));
    let mut in_hand = big();
    in_hand.credit.charge(Size::new(1, 1));
    in_hand.exchange(&at_rest, &mut Taken::default(), Waker::noop());
    assert_eq!(in_hand.staging.capacities(), (65, 10, 0));
}

#[test]
fn only_buffers_of_about_64_kib_are_kept() {
    let buffer_bytes = 64 << 10;
    for (capacity, is_worth_keeping) in
        [(buffer_bytes / 4, false), (buffer_bytes, true), (buffer_bytes * 8, false)]
    {
        let buffer = BytesMut::with_capacity(capacity);
        assert_eq!(Taken::is_worth_keeping(&buffer), is_worth_keeping, "{capacity}");
    }
}

#[test]
fn commands_overtake_messages_even_on_a_blocked_connection() {
    let mut outbox = outbox(10, usize::MAX);
    outbox.push(&Envelope::none(), &Message::from("a"));
    outbox.control().extend_from_slice(b"command");
    let mut taken = Taken::default();
    outbox.exchange(
        &WriteReport { blocked: true, ..WriteReport::of(Size::default()) },
        &mut taken,
        Waker::noop(),
    );
    assert_eq!((&taken.control[..], taken.runs.len()), (&b"command"[..], 0));
}

#[test]
fn unwritten_messages_of_a_lost_connection_come_first_again() {
    let mut outbox = outbox(10, usize::MAX);
    for text in ["a", "b"] {
        outbox.push(&Envelope::none(), &Message::from(text));
    }
    let unsent: Vec<_> = take_all(&mut outbox, Size::default()).runs.into();
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
    outbox.connect(Size::default());
    outbox.push_run(&mut run(4, 1), 0);
    let mut runs: Vec<_> = take_all(&mut outbox, Size::default()).runs.into();
    take_all(&mut outbox, Size::new(1, 3));
    assert_eq!(counts(&outbox), (1, 3, 0));
    // The connection has written another message, and ends before it reports it.
    let _ = runs[0].split_to(2);
    outbox.disconnect(runs);
    assert_eq!((counts(&outbox), outbox.sent().bytes), ((2, 2, 0), 6));
    outbox.connect(Size::default());
    take_all(&mut outbox, Size::default());
    // A peer within the process has two messages, and has received the first when it goes.
    outbox.credit.hand_over(Size::new(2, 6));
    assert_eq!(counts(&outbox), (4, 0, 0));
    take_all(&mut outbox, Size::new(1, 3));
    outbox.disconnect(Vec::new());
    assert_eq!((counts(&outbox), outbox.sent().bytes), ((4, 0, 0), 12));
    outbox.lose(3);
    assert_eq!(counts(&outbox), (4, 0, 3));
    let mut newest = Outbox::conflating();
    newest.push_run(&mut run(3, 1), 0);
    newest.push(&Envelope::none(), &Message::from("newer"));
    assert_eq!(counts(&newest), (0, 1, 3));
}

proptest! {
    #[test]
    fn messages_leave_the_outbox_in_order_and_its_count_returns_to_zero(
        bodies in prop::collection::vec((0usize..6000, any::<bool>()), 0..60)
    ) {
        let mut outbox = outbox(usize::MAX, usize::MAX);
        let (mut expected, mut out) = (Vec::new(), Vec::new());
        for (i, (len, single)) in bodies.into_iter().enumerate() {
            let message = Message::from_frames([i.to_string().into_bytes(), vec![b'x'; len]]);
            expected.push(message.clone());
            if single { outbox.push(&Envelope::none(), &message) } else { outbox.push_run(&mut message.into(), 0); }
            if i % 3 == 0 {
                out.extend(take_all(&mut outbox, Size::default()).runs);
            }
        }
        out.extend(take_all(&mut outbox, Size::default()).runs);
        let bytes = out.iter().map(|run: &Run| run.size().bytes as usize).sum();
        take_all(&mut outbox, Size::new(expected.len(), bytes));
        prop_assert_eq!(outbox.queued(), 0);
        prop_assert_eq!(out.into_iter().flatten().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_conflating_outbox_keeps_the_last_message_even_if_the_connection_holds_another() {
    for size in [1, 5000] {
        let [in_hand, last, newest] = [b'a', b'b', b'c'].map(|byte| Message::from(vec![byte; size]));
        let mut outbox = Outbox::conflating();
        outbox.connect(Size::default());
        outbox.push(&Envelope::none(), &in_hand);
        let in_hand = take_all(&mut outbox, Size::default()).runs;
        outbox.push(&Envelope::none(), &last);
        outbox.push(&Envelope::none(), &newest);
        assert_eq!((outbox.queued(), outbox.dropped()), (2, 1));
        outbox.disconnect(in_hand.into());
        assert_eq!((outbox.queued(), outbox.dropped()), (1, 2));
        let waits: Vec<Message> = outbox.drain().into_iter().flatten().collect();
        assert_eq!(waits, [newest]);
    }
}

#[test]
fn only_unwritten_greeting_messages_are_dropped_with_the_connection() {
    let [greeting, messages]: [Vec<Message>; 2] =
        [["", "hello"], ["a", "b"]].map(|m| m.map(Message::from).into());
    for written in [None, Some(0), Some(1), Some(2), Some(3)] {
        let mut outbox = outbox(10, usize::MAX);
        outbox.connect(Size::default());
        outbox.push_run(&mut run(1, 1), 0);
        take_all(&mut outbox, Size::default());
        take_all(&mut outbox, Size::new(1, 3));
        outbox.disconnect(Vec::new());
        messages.iter().for_each(|message| outbox.push(&Envelope::none(), message));
        outbox.connect(Size::default());
        outbox.greet(greeting.iter().cloned().collect());
        assert_eq!(outbox.queued(), 4);
        let unsent = written.map(|written| {
            let in_hand = take_all(&mut outbox, Size::default()).runs.into_iter().flatten();
            in_hand.skip(written).map(Run::from).collect()
        });
        outbox.disconnect(unsent.unwrap_or_default());
        let expected = &messages[written.unwrap_or_default().saturating_sub(2)..];
        assert_eq!(
            (outbox.queued(), outbox.sent().messages),
            (expected.len(), 1 + written.unwrap_or_default() as u64)
        );
        let waits: Vec<Message> = outbox.drain().into_iter().flatten().collect();
        assert_eq!(waits, expected, "{written:?} written");
    }
}
