//! Requests: dispatch to the workers.

use std::time::Instant;

use enfonet::message::{Batch, Envelope, Span};
use enfonet::peer::PeerId;
use enfonet::{Dealer, Message};

use super::broker::Broker;
use super::loss_log::Loss;
use super::rep_requests::RepRequest;
use super::workers::{Assignment, WorkerKind};

impl Broker {
    /// Sends requests in bursts to the workers with the least load. Requeues requests that no worker has room for.
    pub(super) fn dispatch(&mut self, client: PeerId, batch: Batch, now: Instant) {
        let (mut requests, mut waiting) = (batch.spans(), batch.len());
        let mut unsent = Vec::new();
        while waiting > 0 {
            let Some(assignment) = self.workers.pick() else {
                unsent.extend(requests.map(|request| (client, batch.message(&request).detach())));
                break;
            };
            let burst = assignment.burst.min(waiting);
            waiting -= burst;
            self.stage(client, &batch, requests.by_ref().take(burst), assignment);
            let (sent, left) = self.send_requests(assignment.worker);
            self.workers.record_sent(assignment.worker, sent, now);
            if !left.is_empty() {
                self.workers.mark_full(assignment.worker);
                unsent.extend(left.into_iter().filter_map(|message| {
                    // The worker never got the request, so no reply is due.
                    self.undo_dispatch(message.first(), assignment.worker, assignment.kind);
                    Some((client, message.split_first().1?.detach()))
                }));
            }
        }
        self.requeue(unsent);
    }

    /// Puts requests into the bundle, each behind the frame that addresses its reply: the client's identity for a raw
    /// worker, a token for a REP worker.
    pub(super) fn stage<'a>(
        &mut self,
        client: PeerId,
        batch: &Batch,
        requests: impl Iterator<Item = Span<'a>>,
        to: Assignment,
    ) {
        if to.kind == WorkerKind::Raw {
            let Some(identity) = self.frontend.identity(client) else {
                let abandoned = requests.count();
                self.summary.abandoned += abandoned as u64;
                self.loss_log.record(Loss::AbandonedRequest, None, abandoned);
                return;
            };
            for request in requests {
                self.raw.insert(to.worker, client);
                self.bundle.push_behind(&identity, batch, &request);
            }
            self.raw.sweep_departed(|client| self.frontend.peer(client).is_some());
            return;
        }
        let (mut sequence, mut malformed) = (to.first_sequence, 0);
        for request in requests {
            if request.has_envelope() {
                let frame = self.rep.insert(RepRequest { client, worker: to.worker, sequence });
                sequence = sequence.wrapping_add(1);
                self.bundle.push_behind(&frame, batch, &request);
            } else {
                malformed += 1;
            }
        }
        if malformed > 0 {
            self.summary.malformed += malformed as u64;
            self.loss_log.record(Loss::MalformedRequest, self.frontend.peer(client).as_deref(), malformed);
        }
    }

    /// Sends the bundle to a worker. Returns the number of requests sent, and the requests that the worker has no
    /// room for.
    pub(super) fn send_requests(&mut self, worker: PeerId) -> (usize, Vec<Message>) {
        let (mut sent, mut left) = (0, Vec::new());
        for (envelope, mut batch) in self.bundle.drain() {
            sent += batch.len();
            // Keeps the order: a later batch must not overtake a batch that found no room.
            if left.is_empty() {
                try_send(&self.backend, worker, &envelope, &mut batch);
            }
            sent -= batch.len();
            left.extend(batch.into_iter().map(|message| message.with_envelope(&envelope)));
        }
        self.summary.requests += sent as u64;
        (sent, left)
    }

    /// Puts requests before the requeued ones, which were dispatched later.
    pub(super) fn requeue(&mut self, requests: Vec<(PeerId, Message)>) {
        requests.into_iter().rev().for_each(|request| self.requeued.push_front(request));
    }
}

/// Sends a batch, or a single large request behind its envelope. Whatever the error, the messages left in the batch
/// are the unsent ones.
fn try_send(backend: &Dealer, worker: PeerId, envelope: &Envelope, batch: &mut Batch) {
    if envelope.is_empty() {
        let _ = backend.try_send_batch_to(worker, batch);
    } else if let Some(large) = batch.clone().pop_front()
        && backend.try_send_to(worker, envelope, large).is_ok()
    {
        *batch = Batch::default();
    }
}
