//! Credit, wake-ups and order against a queue in a few words.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::queue::Outgoing;

/// An operation on the queue.
#[derive(Clone, Debug)]
enum Step {
    /// Push of a [`Message`], or of a value that converts into a message.
    Push(bool),
    PushRun(usize),
    Command,
    /// Exchange in which the connection reports written messages, and takes all that wait unless the kernel is
    /// blocked.
    Exchange {
        written: usize,
        blocked: bool,
        wants_control: bool,
    },
    /// Wake of a sleeping connection: not while the kernel is blocked, or to close it in any case.
    Wake {
        to_close: bool,
    },
    Reserve,
    Unreserve,
    SetLimit(Size),
    SetRoom(Size),
    Connect(Size),
    Disconnect,
    Retire,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop_oneof![0usize..40, Just(usize::MAX)];
    let size = move |messages: usize| {
        (0..messages, bytes()).prop_map(|(messages, bytes)| Size::new(messages, bytes))
    };
    let exchange = (0usize..12, any::<bool>(), any::<bool>())
        .prop_map(|(written, blocked, wants_control)| Step::Exchange { written, blocked, wants_control });
    prop_oneof![
        6 => any::<bool>().prop_map(Step::Push),
        4 => (1usize..12).prop_map(Step::PushRun),
        2 => Just(Step::Command),
        8 => exchange,
        2 => any::<bool>().prop_map(|to_close| Step::Wake { to_close }),
        2 => Just(Step::Reserve),
        2 => Just(Step::Unreserve),
        2 => size(12).prop_map(Step::SetLimit),
        2 => size(6).prop_map(Step::SetRoom),
        2 => size(6).prop_map(Step::Connect),
        1 => Just(Step::Disconnect),
        1 => Just(Step::Retire),
    ]
}

fn numbered(n: usize) -> Message {
    Message::from(n.to_string())
}

/// Model of an outbox: the numbers of the waiting messages, their bounds, and the state of the connection.
#[derive(Debug, Default)]
struct Model {
    /// Number of the next message that is pushed.
    next: usize,
    /// Number of the next message that is written.
    written: usize,
    set: Size,
    room: Size,
    reserved: u64,
    has_control: bool,
    is_sleeping: bool,
    is_blocked: bool,
    is_connected: bool,
    is_retired: bool,
}

impl Model {
    fn queued(&self) -> Size {
        let bytes = (self.written..self.next).map(|n| numbered(n).wire_len()).sum();
        Size::new(self.next - self.written, bytes)
    }

    fn has_room(&self) -> bool {
        let (queued, Size { messages, bytes }) = (self.queued(), self.room);
        !self.is_retired
            && queued.messages + self.reserved < self.set.messages.saturating_add(messages)
            && queued.bytes < self.set.bytes.saturating_add(bytes)
    }

    fn is_moving(&self) -> bool {
        self.is_connected && !self.is_blocked && !self.is_retired
    }

    fn agrees_with(&self, outbox: &Outbox) -> Result<(), TestCaseError> {
        prop_assert_eq!(outbox.has_room(), self.has_room());
        prop_assert_eq!(outbox.queued() as u64, self.queued().messages);
        prop_assert_eq!(outbox.unsent(), self.queued());
        prop_assert_eq!((outbox.sent().messages, outbox.dropped()), (self.written as u64, 0));
        prop_assert_eq!(outbox.has_peer(), self.is_connected);
        prop_assert_eq!(outbox.is_open(), !self.is_retired);
        prop_assert_eq!(outbox.is_connected(), self.is_connected && !self.is_retired);
        prop_assert_eq!(outbox.is_moving(), self.is_moving());
        prop_assert_eq!(outbox.connection.is_sleeping(), self.is_sleeping);
        Ok(())
    }
}

/// An outbox, the messages that its connection has taken, and the model.
struct Pair {
    outbox: Outbox,
    hands: VecDeque<Message>,
    model: Model,
}

