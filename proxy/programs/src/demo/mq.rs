//! Demo of EnfoMQ: two producers and two consumers.

use std::time::Duration;

use enfonet::{Message, Pub, Sub};
use enfonet_proxy::Endpoints;

use super::run::{Outcome, first, run_beside, show};

/// Time between two messages of a producer.
const PERIOD: Duration = Duration::from_millis(400);

/// Runs producers and consumers beside the broker, until it has stopped.
pub(crate) async fn mq<B>(at: &Endpoints, broker: impl Future<Output = B>) -> Outcome {
    let programs = async {
        tokio::try_join!(
            producer(at, "lisbon", 21.0),
            producer(at, "porto", 17.0),
            consumer(at, "all", ""),
            consumer(at, "porto only", "weather.porto"),
        )
    };
    run_beside(broker, programs).await
}

async fn producer(at: &Endpoints, city: &str, start: f64) -> Outcome {
    let publisher = Pub::new();
    publisher.connect(first(&at.frontend))?;
    let topic = format!("weather.{city}");
    for n in 0.. {
        tokio::time::sleep(PERIOD).await;
        let degrees = format!("{:.1}", start + f64::from(n % 40) / 10.0);
        show!("producer {topic:<15} ── {degrees} ──►");
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
        show!("{:>41} consumer {name:<11} {}", "──►", text(&message));
    }
    Ok(())
}

fn text(message: &Message) -> String {
    message.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect::<Vec<_>>().join(" ")
}
