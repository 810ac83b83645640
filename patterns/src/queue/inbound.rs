//! Messages from the peers of one socket that wait to be received: an inbox for each peer, served in turn.
//!
//! A peer with arrivals is in the `ready` queue once. A receive pops one message or one run of the first peer in that
//! queue, and the peer goes to its end: a fair queue, per message or per run.

mod arrival;
mod inbox;
mod wait_list;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use enfonet_zmtp::{Batch, Message, Subscription};
use slotmap::SlotMap;

pub(crate) use arrival::{Arrival, Joins};
use inbox::{Inbox, Item};
use wait_list::WaitList;
pub(crate) use wait_list::WaiterId;

use super::{Run, rotate_front};
use crate::peer::{PeerId, PeerInfo};
use crate::size::Size;

/// Outcome for a connection that is to end when its peer is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleEnd {
    /// The connection ends.
    Now,
    /// The connection may end later, once it has written or read the rest.
    Later,
    /// The connection goes on: messages have arrived.
    CalledOff,
}

/// Position in the bytes that a connection has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadPosition {
    /// All messages that have begun to arrive are delivered.
    Boundary,
    /// A part of a message has arrived, and the rest hasn't.
    WithinMessage,
}

/// Properties of a socket's queues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InboundConfig {
    /// High-water mark of each inbox.
    pub(crate) limit: Size,
    pub(crate) joins: Joins,
    /// Whether only the last message of each peer is kept.
    pub(crate) conflates: bool,
}

#[derive(Debug)]
pub(crate) struct Inbound {
    /// An id is free for another peer only when its queue has ended and all its messages are received.
    inboxes: SlotMap<PeerId, Inbox>,
    ready: VecDeque<PeerId>,
    /// Changes of the socket's subscriptions: one queue, since their order across peers matters.
    subscriptions: VecDeque<(PeerId, Subscription)>,
    /// Waker of the task that removes subscriptions of departed peers, while it waits for the application to receive
    /// changes.
    pub(crate) sweeper: Option<Waker>,
    limit: Size,
    /// Size of all messages that ever arrived, from all peers.
    received: Size,
    /// Number of subscriptions and messages that peers weren't permitted to send.
    forbidden: u64,
    /// Size of the waiting messages of peers whose queues have ended. At the mark no connection is read: otherwise
    /// peers that connect, send and leave would fill the memory.
    orphaned: Size,
    /// Whether some waiting messages may be unwanted: then they are checked when they are received.
    pub(crate) is_doubtful: bool,
    pub(crate) waiters: WaitList,
    /// Whether the socket is closed: receivers no longer wait.
    pub(crate) closed: bool,
    /// Whether connections are no longer read.
    stopped: bool,
    joins: Joins,
    /// Whether only the last message of each peer is kept.
    conflates: bool,
}

/// Maximum number of waiting subscription changes: at it, no connection is read that could bring more, and no
/// subscriptions of departed peers are removed.
const MAX_SUBSCRIPTIONS: usize = 10_000;

impl Inbound {
    /// Creates the queues of a socket without peers.
    pub(crate) fn new(InboundConfig { limit, joins, conflates }: InboundConfig) -> Self {
        Self {
            inboxes: SlotMap::with_key(),
            ready: VecDeque::new(),
            subscriptions: VecDeque::new(),
            sweeper: None,
            limit,
            received: Size::default(),
            forbidden: 0,
            orphaned: Size::default(),
            is_doubtful: false,
            waiters: WaitList::default(),
            closed: false,
            stopped: false,
            joins,
            conflates,
        }
    }

    /// Opens the inbox of a peer.
    pub(crate) fn open(&mut self) -> PeerId {
        self.inboxes.insert(Inbox { open: true, ..Inbox::default() })
    }

    /// Adds a peer: subsequent items of its inbox belong to it.
    pub(crate) fn join(&mut self, peer: Arc<PeerInfo>) {
        let id = peer.id;
        let Some(inbox) = self.inboxes.get_mut(id) else { return };
        inbox.join(peer, self.joins);
        if self.joins == Joins::Reported {
            Self::enqueue(&mut self.ready, id, inbox);
        }
    }

    /// Returns the peer that has this id now, or had it last.
    pub(crate) fn peer(&self, id: PeerId) -> Option<&Arc<PeerInfo>> {
        let inbox = self.inboxes.get(id)?;
        let newest = inbox.items.iter().rev().find_map(|item| match item {
            Item::Joined(peer) => Some(peer),
            Item::Run(_) | Item::Left(_) => None,
        });
        newest.or(inbox.peer.as_ref())
    }

