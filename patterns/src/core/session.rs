//! The socket as its connections see it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use enfonet_zmtp::{Command, LocalProperties, SocketType, Subscription, User};
use tokio_util::sync::CancellationToken;

use super::{Out, OutGuard, SocketCore};
use crate::auth::Permissions;
use crate::error::{ConnectionError, RejectReason};
use crate::monitor::{EventCounters, Monitors};
use crate::peer::{HandshakenPeer, PeerId, PeerInfo};
use crate::queue::{AbortCause, IdleEnd, Inbound, Outbox, ReadPosition, Run, Taken, WriteReport};
use crate::routing::Routing;
use crate::session::{CloseCause, QueueLifetime, Session};
use crate::settings::Settings;
use crate::size::Size;
use crate::tuning::SWEEP_TOPICS;

impl<R: Routing> Session for SocketCore<R> {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn monitors(&self) -> &Monitors {
        &self.monitors
    }

    fn counters(&self) -> &EventCounters {
        &self.counters
    }

    fn local(&self) -> LocalProperties {
        LocalProperties {
            socket_type: self.kind,
            identity: self.settings.identity.clone(),
            metadata: self.settings.properties.clone(),
        }
    }

    fn keeps_queue(&self) -> bool {
        R::KEEPS_QUEUE && !self.settings.queue.immediate
    }

    fn room(&self) -> Size {
        self.inbound().limit()
    }

    fn unread(&self, id: PeerId) -> (Size, Size) {
        let inbound = self.inbound();
        (inbound.unread(id), inbound.limit())
    }

    fn open(&self) -> PeerId {
        let mut out = self.out();
        out.changed();
        self.open_queue(&mut out)
    }

    fn check_admission(&self, queue: Option<PeerId>) -> Result<(), RejectReason> {
        self.out().routing.check_admission(queue)
    }

    fn join(
        &self,
        queue: Option<PeerId>,
        peer: HandshakenPeer,
        ending: &CancellationToken,
    ) -> Result<Arc<PeerInfo>, RejectReason> {
        // Decided before the lock is taken: it is the application's code.
        let permissions = self.permissions(&peer.peer.user);
        let mut guard = self.out();
        let id = queue.unwrap_or_else(|| self.open_queue(&mut guard));
        let (out, wakers) = guard.split();
        let (room, mut peer) = (peer.room, PeerInfo { permissions, ..peer.placed(id) });
        if let Err(reason) = out.routing.join(&mut peer, &mut out.outboxes[id]) {
            if queue.is_none() {
                self.close_queue(&mut guard, id);
            }
            return Err(reason);
        }
        out.outboxes[id].connect(room);
        out.routing.room(id);
        out.outboxes[id].greet(self.greeting.clone());
        if ending.is_cancelled() {
            // The endpoint was given up, or the socket closed, during the handshake.
            out.retire(id);
        }
        wakers.extend(out.routing.replaced().and_then(|id| {
            let outbox = out.outboxes.get_mut(id)?;
            outbox.retire();
            outbox.abort(AbortCause::Replaced)
        }));
        out.connected.insert(id);
        let mut inbound = self.inbound();
        let peer = Arc::new(peer);
        inbound.join(peer.clone());
        wakers.extend(inbound.waiters.pop_waker());
        wakers.changed();
        Ok(peer)
    }

    fn deliver(&self, id: PeerId, run: Run) -> Result<(), RejectReason> {
        if self.is_publisher() {
            return self.deliver_to_publisher(id, run);
        }
        // Held until the run is in the inbox, where a change of the subscriptions looks for unwanted messages.
        let out = self.filters().then(|| self.out());
        let is_doubtful = out.as_ref().is_some_and(|out| !out.routing.wants(&run));
        let mut inbound = self.inbound();
        inbound.push(id, run);
        inbound.is_doubtful |= is_doubtful;
        drop(out);
        self.wake_receiver(inbound);
        Ok(())
    }

