//! Subscribers.

use std::cell::Cell;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use enfonet_measure::Outcome;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use tokio::task::LocalSet;

use crate::crowd;
use crate::wire::{self, Records};

/// Subscribers to one topic.
#[derive(Debug)]
pub(crate) struct Subscribers {
    pub(crate) endpoint: SocketAddr,
    pub(crate) size: usize,
    pub(crate) topic: String,
    pub(crate) peers: usize,
    pub(crate) sequence: bool,
}

/// Counts of all subscribers together.
#[derive(Debug, Default)]
struct Tally {
    messages: Cell<usize>,
    lost: Cell<u64>,
    begun: Notify,
}

pub(crate) async fn run(subscribers: Subscribers, time: Duration) -> Outcome {
    let number_at = subscribers.sequence.then_some(subscribers.topic.len());
    if number_at.is_some_and(|at| subscribers.size < at + 8) {
        return Err("no room for a number behind the topic".into());
    }
    let mut subscription = Vec::new();
    wire::subscription(&mut subscription, &subscribers.topic);
    let (streams, _) =
        crowd::connect_all(subscribers.endpoint, "SUB", subscribers.peers, |_| subscription.clone())?;
    println!("up={}", streams.len());
    let (tally, tasks) = (Rc::<Tally>::default(), LocalSet::new());
    for stream in streams {
        let (size, tally) = (subscribers.size, Rc::clone(&tally));
        tasks.spawn_local(async move {
            if let Err(error) = subscribe(stream, size, number_at, &tally).await {
                // The counts are worthless if a subscriber is missing.
                eprintln!("raw-load: {error}");
                std::process::exit(1);
            }
        });
    }
    tasks.run_until(report(subscribers.size, number_at.is_some(), time, &tally)).await;
    tasks.await;
    Ok(())
}

async fn subscribe(stream: TcpStream, size: usize, number_at: Option<usize>, tally: &Tally) -> Outcome {
    stream.set_nonblocking(true)?;
    let mut stream = tokio::net::TcpStream::from_std(stream)?;
    let (mut records, mut next) = (Records::new(size, false), None);
    loop {
        let read = stream.read(records.space()).await?;
        let mut messages = 0;
        records.cut(read, |body| {
            messages += 1;
            let Some(at) = number_at else { return Ok(()) };
            let number = wire::number(body, at);
            let lost = number.checked_sub(next.unwrap_or(number));
            let lost = lost.ok_or_else(|| std::io::Error::other(format!("{number} comes too late")))?;
            tally.lost.set(tally.lost.get() + lost);
            next = Some(number + 1);
            Ok(())
        })?;
        if tally.messages.get() == 0 {
            tally.begun.notify_one();
        }
        tally.messages.set(tally.messages.get() + messages);
    }
}

async fn report(size: usize, numbered: bool, time: Duration, tally: &Tally) {
    tally.begun.notified().await;
    let (begun, before) = (Instant::now(), tally.messages.get());
    tokio::time::sleep(time).await;
    enfonet_measure::rate(tally.messages.get() - before, size, begun.elapsed());
    if numbered {
        println!("lost={}", tally.lost.get());
    }
}
