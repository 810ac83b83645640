//! Addresses of hosts and interfaces.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::if_nametoindex;
use tokio::net::lookup_host;

use crate::endpoint::{Host, Source, Zone};

/// Returns the addresses of a host to connect to.
pub(super) async fn remote(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host {
        Host::Any => Ok(Vec::new()),
        Host::Ip(ip) => Ok(vec![(*ip, port).into()]),
        Host::Zoned(ip, zone) => Ok(vec![SocketAddrV6::new(*ip, port, 0, index(zone)?).into()]),
        Host::Name(name) => Ok(lookup_host((name.as_str(), port)).await?.collect()),
    }
}

/// Returns the addresses of this machine that a host stands for, the preferred address first. The name of an interface
/// stands for the interface's address.
pub(super) async fn local(host: &Host, port: u16, ipv6: bool) -> io::Result<Vec<SocketAddr>> {
    match host {
        Host::Any if ipv6 => Ok(vec![any_v6(port), any_v4(port)]),
        Host::Any => Ok(vec![any_v4(port)]),
        Host::Name(name) => match interface(name, port, ipv6)? {
            Some(address) => Ok(vec![address]),
            None => remote(host, port).await,
        },
        _ => remote(host, port).await,
    }
}

/// Returns the local address of a connection to `peer`.
pub(super) async fn source(source: &Source, peer: SocketAddr, ipv6: bool) -> io::Result<SocketAddr> {
    let fits = |address: &SocketAddr| address.is_ipv4() == peer.is_ipv4();
    let addresses = match &source.host {
        Host::Any if peer.is_ipv6() => vec![any_v6(source.port)],
        Host::Any => vec![any_v4(source.port)],
        // An interface stands for its address of the peer's family.
        Host::Name(name) => match interface(name, source.port, peer.is_ipv6())? {
            Some(address) => vec![address],
            None => local(&source.host, source.port, ipv6).await?,
        },
        _ => local(&source.host, source.port, ipv6).await?,
    };
    addresses.into_iter().find(fits).ok_or_else(|| {
        io::Error::new(io::ErrorKind::AddrNotAvailable, "the source has no address of the peer's family")
    })
}

fn any_v4(port: u16) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, port).into()
}

fn any_v6(port: u16) -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, port).into()
}

/// Returns an address of the interface with this name, if there is any, of the preferred family if possible.
fn interface(name: &str, port: u16, prefers_ipv6: bool) -> io::Result<Option<SocketAddr>> {
    let addresses = getifaddrs()?.filter(|address| address.interface_name == name);
    let mut addresses: Vec<_> = addresses.filter_map(|address| socket_address(&address, port)).collect();
    addresses.sort_by_key(|address| address.is_ipv6() != prefers_ipv6);
    Ok(addresses.into_iter().next())
}

fn socket_address(address: &InterfaceAddress, port: u16) -> Option<SocketAddr> {
    let address = address.address.as_ref()?;
    if let Some(v4) = address.as_sockaddr_in() {
        return Some((IpAddr::from(v4.ip()), port).into());
    }
    let v6 = address.as_sockaddr_in6()?;
    Some(SocketAddrV6::new(v6.ip(), port, 0, v6.scope_id()).into())
}

/// Returns the number of an interface.
fn index(zone: &Zone) -> io::Result<u32> {
    match zone {
        Zone::Index(index) => Ok(index.get()),
        Zone::Name(name) => Ok(if_nametoindex(name.as_str())?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bound(host: &str, ipv6: bool) -> Vec<String> {
        let host = Host::Name(host.into());
        let addresses = local(&host, 7, ipv6).await.unwrap();
        addresses.iter().map(SocketAddr::to_string).collect()
    }

    #[tokio::test]
    async fn an_interface_name_resolves_to_its_address() {
        assert_eq!(bound("lo", false).await, ["127.0.0.1:7"]);
        let v6 = bound("lo", true).await;
        assert!(v6 == ["[::1]:7"] || v6 == ["127.0.0.1:7"], "{v6:?}");
    }

    #[tokio::test]
    async fn the_wildcard_is_ipv4_unless_ipv6_is_enabled() {
        assert_eq!(local(&Host::Any, 7, false).await.unwrap(), [any_v4(7)]);
        assert_eq!(local(&Host::Any, 7, true).await.unwrap(), [any_v6(7), any_v4(7)]);
    }

    #[tokio::test]
    async fn a_zone_is_the_number_or_the_name_of_an_interface() {
        let zoned = |zone| Host::Zoned(Ipv6Addr::LOCALHOST, zone);
        let lo = if_nametoindex("lo").unwrap();
        for zone in [Zone::Name("lo".into()), Zone::Index(lo.try_into().unwrap())] {
            let address = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 7, 0, lo).into();
            assert_eq!(remote(&zoned(zone.clone()), 7).await.unwrap(), [address]);
            assert_eq!(local(&zoned(zone), 7, false).await.unwrap(), [address]);
        }
        remote(&zoned(Zone::Name("badif".into())), 7).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_source_address_has_the_address_family_of_the_peer() {
        let from = |host: Host| Source { host, port: 5 };
        let (v4, v6): (SocketAddr, SocketAddr) = ("192.0.2.1:1".parse().unwrap(), "[::1]:1".parse().unwrap());
        let lo = from(Host::Name("lo".into()));
        for ipv6 in [false, true] {
            assert_eq!(source(&lo, v4, ipv6).await.unwrap().to_string(), "127.0.0.1:5");
            assert_eq!(source(&from(Host::Any), v4, ipv6).await.unwrap(), any_v4(5));
            assert_eq!(source(&from(Host::Any), v6, ipv6).await.unwrap(), any_v6(5));
        }
        let error = source(&from(Host::Ip(Ipv4Addr::LOCALHOST.into())), v6, false).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
