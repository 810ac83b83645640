//! Requests and replies.

use std::time::{Duration, Instant};

use enfonet::auth::Security;
use enfonet::{Dealer, Endpoint, Options, Rep, Req, Router};
use enfonet_measure::{Latencies, Outcome};

use crate::end::End;
use crate::timed::join;

/// Number of requests before the measurement, until caches and buffers are warm.
pub(crate) const WARM_UP_REQUESTS: usize = 1000;

pub(crate) async fn rep(endpoint: Endpoint, security: Security, end: End) -> Outcome {
    let socket = Rep::with_options(Options::default().security(security));
    join!(socket, endpoint, end);
    loop {
        let request = socket.recv().await?;
        let reply = request.message().clone();
        request.reply(reply)?;
    }
}

pub(crate) async fn req(endpoint: Endpoint, security: Security, size: usize, count: usize) -> Outcome {
    let socket = Req::with_options(Options::default().security(security));
    socket.connect(endpoint)?;
    let body = vec![b'x'; size];
    for _ in 0..WARM_UP_REQUESTS {
        socket.request(&body[..]).await?;
    }
    let mut latencies = Latencies::of(count);
    for _ in 0..count {
        let begun = Instant::now();
        let reply = socket.request(&body[..]).await?;
        latencies.add(begun.elapsed());
        assert_eq!(reply.first().len(), size);
    }
    latencies.report();
    Ok(())
}

pub(crate) async fn router(endpoint: Endpoint, security: Security) -> Outcome {
    let socket = Router::with_options(Options::default().security(security));
    socket.bind(endpoint).await?;
    loop {
        let (peer, message) = socket.recv().await?;
        socket.send_to(peer, message).await?;
    }
}

pub(crate) async fn dealer(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    count: usize,
    window: usize,
) -> Outcome {
    let socket = Dealer::with_options(Options::default().security(security));
    socket.connect(endpoint)?;
    let body = vec![b'x'; size];
    let (mut sent, mut received, begun) = (0, 0, Instant::now());
    while received < count {
        while sent < count && sent - received < window {
            socket.send([&b""[..], &body[..]]).await?;
            sent += 1;
        }
        assert_eq!(socket.recv().await?.len(), 2);
        received += 1;
    }
    enfonet_measure::rate(count, size, begun.elapsed());
    socket.close(Duration::ZERO).await;
    Ok(())
}
