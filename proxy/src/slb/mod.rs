//! EnfoSLB: clients → ROUTER │ DEALER → workers.
//!
//! ```text
//!   client              broker                          worker (REP)
//!   [… | "" | body] ──► takes a token, picks a worker ──► [token | … | "" | body]
//!   [… | "" | reply] ◄── knows by the token whose it is ◄── [token | … | "" | reply]
//! ```
//!
//! A REP worker gives back the frames before the body as they were. So the broker puts a token there, not
//! the client's identity: it knows which request is where, and can't be fooled into another client's reply.
//! DEALER and ROUTER workers get the client's identity instead, as from any ROUTER/DEALER proxy, and may
//! send any number of replies.
//!
//! Requests wait at their clients' inboxes, not in the broker: it takes as many as the workers have
//! credit for, from each client in turn, and stops reading a client whose inbox is full. So a
//! worker that comes later takes the backlog at once, and a client that sends much doesn't keep others out.
//!
//! Requests that a leaving worker can't have got go to another worker. Requests that it had are lost, as in
//! libzmq: the broker can't know whether they were carried out.

mod bundle;
mod credit;
mod losses;
mod stop;
mod workers;

use std::collections::VecDeque;
use std::pin::pin;
use std::time::{Duration, Instant};

use enfonet::{Batch, Dealer, Message, Options, PeerEvent, PeerId, PeerInfo, Router, SocketType, Span};
use slotmap::{Key, KeyData, SlotMap, new_key_type};

use crate::config::{Config, Endpoints, Side, attach};
use crate::error::StartError;
use bundle::Bundle;
use credit::{MAX_CREDIT, Sequence};
use losses::{Loss, Losses};
use stop::PlainRequests;
use workers::{Choice, Kind, Workers};

/// Bytes that may wait for one client or one worker.
const QUEUE: usize = 16 << 20;
/// A worker that is silent for so long is sent a PING: one that hangs is found though its kernel answers.
const WORKER_HEARTBEAT: Duration = Duration::from_secs(10);
/// Messages of one client that may wait for the broker.
const CLIENT_QUEUE: usize = 1000;
/// Maximum number of worker events that are dealt with before the next client event.
const EVENTS: usize = 32;

new_key_type! {
    /// Names a request that a worker has. Never used twice in a run of the broker.
    struct Token;
}

/// A request that a REP worker has.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    client: PeerId,
    worker: PeerId,
    /// Position among all requests that the worker got.
    sequence: Sequence,
}

/// Counters of a broker's run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Requests handed to workers.
    pub requests: u64,
    /// Replies handed to clients.
    pub replies: u64,
    /// Requests without an empty frame before the body: REP workers drop such messages, so they get none.
    pub malformed: u64,
    /// Requests for DEALER and ROUTER workers whose clients had gone: there is no identity to put before them.
    pub abandoned: u64,
    /// Requests that went with a worker.
    pub lost: u64,
    /// Requests that workers had, and hadn't answered when time was up.
    pub unanswered: u64,
    /// Requests that were read, and that no worker had been given when time was up.
    pub unserved: u64,
    /// Replies that no client waited for, or could take.
    pub undeliverable: u64,
}

/// A broker that listens, and doesn't forward yet.
#[derive(Debug)]
pub struct Broker {
    frontend: Router,
    backend: Dealer,
    endpoints: Endpoints,
    config: Config,
    workers: Workers,
    in_flight: SlotMap<Token, InFlight>,
    /// Stands before each token: a worker may still have a request of an earlier broker at this place.
    run: u64,
    /// Requests that came back from a worker that went, or was full, or that no worker is left for; oldest first.
    returned: VecDeque<(PeerId, Message)>,
    /// Requests that DEALER and ROUTER workers have.
    plain: PlainRequests,
    /// Messages that are about to be sent to one peer; empty otherwise.
    bundle: Bundle,
    losses: Losses,
    summary: Summary,
}

