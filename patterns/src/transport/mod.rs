//! Byte streams between processes: TCP and Unix domain sockets as one type.

mod ipc;
mod listener;
mod origin;
mod tcp;

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

pub(crate) use listener::Listener;

use crate::endpoint::Endpoint;
use crate::error::ConnectionError;
use crate::settings::TransportSettings;

/// Time that a peer has to close after all has been written to it, unless the wait is unlimited.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The way in which a stream is closed after all has been written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseMode {
    /// Closes this half, and waits until the peer closes too, for at most [`CLOSE_TIMEOUT`].
    Graceful,
    /// As [`Graceful`](Self::Graceful), but over ipc without a limit. For peers that were sent messages.
    UntilRead,
    /// Closes a tcp stream at once: the kernel sends the bytes that it has, and resets the connection of a peer that
    /// goes on sending. Over ipc as [`Graceful`](Self::Graceful), but the stream is also closed as soon as the peer
    /// sends a byte, and not before: an ipc peer loses the bytes that it hasn't read when the stream is closed.
    UntilInput,
    /// Closes the stream at once: the peer has closed, or is silent.
    Immediate,
}

pub(crate) use origin::Origin;

/// A connected stream. All operations take `&self`.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

/// Calls a method of the stream's transport.
macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self {
            Self::Tcp($stream) => $call,
            Self::Ipc($stream) => $call,
        }
    };
}

impl Stream {
    /// Connects to an endpoint of tcp or ipc.
    pub(crate) async fn connect(
        endpoint: &Endpoint,
        options: &TransportSettings,
    ) -> Result<Self, ConnectionError> {
        match endpoint {
            Endpoint::Tcp { source, host, port } => {
                Ok(Self::Tcp(tcp::connect(source.as_ref(), host, *port, options).await?))
            }
            Endpoint::Ipc(path) => Ok(Self::Ipc(ipc::connect(path).await?)),
            Endpoint::Inproc(_) => unreachable!("inproc has no streams"),
        }
    }

    /// Returns the peer's address in the form of ZAP (RFC 27): the IP address, or as libzmq writes it for a process
    /// on this machine, `:uid:gid:pid`. Empty when the system doesn't know it.
    pub(crate) fn peer_address(&self) -> String {
        match self {
            Self::Tcp(stream) => {
                stream.peer_addr().map(|peer| peer.ip().to_canonical().to_string()).unwrap_or_default()
            }
            Self::Ipc(stream) => match stream.peer_cred() {
                Ok(peer) => format!(":{}:{}:{}", peer.uid(), peer.gid(), peer.pid().unwrap_or_default()),
                Err(_) => String::new(),
            },
        }
    }

