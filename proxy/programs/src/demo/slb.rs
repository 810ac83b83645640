//! Demo of EnfoSLB: two clients and two servers.

use std::time::Duration;

use enfonet::{Rep, Req};
use enfonet_proxy::Endpoints;

use super::run::{Outcome, first, run_beside, show};

/// Time between two requests of a client.
const PERIOD: Duration = Duration::from_millis(400);

/// Runs clients and servers beside the broker, until it has stopped.
pub(crate) async fn slb<B>(at: &Endpoints, broker: impl Future<Output = B>) -> Outcome {
    let programs = async {
        tokio::try_join!(client(at, "ann", 3), client(at, "bob", 7), server(at, "one"), server(at, "two"))
    };
    run_beside(broker, programs).await
}

async fn client(at: &Endpoints, name: &str, step: u64) -> Outcome {
    let client = Req::new();
    client.connect(first(&at.frontend))?;
    for n in (0..).step_by(step as usize) {
        tokio::time::sleep(PERIOD).await;
        let Ok(reply) = client.request(format!("{n}")).await else {
            break;
        };
        show!("client {name}: {n}² = {}", String::from_utf8_lossy(reply.first()));
    }
    Ok(())
}

async fn server(at: &Endpoints, name: &str) -> Outcome {
    let server = Rep::new();
    server.connect(first(&at.backend))?;
    while let Ok(request) = server.recv().await {
        let number: u64 = String::from_utf8_lossy(request.message().first()).parse().unwrap_or_default();
        show!("{:>34} server {name} is asked for {number}²", "");
        let _ = request.reply(number.pow(2).to_string());
    }
    Ok(())
}
