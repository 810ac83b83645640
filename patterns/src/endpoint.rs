//! Where sockets meet: `tcp://host:port`, `ipc://path`, `inproc://name`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// A parsed endpoint. Sockets take one, or its text, wherever they bind or connect.
///
/// ```
/// use enfonet_patterns::Endpoint;
///
/// let endpoint: Endpoint = "tcp://127.0.0.1:5555".parse()?;
/// assert_eq!(endpoint.to_string(), "tcp://127.0.0.1:5555");
/// assert!("tcp://127.0.0.1".parse::<Endpoint>().is_err());
/// # Ok::<(), enfonet_patterns::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// TCP, at a host and a port.
    Tcp {
        /// An address, a name, or every interface.
        host: Host,
        /// 0 lets the system choose: to bind only.
        port: u16,
    },
    /// A Unix domain socket at a path.
    Ipc(PathBuf),
    /// A name within this process, and within one [`Context`](crate::Context).
    Inproc(String),
}

/// The host of a TCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `*`: every IPv4 interface. To bind only.
    Any,
    /// An IPv4 address, or an IPv6 address, which is written in brackets.
    Ip(IpAddr),
    /// A name, looked up anew at every attempt.
    Name(String),
}

impl Endpoint {
    /// The TCP endpoint of a socket address.
    #[must_use]
    pub const fn tcp(address: SocketAddr) -> Self {
        Self::Tcp { host: Host::Ip(address.ip()), port: address.port() }
    }

    /// Whether it can be connected to: `*` and port 0 are for binding only.
    pub(crate) const fn is_wildcard(&self) -> bool {
        matches!(self, Self::Tcp { host: Host::Any, .. } | Self::Tcp { port: 0, .. })
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let error = |reason| EndpointError { text: text.into(), reason };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| error(Reason::NoTransport))?;
        match scheme {
            "tcp" => parse_tcp(rest).map_err(error),
            "ipc" if rest.is_empty() => Err(error(Reason::NoPath)),
            "ipc" if rest.len() > MAX_IPC_PATH => Err(error(Reason::LongPath)),
            "ipc" => Ok(Self::Ipc(rest.into())),
            "inproc" if rest.is_empty() => Err(error(Reason::NoName)),
            "inproc" => Ok(Self::Inproc(rest.into())),
            _ => Err(error(Reason::UnknownTransport)),
        }
    }
}

/// `sun_path` holds 108 octets, the last of them zero.
const MAX_IPC_PATH: usize = 107;

fn parse_tcp(rest: &str) -> Result<Endpoint, Reason> {
    let (host, port) = rest.rsplit_once(':').ok_or(Reason::NoPort)?;
    let port = match port {
        "*" => 0,
        "" => return Err(Reason::NoPort),
        digits if digits.bytes().all(|c| c.is_ascii_digit()) => digits.parse().map_err(|_| Reason::Port)?,
        _ => return Err(Reason::Port),
    };
    Ok(Endpoint::Tcp { host: parse_host(host)?, port })
}

fn parse_host(host: &str) -> Result<Host, Reason> {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|a| a.parse::<Ipv6Addr>().ok()).ok_or(Reason::Host)?;
        return Ok(Host::Ip(address.into()));
    }
    let name_like = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    match host {
        "*" => Ok(Host::Any),
        "" => Err(Reason::Host),
        _ if !host.chars().all(name_like) => Err(Reason::Host),
        _ => Ok(host.parse().map_or_else(|_| Host::Name(host.into()), Host::Ip)),
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

/// A parsed endpoint can't fail to be one.
impl From<std::convert::Infallible> for EndpointError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host: Host::Any, port } => write!(f, "tcp://*:{port}"),
            Self::Tcp { host: Host::Ip(ip), port } => write!(f, "tcp://{}", SocketAddr::new(*ip, *port)),
            Self::Tcp { host: Host::Name(name), port } => write!(f, "tcp://{name}:{port}"),
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

/// A text that is no endpoint: the caller's fault.
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
    #[error("ipc needs a path")]
    NoPath,
    #[error("an ipc path has at most 107 octets")]
    LongPath,
    #[error("inproc needs a name")]
    NoName,
    #[error("a wildcard host or port can be bound, not connected to")]
    Wildcard,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_parsed_is_shown_again() {
        for text in [
            "tcp://127.0.0.1:5555",
            "tcp://[::1]:1",
            "tcp://some-host.example:80",
            "ipc:///tmp/x",
            "inproc://a b",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        assert_eq!("tcp://*:*".parse::<Endpoint>().unwrap().to_string(), "tcp://*:0");
    }

    #[test]
    fn what_is_no_endpoint_says_why() {
        for (text, reason) in [
            ("", Reason::NoTransport),
            ("127.0.0.1:5555", Reason::NoTransport),
            ("udp://127.0.0.1:5555", Reason::UnknownTransport),
            ("tcp://", Reason::NoPort),
            ("tcp://host", Reason::NoPort),
            ("tcp://host:", Reason::NoPort),
            ("tcp://host:invalid", Reason::Port),
            ("tcp://host:65536", Reason::Port),
            ("tcp://host:+5", Reason::Port),
            ("tcp://:5555", Reason::Host),
            ("tcp://in val id:5555", Reason::Host),
            ("tcp://::1:5555", Reason::Host),
            ("tcp://[::1:5555", Reason::Host),
            ("ipc://", Reason::NoPath),
            ("inproc://", Reason::NoName),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap_err().reason, reason, "{text}");
        }
        assert_eq!(
            format!("ipc://{}", "x".repeat(108)).parse::<Endpoint>().unwrap_err().reason,
            Reason::LongPath
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_parses_survives_a_round_trip(text in "(tcp|ipc|inproc)?(://)?.{0,20}(:[0-9*]{0,6})?") {
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                prop_assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint);
            }
        }
    }
}
