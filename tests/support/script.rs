//! A peer that sends and expects exact bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use socket2::SockRef;

use crate::{DEADLINE, command};

/// One end of a TCP connection, by hand.
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

    /// The next connection.
    ///
    /// # Panics
    /// When none comes within the [`DEADLINE`].
    #[must_use]
    pub fn accept(&self) -> Script {
        Script::over(self.0.accept().expect("a connection").0)
    }
}

impl Script {
    /// A peer over a connection that is there.
    ///
    /// # Panics
    /// When the system refuses its options.
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
    /// When nobody listens there.
    #[must_use]
    pub fn connect(endpoint: &str) -> Self {
        let address = endpoint.strip_prefix("tcp://").expect("a tcp endpoint");
        Self::over(TcpStream::connect(address).expect("somebody listens"))
    }

    /// Connects and shakes hands as ZMTP 3.`minor`.
    ///
    /// # Panics
    /// When the other side does anything else.
    #[must_use]
    pub fn join(endpoint: &str, socket_type: &str, minor: u8) -> Self {
        let mut script = Self::connect(endpoint);
        script.handshake(socket_type, minor);
        script
    }

    /// Connects and introduces itself as ZMTP 2.0, by the numbers that its socket type and that of the other side have there.
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

    /// Shakes hands, and doesn't look closely at what the other side says of itself.
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

    /// Gives the kernel so many bytes for what isn't read yet; it takes twice as many.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn set_recv_buffer(&self, bytes: usize) {
        SockRef::from(&self.stream).set_recv_buffer_size(bytes).expect("an option");
    }

    /// The connection itself.
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

    /// Sends bytes that the other side may not want any more.
    pub fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends no more: the other side reads the end.
    ///
    /// # Panics
    /// When the other side has closed.
    pub fn finish(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).expect("the connection is there");
    }

    /// Reads so many bytes.
    ///
    /// # Panics
    /// When fewer come.
    pub fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.stream.read_exact(&mut bytes).expect("as many bytes as expected");
        bytes
    }

    /// The port of this end.
    ///
    /// # Panics
    /// When the system doesn't tell.
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.stream.local_addr().expect("an address").port()
    }

    /// The port of the other end.
    ///
    /// # Panics
    /// When the system doesn't tell.
    #[must_use]
    pub fn remote_port(&self) -> u16 {
        self.stream.peer_addr().expect("an address").port()
    }

    /// Whether the other side sends anything in time, rather than to close.
    ///
    /// # Panics
    /// When the system refuses the option.
    pub fn has_more(&mut self, time: std::time::Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("an option");
        let more = self.stream.peek(&mut [0]).is_ok_and(|bytes| bytes > 0);
        self.stream.set_read_timeout(Some(DEADLINE)).expect("an option");
        more
    }

    /// Expects exactly these bytes next.
    ///
    /// # Panics
    /// When others come.
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let read = self.read(bytes.len());
        assert_eq!(read.escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }

    /// Expects the other side to close, whatever it sends before.
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

/// Bytes of a greeting up to and with the major version. An end that accepts tells the rest for the peer's version.
pub const VERSIONED: usize = 11;

/// A greeting of ZMTP 3.`minor` with the NULL mechanism.
#[must_use]
pub fn greeting(minor: u8) -> Vec<u8> {
    let mut bytes = greeting_of("NULL", false);
    bytes[11] = minor;
    bytes
}

/// A greeting of ZMTP 3.1 with a mechanism, and a role in it.
#[must_use]
pub fn greeting_of(mechanism: &str, as_server: bool) -> Vec<u8> {
    let mut bytes = [b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01", mechanism.as_bytes()].concat();
    bytes.resize(64, 0);
    bytes[32] = u8::from(as_server);
    bytes
}

/// Properties as they stand in READY or INITIATE.
///
/// # Panics
/// When they are longer than their lengths can tell.
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

/// A READY command with these properties.
///
/// # Panics
/// When they are longer than a short command holds.
#[must_use]
pub fn ready(list: &[(&str, &[u8])]) -> Vec<u8> {
    command("READY", &properties(list))
}
