//! A relay between TCP peers, which records the bytes of the accepting end on each connection.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::DEADLINE;

/// A listener that relays each connection to another endpoint, byte by byte.
#[derive(Debug)]
pub struct Relay {
    /// Endpoint of the listener.
    pub endpoint: String,
    ended: Receiver<Vec<u8>>,
    is_over: Arc<AtomicBool>,
}

impl Relay {
    /// Relays to a `tcp://` endpoint.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn to(endpoint: &str) -> Self {
        let target = endpoint.strip_prefix("tcp://").expect("a tcp endpoint").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
        let (is_over, (sender, ended)) = (Arc::new(AtomicBool::new(false)), channel());
        let stop = is_over.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(far) = TcpStream::connect(&target) else { continue };
                relay(stream, far, sender.clone());
            }
        });
        Self { endpoint, ended, is_over }
    }

    /// Waits until a connection has ended, and returns all that the accepting end has sent on it.
    ///
    /// # Panics
    /// When none ends in time.
    #[must_use]
    pub fn ended(&self) -> Vec<u8> {
        self.ended.recv_timeout(DEADLINE).expect("a connection ends")
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread, which waits for a connection.
        let _ = TcpStream::connect(self.endpoint.trim_start_matches("tcp://"));
    }
}

fn relay(near: TcpStream, far: TcpStream, ended: Sender<Vec<u8>>) {
    let copies = near.try_clone().and_then(|near| Ok((near, far.try_clone()?)));
    let (near_copy, far_copy) = copies.expect("a copy of a socket");
    std::thread::spawn(move || copy(near_copy, far_copy));
    std::thread::spawn(move || ended.send(copy(far, near)));
}

/// Relays bytes until the end, and returns them.
fn copy(mut from: TcpStream, mut to: TcpStream) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        all.extend_from_slice(&buffer[..len]);
        if to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    all
}
