//! Endpoints of sockets: `tcp://host:port`, `ipc://path`, `inproc://name`.

mod host;
mod parse;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use host::{Host, Source, Zone};

/// A parsed endpoint. Sockets take an endpoint or its text wherever they bind or connect.
///
/// | text | is |
/// |---|---|
/// | `tcp://192.0.2.1:5555`, `tcp://[::1]:5555` | an address and a port |
/// | `tcp://[fe80::1%eth0]:5555` | an address on one link, by the name or number of its interface |
/// | `tcp://example.org:5555` | a name, looked up at each attempt |
/// | `tcp://eth0:5555` | to bind: the address of an interface |
/// | `tcp://*:*` | to bind: every interface; a port that the system chooses |
/// | `tcp://eth0:0;example.org:5555` | to connect: from an address or interface of this machine, here from any port |
/// | `ipc:///run/name` | a Unix domain socket at a path |
/// | `ipc://@name` | a Unix domain socket with a name and no file (Linux) |
/// | `ipc://*` | to bind: a Unix domain socket in a folder of its own, which is removed with the socket |
/// | `inproc://name` | a name within the process |
///
/// ```
/// use enfonet::Endpoint;
///
/// let endpoint: Endpoint = "tcp://127.0.0.1:5555".parse()?;
/// assert_eq!(endpoint.to_string(), "tcp://127.0.0.1:5555");
/// assert!("tcp://127.0.0.1".parse::<Endpoint>().is_err());
/// # Ok::<(), enfonet::endpoint::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// TCP, at a host and a port.
    Tcp {
        /// The local address of the connection; `None` lets the system choose. To connect only.
        source: Option<Source>,
        /// An address, a name, or every interface.
        host: Host,
        /// The port; 0 lets the system choose, to bind only.
        port: u16,
    },
    /// A Unix domain socket.
    Ipc(IpcPath),
    /// A name within this process, and within one [`Context`](crate::Context).
    Inproc(String),
}

/// The address of a Unix domain socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpcPath {
    /// The path of a file.
    File(PathBuf),
    /// `@name`: a name without a file. Linux only.
    Abstract(String),
    /// `*`: a file in a new folder below the system's temporary folder. To bind only.
    Any,
}

impl Endpoint {
    /// Returns the TCP endpoint of a socket address.
    #[must_use]
    pub const fn tcp(address: SocketAddr) -> Self {
        Self::Tcp { source: None, host: Host::of(address), port: address.port() }
    }

    /// Returns whether the endpoint can only be bound: `*`, or port 0.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        matches!(
            self,
            Self::Tcp { host: Host::Any, .. } | Self::Tcp { port: 0, .. } | Self::Ipc(IpcPath::Any)
        )
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: &str) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl TryFrom<&String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: &String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl TryFrom<&Endpoint> for Endpoint {
    type Error = EndpointError;

    fn try_from(endpoint: &Endpoint) -> Result<Self, EndpointError> {
        Ok(endpoint.clone())
    }
}

/// Conversion of the error of a parsed endpoint's conversion to itself, which can't fail.
impl From<std::convert::Infallible> for EndpointError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { source: None, host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Tcp { source: Some(source), host, port } => write!(f, "tcp://{source};{host}:{port}"),
            Self::Ipc(IpcPath::File(path)) => write!(f, "ipc://{}", path.display()),
            Self::Ipc(IpcPath::Abstract(name)) => write!(f, "ipc://@{name}"),
            Self::Ipc(IpcPath::Any) => f.write_str("ipc://*"),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

/// Error of a text that isn't an endpoint, or of an endpoint that doesn't fit the call: the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid endpoint {text:?}: {reason}")]
pub struct EndpointError {
    text: String,
    reason: Reason,
}

impl EndpointError {
    pub(crate) fn wildcard(endpoint: &Endpoint) -> Self {
        Self { text: endpoint.to_string(), reason: Reason::Wildcard }
    }

    pub(crate) fn source(endpoint: &Endpoint) -> Self {
        Self { text: endpoint.to_string(), reason: Reason::Source }
    }

    pub(crate) fn proxy(endpoint: &Endpoint) -> Self {
        Self { text: endpoint.to_string(), reason: Reason::Proxy }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("it needs a transport, as in tcp://127.0.0.1:5555, ipc:///run/name or inproc://name")]
    NoTransport,
    #[error("the transport has to be tcp, ipc or inproc")]
    UnknownTransport,
    #[error("tcp needs a port, as in tcp://127.0.0.1:5555")]
    NoPort,
    #[error("the port has to be a number from 0 to 65535, or *")]
    Port,
    #[error("the host has to be a name, an IPv4 address, an IPv6 address in brackets, or *")]
    Host,
    #[error("the zone of an IPv6 address has to be the name or number of an interface")]
    Zone,
    #[error("ipc needs a path, or @ and a name")]
    NoPath,
    #[error("an ipc path has at most 107 bytes")]
    LongPath,
    #[error("an ipc path has no zero byte")]
    ZeroInPath,
    #[error("inproc needs a name")]
    NoName,
    #[error("a wildcard can be bound, not connected to")]
    Wildcard,
    #[error("an endpoint with a source can be connected to, not bound")]
    Source,
    #[error("a proxy is reached over tcp, at a host and port")]
    Proxy,
}
