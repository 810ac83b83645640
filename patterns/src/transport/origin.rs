//! Origin of a peer: the address or user by which handshakes are counted.

use std::net::{IpAddr, Ipv4Addr};

/// The host or user that a peer comes from. Peers of one origin share a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The system doesn't know the peer's address.
    Unknown,
    /// A user of this machine.
    User(u32),
    V4(Ipv4Addr),
    /// The first 64 bits of an IPv6 address: one host usually has all addresses with this prefix.
    V6([u16; 4]),
}

impl Origin {
    /// Returns the origin of an IP address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [first, second, third, fourth, ..] = address.segments();
                Self::V6([first, second, third, fourth])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_an_ipv6_host_are_one_origin() {
        let of = |text: &str| Origin::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
