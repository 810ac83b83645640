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
    /// Forwards until `shutdown` is ready. Then each client is served on until nothing of it is under way, and its
    /// connection is closed at that moment. At half of the configured [grace](Config::grace) clients are read no more, and
    /// get the replies to what was read.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Summary {
        self.run_until(shutdown, std::future::pending()).await
    }

    /// Forwards and stops as [`run`](Self::run) does, but a stop that has begun ends at once when `abort` is ready.
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
