//! Connections with CURVE: the handshake is that of the protocol crate.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::BytesMut;
use enfonet_zmtp::{Entropy, Handshake, HandshakeConfig, HandshakeStep, Sealer, SocketType};

use crate::Outcome;

/// Bytes that are read at a time; each command of the handshake has fewer.
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
        // Nobody attacks a bench.
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

    /// Answers the next command of the server, or returns what encrypts from then on, if that was the last.
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
                HandshakeStep::Authenticate(_) => return Err("a client has nobody to let in".into()),
                HandshakeStep::Complete(established) => return Ok(established.sealer),
            }
            let output = self.handshake.poll_output();
            if !output.is_empty() {
                self.stream.write_all(&output)?;
                return Ok(None);
            }
        }
    }

    /// The connection, once its handshake is done.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

/// Shakes hands with all of them side by side, and says to each server `then`, encrypted.
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
