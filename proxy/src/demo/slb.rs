//! Two clients, EnfoSLB, two servers.

use std::time::Duration;

use enfonet_patterns::{Rep, Req};

use super::{Outcome, beside, first};
use crate::slb::Broker;
use crate::{Config, Endpoints};

const PACE: Duration = Duration::from_millis(400);

/// Runs the broker with clients and servers until `shutdown` is ready.
pub(crate) async fn slb(
    config: Config,
    ready: impl FnOnce(&Endpoints),
    shutdown: impl Future<Output = ()>,
) -> Outcome {
    let broker = Broker::bind(config).await?;
    let at = broker.endpoints().clone();
    ready(&at);
    let programs = async {
        tokio::try_join!(client(&at, "ann", 3), client(&at, "bob", 7), server(&at, "one"), server(&at, "two"))
    };
    beside(broker.run(shutdown), programs).await
}

async fn client(at: &Endpoints, name: &str, step: u64) -> Outcome {
    let client = Req::new();
    client.connect(first(&at.frontend))?;
    for n in (0..).step_by(step as usize) {
        tokio::time::sleep(PACE).await;
        let Ok(reply) = client.request(format!("{n}")).await else {
            break;
        };
        println!("client {name}: {n}² = {}", String::from_utf8_lossy(reply.first()));
    }
    Ok(())
}

async fn server(at: &Endpoints, name: &str) -> Outcome {
    let server = Rep::new();
    server.connect(first(&at.backend))?;
    while let Ok(request) = server.recv().await {
        let number: u64 = String::from_utf8_lossy(request.message().first()).parse().unwrap_or_default();
        println!("{:>34} server {name} is asked for {number}²", "");
        let _ = request.reply(number.pow(2).to_string());
    }
    Ok(())
}
