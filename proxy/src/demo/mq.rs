//! Two producers, EnfoMQ, two consumers.

use std::time::Duration;

use enfonet_patterns::{Message, Pub, Sub};

use super::{Outcome, beside, first};
use crate::mq::Broker;
use crate::{Config, Endpoints};

const PACE: Duration = Duration::from_millis(400);

/// Runs the broker with producers and consumers until `shutdown` is ready.
pub(crate) async fn mq(
    config: Config,
    ready: impl FnOnce(&Endpoints),
    shutdown: impl Future<Output = ()>,
) -> Outcome {
    let broker = Broker::bind(config).await?;
    let at = broker.endpoints().clone();
    ready(&at);
    let programs = async {
        tokio::try_join!(
            producer(&at, "lisbon", 21.0),
            producer(&at, "porto", 17.0),
            consumer(&at, "all", ""),
            consumer(&at, "porto only", "weather.porto"),
        )
    };
    beside(broker.run(shutdown), programs).await
}

async fn producer(at: &Endpoints, city: &str, start: f64) -> Outcome {
    let publisher = Pub::new();
    publisher.connect(first(&at.frontend))?;
    let topic = format!("weather.{city}");
    for n in 0.. {
        tokio::time::sleep(PACE).await;
        let degrees = format!("{:.1}", start + f64::from(n % 40) / 10.0);
        println!("producer {topic:<15} ── {degrees} ──►");
        if publisher.send([topic.clone(), degrees]).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn consumer(at: &Endpoints, name: &str, topic: &str) -> Outcome {
    let subscriber = Sub::new();
    subscriber.subscribe(topic);
    subscriber.connect(first(&at.backend))?;
    while let Ok(message) = subscriber.recv().await {
        println!("{:>41} consumer {name:<11} {}", "──►", text(&message));
    }
    Ok(())
}

fn text(message: &Message) -> String {
    message.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect::<Vec<_>>().join(" ")
}
