//! TCP endpoints that nobody listens on yet.

use tokio::net::TcpSocket;

/// A TCP endpoint that nobody listens on, and the guard that keeps its port from everybody who asks the system
/// for any port. Who asks for just this port gets it, again and again.
///
/// # Panics
/// When there is no free port.
#[must_use]
pub fn unused() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let endpoint = format!("tcp://{}", socket.local_addr().expect("an address"));
    (socket, endpoint)
}
