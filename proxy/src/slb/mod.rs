//! EnfoSLB: clients → ROUTER │ DEALER → workers.
//!
//! ```text
//!   client              broker                          worker (REP)
//!   [… | "" | body] ──► picks a worker, adds a token ──► [token | … | "" | body]
//!   [… | "" | reply] ◄── finds the client by the token ◄── [token | … | "" | reply]
//! ```
//!
//! A REP worker returns the frames before the body unchanged. So the broker puts a token there instead of the client's
//! identity: it knows which worker has which request, and no worker can reply to another worker's request. DEALER and
//! ROUTER workers (raw workers) get the client's identity, as from any ROUTER/DEALER proxy, and may send any number of
//! replies.
//!
//! Requests wait in the inboxes of their clients, not in the broker. The broker takes as many as the workers have
//! credit for, from each client in turn, and stops reading a client whose inbox is full. So a worker that joins later
//! gets a share of the backlog at once, and a client that sends much doesn't keep others out.
//!
//! Requests that a leaving worker can't have received go to another worker. Requests that it had are lost, as in
//! libzmq: the broker can't know whether they were carried out.
//!
//! Modules from the bottom up: `credit`, then `workers`, `rep_requests`, `raw_requests`, `bundle` and `loss_log`, then
//! `broker` (the state), `requests` and `replies`, `serve` (the loop), `stop`, and this one.

mod broker;
mod bundle;
mod credit;
mod loss_log;
mod raw_requests;
mod rep_requests;
mod replies;
mod requests;
mod serve;
mod stop;
mod workers;

use std::pin::pin;

pub use broker::{Broker, Summary};

use crate::config::{Config, Endpoints};
use crate::error::StartError;

/// Binds a broker and runs it until `shutdown` is ready. Calls `ready` with the endpoints once the broker listens.
///
/// # Errors
/// [`StartError`] if an endpoint can't be bound or connected to.
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
    /// Forwards until `shutdown` is ready, then stops.
    ///
    /// A stop serves each client until it has no request pending, and closes its connection at that moment. After
    /// half of the configured [grace](Config::grace) the broker stops reading clients, and sends them the replies to
    /// the requests that it has read.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Summary {
        self.run_until(shutdown, std::future::pending()).await
    }

    /// Does the same as [`run`](Self::run), but when `abort` is ready, it ends a stop in progress at once.
    pub async fn run_until(
        mut self,
        shutdown: impl Future<Output = ()>,
        abort: impl Future<Output = ()>,
    ) -> Summary {
        tokio::select! {
            biased;
            () = shutdown => {}
            () = self.forward() => {}
        }
        self.stop(pin!(abort)).await
    }
}

#[cfg(test)]
mod tests;
