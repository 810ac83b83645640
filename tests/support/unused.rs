//! Unused TCP endpoints.

use std::net::{IpAddr, Ipv4Addr};

use tokio::net::TcpSocket;

/// Returns a TCP endpoint without a listener, and a guard. The guard keeps the endpoint's port from every program
/// that asks the system for any port. A program that asks for just this port gets it, again and again.
///
/// # Panics
/// When there is no free port.
#[must_use]
pub fn unused() -> (TcpSocket, String) {
    unused_on(Ipv4Addr::LOCALHOST)
}

/// Returns an endpoint and a guard as [`unused`] does, at an address of this machine.
///
/// # Panics
/// When there is no free port, or no such address.
#[must_use]
pub fn unused_on(ip: impl Into<IpAddr>) -> (TcpSocket, String) {
    let ip = ip.into();
    let socket = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket.bind((ip, 0).into()).expect("a free port");
    let endpoint = format!("tcp://{}", socket.local_addr().expect("an address"));
    (socket, endpoint)
}
