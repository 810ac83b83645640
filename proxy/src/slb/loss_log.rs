//! Log of lost requests and replies: at most a line a second for each kind of loss and endpoint.

use std::collections::HashMap;
use std::sync::Arc;

use enfonet::Endpoint;
use enfonet::monitor::LogLimiter;
use enfonet::peer::{PeerId, PeerInfo};
use slotmap::SecondaryMap;
use tracing::warn;

/// A kind of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Loss {
    /// Requests that a worker had when it disconnected.
    WorkerLost,
    /// Replies whose client has no room, or has disconnected.
    UndeliverableReply,
    /// Messages of a worker that answer no request.
    UnsolicitedReply,
    /// Requests without an empty frame before the body.
    MalformedRequest,
    /// Requests from a client that has disconnected.
    AbandonedRequest,
}

impl Loss {
    const fn text(self) -> &'static str {
        match self {
            Self::WorkerLost => "requests are lost: their worker has gone",
            Self::UndeliverableReply => "replies are dropped: their client has gone, or has no room for them",
            Self::UnsolicitedReply => "messages of a worker are dropped: they answer no request",
            Self::MalformedRequest => "requests are dropped: there is no empty frame before the body",
            Self::AbandonedRequest => "requests are dropped: their client has gone",
        }
    }
}

/// Limiter of the log lines, with the addresses of the workers.
#[derive(Debug, Default)]
pub(super) struct LossLog {
    limiters: HashMap<(Loss, Option<Endpoint>), LogLimiter>,
    /// Connected workers. When the end of a worker is handled, the socket no longer knows the worker.
    workers: SecondaryMap<PeerId, Arc<PeerInfo>>,
}

impl LossLog {
    /// Remembers a worker's address.
    pub(super) fn join(&mut self, worker: Arc<PeerInfo>) {
        self.workers.insert(worker.id, worker);
    }

    /// Forgets a worker.
    pub(super) fn leave(&mut self, worker: PeerId) {
        self.workers.remove(worker);
    }

    /// Counts losses at a worker, and logs them unless a line was written less than a second ago.
    pub(super) fn record_at_worker(&mut self, loss: Loss, worker: PeerId, count: usize) {
        let worker = self.workers.get(worker).cloned();
        self.record(loss, worker.as_deref(), count);
    }

    /// Counts losses at a peer that may be unknown, and logs them as [`record_at_worker`](Self::record_at_worker) does.
    #[cold]
    pub(super) fn record(&mut self, loss: Loss, peer: Option<&PeerInfo>, count: usize) {
        debug_assert!(count > 0, "a loss of nothing: {loss:?}");
        let endpoint = peer.map(|peer| peer.endpoint.clone());
        let limiter = self.limiters.entry((loss, endpoint.clone())).or_default();
        if let Some(count) = limiter.count(count as u64) {
            log(loss, endpoint.as_ref(), peer.map(|peer| &*peer.address), count);
        }
    }
}

/// Logs the losses that no line has reported yet.
impl Drop for LossLog {
    fn drop(&mut self) {
        for ((loss, endpoint), limiter) in &self.limiters {
            if let Some(count) = limiter.rest() {
                log(*loss, endpoint.as_ref(), None, count);
            }
        }
    }
}

fn log(loss: Loss, endpoint: Option<&Endpoint>, address: Option<&str>, count: u64) {
    warn!(endpoint = endpoint.map(tracing::field::display), address, count, "{}", loss.text());
}

#[cfg(test)]
mod tests {
    use enfonet::{Pull, Push};

    use super::*;

    #[tokio::test]
    async fn the_loss_log_forgets_a_departed_worker() {
        let (bound, connected) = (Pull::new(), Push::new());
        connected.connect(bound.bind("tcp://127.0.0.1:*").await.unwrap()).unwrap();
        connected.send("connected").await.unwrap();
        bound.recv().await.unwrap();
        let worker = connected.peers()[0].info.clone();
        let mut log = LossLog::default();
        log.join(worker.clone());
        log.leave(worker.id);
        assert!(log.workers.is_empty());
    }
}
