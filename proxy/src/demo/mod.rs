//! The brokers with something to do: producers and consumers, clients and servers of our own, that print
//! what flows through the broker over TCP, as with any other program.

mod mq;
mod slb;

pub(crate) use mq::mq;
pub(crate) use slb::slb;

use enfonet_patterns::Endpoint;

use crate::StartError;

/// The endpoint that the demo's own programs connect to.
fn first(endpoints: &[Endpoint]) -> Endpoint {
    endpoints[0].clone()
}

/// Runs the programs beside the broker, until it stops or one of them fails.
async fn beside<B, P>(
    broker: impl Future<Output = B>,
    programs: impl Future<Output = Result<P, StartError>>,
) -> Outcome {
    tokio::select! {
        outcome = programs => outcome.map(drop),
        _ = broker => Ok(()),
    }
}

/// What may end a demo but the signal: a socket that can't be connected.
type Outcome = Result<(), StartError>;
