//! What came from one peer and waits to be received, in the order in which it came.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use enfonet_zmtp::Batch;

use super::Arrival;
use crate::queue::Load;
use crate::{Amount, PeerId, PeerInfo};

#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) items: VecDeque<Item>,
    /// Whose the last item was that was taken.
    pub(super) peer: Option<Arc<PeerInfo>>,
    pub(super) queued: Load,
    /// All that ever came.
    pub(super) received: Amount,
    pub(super) in_line: bool,
    /// The peer's queue goes on; otherwise the inbox ends with what it holds.
    pub(super) open: bool,
    /// Its connection is to end unless messages arrive before.
    pub(super) ends_idle: bool,
    /// The connection's, which reads no more until there is room.
    pub(super) paused: Option<Waker>,
}

/// What happened to a peer.
#[derive(Debug)]
pub(super) enum Item {
    /// What follows is of this peer. Also where that isn't reported: messages of an earlier one may stand before it.
    Joined(Arc<PeerInfo>),
    Run(Batch),
    Left(Vec<Batch>),
}

impl Inbox {
    /// The next of this peer's arrivals; there is one, or it wouldn't stand in line.
    #[inline]
    pub(super) fn pop<T>(
        &mut self,
        id: PeerId,
        cut: impl FnOnce(&mut Batch) -> (T, Load),
        limit: &Load,
        reports: bool,
    ) -> Arrival<T> {
        while let (false, Some(Item::Joined(peer))) = (reports, self.items.front()) {
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
                Some(Item::Run(_)) | None => unreachable!("a peer in line has something to read"),
            };
        };
        let (taken, load) = cut(run);
        if run.is_empty() {
            self.items.pop_front();
        }
        self.give_credit(load, limit);
        Arrival::Came(id, taken)
    }

    /// Whether there is anything to receive.
    pub(super) fn has_arrivals(&self, reports: bool) -> bool {
        match self.items.front() {
            None => false,
            Some(Item::Joined(_)) if !reports => self.items.len() > 1,
            Some(_) => true,
        }
    }

    /// What follows is of this peer. One before it of whom nothing waits, not even its going, is forgotten.
    pub(super) fn join(&mut self, peer: Arc<PeerInfo>, reports: bool) {
        match self.items.back_mut() {
            Some(Item::Joined(unheard)) => *unheard = peer,
            None if !reports => self.peer = Some(peer),
            _ => self.items.push_back(Item::Joined(peer)),
        }
    }

    /// Keeps of each run what `keep` makes of it. How much is gone; that isn't credited yet.
    pub(super) fn retain(&mut self, keep: impl Fn(Batch) -> Batch, reports: bool) -> Load {
        let mut dropped = Load::default();
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Joined(peer) => self.join(peer, reports),
                Item::Run(run) => {
                    dropped.add(Load::new(run.len(), run.wire_len()));
                    let run = keep(run);
                    dropped.sub(Load::new(run.len(), run.wire_len()));
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
    pub(super) fn give_credit(&mut self, taken: Load, limit: &Load) {
        self.queued.sub(taken);
        // Half the mark, so that a reader isn't woken for every message.
        if self.paused.is_some()
            && self.queued.messages <= limit.messages / 2
            && self.queued.octets <= limit.octets / 2
        {
            self.paused.take().into_iter().for_each(Waker::wake);
        }
    }
}
