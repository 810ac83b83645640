//! Turns, credit and the sender of each message, compared with a model of queues in a line.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const PEERS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// A peer, by index, sends a number of messages.
    Push(usize, usize),
    Pop(How),
    /// Removal of all messages but every nth.
    Retain(usize),
    SetHwm(usize),
    Join(usize, &'static str),
    Close(usize),
}

#[derive(Clone, Copy, Debug)]
enum How {
    Run(usize),
    KnownRun(usize),
    One,
    KnownOne,
    Message,
    MessageOf,
}

fn step() -> impl Strategy<Value = Step> {
    let most = || prop_oneof![Just(1), 1usize..5, Just(usize::MAX)];
    let how = prop_oneof![
        most().prop_map(How::Run),
        most().prop_map(How::KnownRun),
        Just(How::One),
        Just(How::KnownOne),
        Just(How::Message),
        Just(How::MessageOf),
    ];
    prop_oneof![
        6 => (0..PEERS, 1usize..6).prop_map(|(peer, messages)| Step::Push(peer, messages)),
        6 => how.prop_map(Step::Pop),
        1 => (1usize..10).prop_map(Step::Retain),
        1 => (1usize..10).prop_map(Step::SetHwm),
        2 => (0..PEERS, prop::sample::select(vec!["ann", "bob", "eve"])).prop_map(|(peer, name)| Step::Join(peer, name)),
        1 => (0..PEERS).prop_map(Step::Close),
    ]
}

/// Messages that a receive returns, with their peer as far as it returns that.
#[derive(Debug, PartialEq)]
struct Received {
    numbers: Vec<usize>,
    of: Option<PeerId>,
    /// The name of the peer.
    from: Option<String>,
}

fn number(message: &Message) -> usize {
    message.text(0).parse().unwrap()
}

fn receive(inbound: &mut Inbound, how: How) -> Option<Received> {
    fn came<T>(arrival: Arrival<T>) -> (PeerId, T) {
        let Arrival::Messages(id, messages) = arrival else { panic!("nothing else is an arrival here") };
        (id, messages)
    }
    let (of, run, known): (_, Run, Option<Option<Arc<PeerInfo>>>) = match how {
        How::Run(most) => {
            let (id, run) = came(inbound.pop(most)?);
            (Some(id), run, None)
        }
        How::KnownRun(most) => {
            let (arrival, peer) = inbound.pop_known(most)?;
            let (id, run) = came(arrival);
            (Some(id), run, Some(peer))
        }
        How::One => {
            let (id, message) = came(inbound.pop_one()?);
            (Some(id), message.into(), None)
        }
        How::KnownOne => {
            let (arrival, peer) = inbound.pop_one_known()?;
            let (id, message) = came(arrival);
            (Some(id), message.into(), Some(peer))
        }
        How::Message => (None, inbound.pop_message()?.into(), None),
        How::MessageOf => {
            let (id, message) = inbound.pop_message_of()?;
            (Some(id), message.into(), None)
        }
    };
    let name = |peer: Option<Arc<PeerInfo>>| peer.map_or(String::new(), |peer| routing_id(&peer));
    Some(Received { numbers: run.into_iter().map(|m| number(&m)).collect(), of, from: known.map(name) })
}

fn routing_id(peer: &PeerInfo) -> String {
    String::from_utf8_lossy(&peer.routing_id).into_owned()
}

/// Queue of the model: runs of waiting message numbers, each with the name of the peer that sent it.
#[derive(Default)]
struct Queue {
    runs: VecDeque<(VecDeque<usize>, &'static str)>,
    received: Size,
    name: &'static str,
    is_closed: bool,
    /// Whether the connection asked to read and wasn't allowed to.
    is_paused: bool,
}

fn size<'a>(numbers: impl Iterator<Item = &'a usize>) -> Size {
    numbers.fold(Size::default(), |mut sum, number| {
        sum.add(Size::new(1, Message::from(number.to_string()).wire_len()));
        sum
    })
}

fn is_below(size: Size, limit: Size) -> bool {
    size.messages < limit.messages && size.bytes < limit.bytes
}

impl Queue {
    fn queued(&self) -> Size {
        size(self.runs.iter().flat_map(|(run, _)| run))
    }
}

struct Model {
    ids: Vec<PeerId>,
    queues: [Queue; PEERS],
    line: VecDeque<usize>,
    limit: Size,
    next: usize,
}

impl Model {
    fn push(&mut self, peer: usize, messages: usize) -> Run {
        let (queue, numbers) = (&mut self.queues[peer], self.next..self.next + messages);
        self.next += messages;
        queue.runs.push_back((numbers.clone().collect(), queue.name));
        queue.received.add(size(numbers.clone().collect::<Vec<_>>().iter()));
        if !self.line.contains(&peer) {
            self.line.push_back(peer);
        }
        numbers.map(|number| Message::from(number.to_string())).collect()
    }