    /// Returns the origin of the peer, by which handshakes are counted.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::Tcp(stream) => stream.peer_addr().map_or(Origin::Unknown, |peer| Origin::of(peer.ip())),
            Self::Ipc(stream) => stream.peer_cred().map_or(Origin::Unknown, |peer| Origin::User(peer.uid())),
        }
    }

    /// Returns the number of the file descriptor.
    pub(crate) fn descriptor(&self) -> RawFd {
        either!(self, s => s.as_raw_fd())
    }

    /// Returns the same connection with the lowest descriptor that is free.
    pub(crate) fn duplicate(&self) -> io::Result<Self> {
        let descriptor = either!(self, s => s.as_fd().try_clone_to_owned())?;
        match self {
            Self::Tcp(_) => TcpStream::from_std(descriptor.into()).map(Self::Tcp),
            Self::Ipc(_) => UnixStream::from_std(descriptor.into()).map(Self::Ipc),
        }
    }

    /// Returns the peer's address with the port, for logs and events.
    pub(crate) fn remote_address(&self) -> String {
        match self {
            Self::Tcp(stream) => stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default(),
            Self::Ipc(_) => self.peer_address(),
        }
    }

    /// Reads once into the spare capacity of `buffer`, without waiting. Returns 0 at the end of the stream.
    ///
    /// A read that doesn't fill the capacity has emptied the kernel's buffer. The closure then returns `WouldBlock`,
    /// so that the runtime clears its readiness: this saves the next system call, which would only find nothing.
    pub(crate) fn try_read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        let room = buffer.capacity() - buffer.len();
        let mut bytes = 0;
        let attempt = either!(self, s => s.try_io(Interest::READABLE, || {
            bytes = s.try_read_buf(buffer)?;
            if bytes > 0 && bytes < room { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        }));
        match attempt {
            Err(error) if bytes == 0 => Err(error),
            _ => Ok(bytes),
        }
    }

    /// Writes once, without waiting. Most writes are of a single piece, for which `write` costs the kernel less than
    /// `writev`.
    pub(crate) fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match pieces {
            [piece] => either!(self, s => s.try_write(piece)),
            pieces => either!(self, s => s.try_write_vectored(pieces)),
        }
    }

    /// Writes as many bytes as the kernel has room for now, whatever readiness the runtime knows. The kernel reports a
    /// writable stream only when a good part of its buffer is free, and until then [`try_write`](Self::try_write) fails
    /// without a system call.
    pub(crate) fn write_now(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, s => SockRef::from(s).send_vectored(pieces))
    }

    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, s => s.poll_read_ready(cx))
    }

    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, s => s.poll_write_ready(cx))
    }

    /// Waits until there are bytes to read. Cancel safe.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_readable(cx)).await
    }

    /// Writes all of the bytes.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_write(&[IoSlice::new(bytes)]) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::future::poll_fn(|cx| self.poll_writable(cx)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Closes the stream as the mode says. Input that arrives meanwhile is dropped.
    ///
    /// Closing at once could lose what the peer hasn't read yet: the kernel resets a tcp connection that is closed
    /// with input unread, and a PULL of libzmq's with a full queue doesn't read the rest of a Unix domain socket once
    /// the other end has closed it (libzmq's issue 4660).
    pub(crate) async fn finish(&self, mode: CloseMode) {
        // After an error the stream is closed as well.
        let _ = match (mode, self) {
            (CloseMode::Immediate, _) | (CloseMode::UntilInput, Self::Tcp(_)) => Ok(()),
            (CloseMode::UntilRead, Self::Ipc(_)) => self.until_closed(false).await,
            (mode, _) => {
                let or_input = mode == CloseMode::UntilInput;
                timeout(CLOSE_TIMEOUT, self.until_closed(or_input)).await.unwrap_or(Ok(()))
            }
        };
    }

    /// Closes this half of the stream: the peer reads its end after all that was written.
    pub(crate) fn close_half(&self) -> io::Result<()> {
        either!(self, s => SockRef::from(s).shutdown(Shutdown::Write))
    }

    /// Closes this half, and waits until the peer closes, or with `or_input` until it sends a byte.
    async fn until_closed(&self, or_input: bool) -> io::Result<()> {
        self.close_half()?;
        let mut discarded = BytesMut::with_capacity(16 << 10);
        loop {
            self.readable().await?;
            discarded.clear();
            match self.try_read(&mut discarded) {
                Ok(0) => return Ok(()),
                Ok(_) if or_input => return Ok(()),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_ipv4_peer_of_an_ipv6_listener_has_an_ipv4_address() {
        let options = TransportSettings { ipv6: true, ..TransportSettings::default() };
        let (listener, at) = Listener::bind(&"tcp://*:*".parse().unwrap(), &options).await.unwrap();
        let Endpoint::Tcp { port, .. } = at else { panic!("of tcp") };
        let at = format!("tcp://127.0.0.1:{port}").parse().unwrap();
        let (near, far) = tokio::join!(Stream::connect(&at, &options), listener.accept());
        let _near = near.unwrap();
        assert_eq!(far.unwrap().unwrap().peer_address(), "127.0.0.1");
    }
}
