//! Listeners: bound sockets that accept streams.

use std::io;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::net::{TcpListener, UnixListener};

use super::{Stream, ipc, tcp};
use crate::endpoint::Endpoint;
use crate::error::BindError;
use crate::settings::TransportSettings;

/// A bound socket that accepts connections. It can be closed while a task waits for the next connection.
#[derive(Debug)]
pub(crate) struct Listener(Mutex<Option<Socket>>);

#[derive(Debug)]
enum Socket {
    /// A TCP listener, with the options that are also set on accepted streams.
    Tcp(TcpListener, Box<TransportSettings>),
    /// A Unix listener and its file. The file is dropped first: as long as it exists, a socket listens behind it.
    Ipc(#[expect(dead_code, reason = "removes the file when dropped")] Option<ipc::SocketFile>, UnixListener),
}

impl Listener {
    /// Binds an endpoint of tcp or ipc. Returns the listener, and the endpoint with the address that the system has
    /// chosen.
    pub(crate) async fn bind(
        endpoint: &Endpoint,
        options: &TransportSettings,
    ) -> Result<(Self, Endpoint), BindError> {
        let (socket, resolved) = match endpoint {
            Endpoint::Tcp { .. } => {
                let listener = tcp::bind(endpoint, options).await?;
                let address = listener.local_addr().map_err(|e| BindError::io(endpoint, e))?;
                (Socket::Tcp(listener, options.clone().into()), Endpoint::tcp(address))
            }
            Endpoint::Ipc(path) => {
                let (listener, file, path) =
                    ipc::bind(path, options.backlog).await.map_err(|e| BindError::io(endpoint, e))?;
                (Socket::Ipc(file, listener), Endpoint::Ipc(path))
            }
            Endpoint::Inproc(_) => unreachable!("inproc has no listeners"),
        };
        Ok((Self(Mutex::new(Some(socket))), resolved))
    }

    /// Returns the next connection, or `None` once the listener is closed. One task at a time waits. Cancel safe.
    pub(crate) async fn accept(&self) -> Option<io::Result<Stream>> {
        std::future::poll_fn(|cx| match &*self.socket() {
            Some(socket) => socket.poll_accept(cx).map(Some),
            None => Poll::Ready(None),
        })
        .await
    }

    /// Closes the socket: when this returns, the endpoint is free. A waiting task isn't woken.
    pub(crate) fn close(&self) {
        *self.socket() = None;
    }

    /// Returns the socket of a TCP listener.
    #[cfg(test)]
    pub(super) fn into_tcp(self) -> Option<TcpListener> {
        match self.socket().take() {
            Some(Socket::Tcp(listener, _)) => Some(listener),
            Some(Socket::Ipc(..)) | None => None,
        }
    }

    fn socket(&self) -> MutexGuard<'_, Option<Socket>> {
        self.0.lock().expect("no panic holds the lock")
    }
}

impl Socket {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        Poll::Ready(match self {
            Self::Tcp(listener, options) => {
                let (stream, peer) = ready!(listener.poll_accept(cx))?;
                tcp::tune(&SockRef::from(&stream), peer, options).map(|()| Stream::Tcp(stream))
            }
            Self::Ipc(_, listener) => Ok(Stream::Ipc(ready!(listener.poll_accept(cx))?.0)),
        })
    }
}
