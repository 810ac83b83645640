//! Events of workers: replies, which go to the clients; workers that join and leave.

use std::time::Instant;

use enfonet::message::Batch;
use enfonet::peer::{PeerId, PeerInfo, SocketType};
use enfonet::socket::PeerEvent;

use super::broker::Broker;
use super::loss_log::Loss;
use super::workers::WorkerKind;
use crate::tuning::MAX_CREDIT_REQUESTS;

impl Broker {
    /// Handles what a worker has sent, or that it has joined or left.
    pub(super) fn handle_worker_event(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Joined { peer, info } => {
                let kind = match info.socket_type {
                    Some(SocketType::Rep) | None => WorkerKind::Rep,
                    _ => WorkerKind::Raw,
                };
                self.workers.join(peer, kind, capacity(&info));
                self.loss_log.join(info);
            }
            PeerEvent::Messages { peer, batch } => self.handle_replies(peer, batch),
            PeerEvent::Left { peer, unsent } => self.handle_left(peer, unsent),
            _ => {}
        }
    }

    /// Sends replies to the clients of their requests, consecutive replies to a client together.
    pub(super) fn handle_replies(&mut self, worker: PeerId, batch: Batch) {
        let Some((kind, mut replies)) = self.workers.start_replies(worker) else { return };
        let (mut receiver, mut unsolicited) = (None, 0);
        for message in batch.spans() {
            // Only a reply that answers a request makes room for another request.
            let client = match kind {
                WorkerKind::Rep => self.rep.remove(message.first, worker).map(|request| {
                    replies.push(request.sequence);
                    request.client
                }),
                WorkerKind::Raw => {
                    // The reply counts even if the client has disconnected.
                    replies.push_unattributed();
                    let client = self.frontend.find(message.first);
                    client.inspect(|client| self.raw.record_reply(worker, *client))
                }
            };
            let (Some(client), Some(reply)) = (client, message.rest()) else {
                unsolicited += 1;
                continue;
            };
            if let Some(other) = receiver.replace(client).filter(|receiver| *receiver != client) {
                self.send_replies(other);
            }
            self.bundle.push(&batch, &reply);
        }
        if let Some(client) = receiver {
            self.send_replies(client);
        }
        if unsolicited > 0 {
            self.summary.undeliverable += unsolicited as u64;
            self.loss_log.record_at_worker(Loss::UnsolicitedReply, worker, unsolicited);
        }
        self.workers.record_replies(worker, &replies, Instant::now());
    }

    /// Sends the bundle to a client. Drops the replies that the client has no room for: it doesn't read, or has
    /// disconnected.
    pub(super) fn send_replies(&mut self, client: PeerId) {
        // A reply is sent without the frame that was before it.
        for (_, mut batch) in self.bundle.drain() {
            let all = batch.len() as u64;
            let _ = self.frontend.try_send_batch_to(client, &mut batch);
            let dropped = batch.len() as u64;
            self.summary.replies += all - dropped;
            self.summary.undeliverable += dropped;
            if dropped > 0 {
                let client = self.frontend.peer(client);
                self.loss_log.record(Loss::UndeliverableReply, client.as_deref(), batch.len());
            }
        }
    }

    /// Requeues the requests that a leaving worker can't have received, and counts the others as lost.
    pub(super) fn handle_left(&mut self, worker: PeerId, unsent: Vec<Batch>) {
        let Some(kind) = self.workers.leave(worker) else { return };
        let mut requests = Vec::new();
        for message in unsent.into_iter().flatten() {
            let client = self.undo_dispatch(message.first(), worker, kind);
            self.summary.requests -= 1;
            if client.is_none() {
                self.summary.abandoned += 1;
                self.loss_log.record(Loss::AbandonedRequest, None, 1);
            }
            requests.extend(client.zip(message.split_first().1.map(|request| request.detach())));
        }
        self.requeue(requests);
        let lost = self.rep.remove_worker(worker) + self.raw.remove_worker(worker);
        if lost > 0 {
            self.summary.lost += lost as u64;
            self.loss_log.record_at_worker(Loss::WorkerLost, worker, lost);
        }
        self.loss_log.leave(worker);
    }
}

/// Metadata property by which a worker announces the number of requests that it serves at once, in decimal digits.
pub(super) const CAPACITY: &str = "X-Enfo-Capacity";

/// Returns the capacity that a worker announced, if that is a number from 1 to [`MAX_CREDIT_REQUESTS`].
fn capacity(worker: &PeerInfo) -> Option<usize> {
    let digits = worker.metadata.get(CAPACITY).filter(|value| value.iter().all(u8::is_ascii_digit))?;
    let capacity = str::from_utf8(digits).ok()?.parse().ok()?;
    (1..=MAX_CREDIT_REQUESTS).contains(&capacity).then_some(capacity)
}
