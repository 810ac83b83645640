//! CURVE for scripted peers.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use enfonet_zmtp::{
    Batch, Entropy, Event, Handshake, HandshakeConfig, HandshakeStep, Incoming, Limits, Sealer, Security,
    SocketType, Verdict,
};

use crate::command;

/// One end of an encrypted connection: `sealer` encrypts its frames, and received bytes are decrypted here.
#[derive(Debug)]
pub struct Encrypted {
    /// Underlying TCP connection.
    pub stream: TcpStream,
    /// Sealer of the frames that this end sends; frames must be sent in the order in which they are sealed.
    pub sealer: Sealer,
    incoming: Incoming,
}

impl Encrypted {
    /// Does the server's handshake over a connection, and admits every client.
    ///
    /// # Panics
    /// When the other side does anything else.
    #[must_use]
    pub fn over(mut stream: TcpStream, kind: SocketType, security: Security) -> Self {
        let config = HandshakeConfig { security, ..HandshakeConfig::new(kind) };
        // A test needs no randomness.
        let mut handshake = Handshake::new(config, [7; Entropy::LEN].into());
        let mut input = BytesMut::new();
        loop {
            let step = handshake.handle_input(&mut input).expect("an honest peer");
            stream.write_all(&handshake.poll_output()).expect("the other side reads");
            match step {
                HandshakeStep::NeedInput => read(&mut stream, &mut input),
                HandshakeStep::Authenticate(_) => {
                    handshake.handle_verdict(Verdict::allow()).expect("it was asked")
                }
                HandshakeStep::Complete(established) => {
                    let sealer = established.sealer.expect("CURVE encrypts");
                    let incoming = Incoming::new(input, Limits::default(), established.opener);
                    return Self { stream, sealer, incoming };
                }
            }
        }
    }

    /// Returns encrypted frames. They must be sent before any later frames are encrypted.
    ///
    /// # Panics
    /// Never: there are nonces enough.
    #[must_use]
    pub fn seal(&mut self, frames: &[u8]) -> BytesMut {
        let mut sealed = BytesMut::new();
        self.sealer.seal_frames(frames, &mut sealed).expect("nonces are left");
        sealed
    }

    /// Encrypts and sends frames.
    ///
    /// # Panics
    /// When the other side has closed.
    pub fn send(&mut self, frames: &[u8]) {
        let sealed = self.seal(frames);
        self.stream.write_all(&sealed).expect("the other side reads");
    }

    /// Waits until the other side has processed everything sent to it, by a PING and its PONG.
    /// The other side may send nothing else meanwhile.
    ///
    /// # Panics
    /// When anything else arrives.
    pub fn settle(&mut self) {
        self.send(&command("PING", b"\0\0settle"));
        let Event::Command(body) = self.event() else { panic!("a message instead of a PONG") };
        assert_eq!(&body[..], b"\x04PONGsettle");
    }

    /// Decrypts bytes that were read elsewhere, and returns the whole messages in wire form.
    ///
    /// # Panics
    /// When the bytes are malformed.
    #[must_use]
    pub fn open(&mut self, sealed: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        // Bytes are decrypted in parts that fit into a buffer, as a connection reads them.
        for part in sealed.chunks(64 << 10) {
            self.incoming.reserve(part.len()).extend_from_slice(part);
            while let Some(event) = self.incoming.poll_event().expect("honest traffic") {
                let Event::Batch(batch) = event else { panic!("a command instead of messages") };
                wire.extend_from_slice(contents(&batch));
            }
        }
        wire
    }

    fn event(&mut self) -> Event {
        loop {
            if let Some(event) = self.incoming.poll_event().expect("honest traffic") {
                return event;
            }
            read(&mut self.stream, self.incoming.reserve(0));
        }
    }
}

fn contents(batch: &Batch) -> &[u8] {
    batch.wire()
}

fn read(stream: &mut TcpStream, into: &mut BytesMut) {
    let mut buffer = [0; 1 << 10];
    let read = stream.read(&mut buffer).expect("within the deadline");
    assert!(read > 0, "the other side has closed");
    into.extend_from_slice(&buffer[..read]);
}