    fn pop(&mut self, how: How) -> Option<Received> {
        let most = if let How::Run(most) | How::KnownRun(most) = how { most } else { 1 };
        let peer = self.line.pop_front()?;
        let runs = &mut self.queues[peer].runs;
        let (first, name) = runs.front_mut().expect("who is in line has something");
        let numbers = first.drain(..most.min(first.len())).collect();
        let from = matches!(how, How::KnownRun(_) | How::KnownOne).then(|| name.to_string());
        if first.is_empty() {
            runs.pop_front();
        }
        if !runs.is_empty() {
            self.line.push_back(peer);
        }
        Some(Received { numbers, of: (!matches!(how, How::Message)).then_some(self.ids[peer]), from })
    }

    fn retain(&mut self, every: usize) {
        for queue in &mut self.queues {
            queue.runs.iter_mut().for_each(|(run, _)| run.retain(|number| number % every == 0));
            queue.runs.retain(|(run, _)| !run.is_empty());
        }
        self.line.retain(|peer| !self.queues[*peer].runs.is_empty());
    }

    fn orphaned(&self) -> Size {
        size(
            self.queues
                .iter()
                .filter(|queue| queue.is_closed)
                .flat_map(|queue| &queue.runs)
                .flat_map(|(run, _)| run),
        )
    }

    fn agrees_with(&mut self, inbound: &mut Inbound) -> Result<(), TestCaseError> {
        prop_assert_eq!(inbound.has_arrivals(), !self.line.is_empty());
        let (limit, orphaned) = (self.limit, self.orphaned());
        prop_assert_eq!((inbound.limit(), inbound.orphaned), (limit, orphaned));
        let there = self.queues.iter().filter(|queue| !queue.is_closed || !queue.runs.is_empty());
        let mut names: Vec<_> = there.map(|queue| queue.name).filter(|name| !name.is_empty()).collect();
        let mut peers: Vec<_> = inbound.peers().map(|peer| routing_id(peer)).collect();
        names.sort_unstable();
        peers.sort_unstable();
        prop_assert_eq!(peers, names);
        for (id, queue) in self.ids.iter().zip(&mut self.queues).filter(|(_, queue)| !queue.is_closed) {
            let queued = queue.queued();
            prop_assert_eq!(inbound.unread(*id), queued);
            prop_assert_eq!(inbound.sizes(*id), Some((queue.received, queued)));
            let is_half = queued.messages <= limit.messages / 2 && queued.bytes <= limit.bytes / 2;
            let is_to_read = queue.is_paused && is_half && is_below(orphaned, limit);
            prop_assert!(!is_to_read || inbound.inboxes[*id].paused.is_none(), "it is woken");
            let may = is_below(queued, limit) && is_below(orphaned, limit);
            prop_assert_eq!(inbound.may_read(*id, Waker::noop()), may);
            queue.is_paused = !may;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn the_fair_queue_agrees_with_plain_queues_in_rotation(
        steps in prop::collection::vec(step(), 0..80),
        bytes in prop::sample::select(vec![16, usize::MAX]),
    ) {
        let limit = Size::new(7, bytes);
        let mut inbound = Inbound::new(InboundConfig { limit, joins: Joins::Silent, conflates: false });
        let ids: Vec<_> = (0..PEERS).map(|_| inbound.open()).collect();
        let mut model = Model { ids, queues: Default::default(), line: VecDeque::new(), limit, next: 0 };
        for step in steps {
            match step {
                Step::Push(peer, messages) if !model.queues[peer].is_closed => {
                    inbound.push(model.ids[peer], model.push(peer, messages));
                }
                Step::Pop(how) => prop_assert_eq!(receive(&mut inbound, how), model.pop(how)),
                Step::Retain(every) => {
                    inbound.is_doubtful = true;
                    inbound.retain(|run| run.into_iter().filter(|m| number(m).is_multiple_of(every)).collect());
                    prop_assert!(!inbound.is_doubtful);
                    model.retain(every);
                }
                Step::SetHwm(messages) => {
                    inbound.set_hwm(messages as u64);
                    model.limit.messages = messages as u64;
                }
                // A peer that joins is no arrival by itself.
                Step::Join(peer, name) if !model.queues[peer].is_closed => {
                    inbound.join(named(model.ids[peer], name));
                    model.queues[peer].name = name;
                }
                Step::Close(peer) if !model.queues[peer].is_closed => {
                    inbound.close(model.ids[peer]);
                    model.queues[peer].is_closed = true;
                }
                _ => {}
            }
            model.agrees_with(&mut inbound)?;
        }
        inbound.clear();
        prop_assert_eq!((inbound.has_arrivals(), inbound.orphaned), (false, Size::default()));
        prop_assert_eq!(inbound.inboxes.len(), model.queues.iter().filter(|queue| !queue.is_closed).count());
    }
}
