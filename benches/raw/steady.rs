//! Requests at a fixed rate, independent of replies. A request that waits delays the requests behind it, and their
//! times show it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use enfonet_measure::{Latencies, Outcome};

use crate::wire::{self, Records, request};

/// Time before the measurement, until caches and buffers are warm.
const WARM_UP_TIME: Duration = Duration::from_millis(300);
/// Silence after which no more replies are expected. It is the time of a request without a reply.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of requests in one write.
const BURST_REQUESTS: usize = 1024;

pub(crate) fn run(endpoint: SocketAddr, size: usize, rate: f64, time: Duration) -> Outcome {
    if size < 8 || rate <= 0.0 {
        return Err("a request has 8 bytes or more, and a rate is above zero".into());
    }
    // Without this, the kernel may delay the end of a sleep by 50 us.
    let _ = std::fs::write("/proc/self/timerslack_ns", "1");
    let mut stream = wire::connect(endpoint, "DEALER")?;
    let reader = stream.try_clone()?;
    let (begun, count) = (Instant::now(), ((WARM_UP_TIME + time).as_secs_f64() * rate) as usize);
    let replies = std::thread::spawn(move || receive(reader, size, count, begun).map_err(|e| e.to_string()));
    let due = |number: usize| Duration::from_secs_f64(number as f64 / rate);
    let one = request(&vec![b'x'; size]);
    let (mut bytes, number_at) = (one.repeat(BURST_REQUESTS), one.len() - size);
    let mut sent = 0;
    while sent < count {
        let now = begun.elapsed();
        let until = ((now.as_secs_f64() * rate) as usize + 1).min(count).min(sent + BURST_REQUESTS);
        if until <= sent {
            std::thread::sleep(due(sent).saturating_sub(now));
            continue;
        }
        let run = &mut bytes[..(until - sent) * one.len()];
        for (number, request) in (sent..until).zip(run.chunks_exact_mut(one.len())) {
            let nanos = due(number).as_nanos() as u64;
            request[number_at..number_at + 8].copy_from_slice(&nanos.to_be_bytes());
        }
        stream.write_all(run)?;
        sent = until;
    }
    replies.join().map_err(|_| "the reader panicked")??.report();
    Ok(())
}

fn receive(mut stream: TcpStream, size: usize, count: usize, begun: Instant) -> Outcome<Latencies> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let (mut records, mut latencies, mut received) = (Records::new(size, true), Latencies::of(count), 0);
    while received < count {
        let read = match stream.read(records.space()) {
            // libzmq's ROUTER drops replies when more than 1,000 wait for a client.
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            read => read?,
        };
        let now = begun.elapsed();
        records.cut(read, |body| {
            received += 1;
            let due = Duration::from_nanos(wire::number(body, 0));
            if due >= WARM_UP_TIME {
                latencies.add(now.saturating_sub(due));
            }
            Ok(())
        })?;
    }
    (received..count).for_each(|_| latencies.add(TIMEOUT));
    Ok(latencies)
}
