//! A peer that sends and expects exact bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use socket2::SockRef;

use crate::{DEADLINE, command};

/// A scripted peer: one end of a TCP connection.
#[derive(Debug)]
pub struct Script {
    stream: TcpStream,
}

/// A listener for [`Script`]s.
#[derive(Debug)]
pub struct ScriptListener(TcpListener);

impl ScriptListener {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn bind() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        SockRef::from(&listener).set_read_timeout(Some(DEADLINE)).expect("an option");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
        (Self(listener), endpoint)
    }

    /// Accepts the next connection.
    ///
    /// # Panics
    /// When none comes within the [`DEADLINE`].
    #[must_use]
    pub fn accept(&self) -> Script {
        Script::over(self.0.accept().expect("a connection").0)
    }
}

impl Script {
    /// Wraps an existing connection.
    ///
    /// # Panics
    /// When the system rejects its options.
    #[must_use]
    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).expect("an option");
        stream.set_write_timeout(Some(DEADLINE)).expect("an option");
        stream.set_nodelay(true).expect("an option");
        Self { stream }
    }

    /// Connects to a `tcp://` endpoint.
    ///
    /// # Panics
    /// When the connection is refused.
    #[must_use]
    pub fn connect(endpoint: &str) -> Self {
        let address = endpoint.strip_prefix("tcp://").expect("a tcp endpoint");
        Self::over(TcpStream::connect(address).expect("somebody listens"))
    }

    /// Connects, and does the handshake of ZMTP 3.`minor`.
    ///
    /// # Panics
    /// When the other side does anything else.
    #[must_use]
    pub fn join(endpoint: &str, socket_type: &str, minor: u8) -> Self {
        let mut script = Self::connect(endpoint);
        script.handshake(socket_type, minor);
        script
    }

    /// Connects, and does the handshake of ZMTP 2.0, with the numbers of both socket types there.
    ///
    /// # Panics
    /// When the other side does anything else.
    #[must_use]
    pub fn join_zmtp2(endpoint: &str, socket_type: u8, theirs: u8) -> Self {
        let mut script = Self::connect(endpoint);
        script.send(b"\xff\0\0\0\0\0\0\0\x01\x7f");
        script.expect(b"\xff\0\0\0\0\0\0\0\0\x7f\x03");
        script.send(&[1, socket_type]);
        script.expect(&[theirs, 0, 0]);
        script.send(&[0, 0]);
        script
    }

    /// Does the handshake, and ignores the other side's metadata.
    ///
    /// # Panics
    /// When the other side does anything else.
    pub fn handshake(&mut self, socket_type: &str, minor: u8) {
        self.send(&greeting(minor));
        self.read(64);
        self.send(&ready(&[("Socket-Type", socket_type.as_bytes())]));
        let header = self.read(2);
        assert_eq!(header[0], 0x04, "a short command");
        let body = self.read(usize::from(header[1]));
        assert_eq!(&body[..6], b"\x05READY");
    }

    /// Sets the kernel's receive buffer; the kernel takes twice as many bytes.
    ///
    /// # Panics
    /// When the system returns an error.
    pub fn set_recv_buffer(&self, bytes: usize) {
        SockRef::from(&self.stream).set_recv_buffer_size(bytes).expect("an option");
    }

    /// Returns the underlying connection.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the other side has closed.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the other side reads");
    }

    /// Sends bytes, and ignores that the other side may have closed.
    pub fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Closes the sending half, so that the other side reads the end.
    ///
    /// # Panics
    /// When the other side has closed.
    pub fn finish(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).expect("the connection is there");
    }

    /// Reads this many bytes.
    ///
    /// # Panics
    /// When fewer arrive.
    pub fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.stream.read_exact(&mut bytes).expect("as many bytes as expected");
        bytes
    }

    /// Returns the port of this end.
    ///
    /// # Panics
    /// When the connection has no address.
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.stream.local_addr().expect("an address").port()
    }

    /// Returns the port of the other end.
    ///
    /// # Panics
    /// When the connection has no address.
    #[must_use]
    pub fn remote_port(&self) -> u16 {
        self.stream.peer_addr().expect("an address").port()
    }

    /// Returns whether the other side sends anything in time, rather than close.
    ///
    /// # Panics
    /// When the system rejects the option.
    pub fn has_more(&mut self, time: std::time::Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("an option");
        let more = self.stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0);
        self.stream.set_read_timeout(Some(DEADLINE)).expect("an option");
        more
    }

    /// Asserts that exactly these bytes follow.
    ///
    /// # Panics
    /// When other bytes arrive.
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let read = self.read(bytes.len());
        assert_eq!(read.escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }

    /// Asserts that the other side closes, and returns the bytes that it sends before.
    ///
    /// # Panics
    /// When it doesn't.
    pub fn expect_close(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
        }
        rest
    }
}

/// Bytes of a greeting up to and including the major version. An accepting end sends the rest after the peer's version.
pub const VERSIONED: usize = 11;

/// Returns a greeting of ZMTP 3.`minor` with the NULL mechanism.
#[must_use]
pub fn greeting(minor: u8) -> Vec<u8> {
    let mut bytes = greeting_of("NULL", false);
    bytes[11] = minor;
    bytes
}

/// Returns a greeting of ZMTP 3.1 with a mechanism and a role.
#[must_use]
pub fn greeting_of(mechanism: &str, as_server: bool) -> Vec<u8> {
    let mut bytes = [b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01", mechanism.as_bytes()].concat();
    bytes.resize(64, 0);
    bytes[32] = u8::from(as_server);
    bytes
}

/// Returns properties in wire form, for READY or INITIATE.
///
/// # Panics
/// When a name or value is too long for its length field.
#[must_use]
pub fn properties(properties: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in properties {
        bytes.push(u8::try_from(name.len()).expect("a short name"));
        bytes.extend(name.as_bytes());
        bytes.extend(u32::try_from(value.len()).expect("a short value").to_be_bytes());
        bytes.extend(*value);
    }
    bytes
}

/// Returns a READY command with these properties.
///
/// # Panics
/// When they don't fit into a short command.
#[must_use]
pub fn ready(list: &[(&str, &[u8])]) -> Vec<u8> {
    command("READY", &properties(list))
}