/// Binds a broker and runs it until `shutdown` is ready; `ready` is told the endpoints when it listens.
///
/// # Errors
/// [`StartError`]: it couldn't be bound.
pub async fn run(
    config: Config,
    ready: impl FnOnce(&Endpoints),
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, StartError> {
    let broker = Broker::bind(config).await?;
    ready(broker.endpoints());
    Ok(broker.run(shutdown).await)
}

impl Broker {
    /// Listens at, and connects to, all endpoints.
    ///
    /// # Errors
    /// [`StartError`]: an endpoint is in use, or refused by the system.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let options = |side: &Side, heartbeat| {
            side.socket_options(heartbeat).send_hwm(0).send_bytes(QUEUE).recv_bytes(QUEUE)
        };
        let clients = options(&config.frontend, None).recv_hwm(CLIENT_QUEUE);
        let workers = Options::<Dealer>::from(options(&config.backend, Some(WORKER_HEARTBEAT)))
            .recv_hwm(0)
            .peer_events(true);
        let (frontend, backend) = (Router::with_options(clients), workers.build());
        let endpoints = Endpoints {
            frontend: attach!(frontend, config.frontend),
            backend: attach!(backend, config.backend),
        };
        Ok(Self {
            frontend,
            backend,
            endpoints,
            config,
            workers: Workers::default(),
            in_flight: SlotMap::with_key(),
            run: fastrand::u64(..),
            returned: VecDeque::new(),
            plain: PlainRequests::default(),
            bundle: Bundle::default(),
            losses: Losses::default(),
            summary: Summary::default(),
        })
    }

    /// Where it is.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Forwards until `shutdown` is ready. Then each client is served on until nothing of it is under way, and its
    /// connection is closed at that moment. At half of the configured [grace](Config::grace) clients are read no more, and
    /// get the replies to what was read.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Summary {
        self.run_until(shutdown, std::future::pending()).await
    }

    /// Forwards and stops as [`run`](Self::run) does, but a stop that has begun ends at once when `cut` is ready.
    pub async fn run_until(
        mut self,
        shutdown: impl Future<Output = ()>,
        cut: impl Future<Output = ()>,
    ) -> Summary {
        tokio::select! {
            biased;
            () = shutdown => {}
            () = self.forward() => {}
        }
        self.stop(pin!(cut)).await
    }

    async fn forward(&mut self) {
        while self.step().await {}
    }

    /// Deals with what has happened, or waits until something has; `false` when a socket is closed. Cancel safe: what has
    /// been received is dealt with before anything is waited for.
    async fn step(&mut self) -> bool {
        let goes_on = self.go_on();
        // There may be much, and others want to go on meanwhile.
        tokio::task::coop::consume_budget().await;
        goes_on || self.wait().await
    }

    /// Waits until something has happened; `false` when a socket is closed.
    async fn wait(&self) -> bool {
        tokio::select! {
            biased;
            outcome = self.backend.wait_event() => outcome.is_ok(),
            outcome = self.frontend.wait_event(), if self.workers.credit() > 0 => outcome.is_ok(),
            _ = self.backend.wait_room(self.workers.full()), if !self.workers.full().is_empty() => true,
        }
    }

    /// Deals with some of what has happened at workers, and with what comes next of clients, so that neither keeps the
    /// other waiting; `false` when that was all.
    fn go_on(&mut self) -> bool {
        if !self.workers.full().is_empty()
            && let Some(worker) = self.backend.find_room(self.workers.full())
        {
            self.workers.room(worker);
        }
        let mut events = 0;
        while events < EVENTS
            && let Some(event) = self.backend.try_recv_event(usize::MAX)
        {
            self.handle_worker(event);
            events += 1;
        }
        self.next_request() || events == EVENTS
    }

    /// Hands over what comes first, if a worker may have it; `false` when there is nothing to hand over.
    fn next_request(&mut self) -> bool {
        let credit = self.workers.credit();
        if credit == 0 {
            return false;
        }
        if let Some((client, request)) = self.returned.pop_front() {
            self.hand_over(client, request.into(), Instant::now());
            return true;
        }
        match self.frontend.try_recv_event(credit) {
            Some(PeerEvent::Messages { peer, batch }) => {
                self.hand_over(peer, batch, Instant::now());
                true
            }
            event => event.is_some(),
        }
    }
}