    fn record_forbidden(&self, id: PeerId, count: u64) {
        self.inbound().record_forbidden(id, count);
    }

    fn command(&self, id: PeerId, command: Command) -> Result<(), RejectReason> {
        match command {
            Command::Subscription(subscription) if self.is_publisher() => {
                return self.subscribe(id, &subscription);
            }
            Command::Ping(ping) => {
                let mut guard = self.out();
                let (out, wakers) = guard.split();
                let outbox = &mut out.outboxes[id];
                outbox.pong(&ping.context);
                wakers.extend(outbox.wake());
            }
            _ => {}
        }
        Ok(())
    }

    fn may_read(&self, id: PeerId, waker: &Waker) -> bool {
        self.inbound().may_read(id, waker)
    }

    fn exchange(
        &self,
        id: PeerId,
        report: WriteReport,
        taken: &mut Taken,
        waker: &Waker,
    ) -> Result<(), ConnectionError> {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        if report.wants_control {
            out.routing.encode_pending(id, &mut out.outboxes[id]);
        }
        let outbox = &mut out.outboxes[id];
        if outbox.is_overrun() {
            return Err(ConnectionError::Overrun);
        }
        match outbox.aborted() {
            None => {}
            Some(AbortCause::Replaced) => return Err(ConnectionError::Replaced),
            Some(AbortCause::Disconnected) => return Err(ConnectionError::Disconnected),
        }
        let before = outbox.sent();
        let look_again = outbox.exchange(&report, taken, waker);
        out.sent.add(outbox.sent().saturating_sub(before));
        // Senders that found no room in the queue try again.
        if look_again {
            out.routing.room(id);
            wakers.changed();
        }
        Ok(())
    }

    fn end_if_idle(&self, id: PeerId, position: ReadPosition) -> IdleEnd {
        Self::end_if_idle(self, id, position)
    }

    fn part(&self, id: PeerId, unsent: Vec<Run>, lifetime: QueueLifetime) -> bool {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        out.connected.remove(&id);
        let mut inbound = self.inbound();
        if let Some(parting) = &self.settings.peer.parting
            && inbound.peer(id).is_some_and(|peer| peer.is_accepted == parting.of_accepted)
        {
            inbound.push_last(id, &parting.message);
        }
        let has_to_know = out.routing.part(id);
        // If no more changes can be queued for the application, the first slice waits like the others.
        let sweeps =
            !out.sweeping && (!inbound.has_room_for_changes() || self.sweep(out, &mut inbound, SWEEP_TOPICS));
        out.sweeping |= sweeps;
        let report = has_to_know || self.settings.peer.reports_events;
        let outbox = &mut out.outboxes[id];
        let before = outbox.sent();
        outbox.disconnect(unsent);
        out.sent.add(outbox.sent().saturating_sub(before));
        let outlives = lifetime == QueueLifetime::Endpoint;
        let unsent = if outlives && !report { Vec::new() } else { outbox.drain() };
        let lost = unsent.iter().map(Run::len).sum::<usize>();
        out.lost += lost;
        // Otherwise the application gets them back.
        out.departed += if report { 0 } else { lost as u64 };
        if report {
            inbound.part_reported(id, unsent);
        } else {
            inbound.part(id);
        }
        wakers.extend(inbound.waiters.pop_waker());
        wakers.changed();
        drop(inbound);
        if outlives {
            out.routing.room(id);
        } else {
            self.close_queue(&mut guard, id);
        }
        sweeps
    }

    fn poll_sweep(&self, cx: &Context<'_>) -> Poll<bool> {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let mut inbound = self.inbound();
        if inbound.closed {
            return Poll::Ready(false);
        }
        if !inbound.may_sweep(cx.waker()) {
            return Poll::Pending;
        }
        let more = self.sweep(out, &mut inbound, SWEEP_TOPICS);
        out.sweeping = more;
        wakers.extend(inbound.waiters.pop_waker());
        wakers.changed();
        Poll::Ready(more)
    }

    fn end_sweep(&self) {
        self.out().sweeping = false;
    }

