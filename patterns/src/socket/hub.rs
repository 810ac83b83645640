//! What all sockets are made of: queues to and from their peers, a routing policy between, and the tasks
//! that listen and connect.
//!
//! Two locks, each held for a few instructions and never across a system call: one for what goes out, one
//! for what came in. Where both are needed, `out` comes first.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Duration;

use enfonet_zmtp::{Batch, Command, Local, Peer, SocketType, Subscription};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{self, Link, Slot, Turn};
use crate::error::{BindError, Closed, ConnectError, ConnectionError, UnknownEndpoint};
use crate::queue::{Arrival, Inbound, Load, Outbox, Staged};
use crate::routing::{Outboxes, Refusal, Routing};
use crate::transport::Listener;
use crate::{Endpoint, EndpointError, Options, PeerId};

/// What goes out.
#[derive(Debug)]
pub(crate) struct Out<R> {
    pub(crate) outboxes: Outboxes,
    pub(crate) routing: R,
    /// Peers that are there.
    joined: usize,
    pub(crate) closed: bool,
}

pub(crate) struct Hub<R> {
    kind: SocketType,
    options: Options,
    out: Mutex<Out<R>>,
    inbound: Mutex<Inbound>,
    /// Something has arrived: one receiver is woken.
    arrivals: Notify,
    /// A queue has room, a peer came or went, or the socket closed: all who wait look again.
    changes: Notify,
    endpoints: Mutex<HashMap<Endpoint, Vec<CancellationToken>>>,
    tasks: TaskTracker,
    /// No more listening; connections end when all is written.
    closing: CancellationToken,
    /// Everything ends at once.
    abort: CancellationToken,
}

impl<R> fmt::Debug for Hub<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("type", &self.kind).finish_non_exhaustive()
    }
}

impl<R: Routing> Hub<R> {
    pub(crate) fn new(kind: SocketType, options: Options, routing: R) -> Arc<Self> {
        let out = Out { outboxes: Outboxes::with_key(), routing, joined: 0, closed: false };
        let inbound = Inbound::new(Load::new(options.recv_hwm, options.recv_octets));
        Arc::new(Self {
            kind,
            options,
            out: Mutex::new(out),
            inbound: Mutex::new(inbound),
            arrivals: Notify::new(),
            changes: Notify::new(),
            endpoints: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            abort: CancellationToken::new(),
        })
    }

    pub(crate) fn out(&self) -> MutexGuard<'_, Out<R>> {
        self.out.lock().expect("no panic holds the lock")
    }

    fn inbound(&self) -> MutexGuard<'_, Inbound> {
        self.inbound.lock().expect("no panic holds the lock")
    }

    fn is_publisher(&self) -> bool {
        matches!(self.kind, SocketType::Pub | SocketType::XPub)
    }

    /// Wakes one receiver, if any waits, once the lock is released.
    fn announce(&self, inbound: MutexGuard<'_, Inbound>) {
        let waiting = inbound.waiting > 0;
        drop(inbound);
        if waiting {
            self.arrivals.notify_one();
        }
    }

    /// The next arrival, if there is one; a run of at most `messages`.
    #[inline]
    pub(crate) fn try_recv(&self, messages: usize) -> Option<Arrival> {
        let mut inbound = self.inbound();
        let arrival = inbound.pop(messages);
        if arrival.is_some() && inbound.has_arrivals() && inbound.waiting > 0 {
            self.announce(inbound);
        }
        arrival
    }

    /// The next arrival. Cancel safe: an arrival is taken at the moment it is given.
    pub(crate) async fn recv(&self, messages: usize) -> Result<Arrival, Closed> {
        // Now and then other tasks get their turn, however much there is to receive.
        tokio::task::coop::consume_budget().await;
        loop {
            if let Some(arrival) = self.try_recv(messages) {
                return Ok(arrival);
            }
            let closed = self.closing.cancelled();
            let waiting = Waiting::new(self);
            if waiting.nothing_arrived {
                tokio::select! {
                    () = self.arrivals.notified() => {}
                    () = closed => return Err(Closed),
                }
            }
        }
    }

    /// Calls `attempt` until it gives something, and again whenever room or peers have changed.
    /// Cancel safe if the attempt is.
    pub(crate) async fn until<T>(&self, mut attempt: impl FnMut(&mut Out<R>) -> Option<T>) -> T {
        loop {
            let changed = self.changes.notified();
            if let Some(outcome) = attempt(&mut self.out()) {
                return outcome;
            }
            changed.await;
        }
    }

    pub(crate) async fn wait_connected(&self, peers: usize) {
        self.until(|out| (out.joined >= peers || out.closed).then_some(())).await;
    }

    /// What [`changed`](Self::changed) calls, from now on.
    pub(crate) fn changes(&self) -> Notified<'_> {
        self.changes.notified()
    }

    /// Calls all who wait for room or peers to look again.
    fn changed(&self) {
        self.changes.notify_waiters();
    }

    pub(crate) fn stop_receiving(&self) {
        self.inbound().stop();
    }
}