/// Requests.
impl Broker {
    /// Gives requests to the workers that have the least to do, in runs; keeps what they can't take after all.
    fn hand_over(&mut self, client: PeerId, requests: Batch, now: Instant) {
        let batch = requests.encoded();
        let (mut requests, mut waiting) = (batch.spans(), batch.len());
        let mut refused = Vec::new();
        while waiting > 0 {
            let Some(choice) = self.workers.pick() else {
                refused.extend(requests.map(|request| (client, batch.message(&request).detach())));
                break;
            };
            let run = choice.run.min(waiting);
            waiting -= run;
            self.address(client, &batch, requests.by_ref().take(run), choice);
            let (sent, left) = self.send_requests(choice.worker);
            self.workers.sent(choice.worker, sent, now);
            if !left.is_empty() {
                self.workers.is_full(choice.worker);
                refused.extend(left.into_iter().flatten().filter_map(|message| {
                    // No reply is awaited any more.
                    self.take_client(message.first(), choice.worker, choice.kind);
                    Some((client, message.split_first().1?.detach()))
                }));
            }
        }
        self.give_back(refused);
    }

    /// Puts requests into the bundle, behind what the worker is to give back with the reply.
    fn address<'a>(
        &mut self,
        client: PeerId,
        batch: &Batch,
        requests: impl Iterator<Item = Span<'a>>,
        to: Choice,
    ) {
        if to.kind == Kind::Plain {
            let Some(identity) = self.frontend.identity(client) else {
                let abandoned = requests.count();
                self.summary.abandoned += abandoned as u64;
                self.losses.at_peer(Loss::Abandoned, None, abandoned);
                return;
            };
            for request in requests {
                self.plain.sent(to.worker, client);
                self.bundle.push_behind(&identity, batch, &request);
            }
            self.plain.forget_departed(|client| self.frontend.peer(client).is_some());
            return;
        }
        let (mut sequence, mut malformed) = (to.first, 0);
        for request in requests {
            if request.has_envelope() {
                let token = self.in_flight.insert(InFlight { client, worker: to.worker, sequence });
                sequence = sequence.wrapping_add(1);
                self.bundle.push_behind(&self.frame(token), batch, &request);
            } else {
                malformed += 1;
            }
        }
        if malformed > 0 {
            self.summary.malformed += malformed as u64;
            self.losses.at_peer(Loss::Malformed, self.frontend.peer(client).as_deref(), malformed);
        }
    }

    /// Sends what is in the bundle to a worker: how many requests it has got, and what it can't take after all.
    fn send_requests(&mut self, worker: PeerId) -> (usize, Vec<Batch>) {
        let (mut sent, mut left) = (0, Vec::new());
        for mut batch in self.bundle.drain() {
            sent += batch.len();
            // None goes before one that has found no room.
            if left.is_empty() {
                // Whatever the reason, what stays in the batch isn't sent.
                let _ = self.backend.try_send_batch_to(worker, &mut batch);
            }
            sent -= batch.len();
            left.extend((!batch.is_empty()).then_some(batch));
        }
        self.summary.requests += sent as u64;
        (sent, left)
    }

    /// Puts requests before those that wait to be handed over again: these are older.
    fn give_back(&mut self, requests: Vec<(PeerId, Message)>) {
        requests.into_iter().rev().for_each(|request| self.returned.push_front(request));
    }
}

