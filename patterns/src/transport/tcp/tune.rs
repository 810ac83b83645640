//! Socket options of TCP: buffers, keep-alive, type of service, interface.

use std::io;
use std::net::SocketAddr;

use socket2::{SockRef, TcpKeepalive};

use crate::settings::{Keepalive, TransportSettings};

/// Sets the options on a socket that listens, is to connect, or was accepted; `address` is of its family. Options
/// that are left to the system aren't touched.
pub(in crate::transport) fn tune(
    socket: &SockRef<'_>,
    address: SocketAddr,
    options: &TransportSettings,
) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.recv_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if options.tos != 0 {
        set_tos(socket, address, options.tos)?;
    }
    if let Some(on) = options.keepalive.on {
        set_keepalive(socket, on, &options.keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if options.max_retransmit.is_some() {
        socket.set_tcp_user_timeout(options.max_retransmit)?;
    }
    Ok(())
}

/// Chooses Reno for the connections of a loopback address, where there is no congestion.
///
/// A default that paces, as BBR does, sends only as fast as it has seen the peer receive, and leaves sending to timers
/// and acknowledgements. Four PUSH to one PULL of 1,024 bytes: 2.3 M messages/s with BBR, 3.8 M with Reno; one to one
/// of 16,384 bytes 145,000 and 396,000. Reno and Cubic, the default of most systems, are alike here, but only Reno may
/// be chosen by every user. The kernel goes on pacing a connection that leaves BBR once it is established, so a socket
/// is set before it connects or listens. A failure costs speed only, so it is ignored.
pub(super) fn avoid_pacing(socket: &SockRef<'_>, address: SocketAddr) {
    #[cfg(target_os = "linux")]
    if address.ip().is_loopback() {
        let _ = socket.set_tcp_congestion(b"reno");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, address);
}

/// Sets the type of service. On an IPv6 socket also that of IPv4, since it may have peers of IPv4.
fn set_tos(socket: &SockRef<'_>, address: SocketAddr, tos: u8) -> io::Result<()> {
    if address.is_ipv6() {
        socket.set_tclass_v6(tos.into())?;
    }
    socket.set_tos_v4(tos.into())
}

/// Sets keep-alive, with its times if it is on.
fn set_keepalive(socket: &SockRef<'_>, on: bool, keepalive: &Keepalive) -> io::Result<()> {
    if !on {
        return socket.set_keepalive(false);
    }
    let mut set = TcpKeepalive::new();
    if let Some(idle) = keepalive.idle {
        set = set.with_time(idle);
    }
    if let Some(interval) = keepalive.interval {
        set = set.with_interval(interval);
    }
    if let Some(count) = keepalive.count {
        set = set.with_retries(count);
    }
    socket.set_tcp_keepalive(&set)
}

/// Binds the socket to an interface, if `device` names any. Accepted sockets inherit it.
pub(super) fn bind_to_device(socket: &SockRef<'_>, device: &str) -> io::Result<()> {
    if device.is_empty() {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    return socket.bind_device(Some(device.as_bytes()));
    #[cfg(not(target_os = "linux"))]
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux binds sockets to an interface"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::error::BindError;
    use crate::options::Options;
    use crate::transport::{Listener, Stream};

    /// Returns the sockets of a listener, of an accepted connection, and of its connecting end.
    async fn sockets(host: &str, listening: Options, connecting: Options) -> [Socket; 3] {
        let endpoint: Endpoint = format!("tcp://{host}:*").parse().unwrap();
        let (listener, at) = Listener::bind(&endpoint, &listening.settings.transport).await.unwrap();
        let (accepted, connected) =
            tokio::join!(listener.accept(), Stream::connect(&at, &connecting.settings.transport));
        let listener = listener.into_tcp().unwrap();
        let [accepted, connected] =
            [accepted.unwrap().unwrap(), connected.unwrap()].map(|stream| match stream {
                Stream::Tcp(stream) => Socket::from(stream.into_std().unwrap()),
                Stream::Ipc(_) => panic!("of tcp"),
            });
        [Socket::from(listener.into_std().unwrap()), accepted, connected]
    }

    #[tokio::test]
    async fn by_default_only_nodelay_and_the_congestion_control_are_set() {
        let [_, accepted, connected] = sockets("127.0.0.1", Options::default(), Options::default()).await;
        for socket in [accepted, connected] {
            assert!(socket.tcp_nodelay().unwrap());
            assert!(!socket.keepalive().unwrap());
            assert_eq!(socket.tos_v4().unwrap(), 0);
            assert_eq!(socket.tcp_user_timeout().unwrap(), None);
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn connections_of_a_loopback_address_use_reno() {
        for host in ["127.0.0.1", "[::1]"] {
            for socket in sockets(host, Options::default(), Options::default()).await {
                assert!(socket.tcp_congestion().unwrap().starts_with(b"reno"));
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_listener_of_all_addresses_keeps_the_congestion_control_of_the_system() {
        let default = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap().tcp_congestion().unwrap();
        let endpoint = "tcp://0.0.0.0:*".parse().unwrap();
        let (listener, _) = Listener::bind(&endpoint, &Options::default().settings.transport).await.unwrap();
        let listener = Socket::from(listener.into_tcp().unwrap().into_std().unwrap());
        assert_eq!(listener.tcp_congestion().unwrap(), default);
    }

    #[tokio::test]
    async fn the_type_of_service_is_set_on_both_sides() {
        for host in ["127.0.0.1", "[::1]"] {
            let (listening, connecting) = (Options::default().tos(0x28), Options::default().tos(0x58));
            let [listener, accepted, connected] = sockets(host, listening, connecting).await;
            for (socket, tos) in [(listener, 0x28), (accepted, 0x28), (connected, 0x58)] {
                assert_eq!(socket.tos_v4().unwrap(), tos);
                if host == "[::1]" {
                    assert_eq!(socket.tclass_v6().unwrap(), tos);
                }
            }
        }
    }

    #[tokio::test]
    async fn keep_alive_is_set_with_its_times_on_both_sides() {
        let options = Options::default()
            .keepalive(true)
            .keepalive_idle(Duration::from_secs(31))
            .keepalive_interval(Duration::from_secs(7))
            .keepalive_count(3);
        for socket in sockets("127.0.0.1", options.clone(), options).await {
            assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap().as_secs(), 31);
            assert_eq!(socket.tcp_keepalive_interval().unwrap().as_secs(), 7);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        }
    }

    #[tokio::test]
    async fn keepalive_times_alone_do_not_enable_keepalive() {
        let options = Options::default().keepalive_idle(Duration::from_secs(31));
        for options in [options.clone(), options.keepalive(false)] {
            for socket in sockets("127.0.0.1", options.clone(), options).await {
                assert!(!socket.keepalive().unwrap());
                assert_ne!(socket.tcp_keepalive_time().unwrap().as_secs(), 31);
            }
        }
    }

    #[tokio::test]
    async fn buffers_and_retransmission_are_bounded_on_both_sides() {
        let options = Options::default()
            .send_buffer(16 << 10)
            .recv_buffer(24 << 10)
            .max_retransmit(Duration::from_millis(1500));
        for socket in sockets("127.0.0.1", options.clone(), options).await {
            // Linux takes twice as much as it is asked for.
            assert_eq!(socket.send_buffer_size().unwrap(), 32 << 10);
            assert_eq!(socket.recv_buffer_size().unwrap(), 48 << 10);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(1500)));
        }
    }

    #[tokio::test]
    async fn sockets_are_bound_to_an_interface_if_the_system_allows_it() {
        let options = Options::default().bind_to_device("lo");
        match Listener::bind(&"tcp://127.0.0.1:*".parse().unwrap(), &options.settings.transport).await {
            Err(BindError::Io { source, .. }) => {
                assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
                return;
            }
            bound => drop(bound.unwrap()),
        }
        for socket in sockets("127.0.0.1", options.clone(), options).await {
            assert_eq!(socket.device().unwrap().unwrap(), b"lo");
        }
    }

    #[tokio::test]
    async fn a_missing_interface_is_an_error_of_the_system() {
        let options = Options::default().bind_to_device("no such if").settings.transport;
        let at: Endpoint = "tcp://127.0.0.1:1".parse().unwrap();
        let bound = Listener::bind(&at, &options).await;
        assert!(matches!(bound, Err(BindError::Io { .. })), "{bound:?}");
        let error = Stream::connect(&at, &options).await.unwrap_err();
        assert!(error.is_ordinary(), "and tried again: {error}");
    }
}
