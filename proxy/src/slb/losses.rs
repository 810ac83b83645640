//! Losses of the running broker: a line in the log for each kind and endpoint, at most one a second.

use std::collections::HashMap;
use std::sync::Arc;

use enfonet::{Endpoint, LogLimiter, PeerId, PeerInfo};
use slotmap::SecondaryMap;
use tracing::warn;

/// A kind of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Loss {
    /// Requests that went with their worker.
    WithWorker,
    /// Replies that a client hasn't room for, or that has gone.
    Reply,
    /// Messages of a worker that answer no request.
    Stray,
    /// Requests without an empty frame before the body.
    Malformed,
    /// Requests whose client has gone.
    Abandoned,
}

impl Loss {
    const fn text(self) -> &'static str {
        match self {
            Self::WithWorker => "requests are lost: their worker has gone",
            Self::Reply => "replies are dropped: their client has gone, or has no room for them",
            Self::Stray => "messages of a worker are dropped: they answer no request",
            Self::Malformed => "requests are dropped: there is no empty frame before the body",
            Self::Abandoned => "requests are dropped: their client has gone",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Losses {
    limiters: HashMap<(Loss, Option<Endpoint>), LogLimiter>,
    /// A worker that has gone is known to nobody else.
    workers: SecondaryMap<PeerId, Arc<PeerInfo>>,
}

impl Losses {
    pub(super) fn join(&mut self, worker: Arc<PeerInfo>) {
        self.workers.insert(worker.id, worker);
    }

    pub(super) fn leave(&mut self, worker: PeerId) {
        self.workers.remove(worker);
    }

    /// Tells of losses at a worker.
    pub(super) fn at_worker(&mut self, loss: Loss, worker: PeerId, count: usize) {
        let worker = self.workers.get(worker).cloned();
        self.at_peer(loss, worker.as_deref(), count);
    }

    /// Tells of losses at a peer, if that is known.
    #[cold]
    pub(super) fn at_peer(&mut self, loss: Loss, peer: Option<&PeerInfo>, count: usize) {
        let endpoint = peer.map(|peer| peer.endpoint.clone());
        let limiter = self.limiters.entry((loss, endpoint.clone())).or_default();
        if let Some(count) = limiter.count(count as u64) {
            tell(loss, endpoint.as_ref(), peer.map(|peer| &*peer.address), count);
        }
    }
}

/// Tells at the end of the losses that no line has told of.
impl Drop for Losses {
    fn drop(&mut self) {
        for ((loss, endpoint), limiter) in &self.limiters {
            if let Some(count) = limiter.rest() {
                tell(*loss, endpoint.as_ref(), None, count);
            }
        }
    }
}

fn tell(loss: Loss, endpoint: Option<&Endpoint>, address: Option<&str>, count: u64) {
    warn!(endpoint = endpoint.map(tracing::field::display), address, count, "{}", loss.text());
}
