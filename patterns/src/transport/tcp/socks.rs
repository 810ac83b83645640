//! Client of a SOCKS 5 proxy (RFC 1928), with username and password if they are configured (RFC 1929).
//!
//! ```text
//!   methods ──► method ──► (login ──► status) ──► CONNECT target ──► reply: the target's stream
//! ```

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use enfonet_zmtp::PlainCredentials;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::endpoint::Host;
use crate::error::SocksError;

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const LOGIN: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Time that a proxy may take: as long as the system may take to connect.
const SOCKS_TIMEOUT: Duration = Duration::from_secs(130);

/// Asks the proxy at the other end of the stream to connect to the target. After that the stream is that to the
/// target.
pub(super) async fn connect(
    stream: &mut TcpStream,
    login: Option<&PlainCredentials>,
    target: (&Host, u16),
) -> Result<(), SocksError> {
    let exchange = async {
        greet(stream, login).await?;
        request(stream, target).await
    };
    tokio::time::timeout(SOCKS_TIMEOUT, exchange)
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Negotiates the method: offers one method, and logs in if there is a login.
async fn greet(stream: &mut TcpStream, login: Option<&PlainCredentials>) -> Result<(), SocksError> {
    let method = if login.is_some() { LOGIN } else { NO_AUTHENTICATION };
    stream.write_all(&[VERSION, 1, method]).await?;
    match (read(stream).await?, login) {
        ([VERSION, chosen], _) if chosen != method => Err(SocksError::Method),
        ([VERSION, _], None) => Ok(()),
        ([VERSION, _], Some(login)) => log_in(stream, login).await,
        _ => Err(SocksError::Malformed),
    }
}

/// Sends username and password (RFC 1929).
async fn log_in(stream: &mut TcpStream, login: &PlainCredentials) -> Result<(), SocksError> {
    let (name, password) = (login.username(), login.password().expose());
    let mut message = Zeroizing::new(Vec::with_capacity(3 + name.len() + password.len()));
    message.push(LOGIN_VERSION);
    push(&mut message, name)?;
    push(&mut message, password)?;
    stream.write_all(&message).await?;
    match read(stream).await? {
        [LOGIN_VERSION, 0] => Ok(()),
        [LOGIN_VERSION, _] => Err(SocksError::Login),
        _ => Err(SocksError::Malformed),
    }
}

/// Sends the CONNECT request, and reads the reply.
async fn request(stream: &mut TcpStream, (host, port): (&Host, u16)) -> Result<(), SocksError> {
    let mut message = vec![VERSION, CONNECT, 0];
    match host {
        Host::Ip(IpAddr::V4(ip)) => {
            message.push(IPV4);
            message.extend(ip.octets());
        }
        // The zone is left out: it has a meaning on this machine only.
        Host::Ip(IpAddr::V6(ip)) | Host::Zoned(ip, _) => {
            message.push(IPV6);
            message.extend(ip.octets());
        }
        Host::Name(name) => {
            message.push(NAME);
            push(&mut message, name.as_bytes())?;
        }
        Host::Any => return Err(SocksError::Target),
    }
    message.extend(port.to_be_bytes());
    stream.write_all(&message).await?;
    let [version, status, _, kind] = read(stream).await?;
    match (version, status) {
        (VERSION, 0) => {}
        (VERSION, code) => return Err(SocksError::ConnectFailed { code }),
        _ => return Err(SocksError::Malformed),
    }
    skip_address(stream, kind).await
}

/// Reads the address that the proxy connects from, and drops it.
async fn skip_address(stream: &mut TcpStream, kind: u8) -> Result<(), SocksError> {
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => read::<1>(stream).await?[0].into(),
        _ => return Err(SocksError::Malformed),
    };
    let port = 2;
    stream.read_exact(&mut [0; 255 + 2][..length + port]).await?;
    Ok(())
}

/// Appends the length in one byte, then the text.
fn push(message: &mut Vec<u8>, text: &[u8]) -> Result<(), SocksError> {
    message.push(text.len().try_into().map_err(|_| SocksError::Target)?);
    message.extend(text);
    Ok(())
}