/// Counts a receiver that is about to wait, so that whoever brings something knows to wake one.
struct Waiting<'a, R: Routing> {
    hub: &'a Hub<R>,
    nothing_arrived: bool,
}

impl<'a, R: Routing> Waiting<'a, R> {
    fn new(hub: &'a Hub<R>) -> Self {
        let mut inbound = hub.inbound();
        inbound.waiting += 1;
        Self { hub, nothing_arrived: !inbound.has_arrivals() }
    }
}

impl<R: Routing> Drop for Waiting<'_, R> {
    fn drop(&mut self) {
        self.hub.inbound().waiting -= 1;
    }
}

/// Binding, connecting, and the end.
impl<R: Routing> Hub<R> {
    pub(crate) async fn bind(self: &Arc<Self>, endpoint: Endpoint) -> Result<Endpoint, BindError> {
        let until = self.abort.child_token();
        if self.closing.is_cancelled() {
            return Err(Closed.into());
        }
        let resolved = if let Endpoint::Inproc(name) = &endpoint {
            if !self.options.context.bind(name, self.clone(), until.clone()) {
                return Err(BindError::InUse(endpoint));
            }
            endpoint
        } else {
            let (listener, resolved) = Listener::bind(&endpoint).await?;
            let (tasks, stop) = (self.tasks.clone(), self.closing.clone());
            let task =
                connection::listen(listener, resolved.clone(), self.clone(), tasks, stop, until.clone());
            self.tasks.spawn(task);
            resolved
        };
        self.remember(resolved.clone(), until);
        Ok(resolved)
    }

    pub(crate) fn connect(self: &Arc<Self>, endpoint: Endpoint) -> Result<(), ConnectError> {
        if endpoint.is_wildcard() {
            return Err(EndpointError::wildcard(&endpoint).into());
        }
        if self.closing.is_cancelled() {
            return Err(Closed.into());
        }
        let until = self.abort.child_token();
        self.remember(endpoint.clone(), until.clone());
        // Messages may be queued for the peer from now on.
        let slot = Slot::open(self.clone(), true);
        self.tasks.spawn(async move {
            match endpoint {
                Endpoint::Inproc(name) => {
                    until.run_until_cancelled(connection::connect_inproc(name, slot)).await;
                }
                endpoint => {
                    until.run_until_cancelled(connection::connect(endpoint, slot)).await;
                }
            }
        });
        Ok(())
    }

    fn remember(&self, endpoint: Endpoint, until: CancellationToken) {
        let mut endpoints = self.endpoints.lock().expect("no panic holds the lock");
        endpoints.entry(endpoint).or_default().push(until);
    }

    /// Ends listening on, or connecting to, an endpoint, with the connections that came of it.
    pub(crate) fn forget(&self, endpoint: &Endpoint) -> Result<(), UnknownEndpoint> {
        let until = self.endpoints.lock().expect("no panic holds the lock").remove(endpoint);
        let until = until.ok_or_else(|| UnknownEndpoint(endpoint.to_string()))?;
        until.iter().for_each(CancellationToken::cancel);
        self.options.context.sweep();
        Ok(())
    }

    /// Ends the socket: what waits is still sent, for so long. Gives how many messages were not.
    pub(crate) async fn close(&self, linger: Duration) -> usize {
        self.begin_close();
        let _ = tokio::time::timeout(linger, self.tasks.wait()).await;
        let unsent = self.out().outboxes.values().map(Outbox::queued).sum();
        self.abort();
        self.tasks.wait().await;
        unsent
    }

    /// No operation succeeds any more; connections end when all is written.
    fn begin_close(&self) {
        self.closing.cancel();
        self.tasks.close();
        let sleeping: Vec<Waker> = {
            let mut out = self.out();
            out.closed = true;
            out.outboxes.values_mut().filter_map(Outbox::wake_to_close).collect()
        };
        sleeping.into_iter().for_each(Waker::wake);
        self.changed();
    }

    fn abort(&self) {
        self.abort.cancel();
        self.options.context.sweep();
    }
}

impl<R: Routing> Link for Hub<R> {
    fn options(&self) -> &Options {
        &self.options
    }

    fn local(&self) -> Local {
        Local { socket_type: self.kind, identity: self.options.identity.clone() }
    }

    fn open(&self) -> PeerId {
        let limit = Load::new(self.options.send_hwm, self.options.send_octets);
        let mut out = self.out();
        let id = out.outboxes.insert(Outbox::new(limit));
        out.routing.open(id);
        self.inbound().open(id);
        drop(out);
        self.changed();
        id
    }

