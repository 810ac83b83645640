//! Byte streams between processes: TCP and Unix domain sockets behind one type.

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

use crate::Endpoint;
use crate::error::ConnectionError;
use crate::options::Transport;

/// How long a peer may take to close after all has been written to it, if it isn't to be waited for at any rate.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How a stream is closed after all has been written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseMode {
    /// The peer has [`CLOSE_TIMEOUT`] to close too.
    Graceful,
    /// As [`Graceful`](Self::Graceful), but over ipc the peer has as long as it takes. For peers that were sent messages.
    UntilRead,
    /// The kernel sends what it has, and tells a peer that goes on sending at once that nobody reads. Over ipc the peer has
    /// [`CLOSE_TIMEOUT`], but is cut off when it sends: what it hasn't read is its own no longer once the stream is closed.
    UntilInput,
    /// At once: the peer has closed, or is quiet.
    Immediate,
}

pub(crate) use origin::Origin;

/// A connected stream. All operations take `&self`.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

/// Calls a method of whichever stream it is.
macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self {
            Self::Tcp($stream) => $call,
            Self::Ipc($stream) => $call,
        }
    };
}

impl Stream {
    /// Connects; `endpoint` is of tcp or ipc.
    pub(crate) async fn connect(endpoint: &Endpoint, options: &Transport) -> Result<Self, ConnectionError> {
        match endpoint {
            Endpoint::Tcp { source, host, port } => {
                Ok(Self::Tcp(tcp::connect(source.as_ref(), host, *port, options).await?))
            }
            Endpoint::Ipc(path) => Ok(Self::Ipc(ipc::connect(path).await?)),
            Endpoint::Inproc(_) => unreachable!("inproc has no streams"),
        }
    }

    /// Where the peer is, as ZAP has it (RFC 27): its address in numbers, or as libzmq writes it for a process on
    /// this machine, `:uid:gid:pid`. Empty when the system doesn't say.
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

    /// Where the peer comes from.
    pub(crate) fn origin(&self) -> Origin {
        match self {
            Self::Tcp(stream) => stream.peer_addr().map_or(Origin::Unknown, |peer| Origin::of(peer.ip())),
            Self::Ipc(stream) => stream.peer_cred().map_or(Origin::Unknown, |peer| Origin::User(peer.uid())),
        }
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        either!(self, s => s.as_raw_fd())
    }

    /// Returns the same connection under the lowest descriptor that is free.
    pub(crate) fn duplicate(&self) -> io::Result<Self> {
        let descriptor = either!(self, s => s.as_fd().try_clone_to_owned())?;
        match self {
            Self::Tcp(_) => TcpStream::from_std(descriptor.into()).map(Self::Tcp),
            Self::Ipc(_) => UnixStream::from_std(descriptor.into()).map(Self::Ipc),
        }
    }

    /// The address with the port, for people to read.
    pub(crate) fn remote_address(&self) -> String {
        match self {
            Self::Tcp(stream) => stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default(),
            Self::Ipc(_) => self.peer_address(),
        }
    }

    /// Reads once into the room that `buffer` has, without waiting. 0: the peer sends no more.
    ///
    /// A read that doesn't fill the room has emptied the kernel's buffer. Telling the runtime so (by an
    /// outer attempt that "would block") saves the system call that would only find that out.
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

    /// Writes once, without waiting. A single piece, as most writes are of one, has a system call that costs the kernel
    /// less.
    pub(crate) fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match pieces {
            [piece] => either!(self, s => s.try_write(piece)),
            pieces => either!(self, s => s.try_write_vectored(pieces)),
        }
    }

    /// Asks the kernel to take what it has room for now. It wakes a writer only when a good part of its buffer is free
    /// again, and until then [`try_write`](Self::try_write) doesn't ask it.
    pub(crate) fn write_now(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, s => SockRef::from(s).send_vectored(pieces))
    }

    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, s => s.poll_read_ready(cx))
    }

    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, s => s.poll_write_ready(cx))
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_readable(cx)).await
    }

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

    /// Tells the peer that no more will come, then waits until it closes too, for a second; over ipc, if it was sent messages
    /// of ours, for as long as it takes. Closing at once could take away from it what it hasn't read yet. The kernel resets
    /// a tcp connection that is closed with input unread. And a PULL of libzmq's whose queue is full leaves unread what
    /// lies in a Unix domain socket once the other end has gone (libzmq's issue 4660). What comes meanwhile is dropped.
    pub(crate) async fn finish(&self, mode: CloseMode) {
        // An error is an end too.
        let _ = match (mode, self) {
            (CloseMode::Immediate, _) | (CloseMode::UntilInput, Self::Tcp(_)) => Ok(()),
            (CloseMode::UntilRead, Self::Ipc(_)) => self.until_closed(false).await,
            (mode, _) => {
                let cuts_off = mode == CloseMode::UntilInput;
                timeout(CLOSE_TIMEOUT, self.until_closed(cuts_off)).await.unwrap_or(Ok(()))
            }
        };
    }

    /// Tells the peer that no more will come.
    pub(crate) fn close_half(&self) -> io::Result<()> {
        either!(self, s => SockRef::from(s).shutdown(Shutdown::Write))
    }

    /// Waits until the peer closes, or if it is cut off then, sends anything.
    async fn until_closed(&self, cuts_off: bool) -> io::Result<()> {
        self.close_half()?;
        let mut discarded = BytesMut::with_capacity(16 << 10);
        loop {
            self.readable().await?;
            discarded.clear();
            match self.try_read(&mut discarded) {
                Ok(0) => return Ok(()),
                Ok(_) if cuts_off => return Ok(()),
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
    async fn a_peer_of_ipv4_has_an_address_of_ipv4_wherever_it_comes_in() {
        let options = Transport { ipv6: true, ..Transport::default() };
        let (listener, at) = Listener::bind(&"tcp://*:*".parse().unwrap(), &options).await.unwrap();
        let Endpoint::Tcp { port, .. } = at else { panic!("of tcp") };
        let at = format!("tcp://127.0.0.1:{port}").parse().unwrap();
        let (near, far) = tokio::join!(Stream::connect(&at, &options), listener.accept());
        let _near = near.unwrap();
        assert_eq!(far.unwrap().unwrap().peer_address(), "127.0.0.1");
    }
}