    fn is_publisher(&self) -> bool {
        matches!(self.kind, SocketType::Pub | SocketType::XPub)
    }

    fn close(&self, id: PeerId, cause: CloseCause) {
        let mut out = self.out();
        if cause == CloseCause::RuntimeEnded {
            out.stranded += out.outboxes[id].queued();
        }
        self.close_queue(&mut out, id);
        out.changed();
    }

    fn queued(&self, id: PeerId) -> usize {
        self.out().outboxes[id].queued()
    }
}

impl<R: Routing> SocketCore<R> {
    /// Returns the permissions of a peer that was authenticated as this user. Only publishers and subscribers know
    /// topics.
    fn permissions(&self, user: &User) -> Permissions {
        match self.kind {
            SocketType::Pub | SocketType::XPub | SocketType::Sub | SocketType::XSub => {
                self.settings.permission_policy.decide(user)
            }
            _ => Permissions::all(),
        }
    }

    fn open_queue(&self, out: &mut Out<R>) -> PeerId {
        let id = self.inbound().open();
        let outbox = if self.settings.queue.conflate { Outbox::conflating() } else { Outbox::new(out.limit) };
        out.outboxes.insert(id, outbox);
        out.routing.open(id);
        id
    }

    /// Removes the queue to a peer, and wakes a receiver.
    fn close_queue(&self, guard: &mut OutGuard<'_, R>, id: PeerId) {
        let (out, wakers) = guard.split();
        let unsent = out.outboxes.remove(id).map(|mut outbox| outbox.drain());
        let lost = unsent.iter().flatten().map(Run::len).sum::<usize>();
        out.lost += lost;
        let has_to_know = out.routing.close(id);
        out.departed += if has_to_know { 0 } else { lost as u64 };
        let mut inbound = self.inbound();
        if has_to_know {
            inbound.part_reported(id, unsent.unwrap_or_default());
        }
        inbound.close(id);
        wakers.extend(inbound.waiters.pop_waker());
    }

    /// Applies the subscriptions in a run: ZMTP 3.0 peers and libzmq's XSUB send them as messages. Other messages go to
    /// the application of an XPUB; a PUB drops them.
    fn deliver_to_publisher(&self, id: PeerId, run: Run) -> Result<(), RejectReason> {
        for message in run {
            if let Some(subscription) = Subscription::from_message(&message) {
                self.subscribe(id, &subscription)?;
            } else if self.kind == SocketType::XPub {
                let mut inbound = self.inbound();
                inbound.push(id, message.into());
                self.wake_receiver(inbound);
            }
        }
        Ok(())
    }

    /// Applies a peer's subscription or cancel. A change is queued for the application under the lock that makes it, so
    /// that the application receives changes in the order in which they were made.
    fn subscribe(&self, id: PeerId, subscription: &Subscription) -> Result<(), RejectReason> {
        let mut guard = self.out();
        let (out, wakers) = guard.split();
        let news = out.routing.subscription(id, subscription)?;
        if (news && self.kind == SocketType::XPub) || out.sweeping {
            let mut inbound = self.inbound();
            if news && self.kind == SocketType::XPub {
                inbound.push_subscription(id, subscription.clone());
            }
            if out.sweeping {
                // Two are removed for each that is added: so the leftovers of departed peers are bounded, however fast
                // other peers subscribe.
                self.sweep(out, &mut inbound, 2);
            }
            wakers.extend(inbound.waiters.pop_waker());
        }
        wakers.changed();
        Ok(())
    }

    /// Removes at most `most` subscriptions of departed peers. Returns whether there are more. As with any change, it
    /// is queued for the application under the lock that makes it.
    fn sweep(&self, out: &mut Out<R>, inbound: &mut Inbound, most: usize) -> bool {
        out.routing.sweep(most, &mut |id, cancel| {
            if self.kind == SocketType::XPub {
                inbound.push_subscription(id, cancel);
            }
        })
    }
}

#[cfg(test)]
mod tests;
