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
        match TcpStream::connect(address).await.and_then(unless_to_itself) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// A port that nobody listens on, chosen by the system for our own end too, connects to itself.
fn unless_to_itself(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_to_itself_is_none() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let own = socket.connect(address).await.unwrap();
        assert_eq!(unless_to_itself(own).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        unless_to_itself(other).unwrap();
    }
}
