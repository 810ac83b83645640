//! TCP: names are looked up at each attempt, and every address of a name is tried in turn.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};

use crate::error::ConnectionError;
use crate::{BindError, Endpoint, Host};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

async fn addresses(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host {
        Host::Any => Ok(vec![(Ipv4Addr::UNSPECIFIED, port).into()]),
        Host::Ip(ip) => Ok(vec![(*ip, port).into()]),
        Host::Name(name) => Ok(lookup_host((name.as_str(), port)).await?.collect()),
    }
}

pub(super) async fn connect(host: &Host, port: u16) -> Result<TcpStream, ConnectionError> {
    let mut last = ConnectionError::NoAddress;
    for address in addresses(host, port).await? {
        match TcpStream::connect(address).await {
            // A port that nobody listens on, chosen by the system for our own end too, connects to itself.
            Ok(stream) if stream.local_addr()? == stream.peer_addr()? => {
                last = io::Error::from(io::ErrorKind::ConnectionRefused).into();
            }
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

pub(super) async fn bind(endpoint: &Endpoint, host: &Host, port: u16) -> Result<TcpListener, BindError> {
    let mut last = BindError::NoAddress { endpoint: endpoint.clone() };
    for address in addresses(host, port).await.map_err(|e| BindError::io(endpoint, e))? {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = BindError::io(endpoint, error),
        }
    }
    Err(last)
}

/// Address reuse lets a restarted program bind while old connections linger in the kernel.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
