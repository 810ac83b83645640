//! A minimal SOCKS 5 proxy (RFC 1928, RFC 1929).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A proxy that connects all clients to the same server, and reports their requests.
#[derive(Debug)]
pub struct SocksServer {
    /// Endpoint of the proxy.
    pub endpoint: String,
    requests: mpsc::UnboundedReceiver<SocksRequest>,
}

/// A request of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocksRequest {
    /// Address that the client connected from.
    pub client: String,
    /// Methods that the client offered.
    pub methods: Vec<u8>,
    /// Name and password that the client showed.
    pub login: Option<(Vec<u8>, Vec<u8>)>,
    /// Address type and `host:port`; `None` if the login was wrong.
    pub target: Option<(u8, String)>,
}

impl SocksServer {
    /// Serves on a listener in the background, and connects all clients to `server`. With a login, no client is served
    /// without it.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(listener: TcpListener, server: &str, login: Option<(&[u8], &[u8])>) -> Self {
        let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
        let server: SocketAddr =
            server.strip_prefix("tcp://").and_then(|at| at.parse().ok()).expect("an address");
        let login = login.map(|(name, password)| (name.to_vec(), password.to_vec()));
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, from)) = listener.accept().await {
                let request = SocksRequest { client: from.ip().to_string(), ..SocksRequest::default() };
                tokio::spawn(serve(client, server, login.clone(), request, sender.clone()));
            }
        });
        Self { endpoint, requests }
    }

    /// Waits for the next request of a client, and returns it.
    ///
    /// # Panics
    /// When the proxy has ended.
    pub async fn asked(&mut self) -> SocksRequest {
        self.requests.recv().await.expect("the proxy serves")
    }
}

async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    login: Option<(Vec<u8>, Vec<u8>)>,
    mut request: SocksRequest,
    sender: mpsc::UnboundedSender<SocksRequest>,
) -> io::Result<()> {
    let known = authenticate(&mut client, login, &mut request).await;
    if let Ok(true) = known {
        request.target = Some(target(&mut client).await?);
    }
    let _ = sender.send(request);
    if known? {
        let mut server = TcpStream::connect(server).await?;
        client.write_all(b"\x05\0\0\x01\x7f\0\0\x01\0\x01").await?;
        copy_bidirectional(&mut client, &mut server).await?;
    }
    Ok(())
}

async fn authenticate(
    client: &mut TcpStream,
    login: Option<(Vec<u8>, Vec<u8>)>,
    request: &mut SocksRequest,
) -> io::Result<bool> {
    assert_eq!(client.read_u8().await?, 5);
    request.methods = string(client).await?;
    let method = if login.is_some() { 2 } else { 0 };
    if !request.methods.contains(&method) {
        client.write_all(&[5, 0xff]).await?;
        return Ok(false);
    }
    client.write_all(&[5, method]).await?;
    if login.is_none() {
        return Ok(true);
    }
    assert_eq!(client.read_u8().await?, 1);
    request.login = Some((string(client).await?, string(client).await?));
    let known = request.login == login;
    client.write_all(&[1, u8::from(!known)]).await?;
    Ok(known)
}

async fn target(client: &mut TcpStream) -> io::Result<(u8, String)> {
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    assert_eq!(head[..3], [5, 1, 0], "CONNECT");
    let host = match head[3] {
        1 => Ipv4Addr::from(client.read_u32().await?).to_string(),
        3 => String::from_utf8(string(client).await?).expect("text"),
        4 => Ipv6Addr::from(client.read_u128().await?).to_string(),
        other => panic!("no kind of address: {other}"),
    };
    Ok((head[3], format!("{host}:{}", client.read_u16().await?)))
}

/// Reads a length of one byte, and that many bytes.
async fn string(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}