/// Reads a fixed number of bytes.
async fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Connects through a proxy that sends all of `said` at once. Returns the outcome, and the bytes that the proxy
    /// receives.
    async fn conversation(
        login: Option<&PlainCredentials>,
        host: &str,
        said: &[u8],
    ) -> (Result<(), SocksError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut proxy, _) = listener.accept().await.unwrap();
        proxy.write_all(said).await.unwrap();
        let crate::endpoint::Endpoint::Tcp { host, port, .. } = format!("tcp://{host}:258").parse().unwrap()
        else {
            panic!("of tcp");
        };
        let outcome = connect(&mut stream, login, (&host, port)).await;
        drop(stream);
        let mut heard = Vec::new();
        let _ = proxy.read_to_end(&mut heard).await;
        (outcome, heard)
    }

    #[tokio::test]
    async fn the_target_is_an_address_or_a_name_that_the_proxy_resolves() {
        let (v4, name) = (&b"\x05\x01\0\x01\x7f\0\0\x01\x01\x02"[..], &b"\x05\x01\0\x03\x01h\x01\x02"[..]);
        let v6 = &b"\x05\x01\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\x02"[..];
        for (host, request) in [("127.0.0.1", v4), ("h", name), ("[::1]", v6)] {
            let (outcome, heard) = conversation(None, host, b"\x05\0\x05\0\0\x01\0\0\0\0\0\0").await;
            outcome.unwrap();
            assert_eq!(heard, [b"\x05\x01\0", request].concat());
        }
    }

    #[tokio::test]
    async fn a_configured_login_is_sent_to_the_proxy() {
        for (password, shown) in [("pw", &b"\x01\x02me\x02pw"[..]), ("", b"\x01\x02me\0")] {
            let login = PlainCredentials::new("me", password).unwrap();
            let (outcome, heard) =
                conversation(Some(&login), "h", b"\x05\x02\x01\0\x05\0\0\x03\x03abc\0\0").await;
            outcome.unwrap();
            assert_eq!(heard, [b"\x05\x01\x02", shown, b"\x05\x01\0\x03\x01h\x01\x02"].concat());
        }
    }

    #[tokio::test]
    async fn each_failure_of_a_proxy_has_its_own_error() {
        let login = PlainCredentials::new("me", "pw").unwrap();
        let of = async |login, said: &[u8]| conversation(login, "h", said).await.0.unwrap_err();
        assert!(matches!(of(None, b"\x05\xff").await, SocksError::Method));
        assert!(matches!(of(None, b"\x05\x02").await, SocksError::Method));
        assert!(matches!(of(Some(&login), b"\x05\0").await, SocksError::Method));
        assert!(matches!(of(Some(&login), b"\x05\x02\x01\x01").await, SocksError::Login));
        assert!(matches!(of(Some(&login), b"\x05\x02\x05\0").await, SocksError::Malformed));
        assert!(matches!(of(None, b"HTTP/1.1 400").await, SocksError::Malformed));
        assert!(matches!(of(None, b"\x05\0\x05\x05\0\x01").await, SocksError::ConnectFailed { code: 5 }));
        assert!(matches!(of(None, b"\x05\0\x04\0\0\x01").await, SocksError::Malformed));
        assert!(matches!(of(None, b"\x05\0\x05\0\0\x02").await, SocksError::Malformed));
    }

    #[tokio::test]
    async fn bytes_after_the_reply_of_the_proxy_belong_to_the_target() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut proxy, _) = listener.accept().await.unwrap();
        let reply = [&b"\x05\0\x05\0\0\x03\xff"[..], &[b'x'; 255], b"\0\0hello"].concat();
        proxy.write_all(&reply).await.unwrap();
        connect(&mut stream, None, (&Host::Name("h".into()), 1)).await.unwrap();
        assert_eq!(&read::<5>(&mut stream).await.unwrap(), b"hello");
    }
}
