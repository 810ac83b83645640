//! PUSH and PULL: a stream of messages in one direction.

use std::iter::repeat_n;
use std::time::{Duration, Instant};

use enfonet::auth::Security;
use enfonet::message::Batch;
use enfonet::{Endpoint, Options, Pull, Push};
use enfonet_measure::Outcome;

use crate::end::End;
use crate::timed::{count_for, join, send_for};

/// Number of messages in a batch that is sent.
const BATCH_MESSAGES: usize = 256;
/// Maximum time to send the queued messages at the end.
const LINGER: Duration = Duration::from_secs(60);

pub(crate) async fn pull(
    endpoint: Endpoint,
    more: &[Endpoint],
    security: Security,
    size: usize,
    count: usize,
) -> Outcome {
    let socket = Pull::with_options(Options::default().security(security));
    if more.is_empty() {
        socket.bind(endpoint).await?;
    } else {
        socket.connect(endpoint)?;
        more.iter().try_for_each(|endpoint| socket.connect(endpoint))?;
        socket.wait_connected(1 + more.len()).await;
    }
    assert_eq!(socket.recv().await?.first().len(), size);
    let begun = Instant::now();
    let mut bytes = 0;
    for _ in 1..count {
        bytes += socket.recv().await?.first().len();
    }
    let time = begun.elapsed();
    assert_eq!(bytes, size * (count - 1));
    enfonet_measure::rate(count - 1, size, time);
    Ok(())
}

pub(crate) async fn push(
    endpoint: Endpoint,
    more: &[Endpoint],
    security: Security,
    size: usize,
    count: usize,
) -> Outcome {
    let socket = Push::with_options(Options::default().security(security));
    socket.connect(endpoint)?;
    more.iter().try_for_each(|endpoint| socket.connect(endpoint))?;
    socket.wait_connected(1 + more.len()).await;
    let body = vec![b'x'; size];
    for _ in 0..count {
        socket.send(&body[..]).await?;
    }
    enfonet_measure::sent(count);
    socket.close(LINGER).await;
    Ok(())
}

/// Runs a PULL for some seconds.
pub(crate) async fn pull_for(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    seconds: u64,
    end: End,
) -> Outcome {
    let socket = Pull::with_options(Options::default().security(security));
    join!(socket, endpoint, end);
    count_for(&socket, size, seconds).await
}

/// Runs a PUSH for some seconds.
pub(crate) async fn push_for(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    seconds: u64,
    end: End,
) -> Outcome {
    let socket = Push::with_options(Options::default().security(security));
    join!(socket, endpoint, end);
    let body = vec![b'x'; size];
    send_for(seconds, || socket.send(&body[..])).await?;
    socket.close(Duration::ZERO).await;
    Ok(())
}

pub(crate) async fn pull_batches(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    count: usize,
) -> Outcome {
    let socket = Pull::with_options(Options::default().security(security));
    socket.bind(endpoint).await?;
    assert_eq!(socket.recv().await?.first().len(), size);
    let begun = Instant::now();
    let (mut messages, mut bytes) = (1, 0);
    while messages < count {
        let (_, batch) = socket.recv_batch(usize::MAX).await?;
        messages += batch.len();
        bytes += batch.into_iter().map(|message| message.first().len()).sum::<usize>();
    }
    let time = begun.elapsed();
    assert_eq!(bytes, size * (messages - 1));
    enfonet_measure::rate(messages - 1, size, time);
    Ok(())
}

pub(crate) async fn push_batches(
    endpoint: Endpoint,
    security: Security,
    size: usize,
    count: usize,
) -> Outcome {
    let socket = Push::with_options(Options::default().security(security));
    socket.connect(endpoint)?;
    let body = vec![b'x'; size];
    let mut left = count;
    while left > 0 {
        let messages = left.min(BATCH_MESSAGES);
        let mut batch: Batch = repeat_n(&body[..], messages).collect();
        socket.send_batch(&mut batch).await?;
        left -= messages;
    }
    enfonet_measure::sent(count);
    socket.close(LINGER).await;
    Ok(())
}