    /// Returns the size of all messages that ever arrived from a peer, and of the messages that wait.
    pub(crate) fn sizes(&self, id: PeerId) -> Option<(Size, Size)> {
        self.inboxes.get(id).map(|inbox| (inbox.received, inbox.queued))
    }

    /// Counts subscriptions and messages that a peer isn't permitted to send.
    pub(crate) fn record_forbidden(&mut self, id: PeerId, count: u64) {
        self.forbidden += count;
        if let Some(inbox) = self.inboxes.get_mut(id) {
            inbox.forbidden += count;
        }
    }

    /// Returns the number of subscriptions and messages that a peer wasn't permitted to send.
    pub(crate) fn forbidden(&self, id: PeerId) -> u64 {
        self.inboxes.get(id).map_or(0, |inbox| inbox.forbidden)
    }

    /// Returns the size of all messages that ever arrived from any peer, and the number of subscriptions and messages
    /// that peers weren't permitted to send.
    pub(crate) const fn totals(&self) -> (Size, u64) {
        (self.received, self.forbidden)
    }

    /// Pushes a run. There is no limit here, since messages that were read must not be lost.
    pub(crate) fn push(&mut self, id: PeerId, mut run: Run) {
        let Some(inbox) = self.inboxes.get_mut(id) else { return };
        let size = run.size();
        inbox.received.add(size);
        self.received.add(size);
        if self.conflates && !run.is_empty() {
            let _ = run.split_to(run.len() - 1);
            inbox.items.retain(|item| !matches!(item, Item::Run(_)));
            if self.joins == Joins::Silent {
                // Only the newest `Joined` is needed: it names the peer that sent the message.
                inbox.items.drain(..inbox.items.len().saturating_sub(1));
            }
            inbox.queued = Size::default();
        }
        if !run.is_empty() {
            inbox.ends_idle = false;
            inbox.queued.add(run.size());
            inbox.items.push_back(Item::Run(run));
            Self::enqueue(&mut self.ready, id, inbox);
        }
    }

    /// Pushes the message that reports a peer's departure, unless it is the last message already: so a peer that
    /// connects and leaves repeatedly, while the application doesn't receive, doesn't fill the inbox.
    pub(crate) fn push_last(&mut self, id: PeerId, message: &Message) {
        let Some(inbox) = self.inboxes.get(id) else { return };
        let newest = inbox.items.iter().rev().find(|item| !matches!(item, Item::Joined(_)));
        let last = Batch::from(message.clone());
        if !matches!(newest, Some(Item::Run(Run::Wire(newest))) if *newest == last) {
            self.push(id, last.into());
        }
    }

    /// Pushes a change of the subscriptions of the whole socket.
    pub(crate) fn push_subscription(&mut self, id: PeerId, subscription: Subscription) {
        self.subscriptions.push_back((id, subscription));
    }

    /// Returns the high-water mark of each inbox.
    pub(crate) const fn limit(&self) -> Size {
        self.limit
    }

    pub(crate) fn set_hwm(&mut self, messages: u64) {
        self.limit.messages = messages;
        self.wake_paused();
    }

