//! Endpoints that are retried, and endpoints that are given up, in virtual time.

use std::time::Duration;

use enfonet::error::{DisconnectError, SendError};
use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Endpoint, Options, Pub, Pull, Push, Req, Router, Sub};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};

mod support;

use support::{DAY, within_a_day};

/// Returns a TCP listener and its endpoint.
async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
    (listener, endpoint)
}

async fn accept(listener: &TcpListener) -> TcpStream {
    within_a_day(listener.accept()).await.expect("a connection").0
}

/// Returns the bytes that a peer of this socket type sends in its handshake.
fn hello(kind: &str) -> Vec<u8> {
    let mut hello = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL".to_vec();
    hello.resize(64, 0);
    hello.extend([4, 22 + kind.len() as u8]);
    hello.extend(b"\x05READY\x0bSocket-Type\0\0\0");
    hello.push(kind.len() as u8);
    hello.extend(kind.as_bytes());
    hello
}

/// Asserts that no further connection comes, and that the socket no longer has the endpoint.
async fn assert_given_up(dealer: &Dealer, endpoint: &str, listener: &TcpListener) {
    assert!(tokio::time::timeout(DAY, listener.accept()).await.is_err());
    assert_eq!(dealer.try_send("nobody's"), Err(SendError::Full("nobody's".into())));
    let unknown = dealer.disconnect(endpoint);
    assert_eq!(unknown, Err(DisconnectError::NotConnected(endpoint.parse().expect("an endpoint"))));
}

