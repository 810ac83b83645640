//! Inbox of one peer: messages and events that wait to be received, in the order of their arrival.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::arrival::{Arrival, Joins};
use crate::peer::{PeerId, PeerInfo};
use crate::queue::Run;
use crate::size::Size;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) items: VecDeque<Item>,
    /// Peer that sent the most recently popped item, or that joined while no item waited.
    pub(super) peer: Option<Arc<PeerInfo>>,
    pub(super) queued: Size,
    /// Size of all messages that ever arrived.
    pub(super) received: Size,
    /// Number of subscriptions and messages that the peer wasn't permitted to send.
    pub(super) forbidden: u64,
    pub(super) is_ready: bool,
    /// Whether more items may come; otherwise the inbox is removed when it is empty.
    pub(super) open: bool,
    /// Whether the connection ends unless messages arrive before.
    pub(super) ends_idle: bool,
    /// Waker of the connection, while it doesn't read because there is no room.
    pub(super) paused: Option<Waker>,
}

/// A run of messages from a peer, or its arrival or departure.
#[derive(Debug)]
pub(super) enum Item {
    /// Subsequent items belong to this peer. The item is needed even where joins aren't reported, since messages of
    /// an earlier peer may stand before it.
    Joined(Arc<PeerInfo>),
    Run(Run),
    Left(Vec<Run>),
}

impl Inbox {
    /// Pops this peer's next arrival. The peer is ready, so an arrival waits.
    #[inline]
    pub(super) fn pop<T>(
        &mut self,
        id: PeerId,
        cut: impl FnOnce(&mut Run) -> (T, Size),
        limit: &Size,
        joins: Joins,
    ) -> Arrival<T> {
        while let (Joins::Silent, Some(Item::Joined(peer))) = (joins, self.items.front()) {
            self.peer = Some(peer.clone());
            self.items.pop_front();
        }
        let Some(Item::Run(run)) = self.items.front_mut() else {
            return match self.items.pop_front() {
                Some(Item::Joined(peer)) => {
                    self.peer = Some(peer.clone());
                    Arrival::Joined(peer)
                }
                Some(Item::Left(unsent)) => Arrival::Left(id, unsent),
                Some(Item::Run(_)) | None => unreachable!("a ready peer has an arrival"),
            };
        };
        let (taken, size) = cut(run);
        if run.is_empty() {
            self.items.pop_front();
        }
        self.give_credit(size, limit);
        Arrival::Messages(id, taken)
    }

    /// Returns whether a message or event waits to be received.
    pub(super) fn has_arrivals(&self, joins: Joins) -> bool {
        match self.items.front() {
            None => false,
            Some(Item::Joined(_)) if joins == Joins::Silent => self.items.len() > 1,
            Some(_) => true,
        }
    }

    /// Subsequent items belong to `peer`. A preceding `Joined` with no items after it is replaced.
    pub(super) fn join(&mut self, peer: Arc<PeerInfo>, joins: Joins) {
        match self.items.back_mut() {
            Some(Item::Joined(unheard)) => *unheard = peer,
            None if joins == Joins::Silent => self.peer = Some(peer),
            _ => self.items.push_back(Item::Joined(peer)),
        }
    }

    /// Replaces each run with the result of `keep`. Returns the size of the removed messages, which isn't credited yet.
    pub(super) fn retain(&mut self, keep: impl Fn(Run) -> Run, joins: Joins) -> Size {
        let mut dropped = Size::default();
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Joined(peer) => self.join(peer, joins),
                Item::Run(run) => {
                    dropped.add(run.size());
                    let run = keep(run);
                    dropped.sub(run.size());
                    if !run.is_empty() {
                        self.items.push_back(Item::Run(run));
                    }
                }
                Item::Left(_) => self.items.push_back(item),
            }
        }
        dropped
    }

    #[inline]
    pub(super) fn give_credit(&mut self, taken: Size, limit: &Size) {
        self.queued.sub(taken);
        // At half the mark, so that the connection isn't woken for every message.
        if self.paused.is_some()
            && self.queued.messages <= limit.messages / 2
            && self.queued.bytes <= limit.bytes / 2
        {
            self.paused.take().into_iter().for_each(Waker::wake);
        }
    }
}
