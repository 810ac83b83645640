//! The two halves of a TCP endpoint: the host to connect to, and the source.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

/// The host of a TCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `*`: every interface; of IPv4 only, unless [`Options::ipv6`](crate::Options::ipv6) is on. To bind only.
    Any,
    /// An IPv4 address, or an IPv6 address, which is written in brackets.
    Ip(IpAddr),
    /// An IPv6 address that is valid on one link only: `[fe80::1%eth0]`.
    Zoned(Ipv6Addr, Zone),
    /// A name, looked up at every attempt. To bind, and as a [`Source`], it may be the name of an interface, such as
    /// `lo`.
    Name(String),
}

/// The link of an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// The number of an interface.
    Index(NonZeroU32),
    /// The name of an interface, looked up at every attempt.
    Name(String),
}

/// The local address of a TCP connection: the first half of `tcp://192.0.2.7:0;example.org:5555`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// An address of this machine, or the name of an interface or host with such an address.
    pub host: Host,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl Host {
    /// Returns the host of a socket address.
    pub(super) const fn of(address: SocketAddr) -> Self {
        if let SocketAddr::V6(v6) = address
            && let Some(index) = NonZeroU32::new(v6.scope_id())
        {
            return Self::Zoned(*v6.ip(), Zone::Index(index));
        }
        Self::Ip(address.ip())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Ip(IpAddr::V4(ip)) => write!(f, "{ip}"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Zoned(ip, Zone::Index(index)) => write!(f, "[{ip}%{index}]"),
            Self::Zoned(ip, Zone::Name(name)) => write!(f, "[{ip}%{name}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
