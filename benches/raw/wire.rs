//! The part of ZMTP 3 with NULL that load needs (RFC 23).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Appends a frame.
pub(crate) fn frame(bytes: &mut Vec<u8>, more: bool, body: &[u8]) {
    header(bytes, if more { MORE } else { 0 }, body.len());
    bytes.extend_from_slice(body);
}

fn header(bytes: &mut Vec<u8>, flags: u8, size: usize) {
    match u8::try_from(size) {
        Ok(size) => bytes.extend([flags, size]),
        Err(_) => {
            bytes.push(flags | LONG);
            bytes.extend((size as u64).to_be_bytes());
        }
    }
}

/// Returns a request: an empty frame, then the body.
pub(crate) fn request(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame(&mut bytes, true, b"");
    frame(&mut bytes, false, body);
    bytes
}

/// Appends a subscription as a message, which every version of ZMTP accepts.
pub(crate) fn subscription(bytes: &mut Vec<u8>, topic: &str) {
    frame(bytes, false, &[b"\x01", topic.as_bytes()].concat());
}

/// Connects, and sends greeting and READY without waiting for the peer. It sends no more: libzmq accepts nothing else
/// before its own READY.
pub(crate) fn start_handshake(endpoint: SocketAddr, kind: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(endpoint)?;
    stream.set_nodelay(true)?;
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    bytes.extend(b"NULL");
    bytes.resize(64, 0);
    let mut ready = b"\x05READY\x0bSocket-Type".to_vec();
    ready.extend((kind.len() as u32).to_be_bytes());
    ready.extend(kind.as_bytes());
    header(&mut bytes, COMMAND, ready.len());
    bytes.extend(ready);
    stream.write_all(&bytes)?;
    Ok(stream)
}

/// Reads the peer's greeting and READY.
pub(crate) fn finish_handshake(stream: &mut TcpStream) -> io::Result<()> {
    let mut greeting = [0; 64];
    stream.read_exact(&mut greeting)?;
    let mut header = [0; 2];
    stream.read_exact(&mut header)?;
    let mut body = vec![0; header[1].into()];
    stream.read_exact(&mut body)?;
    if header[0] != COMMAND || !body.starts_with(b"\x05READY") {
        return Err(io::Error::other("the peer isn't ready"));
    }
    Ok(())
}

/// Connects and completes the handshake.
pub(crate) fn connect(endpoint: SocketAddr, kind: &str) -> io::Result<TcpStream> {
    let mut stream = start_handshake(endpoint, kind)?;
    finish_handshake(&mut stream)?;
    Ok(stream)
}

/// Splitter of a stream into messages of the same length and framing.
#[derive(Debug)]
pub(crate) struct Records {
    /// Framing before the body of each message.
    head: Vec<u8>,
    /// Bytes of a message.
    size: usize,
    buffer: Vec<u8>,
    filled: usize,
}

impl Records {
    /// Creates a splitter of messages with a body of `size` bytes, behind an empty frame if they are replies.
    pub(crate) fn new(size: usize, reply: bool) -> Self {
        let mut head = Vec::new();
        if reply {
            frame(&mut head, true, b"");
        }
        header(&mut head, 0, size);
        let size = head.len() + size;
        Self { head, size, buffer: vec![0; (2 * size).max(1 << 18)], filled: 0 }
    }

    /// Returns the free part of the buffer, to read into.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.buffer[self.filled..]
    }

    /// Calls `each` with the body of every message that is complete after `read` more bytes.
    pub(crate) fn cut(
        &mut self,
        read: usize,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.filled += read;
        let whole = self.filled - self.filled % self.size;
        for record in self.buffer[..whole].chunks_exact(self.size) {
            match record.split_at(self.head.len()) {
                (head, body) if head == self.head => each(body)?,
                (head, _) => {
                    return Err(io::Error::other(format!("framing: {head:?} and not {:?}", self.head)));
                }
            }
        }
        self.buffer.copy_within(whole..self.filled, 0);
        self.filled -= whole;
        Ok(())
    }
}

/// Returns the number at a position of a body.
pub(crate) fn number(body: &[u8], at: usize) -> u64 {
    let bytes = body[at..].first_chunk().expect("sizes are checked at the start");
    u64::from_be_bytes(*bytes)
}
