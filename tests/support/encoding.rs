//! Messages and commands as bytes, for scripted peers.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Script;

/// A message of these frames.
#[must_use]
pub fn message<T: AsRef<[u8]>>(frames: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, frame) in frames.iter().enumerate() {
        let (more, body) = (u8::from(at + 1 < frames.len()), frame.as_ref());
        match u8::try_from(body.len()) {
            Ok(len) => bytes.extend([more, len]),
            Err(_) => {
                bytes.push(more | 2);
                bytes.extend((body.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(body);
    }
    bytes
}

/// A command of ZMTP 3.1, such as `SUBSCRIBE` with a topic.
///
/// # Panics
/// When it is longer than a short command.
#[must_use]
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![4, 0, u8::try_from(name.len()).expect("a short name")];
    bytes.extend(name.as_bytes());
    bytes.extend(data);
    bytes[1] = u8::try_from(bytes.len() - 2).expect("a short command");
    bytes
}

/// Gives back what comes, as it comes, until the other side ends: a worker that does nothing.
pub fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}

impl Script {
    /// The frames of the next message.
    ///
    /// # Panics
    /// When something else comes.
    pub fn message(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        loop {
            let flags = self.read(1)[0];
            assert_eq!(flags & !3, 0, "a frame of a message");
            let bytes = self.read(if flags & 2 == 0 { 1 } else { 8 });
            let len = bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            frames.push(self.read(len));
            if flags & 1 == 0 {
                return frames;
            }
        }
    }

    /// Waits until the other side has dealt with all that was sent to it: it answers a PING behind that.
    /// Nothing else may be under way from there.
    ///
    /// # Panics
    /// When something else comes.
    pub fn settle(&mut self) {
        self.send(&command("PING", b"\0\0settle"));
        self.expect(&command("PONG", b"settle"));
    }

    /// The next message, if one comes in time and the other side doesn't close instead.
    ///
    /// # Panics
    /// When it isn't whole.
    pub fn message_within(&mut self, time: std::time::Duration) -> Option<Vec<Vec<u8>>> {
        self.has_more(time).then(|| self.message())
    }

    /// Sends no more, and waits until the other side has closed: then it has seen this one go.
    ///
    /// # Panics
    /// When it doesn't close.
    pub fn leave(mut self) {
        self.finish();
        self.expect_close();
    }
}
