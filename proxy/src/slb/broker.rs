//! A broker's state, and how it is bound.

use std::collections::VecDeque;

use enfonet::{Dealer, Message, Options, PeerId, Router};

use super::bundle::Bundle;
use super::loss_log::LossLog;
use super::raw_requests::RawRequests;
use super::rep_requests::RepRequests;
use super::workers::{WorkerKind, Workers};
use crate::config::{Config, Endpoints, Side, attach};
use crate::error::StartError;
use crate::tuning::{CLIENT_QUEUE_MESSAGES, SLB_QUEUE_BYTES, WORKER_HEARTBEAT};

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
    pub(super) frontend: Router,
    pub(super) backend: Dealer,
    pub(super) endpoints: Endpoints,
    pub(super) config: Config,
    pub(super) workers: Workers,
    /// Requests that REP workers have.
    pub(super) rep: RepRequests,
    /// Requests that came back from a worker that went, or was full, or that no worker is left for; oldest first.
    pub(super) requeued: VecDeque<(PeerId, Message)>,
    /// Requests that DEALER and ROUTER workers have.
    pub(super) raw: RawRequests,
    /// Messages that are about to be sent to one peer; empty otherwise.
    pub(super) bundle: Bundle,
    pub(super) loss_log: LossLog,
    pub(super) summary: Summary,
}

impl Broker {
    /// Listens at, and connects to, all endpoints.
    ///
    /// # Errors
    /// [`StartError`]: an endpoint is in use, or refused by the system.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let options = |side: &Side, heartbeat| {
            side.socket_options(heartbeat).send_hwm(0).send_bytes(SLB_QUEUE_BYTES).recv_bytes(SLB_QUEUE_BYTES)
        };
        let clients = options(&config.frontend, None).recv_hwm(CLIENT_QUEUE_MESSAGES);
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

    /// Where it is.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }
}

/// Tokens.
impl Broker {
    /// The client that the first frame of a worker's message stands for. A token is used up by that.
    pub(super) fn undo_dispatch(&mut self, first: &[u8], worker: PeerId, kind: WorkerKind) -> Option<PeerId> {
        match kind {
            WorkerKind::Rep => self.rep.remove(first, worker).map(|request| request.client),
            WorkerKind::Raw => self.frontend.find(first).inspect(|client| self.raw.remove(worker, *client)),
        }
    }
}