    fn join(&self, id: PeerId, peer: Peer) -> Result<(), Refusal> {
        let mut guard = self.out();
        let out = &mut *guard;
        let outbox = &mut out.outboxes[id];
        out.routing.join(id, &peer, outbox)?;
        outbox.connect();
        out.joined += 1;
        if self.options.peer_events {
            let mut inbound = self.inbound();
            inbound.join(id, peer);
            self.announce(inbound);
        }
        drop(guard);
        self.changed();
        Ok(())
    }

    fn deliver(&self, id: PeerId, batch: Batch) -> Result<(), Refusal> {
        if self.is_publisher() {
            return self.deliver_to_publisher(id, batch);
        }
        let mut inbound = self.inbound();
        inbound.push(id, batch);
        self.announce(inbound);
        Ok(())
    }

    fn command(&self, id: PeerId, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Subscription(subscription) if self.is_publisher() => {
                return self.subscribe(id, &subscription);
            }
            Command::Ping(ping) => {
                let mut out = self.out();
                out.outboxes[id].pong(&ping.context);
                let waker = out.outboxes[id].wake();
                drop(out);
                waker.into_iter().for_each(Waker::wake);
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
        turn: Turn,
        staged: &mut Staged,
        waker: &Waker,
    ) -> Result<(), ConnectionError> {
        let mut guard = self.out();
        let out = &mut *guard;
        let outbox = &mut out.outboxes[id];
        if outbox.is_overrun() {
            return Err(ConnectionError::Overrun);
        }
        let look_again = outbox.exchange(turn.written, turn.blocked, turn.wants_control, staged, waker);
        if look_again {
            out.routing.room(id);
        }
        drop(guard);
        if look_again {
            self.changed();
        }
        Ok(())
    }

    fn part(&self, id: PeerId, unsent: Vec<Batch>, keep: bool) {
        let mut guard = self.out();
        let out = &mut *guard;
        out.joined -= 1;
        let mut inbound = self.inbound();
        let has_to_know = out.routing.part(id, &mut |cancel| {
            if self.kind == SocketType::XPub {
                inbound.push_subscription(id, cancel);
            }
        });
        let report = has_to_know || self.options.peer_events;
        let outbox = &mut out.outboxes[id];
        outbox.disconnect(unsent);
        let unsent = if R::KEEPS_QUEUE && keep && !report { Vec::new() } else { outbox.drain() };
        inbound.part(id, unsent, report);
        self.announce(inbound);
        out.routing.room(id);
        drop(guard);
        self.changed();
    }

    fn close(&self, id: PeerId) {
        let mut out = self.out();
        out.outboxes.remove(id);
        out.routing.close(id);
        self.inbound().close(id);
        drop(out);
        self.changed();
    }

    fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    fn queued(&self, id: PeerId) -> usize {
        self.out().outboxes[id].queued()
    }
}

impl<R: Routing> Hub<R> {
    /// Subscriptions may come as messages: from ZMTP 3.0 peers, and from libzmq's XSUB. What is left is for
    /// the application of an XPUB; a PUB drops it.
    fn deliver_to_publisher(&self, id: PeerId, batch: Batch) -> Result<(), Refusal> {
        for message in batch {
            if let Some(subscription) = Subscription::from_message(&message) {
                self.subscribe(id, &subscription)?;
            } else if self.kind == SocketType::XPub {
                let mut inbound = self.inbound();
                inbound.push(id, message.into());
                self.announce(inbound);
            }
        }
        Ok(())
    }

    /// The order of changes is that in which they are made: so the application is told under the same lock.
    fn subscribe(&self, id: PeerId, subscription: &Subscription) -> Result<(), Refusal> {
        let mut out = self.out();
        let news = out.routing.subscription(id, subscription)?;
        if news && self.kind == SocketType::XPub {
            let mut inbound = self.inbound();
            inbound.push_subscription(id, subscription.clone());
            self.announce(inbound);
        }
        drop(out);
        self.changed();
        Ok(())
    }
}

/// The user's end of a socket. Dropping it closes the socket without waiting: what is connected goes on
/// sending in the background for the socket's linger.
#[derive(Debug)]
pub(crate) struct Owned<R: Routing>(pub(crate) Arc<Hub<R>>);

impl<R: Routing> std::ops::Deref for Owned<R> {
    type Target = Arc<Hub<R>>;

    fn deref(&self) -> &Arc<Hub<R>> {
        &self.0
    }
}

impl<R: Routing> Drop for Owned<R> {
    fn drop(&mut self) {
        if self.0.closing.is_cancelled() {
            return;
        }
        self.0.begin_close();
        let hub = self.0.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    let _ = tokio::time::timeout(hub.options.linger, hub.tasks.wait()).await;
                    hub.abort();
                });
            }
            Err(_) => hub.abort(),
        }
    }
}
