//! Roles of the load programs.

use std::time::{Duration, Instant};

use bytes::Bytes;
use enfonet_measure::{Latencies, Outcome, Window, rate};

use crate::library::{End, Socket};

/// Number of requests before the measurement, until caches and buffers are warm.
const WARM_UP_REQUESTS: usize = 1000;

fn body(size: usize) -> Bytes {
    Bytes::from(vec![b'x'; size])
}

/// Binds for a number of peers, or connects.
async fn join(socket: &mut impl Socket, endpoint: &str, (end, peers): (End, usize)) -> Outcome {
    match end {
        End::Bind => socket.bind_for(endpoint, peers).await,
        End::Connect => socket.connect(endpoint).await,
    }
}

pub(crate) async fn pull(mut socket: impl Socket, endpoint: &str, size: usize, count: usize) -> Outcome {
    socket.bind(endpoint).await?;
    assert_eq!(socket.recv().await?, size);
    let begun = Instant::now();
    let mut bytes = 0;
    for _ in 1..count {
        bytes += socket.recv().await?;
    }
    let time = begun.elapsed();
    assert_eq!(bytes, size * (count - 1));
    rate(count - 1, size, time);
    Ok(())
}

pub(crate) async fn push(mut socket: impl Socket, endpoint: &str, size: usize, count: usize) -> Outcome {
    socket.connect(endpoint).await?;
    let body = body(size);
    for _ in 0..count {
        socket.send(&body).await?;
    }
    enfonet_measure::sent(count);
    socket.flush().await
}

pub(crate) async fn sub(
    mut socket: impl Socket,
    endpoint: &str,
    size: usize,
    seconds: u64,
    topic: &str,
) -> Outcome {
    socket.connect(endpoint).await?;
    socket.subscribe(topic).await?;
    count(socket, size, seconds).await
}

/// Receives for some time from the first message on, and prints the rate.
pub(crate) async fn count_for(
    mut socket: impl Socket,
    endpoint: &str,
    size: usize,
    seconds: u64,
    end: (End, usize),
) -> Outcome {
    join(&mut socket, endpoint, end).await?;
    count(socket, size, seconds).await
}

async fn count(mut socket: impl Socket, size: usize, seconds: u64) -> Outcome {
    socket.recv().await?;
    let mut window = Window::new(Duration::from_secs(seconds));
    while window.count(1) {
        socket.recv().await?;
    }
    window.report(size);
    Ok(())
}

/// Sends for some time.
pub(crate) async fn send_for(
    mut socket: impl Socket,
    endpoint: &str,
    size: usize,
    seconds: u64,
    end: (End, usize),
) -> Outcome {
    join(&mut socket, endpoint, end).await?;
    let body = body(size);
    // Time for peers to join, the same in all load programs.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut window = Window::new(Duration::from_secs(seconds));
    // Some libraries fail when the receiver has counted enough and is gone.
    while socket.send(&body).await.is_ok() && window.count(1) {}
    window.report_sent();
    Ok(())
}

/// Runs a REP or a ROUTER, which sends every message back.
pub(crate) async fn echo(mut socket: impl Socket, endpoint: &str, end: End) -> Outcome {
    join(&mut socket, endpoint, (end, 1)).await?;
    loop {
        socket.recv().await?;
        socket.echo().await?;
    }
}

pub(crate) async fn req(mut socket: impl Socket, endpoint: &str, size: usize, count: usize) -> Outcome {
    socket.connect(endpoint).await?;
    let body = body(size);
    for _ in 0..WARM_UP_REQUESTS {
        socket.send(&body).await?;
        socket.recv().await?;
    }
    let mut latencies = Latencies::of(count);
    for _ in 0..count {
        let begun = Instant::now();
        socket.send(&body).await?;
        let received = socket.recv().await?;
        latencies.add(begun.elapsed());
        assert_eq!(received, size);
    }
    latencies.report();
    Ok(())
}

pub(crate) async fn dealer(
    mut socket: impl Socket,
    endpoint: &str,
    size: usize,
    count: usize,
    window: usize,
) -> Outcome {
    socket.connect(endpoint).await?;
    let body = body(size);
    let (mut sent, mut received, begun) = (0, 0, Instant::now());
    while received < count {
        while sent < count && sent - received < window {
            socket.ask(&body).await?;
            sent += 1;
        }
        assert_eq!(socket.recv().await?, size);
        received += 1;
    }
    rate(count, size, begun.elapsed());
    Ok(())
}