/// Replies, and workers that come and go.
impl Broker {
    fn handle_worker(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Joined { peer, info } => {
                let kind = match info.socket_type {
                    Some(SocketType::Rep) | None => Kind::Counting,
                    _ => Kind::Plain,
                };
                self.workers.join(peer, kind, capacity(&info));
                self.losses.join(info);
            }
            PeerEvent::Messages { peer, batch } => self.handle_replies(peer, batch),
            PeerEvent::Left { peer, unsent } => self.handle_left(peer, unsent),
            _ => {}
        }
    }

    fn handle_replies(&mut self, worker: PeerId, batch: Batch) {
        let Some((kind, mut replies)) = self.workers.replies(worker) else { return };
        let batch = batch.encoded();
        let (mut to, mut stray) = (None, 0);
        for message in batch.spans() {
            // Only what answers a request makes room for another.
            let client = match kind {
                Kind::Counting => self.take_in_flight(message.first, worker).map(|request| {
                    replies.push(request.sequence);
                    request.client
                }),
                Kind::Plain => {
                    // A reply to a client that has gone is one too.
                    replies.push_any();
                    let client = self.frontend.find(message.first);
                    client.inspect(|client| self.plain.answered(worker, *client))
                }
            };
            let (Some(client), Some(reply)) = (client, message.rest()) else {
                stray += 1;
                continue;
            };
            if let Some(other) = to.replace(client).filter(|to| *to != client) {
                self.send_replies(other);
            }
            self.bundle.push(&batch, &reply);
        }
        if let Some(client) = to {
            self.send_replies(client);
        }
        if stray > 0 {
            self.summary.undeliverable += stray as u64;
            self.losses.at_worker(Loss::Stray, worker, stray);
        }
        self.workers.replied(worker, &replies, Instant::now());
    }

    /// Sends what is in the bundle to a client, as far as it takes it.
    fn send_replies(&mut self, client: PeerId) {
        for mut batch in self.bundle.drain() {
            let all = batch.len() as u64;
            // Replies that stay in the batch can't be sent: the client has gone, or doesn't read.
            let _ = self.frontend.try_send_batch_to(client, &mut batch);
            let dropped = batch.len() as u64;
            self.summary.replies += all - dropped;
            self.summary.undeliverable += dropped;
            if dropped > 0 {
                let client = self.frontend.peer(client);
                self.losses.at_peer(Loss::Reply, client.as_deref(), batch.len());
            }
        }
    }

    /// The client that the first frame of a worker's message stands for. A token is used up by that.
    fn take_client(&mut self, first: &[u8], worker: PeerId, kind: Kind) -> Option<PeerId> {
        match kind {
            Kind::Counting => self.take_in_flight(first, worker).map(|request| request.client),
            Kind::Plain => self.frontend.find(first).inspect(|client| self.plain.taken_back(worker, *client)),
        }
    }

    /// The frame that takes the place of a client's identity.
    fn frame(&self, token: Token) -> [u8; 16] {
        (u128::from(self.run) << 64 | u128::from(token.data().as_ffi())).to_be_bytes()
    }

    /// The request of a token, if this worker has it.
    fn take_in_flight(&mut self, frame: &[u8], worker: PeerId) -> Option<InFlight> {
        let token = Token::from(KeyData::from_ffi(u64::from_be_bytes(*frame.last_chunk()?)));
        // Of another run, or no token: not every number is a key.
        if *frame != self.frame(token) {
            return None;
        }
        self.in_flight.get(token).filter(|request| request.worker == worker)?;
        self.in_flight.remove(token)
    }

    /// Gives the requests that a worker can't have got before it left to other workers; requests that it had are lost.
    fn handle_left(&mut self, worker: PeerId, unsent: Vec<Batch>) {
        let Some(kind) = self.workers.leave(worker) else { return };
        let mut requests = Vec::new();
        for message in unsent.into_iter().flatten() {
            let client = self.take_client(message.first(), worker, kind);
            self.summary.requests -= 1;
            if client.is_none() {
                self.summary.abandoned += 1;
                self.losses.at_peer(Loss::Abandoned, None, 1);
            }
            requests.extend(client.zip(message.split_first().1.map(|request| request.detach())));
        }
        self.give_back(requests);
        let before = self.in_flight.len();
        self.in_flight.retain(|_, request| request.worker != worker);
        let lost = before - self.in_flight.len() + self.plain.leave(worker);
        if lost > 0 {
            self.summary.lost += lost as u64;
            self.losses.at_worker(Loss::WithWorker, worker, lost);
        }
        self.losses.leave(worker);
    }
}

/// Property of a worker's READY: how many requests it serves at once, in decimal digits.
const CAPACITY: &str = "X-Enfo-Capacity";

/// Returns the capacity that a worker announced, if that is a number from 1 to [`MAX_CREDIT`].
fn capacity(worker: &PeerInfo) -> Option<usize> {
    let digits = worker.metadata.get(CAPACITY).filter(|value| value.iter().all(u8::is_ascii_digit))?;
    let capacity = str::from_utf8(digits).ok()?.parse().ok()?;
    (1..=MAX_CREDIT).contains(&capacity).then_some(capacity)
}

#[cfg(test)]
mod tests;
