//! Messages and commands as bytes, for scripted peers.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::Script;

/// Returns a message of these frames in wire form.
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

/// Returns a ZMTP 3.1 command in wire form, such as `SUBSCRIBE` with a topic.
///
/// # Panics
/// When the command doesn't fit into a short frame.
#[must_use]
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![4, 0, u8::try_from(name.len()).expect("a short name")];
    bytes.extend(name.as_bytes());
    bytes.extend(data);
    bytes[1] = u8::try_from(bytes.len() - 2).expect("a short command");
    bytes
}

/// Sends received bytes back until the other side ends, as an idle worker would.
pub fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}

impl Script {
    /// Receives the frames of the next message.
    ///
    /// # Panics
    /// When anything else arrives.
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

    /// Waits until the other side has processed everything sent to it, by a PING and its PONG.
    /// The other side may send nothing else meanwhile.
    ///
    /// # Panics
    /// When anything else arrives.
    pub fn settle(&mut self) {
        self.send(&command("PING", b"\0\0settle"));
        self.expect(&command("PONG", b"settle"));
    }

    /// Receives the next message, if one arrives in time and the other side doesn't close.
    ///
    /// # Panics
    /// When the message isn't whole.
    pub fn message_within(&mut self, time: std::time::Duration) -> Option<Vec<Vec<u8>>> {
        self.has_more(time).then(|| self.message())
    }

    /// Closes the sending half, and waits until the other side has closed, so that it has noticed the disconnect.
    ///
    /// # Panics
    /// When the other side doesn't close.
    pub fn leave(mut self) {
        self.finish();
        self.expect_close();
    }
}
