//! Crowds: many connections, and many subscriptions.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use enfonet_measure::Outcome;

use crate::curve::{self, Client};
use crate::wire;

/// Number of handshakes at a time.
const CONCURRENT_HANDSHAKES: usize = 64;
/// Bytes of subscriptions in one write.
const CHUNK_BYTES: usize = 1 << 16;

/// Opens `count` connections, and returns them with the time taken. `then` gives the bytes that the n-th connection
/// sends after its handshake.
pub(crate) fn connect_all(
    endpoint: SocketAddr,
    kind: &str,
    count: usize,
    then: impl Fn(usize) -> Vec<u8>,
) -> io::Result<(Vec<TcpStream>, Duration)> {
    let begun = Instant::now();
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        let begin = streams.len();
        for _ in begin..count.min(begin + CONCURRENT_HANDSHAKES) {
            streams.push(wire::start_handshake(endpoint, kind)?);
        }
        for (number, stream) in (begin..).zip(&mut streams[begin..]) {
            wire::finish_handshake(stream)?;
            stream.write_all(&then(number))?;
        }
    }
    Ok((streams, begun.elapsed()))
}

/// Opens connections as [`connect_all`] does, with CURVE.
fn connect_all_encrypted(
    endpoint: SocketAddr,
    kind: &str,
    count: usize,
    then: impl Fn(usize) -> Vec<u8>,
) -> Outcome<(Vec<TcpStream>, Duration)> {
    let begun = Instant::now();
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        let begin = streams.len();
        let clients = (begin..count.min(begin + CONCURRENT_HANDSHAKES))
            .map(|_| Client::start_handshake(endpoint, kind));
        let clients = clients.collect::<Outcome<Vec<_>>>()?;
        streams.extend(curve::handshake(clients, |number| then(begin + number))?);
    }
    Ok((streams, begun.elapsed()))
}

pub(crate) fn conns(endpoint: SocketAddr, kind: &str, count: usize, time: Duration, curve: bool) -> Outcome {
    let then = |number| {
        let mut bytes = Vec::new();
        if kind == "SUB" {
            wire::subscription(&mut bytes, &format!("t{number}."));
        }
        bytes
    };
    let (streams, took) = if curve {
        connect_all_encrypted(endpoint, kind, count, then)?
    } else {
        connect_all(endpoint, kind, count, then)?
    };
    println!("up={} s={:.6}", streams.len(), took.as_secs_f64());
    std::thread::sleep(time);
    Ok(())
}

pub(crate) fn topics(endpoint: SocketAddr, count: usize, time: Duration, peers: usize) -> Outcome {
    let (mut streams, _) = connect_all(endpoint, "SUB", peers, |_| Vec::new())?;
    let begun = Instant::now();
    for (peer, stream) in streams.iter_mut().enumerate() {
        let mut bytes = Vec::new();
        for number in (peer..count).step_by(peers) {
            wire::subscription(&mut bytes, &format!("cold.{number}."));
            if bytes.len() >= CHUNK_BYTES {
                stream.write_all(&bytes)?;
                bytes.clear();
            }
        }
        stream.write_all(&bytes)?;
    }
    println!("up={count} s={:.3}", begun.elapsed().as_secs_f64());
    std::thread::sleep(time);
    Ok(())
}