impl Pair {
    fn new(set: Size) -> Self {
        Self { outbox: Outbox::new(set), hands: VecDeque::new(), model: Model { set, ..Model::default() } }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let Self { outbox, model, .. } = self;
        let had_room = model.has_room();
        match step {
            Step::Push(is_message) if had_room => {
                let text = model.next.to_string();
                if is_message {
                    outbox.push(&Envelope::none(), &text.into());
                } else {
                    Outgoing::new(text).push_to(outbox, &Envelope::none());
                }
                model.next += 1;
            }
            Step::PushRun(n) => self.push_run(n)?,
            Step::Command => {
                outbox.control().extend_from_slice(b"command");
                model.has_control = true;
            }
            Step::Exchange { written, blocked, wants_control } => {
                let room = model.room;
                let report = WriteReport { room, blocked, wants_control, ..WriteReport::of(Size::default()) };
                self.exchange(written, report)?;
            }
            Step::Wake { to_close } => {
                let woken = if to_close { outbox.wake_to_close() } else { outbox.wake() }.is_some();
                prop_assert_eq!(woken, model.is_sleeping && (to_close || !model.is_blocked));
                model.is_sleeping &= !woken;
            }
            Step::Reserve if had_room => {
                outbox.reserve();
                model.reserved += 1;
            }
            Step::Unreserve if model.reserved > 0 => {
                outbox.unreserve();
                model.reserved -= 1;
            }
            Step::SetLimit(limit) => {
                outbox.set_limit(limit);
                model.set = limit;
            }
            Step::SetRoom(room) => {
                let has_room_again = outbox.credit.set_room(room);
                model.room = room;
                prop_assert_eq!(has_room_again, !had_room && model.has_room());
            }
            Step::Connect(room) if !model.is_connected => {
                outbox.connect(room);
                (model.is_connected, model.is_blocked, model.room) = (true, false, room);
            }
            Step::Disconnect if model.is_connected => self.disconnect(),
            Step::Retire => {
                outbox.retire();
                model.is_retired = true;
            }
            _ => {}
        }
        self.model.agrees_with(&self.outbox)
    }

    fn push_run(&mut self, messages: usize) -> Result<(), TestCaseError> {
        let Self { outbox, model, .. } = self;
        let (start, end) = (model.next, model.next + messages);
        let admitted = outbox.push_run(&mut (start..end).map(numbered).collect(), 0);
        while model.next < end && model.has_room() {
            model.next += 1;
        }
        prop_assert_eq!(admitted, model.next - start);
        Ok(())
    }

    /// Reports that `written` messages are written, besides the rest of the report.
    fn exchange(&mut self, written: usize, report: WriteReport) -> Result<(), TestCaseError> {
        let WriteReport { blocked, wants_control, .. } = report;
        let Self { outbox, hands, model } = self;
        let (had_room, was_moving) = (model.has_room(), model.is_moving());
        let done: Vec<_> = hands.drain(..written.min(hands.len())).collect();
        let size = Size::new(done.len(), done.iter().map(Message::wire_len).sum());
        for message in done {
            prop_assert_eq!(message, numbered(model.written));
            model.written += 1;
        }
        let mut taken = Taken::default();
        let report = WriteReport { written: size, ..report };
        let look_again = outbox.exchange(&report, &mut taken, Waker::noop());
        model.is_blocked = blocked;
        let has_room_again = !had_room && model.has_room();
        prop_assert_eq!(look_again, has_room_again || (was_moving && !model.is_moving()));
        prop_assert_eq!(!taken.control.is_empty(), model.has_control && wants_control);
        model.has_control &= !wants_control;
        prop_assert!(!blocked || taken.runs.is_empty());
        model.is_sleeping = blocked || (taken.control.is_empty() && taken.runs.is_empty());
        hands.extend(taken.runs.into_iter().flatten());
        prop_assert!(blocked || hands.len() as u64 == model.queued().messages, "all is taken");
        Ok(())
    }

    fn disconnect(&mut self) {
        let Self { outbox, hands, model } = self;
        outbox.disconnect(hands.drain(..).map(Run::from).collect());
        (model.is_connected, model.is_blocked, model.room) = (false, false, Size::default());
        (model.is_sleeping, model.has_control) = (false, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn an_outbox_agrees_with_a_plain_model(steps in prop::collection::vec(step(), 0..80)) {
        let mut pair = Pair::new(Size::new(5, usize::MAX));
        for step in steps {
            pair.take(step)?;
        }
        let Pair { mut outbox, hands, model } = pair;
        let rest = hands.into_iter().chain(outbox.drain().into_iter().flatten());
        prop_assert!(rest.eq((model.written..model.next).map(numbered)), "all comes out once and in order");
    }
}