    /// Returns the connected peers, and the departed peers from which messages or events wait.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &Arc<PeerInfo>> {
        self.inboxes.keys().filter_map(|id| self.peer(id))
    }

    /// Returns the size of the messages of a peer that wait to be received.
    pub(crate) fn unread(&self, id: PeerId) -> Size {
        self.inboxes.get(id).map(|inbox| inbox.queued).unwrap_or_default()
    }

    /// Returns whether the connection may read. If not, registers its waker.
    pub(crate) fn may_read(&mut self, id: PeerId, waker: &Waker) -> bool {
        let room = !self.stopped && self.has_room_for_changes() && self.orphaned.is_below(&self.limit);
        let Some(inbox) = self.inboxes.get_mut(id) else {
            return false;
        };
        if room && inbox.queued.is_below(&self.limit) {
            return true;
        }
        inbox.paused = Some(waker.clone());
        false
    }

    /// Returns whether subscriptions of departed peers may be removed, each of which may be a change to report. If not,
    /// registers the waker.
    pub(crate) fn may_sweep(&mut self, waker: &Waker) -> bool {
        let room = self.has_room_for_changes();
        if !room {
            self.sweeper = Some(waker.clone());
        }
        room
    }

    /// Returns whether fewer subscription changes wait than may.
    pub(crate) fn has_room_for_changes(&self) -> bool {
        self.subscriptions.len() < MAX_SUBSCRIPTIONS
    }

    /// Stops reading connections. Messages that have been read can still be received.
    pub(crate) const fn stop(&mut self) {
        self.stopped = true;
    }

    /// Marks a peer's connection to end, unless messages of the peer wait to be received or arrive before it ends.
    /// Returns whether none wait.
    pub(crate) fn end_when_idle(&mut self, id: PeerId) -> bool {
        let Some(inbox) = self.inboxes.get_mut(id) else { return false };
        inbox.ends_idle = inbox.queued.messages == 0;
        inbox.ends_idle
    }

    /// Decides whether a connection that is marked to end when idle ends now. The rest of a message is waited for, but
    /// not if no connection is read any more.
    pub(crate) fn idle_end(&self, id: PeerId, position: ReadPosition) -> IdleEnd {
        match self.inboxes.get(id) {
            Some(inbox) if !inbox.ends_idle => IdleEnd::CalledOff,
            Some(_) if position == ReadPosition::WithinMessage && !self.stopped => IdleEnd::Later,
            _ => IdleEnd::Now,
        }
    }

    /// Handles the departure of a peer. Its messages stay.
    pub(crate) fn part(&mut self, id: PeerId) {
        if let Some(inbox) = self.inboxes.get_mut(id) {
            inbox.paused = None;
        }
    }

    /// Handles the departure of a peer like [`part`](Self::part), and pushes it as an arrival behind its messages.
    pub(crate) fn part_reported(&mut self, id: PeerId, unsent: Vec<Run>) {
        self.part(id);
        let Some(inbox) = self.inboxes.get_mut(id) else {
            return;
        };
        let mut newest = inbox.items.iter().rev();
        let is_unheard = unsent.is_empty() && matches!(newest.next(), Some(Item::Joined(_)));
        let waits_already = matches!(newest.next(), Some(Item::Left(_)));
        // A `Left` waits already, and the application never saw the later peer: a second `Left` would only pile up.
        if is_unheard && self.joins == Joins::Silent && waits_already {
            return;
        }
        if is_unheard && self.joins == Joins::Reported {
            // Neither the peer's arrival nor its departure is reported.
            inbox.items.pop_back();
            if inbox.items.is_empty() {
                inbox.is_ready = false;
                self.ready.retain(|peer| *peer != id);
            }
        } else {
            inbox.items.push_back(Item::Left(unsent));
            Self::enqueue(&mut self.ready, id, inbox);
        }
    }

    /// Closes the inbox of a peer. Its messages stay until they have been received.
    pub(crate) fn close(&mut self, id: PeerId) {
        let Some(inbox) = self.inboxes.get_mut(id) else {
            return;
        };
        (inbox.open, inbox.paused) = (false, None);
        if inbox.has_arrivals(self.joins) {
            self.orphaned.add(inbox.queued);
        } else {
            self.inboxes.remove(id);
        }
    }

    fn enqueue(ready: &mut VecDeque<PeerId>, id: PeerId, inbox: &mut Inbox) {
        if !inbox.is_ready {
            inbox.is_ready = true;
            ready.push_back(id);
        }
    }

    /// Returns whether waiting messages can be taken without a check, and no receiver waits.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_doubtful && self.waiters.is_empty()
    }

    /// Returns whether a message or event waits to be received.
    pub(crate) fn has_arrivals(&self) -> bool {
        !self.ready.is_empty() || !self.subscriptions.is_empty()
    }

    /// Pops the next arrival, of each peer in turn; a run has at most `messages` messages.
    pub(crate) fn pop(&mut self, messages: usize) -> Option<Arrival> {
        self.pop_by(|run| run.cut(messages), |_| ()).map(|(arrival, ())| arrival)
    }

    /// Pops like [`pop`](Self::pop), and returns the peer that the arrival is from.
    pub(crate) fn pop_known(&mut self, messages: usize) -> Option<(Arrival, Option<Arc<PeerInfo>>)> {
        self.pop_by(|run| run.cut(messages), |inbox| inbox?.peer.clone())
    }

    /// Pops the next arrival, with at most one message. Peers are served in rotation.
    #[inline]
    pub(crate) fn pop_one(&mut self) -> Option<Arrival<Message>> {
        self.pop_by(Run::cut_one, |_| ()).map(|(arrival, ())| arrival)
    }

    /// Pops like [`pop_one`](Self::pop_one), and returns the peer that the arrival is from.
    #[inline]
    pub(crate) fn pop_one_known(&mut self) -> Option<(Arrival<Message>, Option<Arc<PeerInfo>>)> {
        self.pop_by(Run::cut_one, |inbox| inbox?.peer.clone())
    }

    /// Pops the next message, of each peer in turn. Other arrivals are dropped.
    #[inline]
    pub(crate) fn pop_message(&mut self) -> Option<Message> {
        let inbox = &mut self.inboxes[*self.ready.front()?];
        let Some(Item::Run(Run::Wire(batch))) = inbox.items.front() else { return self.pop_next() };
        if batch.len() < 2 || !inbox.open {
            return self.pop_next();
        }
        // The run has more messages, so the order stays the same. A peer alone in the queue stays first.
        inbox.give_credit(Size::new(1, batch.front_len()), &self.limit);
        rotate_front(&mut self.ready);
        let Some(Item::Run(Run::Wire(batch))) = inbox.items.front_mut() else { return None };
        batch.pop_front()
    }

    fn pop_next(&mut self) -> Option<Message> {
        self.pop_message_of().map(|(_, message)| message)
    }

    /// Pops the next message, of each peer in turn, with the peer's id. Other arrivals are dropped.
    pub(crate) fn pop_message_of(&mut self) -> Option<(PeerId, Message)> {
        loop {
            if let Arrival::Messages(id, message) = self.pop_one()? {
                return Some((id, message));
            }
        }
    }

    /// Pops the next arrival, of each peer in turn. `cut` takes messages off a run; `see` looks at the inbox
    /// afterwards.
    #[inline]
    fn pop_by<T, S>(
        &mut self,
        cut: impl FnOnce(&mut Run) -> (T, Size),
        see: impl FnOnce(Option<&Inbox>) -> S,
    ) -> Option<(Arrival<T>, S)> {
        if !self.subscriptions.is_empty() {
            return self.pop_subscription(see);
        }
        let id = *self.ready.front()?;
        let inbox = self.inboxes.get_mut(id).expect("a ready peer has an inbox");
        let queued = inbox.queued;
        let arrival = inbox.pop(id, cut, &self.limit, self.joins);
        let seen = see(Some(inbox));
        if inbox.open && inbox.has_arrivals(self.joins) {
            // A peer alone in the queue stays first.
            rotate_front(&mut self.ready);
        } else {
            self.dequeue(id, queued);
        }
        Some((arrival, seen))
    }

    fn pop_subscription<T, S>(&mut self, see: impl FnOnce(Option<&Inbox>) -> S) -> Option<(Arrival<T>, S)> {
        let (id, subscription) = self.subscriptions.pop_front()?;
        match self.subscriptions.len() {
            0 if self.subscriptions.capacity() > MAX_SUBSCRIPTIONS / 10 => {
                self.subscriptions = VecDeque::new()
            }
            len if len == MAX_SUBSCRIPTIONS / 2 => {
                self.sweeper.take().into_iter().for_each(Waker::wake);
                self.wake_paused();
            }
            _ => {}
        }
        Some((Arrival::Subscription(id, subscription), see(self.inboxes.get(id))))
    }

    /// Removes the first peer from the `ready` queue after an item of it was popped. `before` is the size of its
    /// waiting messages before that.
    fn dequeue(&mut self, id: PeerId, mut before: Size) {
        self.ready.pop_front();
        let inbox = &mut self.inboxes[id];
        if !inbox.open {
            before.sub(inbox.queued);
            let was_at_the_mark = !self.orphaned.is_below(&self.limit);
            self.orphaned.sub(before);
            if was_at_the_mark && self.orphaned.is_below(&self.limit) {
                self.wake_paused();
            }
        }
        self.requeue(id);
    }

    /// Puts a peer back into the `ready` queue if it has more arrivals; otherwise removes a closed inbox.
    fn requeue(&mut self, id: PeerId) {
        let inbox = &mut self.inboxes[id];
        if inbox.has_arrivals(self.joins) {
            self.ready.push_back(id);
        } else if inbox.open {
            inbox.is_ready = false;
        } else {
            self.inboxes.remove(id);
        }
    }

    /// Replaces each waiting run with the result of `keep`, its wanted messages: so none is doubtful afterwards.
    pub(crate) fn retain(&mut self, keep: impl Fn(Run) -> Run) {
        self.is_doubtful = false;
        for inbox in self.inboxes.values_mut() {
            let dropped = inbox.retain(&keep, self.joins);
            inbox.give_credit(dropped, &self.limit);
            if !inbox.open {
                self.orphaned.sub(dropped);
            }
        }
        for _ in 0..self.ready.len() {
            let Some(id) = self.ready.pop_front() else { break };
            self.requeue(id);
        }
        if self.orphaned.is_below(&self.limit) {
            self.wake_paused();
        }
    }

    /// Drops all that waits.
    pub(crate) fn clear(&mut self) {
        while self.pop(usize::MAX).is_some() {}
    }

    fn wake_paused(&mut self) {
        for (_, inbox) in &mut self.inboxes {
            if let Some(waker) = inbox.paused.take() {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests;
