//! A relay that adds latency between two ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A TCP relay that delays every byte, as a long network does: the throughput stays, and all bytes arrive
/// later. The relay ends with its connection.
#[derive(Debug)]
pub struct LatencyRelay {
    endpoint: String,
}

impl LatencyRelay {
    /// Accepts one connection at its own port, and relays it to a `tcp://` endpoint with a round trip of `distance`.
    ///
    /// # Panics
    /// When the system has no free port.
    #[must_use]
    pub fn start(to: &str, distance: Duration) -> Self {
        let to = to.strip_prefix("tcp://").expect("a tcp endpoint").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (near, _) = listener.accept().expect("a connection");
            let far = TcpStream::connect(to).expect("the other end listens");
            for (from, to) in [(&near, &far), (&far, &near)] {
                from.set_nodelay(true).expect("an open stream");
                carry(from.try_clone().expect("a handle"), to.try_clone().expect("a handle"), distance / 2);
            }
        });
        Self { endpoint }
    }

    /// Returns the endpoint to connect to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// Copies bytes from one stream to another, each `delay` later.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (send, under_way) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        for (due, bytes) in under_way {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if send.send((Instant::now() + delay, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
}