#[tokio::test(start_paused = true)]
async fn any_failed_handshake_can_stop_reconnecting() {
    for said in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &hello("PUB"), b"closes at once", b"silent"] {
        let (listener, endpoint) = listener().await;
        let dealer = Dealer::with_options(Options::default().reconnect_if_handshake_fails(false));
        dealer.connect(&endpoint).unwrap();
        for _ in 0..2 {
            let mut stream = accept(&listener).await;
            match said {
                b"silent" => drop(stream.read_to_end(&mut Vec::new()).await),
                b"closes at once" => drop(stream),
                _ => {
                    stream.write_all(said).await.unwrap();
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            }
            assert_given_up(&dealer, &endpoint, &listener).await;
            // The next attempt would come after the interval.
            dealer.connect(&endpoint).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_retried_if_only_rejections_and_failed_handshakes_stop_reconnecting() {
    let (listener, endpoint) = listener().await;
    let options =
        Options::default().reconnect_if_connection_refused(false).reconnect_if_handshake_fails(false);
    let dealer = Dealer::with_options(options);
    dealer.connect(&endpoint).unwrap();
    for _ in 0..3 {
        let mut stream = accept(&listener).await;
        stream.write_all(&hello("DEALER")).await.unwrap();
        dealer.wait_connected(1).await;
        stream.read_exact(&mut [0; 64]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_can_stop_reconnecting() {
    let (listener, endpoint) = listener().await;
    let dealer = Dealer::with_options(Options::default().reconnect(false));
    for _ in 0..3 {
        dealer.connect(&endpoint).unwrap();
        let mut stream = accept(&listener).await;
        stream.write_all(&hello("DEALER")).await.unwrap();
        dealer.wait_connected(1).await;
        drop(stream);
        assert_given_up(&dealer, &endpoint, &listener).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_endpoint_is_retried_until_it_is_disconnected() {
    let folder = tempfile::tempdir().unwrap();
    let [kept, taken_back] = ["kept", "taken back"].map(|name| folder.path().join(name));
    let endpoint =
        |path: &std::path::Path| -> Endpoint { format!("ipc://{}", path.display()).parse().unwrap() };
    let dealer = Dealer::with_options(Options::default().reconnect_interval(Duration::from_secs(600)));
    dealer.connect(endpoint(&kept)).unwrap();
    dealer.connect(endpoint(&taken_back)).unwrap();
    tokio::time::sleep(DAY).await;
    dealer.disconnect(endpoint(&taken_back)).unwrap();
    let [kept, taken_back] = [kept, taken_back].map(|path| UnixListener::bind(path).unwrap());
    let (_stream, _) = within_a_day(kept.accept()).await.unwrap();
    assert!(tokio::time::timeout(DAY, taken_back.accept()).await.is_err());
}

/// Returns the number of connections after connecting twice. The listener stays in `listeners`: the socket goes on
/// connecting to its port, which the listener of another socket could get otherwise.
async fn connections(listeners: &mut Vec<TcpListener>, connect: impl Fn(&str)) -> usize {
    let (listener, endpoint) = listener().await;
    connect(&endpoint);
    connect(&endpoint);
    let mut streams = Vec::new();
    while let Ok(accepted) = tokio::time::timeout(Duration::from_secs(10), listener.accept()).await {
        streams.push(accepted.expect("a connection"));
    }
    listeners.push(listener);
    streams.len()
}

#[tokio::test(start_paused = true)]
async fn only_some_socket_types_connect_twice_to_the_same_endpoint() {
    let mut listeners = Vec::new();
    let (dealer, req, publisher, sub) = (Dealer::new(), Req::new(), Pub::new(), Sub::new());
    assert_eq!(connections(&mut listeners, |at| dealer.connect(at).unwrap()).await, 1);
    assert_eq!(connections(&mut listeners, |at| req.connect(at).unwrap()).await, 1);
    assert_eq!(connections(&mut listeners, |at| publisher.connect(at).unwrap()).await, 1);
    assert_eq!(connections(&mut listeners, |at| sub.connect(at).unwrap()).await, 1);
    let (push, pull, router) = (Push::new(), Pull::new(), Router::new());
    assert_eq!(connections(&mut listeners, |at| push.connect(at).unwrap()).await, 2);
    assert_eq!(connections(&mut listeners, |at| pull.connect(at).unwrap()).await, 2);
    assert_eq!(connections(&mut listeners, |at| router.connect(at).unwrap()).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_disconnected_can_be_connected_to_again() {
    let (listener, endpoint) = listener().await;
    let dealer = Dealer::new();
    for _ in 0..3 {
        dealer.connect(&endpoint).unwrap();
        let mut stream = accept(&listener).await;
        dealer.disconnect(&endpoint).unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
}

/// Connects, and returns the names of the events until the endpoint is given up.
async fn events_of(dealer: &Dealer, endpoint: &str) -> Vec<&'static str> {
    let mut monitor = dealer.monitor();
    dealer.connect(endpoint).expect("an endpoint");
    let mut events = Vec::new();
    while events.last() != Some(&"closed") {
        events.push(match monitor.recv().await.expect("it is open") {
            MonitorEvent::Connecting { .. } => "connecting",
            MonitorEvent::Connected { .. } => "connected",
            MonitorEvent::ConnectFailed { .. } => "not connected",
            MonitorEvent::ConnectRetried { .. } => "retried",
            MonitorEvent::HandshakeFailed { .. } => "no handshake",
            MonitorEvent::HandshakeSucceeded { .. } => "handshake",
            MonitorEvent::Disconnected { .. } => "disconnected",
            MonitorEvent::Closed { .. } => "closed",
            other => panic!("{other:?}"),
        });
    }
    events
}

#[tokio::test(start_paused = true)]
async fn a_monitor_sees_the_endpoint_given_up_and_may_connect_again_at_once() {
    let (silent, endpoint) = listener().await;
    let options =
        Options::default().reconnect_if_connection_refused(false).reconnect_if_handshake_fails(false);
    let dealer = Dealer::with_options(options);
    for _ in 0..2 {
        let events = events_of(&dealer, &endpoint).await;
        assert_eq!(events, ["connecting", "connected", "no handshake", "closed"]);
    }
    let (_first, _) = silent.accept().await.unwrap();
    drop(silent);
    for _ in 0..2 {
        assert_eq!(events_of(&dealer, &endpoint).await, ["connecting", "not connected", "closed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_event_of_a_failed_handshake_connect_works_at_once() {
    let (listener, endpoint) = listener().await;
    let dealer = Dealer::with_options(Options::default().reconnect_if_handshake_fails(false));
    let mut monitor = dealer.monitor();
    for _ in 0..5 {
        dealer.connect(&endpoint).unwrap();
        drop(accept(&listener).await);
        while !matches!(monitor.recv().await.unwrap(), MonitorEvent::HandshakeFailed { .. }) {}
    }
}
