//! PUB and SUB.

use std::time::Duration;

use enfonet::auth::Security;
use enfonet::{Endpoint, Options, Pub, Sub};
use enfonet_measure::Outcome;

use crate::end::End;
use crate::timed::{count_for, join, send_for};

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
    count_for(&socket, size, seconds).await
}

pub(crate) async fn publish(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    seconds: u64,
    end: End,
) -> Outcome {
    let socket = Pub::with_options(Options::default().security(security));
    join!(socket, endpoint, end);
    let body = vec![b'x'; size];
    send_for(seconds, || socket.send(&body[..])).await?;
    socket.close(Duration::ZERO).await;
    Ok(())
}
