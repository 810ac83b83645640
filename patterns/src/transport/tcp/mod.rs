//! TCP: connecting, binding, and the lookup of names.
//!
//! A name is looked up at each attempt, and all its addresses are tried in turn.

mod addresses;
mod socks;
mod tune;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

pub(super) use tune::tune;

use crate::endpoint::{Endpoint, EndpointError, Host, Source};
use crate::error::{BindError, ConnectionError};
use crate::settings::{SocksProxy, TransportSettings};

/// Connects to a host, through the SOCKS proxy of the options if there is one.
pub(super) async fn connect(
    source: Option<&Source>,
    host: &Host,
    port: u16,
    options: &TransportSettings,
) -> Result<TcpStream, ConnectionError> {
    let Some(proxy) = &options.proxy else {
        let dial = |address| dial(source, address, options);
        return first(remote(host, port).await?, options, dial).await;
    };
    let source = proxy.source.as_ref().or(source);
    let dial = |address| dial_through(proxy, source, address, (host, port), options);
    first(remote(&proxy.host, proxy.port).await?, options, dial).await
}

/// Connects to the first address that can be reached. Each address has the whole connect timeout.
async fn first<F: Future<Output = Result<TcpStream, ConnectionError>>>(
    addresses: Vec<SocketAddr>,
    options: &TransportSettings,
    dial: impl Fn(SocketAddr) -> F,
) -> Result<TcpStream, ConnectionError> {
    let limit = options.connect_timeout.unwrap_or(Duration::MAX);
    let mut last = ConnectionError::NoAddress;
    for address in addresses {
        match tokio::time::timeout(limit, dial(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = ConnectionError::ConnectTimeout,
        }
    }
    Err(last)
}

/// Connects to an address, from the source if there is one.
async fn dial(
    source: Option<&Source>,
    address: SocketAddr,
    options: &TransportSettings,
) -> Result<TcpStream, ConnectionError> {
    let address = canonical(address);
    let socket = open(address, options)?;
    if let Some(source) = source {
        // Other connections, to other servers, may come from the same port.
        socket.set_reuseaddr(true)?;
        socket.bind(addresses::source(source, address, options.ipv6).await?)?;
    }
    Ok(reject_self_connection(socket.connect(address).await?)?)
}

/// Returns the addresses of a host to connect to.
async fn remote(host: &Host, port: u16) -> Result<Vec<SocketAddr>, ConnectionError> {
    addresses::remote(host, port).await.map_err(ConnectionError::Unresolved)
}

/// Returns an IPv4-mapped IPv6 address, which libzmq writes, as an IPv4 address: then a source of IPv4 fits.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => (ip, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}

/// Connects to a proxy at an address, and through it to the target.
async fn dial_through(
    proxy: &SocksProxy,
    source: Option<&Source>,
    address: SocketAddr,
    target: (&Host, u16),
    options: &TransportSettings,
) -> Result<TcpStream, ConnectionError> {
    let mut stream = dial(source, address, options).await?;
    socks::connect(&mut stream, proxy.login.as_ref(), target).await?;
    Ok(stream)
}

/// Returns the stream, unless it is connected to itself: that happens when the system chooses, for our end, the very
/// port that we connect to and no socket listens on.
fn reject_self_connection(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// Binds to the first of the host's addresses that this machine has.
pub(super) async fn bind(endpoint: &Endpoint, options: &TransportSettings) -> Result<TcpListener, BindError> {
    let Endpoint::Tcp { source: None, host, port } = endpoint else {
        return Err(EndpointError::source(endpoint).into());
    };
    let mut last = BindError::NoAddress { endpoint: endpoint.clone() };
    let addresses = addresses::local(host, *port, options.ipv6).await;
    for address in addresses.map_err(|e| BindError::io(endpoint, e))? {
        match listen(address, options) {
            Ok(listener) => return Ok(listener),
            Err(error) if is_elsewhere(&error) => last = BindError::io(endpoint, error),
            Err(error) => return Err(BindError::io(endpoint, error)),
        }
    }
    Err(last)
}

/// Returns whether the machine doesn't have the address, or doesn't have IPv6 at all.
fn is_elsewhere(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32)
}

/// Creates a socket that listens. Address reuse lets a restarted program bind while the kernel keeps old connections.
fn listen(address: SocketAddr, options: &TransportSettings) -> io::Result<TcpListener> {
    let socket = open(address, options)?;
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        SockRef::from(&socket).set_only_v6(false)?;
    }
    socket.bind(address)?;
    socket.listen(options.backlog)
}

/// Creates a socket with the options set.
fn open(address: SocketAddr, options: &TransportSettings) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    tune(&SockRef::from(&socket), address, options)?;
    tune::avoid_pacing(&SockRef::from(&socket), address);
    tune::bind_to_device(&SockRef::from(&socket), &options.device)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::transport::Stream;

    #[tokio::test]
    async fn a_connection_to_itself_is_a_refused_connection() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let own = socket.connect(address).await.unwrap();
        assert_eq!(reject_self_connection(own).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), &TransportSettings::default()).unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        reject_self_connection(other).unwrap();
    }

    #[tokio::test]
    async fn an_address_in_use_is_an_error_even_if_another_address_is_free() {
        let taken = TcpSocket::new_v6().unwrap();
        SockRef::from(&taken).set_only_v6(true).unwrap();
        taken.bind((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
        let taken = taken.listen(1).unwrap();
        let at: Endpoint = format!("tcp://*:{}", taken.local_addr().unwrap().port()).parse().unwrap();
        let bound = bind(&at, &TransportSettings { ipv6: true, ..TransportSettings::default() }).await;
        assert!(matches!(&bound, Err(BindError::InUse(endpoint)) if *endpoint == at), "{bound:?}");
    }

    #[tokio::test]
    async fn a_connection_attempt_ends_with_its_timeout() {
        let listener = listen(
            (Ipv4Addr::LOCALHOST, 0).into(),
            &TransportSettings { backlog: 0, ..TransportSettings::default() },
        );
        let address = listener.as_ref().unwrap().local_addr().unwrap();
        // The kernel completes one or two connections that aren't accepted, and lets the others wait.
        let options = TransportSettings {
            connect_timeout: Some(Duration::from_millis(20)),
            ..TransportSettings::default()
        };
        let mut kept = Vec::new();
        let error = loop {
            match Stream::connect(&Endpoint::tcp(address), &options).await {
                Ok(stream) => kept.push(stream),
                Err(error) => break error,
            }
            assert!(kept.len() < 10);
        };
        assert!(matches!(error, ConnectionError::ConnectTimeout), "{error}");
    }
}
