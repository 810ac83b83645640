//! Requests and replies.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use enfonet_measure::{Latencies, Outcome};

use crate::wire::{self, Records, request};

/// Number of requests before the measurement, until caches and buffers are warm.
const WARM_UP_REQUESTS: usize = 1000;

pub(crate) fn rep(endpoint: SocketAddr) -> Outcome {
    let mut stream = wire::connect(endpoint, "REP")?;
    println!("up=1");
    let mut bytes = vec![0; 1 << 17];
    loop {
        // A reply has the frames of its request, so the bytes are echoed without parsing.
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            read => stream.write_all(&bytes[..read])?,
        }
    }
}

pub(crate) fn req(endpoint: SocketAddr, size: usize, count: usize) -> Outcome {
    let mut stream = wire::connect(endpoint, "REQ")?;
    let (bytes, mut records) = (request(&vec![b'x'; size]), Records::new(size, true));
    let mut exchange = || -> Outcome {
        stream.write_all(&bytes)?;
        let mut replies = 0;
        while replies == 0 {
            let read = stream.read(records.space())?;
            records.cut(read, |_| {
                replies += 1;
                Ok(())
            })?;
        }
        Ok(())
    };
    for _ in 0..WARM_UP_REQUESTS {
        exchange()?;
    }
    let mut latencies = Latencies::of(count);
    for _ in 0..count {
        let begun = Instant::now();
        exchange()?;
        latencies.add(begun.elapsed());
    }
    latencies.report();
    Ok(())
}

pub(crate) fn dealer(endpoint: SocketAddr, size: usize, count: usize, window: usize) -> Outcome {
    let mut stream = wire::connect(endpoint, "DEALER")?;
    let one = request(&vec![b'x'; size]);
    let bytes = one.repeat(window);
    let (mut records, mut sent, mut received) = (Records::new(size, true), 0, 0);
    let begun = Instant::now();
    while received < count {
        let due = (received + window).min(count) - sent;
        stream.write_all(&bytes[..due * one.len()])?;
        sent += due;
        let read = stream.read(records.space())?;
        records.cut(read, |_| {
            received += 1;
            Ok(())
        })?;
    }
    enfonet_measure::rate(count, size, begun.elapsed());
    Ok(())
}
