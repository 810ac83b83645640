//! PUB and SUB.

use std::time::{Duration, Instant};

use enfonet::auth::Security;
use enfonet::{Endpoint, Options, Pub, Sub};
use enfonet_measure::{Outcome, Window};

use crate::end::End;

pub(crate) async fn sub(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    seconds: u64,
    topic: &str,
) -> Outcome {
    let socket = Sub::with_options(Options::default().security(security));
    socket.connect(endpoint)?;
    socket.subscribe(topic);
    socket.recv().await?;
    let mut window = Window::new(Duration::from_secs(seconds));
    while window.count(1) {
        socket.recv().await?;
    }
    window.report(size);
    Ok(())
}

pub(crate) async fn publish(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    seconds: u64,
    end: End,
) -> Outcome {
    let socket = Pub::with_options(Options::default().security(security));
    match end {
        End::Bind => drop(socket.bind(endpoint).await?),
        End::Connect => socket.connect(endpoint)?,
    }
    let body = vec![b'x'; size];
    // Time for subscribers to join, the same in all load programs.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let (begun, mut sent) = (Instant::now(), 0);
    while sent % 256 != 0 || begun.elapsed() < Duration::from_secs(seconds) {
        socket.send(&body[..]).await?;
        sent += 1;
    }
    enfonet_measure::sent(sent);
    socket.close(Duration::ZERO).await;
    Ok(())
}
