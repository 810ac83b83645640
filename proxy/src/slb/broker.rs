//! State of a broker, and its start.

use std::collections::VecDeque;

use enfonet::peer::PeerId;
use enfonet::{Dealer, Message, Options, Router};

use super::bundle::Bundle;
use super::loss_log::LossLog;
use super::raw_requests::RawRequests;
use super::rep_requests::RepRequests;
use super::workers::{WorkerKind, Workers};
use crate::config::{Config, Endpoints, Handover, Side, attach};
use crate::error::StartError;
use crate::peers::Peers;
use crate::tuning::{CLIENT_QUEUE_MESSAGES, SLB_QUEUE_BYTES, WORKER_HEARTBEAT};

/// Counters of a broker, from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Requests sent to workers.
    pub requests: u64,
    /// Replies sent to clients.
    pub replies: u64,
    /// Requests without an empty frame before the body. The broker drops them, as a REP worker would.
    pub malformed: u64,
    /// Requests for DEALER and ROUTER workers from clients that had disconnected. They have no identity that could
    /// precede the request.
    pub abandoned: u64,
    /// Requests that a worker had when it disconnected.
    pub lost: u64,
    /// Requests that workers had not answered when the stop ended.
    pub unanswered: u64,
    /// Requests that were read, but not sent to a worker before the stop ended.
    pub unserved: u64,
    /// Replies that answer no request, or whose client had disconnected or had no room.
    pub undeliverable: u64,
}

/// A broker that listens. It forwards once it [runs](Self::run).
#[derive(Debug)]
pub struct Broker {
    pub(super) frontend: Router,
    pub(super) backend: Dealer,
    pub(super) endpoints: Endpoints,
    pub(super) config: Config,
    pub(super) workers: Workers,
    /// Requests that REP workers have.
    pub(super) rep: RepRequests,
    /// Requests that a full or departed worker didn't get, or that no worker had credit for; oldest first.
    pub(super) requeued: VecDeque<(PeerId, Message)>,
    /// Requests that DEALER and ROUTER workers have.
    pub(super) raw: RawRequests,
    /// Messages that are about to be sent to one peer. Empty between two sends, and kept for its allocations.
    pub(super) bundle: Bundle,
    pub(super) loss_log: LossLog,
    pub(super) summary: Summary,
}

impl Broker {
    /// Binds and connects to all endpoints.
    ///
    /// # Errors
    /// [`StartError`] if an endpoint is in use, or the system rejects it.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let options = |side: &Side, heartbeat| {
            let bytes = side.queue_bytes.unwrap_or(SLB_QUEUE_BYTES);
            side.socket_options(heartbeat).send_hwm(0).send_bytes(bytes).recv_bytes(bytes)
        };
        let clients = options(&config.frontend, None)
            .recv_hwm(CLIENT_QUEUE_MESSAGES)
            .handover_to_same_user(config.frontend.handover == Handover::User);
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
            rep: RepRequests::new(),
            requeued: VecDeque::new(),
            raw: RawRequests::default(),
            bundle: Bundle::default(),
            loss_log: LossLog::default(),
            summary: Summary::default(),
        })
    }

    /// Returns the endpoints, with hosts and ports resolved.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Returns a handle to the broker's peers.
    #[must_use]
    pub fn peers(&self) -> Peers {
        Peers::new(std::slice::from_ref(&self.frontend), std::slice::from_ref(&self.backend))
    }

    /// Removes a request that its worker didn't get from the requests in flight, and returns its client. `first` is the
    /// frame that stands for the client.
    pub(super) fn undo_dispatch(&mut self, first: &[u8], worker: PeerId, kind: WorkerKind) -> Option<PeerId> {
        match kind {
            WorkerKind::Rep => self.rep.remove(first, worker).map(|request| request.client),
            WorkerKind::Raw => self.frontend.find(first).inspect(|client| self.raw.remove(worker, *client)),
        }
    }
}
