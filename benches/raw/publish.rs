//! A publisher.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use enfonet_measure::Outcome;

use crate::wire;

/// Bytes of a write.
const CHUNK_BYTES: usize = 1 << 17;
/// Time between two readings of the clock, at a fixed rate.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// Prepared messages, which differ in their numbers only.
#[derive(Debug)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
    /// Bytes of a message.
    size: usize,
    /// Position of the number in a message.
    number_at: Option<usize>,
    sent: usize,
}

impl Messages {
    pub(crate) fn new(size: usize, topic: &str, sequence: bool) -> Outcome<Self> {
        if size < topic.len() + if sequence { 8 } else { 0 } {
            return Err("no room for the topic".into());
        }
        let mut body = topic.as_bytes().to_vec();
        body.resize(size, b'x');
        let mut bytes = Vec::new();
        wire::frame(&mut bytes, false, &body);
        let (message, messages) = (bytes.len(), (CHUNK_BYTES / bytes.len()).max(1));
        let number_at = sequence.then_some(message - size + topic.len());
        Ok(Self { bytes: bytes.repeat(messages), size: message, number_at, sent: 0 })
    }

    /// Writes `messages` messages, but no more than fit into a write.
    fn write(&mut self, stream: &mut impl Write, messages: usize) -> std::io::Result<()> {
        let messages = messages.min(self.bytes.len() / self.size);
        let run = &mut self.bytes[..messages * self.size];
        if let Some(at) = self.number_at {
            for (number, message) in (self.sent as u64..).zip(run.chunks_exact_mut(self.size)) {
                message[at..at + 8].copy_from_slice(&number.to_be_bytes());
            }
        }
        stream.write_all(run)?;
        self.sent += messages;
        Ok(())
    }
}

pub(crate) fn run(
    endpoint: SocketAddr,
    mut messages: Messages,
    rate: Option<f64>,
    [pause, time]: [Duration; 2],
) -> Outcome {
    let mut stream = wire::connect(endpoint, "PUB")?;
    let mut reader = stream.try_clone()?;
    // Reads and ignores subscriptions.
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while reader.read(&mut bytes).is_ok_and(|read| read > 0) {}
    });
    std::thread::sleep(pause);
    let begun = Instant::now();
    while begun.elapsed() < time {
        let Some(rate) = rate else {
            messages.write(&mut stream, usize::MAX)?;
            continue;
        };
        match ((begun.elapsed().as_secs_f64() * rate) as usize).saturating_sub(messages.sent) {
            0 => std::thread::sleep(CLOCK_CHECK_INTERVAL),
            due => messages.write(&mut stream, due)?,
        }
    }
    println!("sentrate={:.0}", messages.sent as f64 / begun.elapsed().as_secs_f64());
    // Keeps the connection open: closing it would cut off the subscribers' last messages.
    std::thread::sleep(time);
    Ok(())
}
