//! Connections with CURVE, by the handshake of the protocol crate.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::BytesMut;
use enfonet_measure::Outcome;
use enfonet_zmtp::{Entropy, Handshake, HandshakeConfig, HandshakeStep, Sealer, SocketType};

/// Bytes of a read. Each command of the handshake is shorter.
const READ_BYTES: usize = 1 << 10;

/// A client in the middle of its handshake.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    handshake: Handshake,
    input: BytesMut,
}

impl Client {
    /// Connects and sends the greeting.
    pub(crate) fn start_handshake(endpoint: SocketAddr, kind: &str) -> Outcome<Self> {
        let [_, security] = enfonet_benches::curve();
        let config =
            HandshakeConfig { security, ..HandshakeConfig::new(SocketType::try_from(kind.as_bytes())?) };
        let mut entropy = [0; Entropy::LEN];
        // A bench needs no secure randomness.
        fastrand::fill(&mut entropy);
        let stream = TcpStream::connect(endpoint)?;
        stream.set_nodelay(true)?;
        let handshake = Handshake::new(config, entropy.into());
        let mut client = Self { stream, handshake, input: BytesMut::new() };
        client.send()?;
        Ok(client)
    }

    fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.handshake.poll_output())
    }

    /// Answers the next command of the server. Returns the sealer for messages if it was the last one.
    pub(crate) fn advance(&mut self) -> Outcome<Option<Sealer>> {
        loop {
            let mut bytes = [0; READ_BYTES];
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Err("the server has closed".into());
            }
            self.input.extend_from_slice(&bytes[..read]);
            match self.handshake.handle_input(&mut self.input)? {
                HandshakeStep::NeedInput => {}
                HandshakeStep::Authenticate(_) => return Err("a client authenticates no peer".into()),
                HandshakeStep::Complete(established) => return Ok(established.sealer),
            }
            let output = self.handshake.poll_output();
            if !output.is_empty() {
                self.stream.write_all(&output)?;
                return Ok(None);
            }
        }
    }

    /// Returns the connection, after its handshake.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

/// Completes the handshakes of all clients concurrently, then sends `then` on each connection, encrypted.
pub(crate) fn handshake(
    clients: Vec<Client>,
    mut then: impl FnMut(usize) -> Vec<u8>,
) -> Outcome<Vec<TcpStream>> {
    let mut waiting: Vec<_> = clients.into_iter().enumerate().collect();
    let mut streams = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let mut unfinished = Vec::with_capacity(waiting.len());
        for (number, mut client) in waiting {
            let Some(mut sealer) = client.advance()? else {
                unfinished.push((number, client));
                continue;
            };
            let (mut sealed, mut stream) = (BytesMut::new(), client.into_stream());
            sealer.seal_frames(&then(number), &mut sealed)?;
            stream.write_all(&sealed)?;
            streams.push(stream);
        }
        waiting = unfinished;
    }
    Ok(streams)
}
