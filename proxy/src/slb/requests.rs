//! Requests on their way to the workers.

use std::time::Instant;

use enfonet::{Batch, Message, PeerId, Span};

use super::broker::Broker;
use super::loss_log::Loss;
use super::rep_requests::RepRequest;
use super::workers::{Assignment, WorkerKind};

impl Broker {
    /// Gives requests to the workers that have the least to do, in runs; keeps what they can't take after all.
    pub(super) fn dispatch(&mut self, client: PeerId, requests: Batch, now: Instant) {
        let batch = requests.encoded();
        let (mut requests, mut waiting) = (batch.spans(), batch.len());
        let mut refused = Vec::new();
        while waiting > 0 {
            let Some(assignment) = self.workers.pick() else {
                refused.extend(requests.map(|request| (client, batch.message(&request).detach())));
                break;
            };
            let burst = assignment.burst.min(waiting);
            waiting -= burst;
            self.stage(client, &batch, requests.by_ref().take(burst), assignment);
            let (sent, left) = self.send_requests(assignment.worker);
            self.workers.record_sent(assignment.worker, sent, now);
            if !left.is_empty() {
                self.workers.mark_full(assignment.worker);
                refused.extend(left.into_iter().flatten().filter_map(|message| {
                    // No reply is awaited any more.
                    self.undo_dispatch(message.first(), assignment.worker, assignment.kind);
                    Some((client, message.split_first().1?.detach()))
                }));
            }
        }
        self.requeue(refused);
    }

    /// Puts requests into the bundle, behind what the worker is to give back with the reply.
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
        let (mut sequence, mut malformed) = (to.first, 0);
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

    /// Sends what is in the bundle to a worker: how many requests it has got, and what it can't take after all.
    pub(super) fn send_requests(&mut self, worker: PeerId) -> (usize, Vec<Batch>) {
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
    pub(super) fn requeue(&mut self, requests: Vec<(PeerId, Message)>) {
        requests.into_iter().rev().for_each(|request| self.requeued.push_front(request));
    }
}
