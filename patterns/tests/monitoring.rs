//! Monitor events: attempts and waits in virtual time, and peers over inproc.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::pin::pin;
use std::time::Duration;

use enfonet::error::{Closed, ConnectionError, HandshakeError, RejectReason};
use enfonet::monitor::{Monitor, MonitorEvent};
use enfonet::{Context, Dealer, Endpoint, Options, Pub, Rep, Router, Sub};
use futures_util::{FutureExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

mod support;

use support::{DAY, within_a_day};

/// Returns the next event, and fails if none comes within a day.
async fn next(monitor: &mut Monitor) -> MonitorEvent {
    within_a_day(monitor.recv()).await.expect("the socket is open")
}

/// Asserts the names of the next events, and returns the last event.
async fn expect(monitor: &mut Monitor, names: &[&str]) -> MonitorEvent {
    let mut last = None;
    for name in names {
        let event = next(monitor).await;
        let text = format!("{event:?}");
        assert_eq!(text.split([' ', '{']).next(), Some(*name), "{text}");
        last = Some(event);
    }
    last.expect("one name at least")
}

fn after(event: &MonitorEvent) -> Duration {
    let MonitorEvent::ConnectRetried { after, .. } = event else { panic!("{event:?}") };
    *after
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_follows_a_lost_connection_after_the_announced_wait() {
    let interval = Duration::from_secs(60);
    let server = Pub::new();
    let at = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Sub::with_options(Options::default().reconnect_interval(interval));
    let mut monitor = client.monitor();
    client.connect(&at).unwrap();
    expect(&mut monitor, &["Connecting", "Connected", "HandshakeSucceeded"]).await;
    server.close(Duration::ZERO).await;
    for _ in 0..3 {
        let lost = expect(&mut monitor, &["Disconnected", "ConnectRetried"]).await;
        let (wait, start) = (after(&lost), Instant::now());
        assert!((interval..=2 * interval).contains(&wait), "{wait:?}");
        let server = Pub::new();
        server.bind(&at).await.unwrap();
        assert!(timeout(wait - Duration::from_millis(2), monitor.recv()).await.is_err());
        expect(&mut monitor, &["Connecting"]).await;
        assert!(start.elapsed().abs_diff(wait) <= Duration::from_millis(2), "{:?}", start.elapsed());
        expect(&mut monitor, &["Connected", "HandshakeSucceeded"]).await;
        // No further event follows.
        assert!(timeout(DAY, monitor.recv()).await.is_err());
        server.close(Duration::ZERO).await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_carry_each_growing_reconnect_interval() {
    let client = Dealer::with_options(
        Options::default()
            .reconnect_interval(Duration::from_secs(1))
            .reconnect_interval_max(Duration::from_secs(8)),
    );
    let mut monitor = client.monitor();
    client.connect("tcp://127.0.0.1:1").unwrap();
    for base in [1, 2, 4, 8, 8, 8].map(Duration::from_secs) {
        let wait = after(&expect(&mut monitor, &["Connecting", "ConnectFailed", "ConnectRetried"]).await);
        assert!((base..=2 * base).contains(&wait), "{wait:?}, {base:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_timeout_is_reported_at_both_ends_after_thirty_seconds() {
    let server = Rep::new();
    let mut monitor = server.monitor();
    let Endpoint::Tcp { port, .. } = server.bind("tcp://127.0.0.1:*").await.unwrap() else { panic!() };
    let start = Instant::now();
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let failed = expect(&mut monitor, &["Listening", "Accepted", "HandshakeFailed"]).await;
    assert_eq!(start.elapsed().as_secs(), 30);
    let MonitorEvent::HandshakeFailed { address, error, .. } = failed else { panic!() };
    assert_eq!(address, silent.local_addr().unwrap().to_string());
    assert!(matches!(*error, ConnectionError::HandshakeTimeout), "{error}");
    let _ = silent.read_to_end(&mut Vec::new()).await;

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Dealer::new();
    let mut monitor = client.monitor();
    client.connect(format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    let start = Instant::now();
    let _silent = listener.accept().await.unwrap();
    let names = ["Connecting", "Connected", "HandshakeFailed", "ConnectRetried", "Connecting"];
    expect(&mut monitor, &names).await;
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_is_reported_as_silent() {
    let options = Options::default().heartbeat_interval(Duration::from_secs(10));
    let server = Router::with_options(options);
    let mut monitor = server.monitor();
    let Endpoint::Tcp { port, .. } = server.bind("tcp://127.0.0.1:*").await.unwrap() else { panic!() };
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut hello = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL".to_vec();
    hello.resize(64, 0);
    hello.extend(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER");
    tokio::io::AsyncWriteExt::write_all(&mut silent, &hello).await.unwrap();
    expect(&mut monitor, &["Listening", "Accepted", "HandshakeSucceeded"]).await;
    let start = Instant::now();
    let gone = expect(&mut monitor, &["Disconnected"]).await;
    assert_eq!(start.elapsed().as_secs(), 20);
    let MonitorEvent::Disconnected { reason, .. } = gone else { panic!() };
    assert!(matches!(*reason, ConnectionError::HeartbeatTimeout), "{reason}");
}

/// Returns options for sockets of one context that reconnect at once.
fn options() -> Options {
    Options::default().context(&Context::new()).reconnect_interval(Duration::ZERO)
}

fn reason(event: &MonitorEvent) -> String {
    match event {
        MonitorEvent::Disconnected { reason, .. } => format!("{reason:?}"),
        MonitorEvent::HandshakeFailed { error, .. } => format!("{error:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn over_inproc_both_ends_report_which_end_closed() {
    for far_ends in [true, false] {
        for by_closing in [true, false] {
            let options = options();
            let (server, client) = (Router::with_options(options.clone()), Dealer::with_options(options));
            let (mut at_server, mut at_client) = (server.monitor(), client.monitor());
            let at = server.bind("inproc://name").await.unwrap();
            client.connect(&at).unwrap();
            let joined = expect(&mut at_server, &["Listening", "HandshakeSucceeded"]).await;
            assert!(matches!(&joined, MonitorEvent::HandshakeSucceeded { peer } if peer.endpoint == at));
            expect(&mut at_client, &["Connecting", "HandshakeSucceeded"]).await;
            let ends = [("Closed", &mut at_server), ("Eof", &mut at_client)];
            let [(ours, ending), (theirs, other)] = if far_ends {
                ends
            } else {
                let [(ours, server), (theirs, client)] = ends;
                [(ours, client), (theirs, server)]
            };
            match (far_ends, by_closing) {
                (true, true) => drop(server.close(Duration::ZERO).await),
                (true, false) => server.unbind(&at).unwrap(),
                (false, true) => drop(client.close(Duration::ZERO).await),
                (false, false) => client.disconnect(&at).unwrap(),
            }
            // The listener closes first, the connecting socket last.
            if far_ends {
                expect(ending, &["Closed"]).await;
            }
            assert_eq!(reason(&expect(ending, &["Disconnected"]).await), ours);
            assert_eq!(reason(&expect(other, &["Disconnected"]).await), theirs);
            if far_ends {
                expect(other, &["ConnectRetried", "Connecting"]).await;
            } else {
                expect(ending, &["Closed"]).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn over_inproc_both_ends_report_why_they_do_not_connect() {
    let options = options();
    let server = Router::with_options(options.clone());
    let mut monitor = server.monitor();
    server.bind("inproc://name").await.unwrap();
    expect(&mut monitor, &["Listening"]).await;
    let misfit = Sub::with_options(options.clone());
    let mut at_misfit = misfit.monitor();
    misfit.connect("inproc://name").unwrap();
    expect(&mut at_misfit, &["Connecting"]).await;
    for monitor in [&mut monitor, &mut at_misfit] {
        let MonitorEvent::HandshakeFailed { error, .. } = expect(monitor, &["HandshakeFailed"]).await else {
            panic!()
        };
        let ConnectionError::Handshake(HandshakeError::SocketType { .. }) = &*error else {
            panic!("{error}")
        };
    }
    let named = || Dealer::with_options(options.clone().identity("me"));
    let (first, second) = (named(), named());
    first.connect("inproc://name").unwrap();
    expect(&mut monitor, &["HandshakeSucceeded"]).await;
    second.connect("inproc://name").unwrap();
    let MonitorEvent::HandshakeFailed { error, .. } = expect(&mut monitor, &["HandshakeFailed"]).await else {
        panic!()
    };
    assert!(matches!(*error, ConnectionError::Rejected(RejectReason::IdentityInUse)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_monitor_ends_with_its_socket_even_if_a_request_is_still_held() {
    let options = options();
    let (server, client) = (Rep::with_options(options.clone()), Dealer::with_options(options));
    let mut monitor = server.monitor();
    server.bind("inproc://name").await.unwrap();
    client.connect("inproc://name").unwrap();
    client.send(["", "question"]).await.unwrap();
    let request = server.recv().await.unwrap();
    drop(server);
    expect(&mut monitor, &["Listening", "HandshakeSucceeded", "Closed", "Disconnected"]).await;
    assert!(matches!(within_a_day(monitor.recv()).await, Err(Closed)));
    assert!(within_a_day(monitor.next()).await.is_none());
    drop(request);
    let closed = Dealer::new();
    closed.close(Duration::ZERO).await;
    assert!(matches!(closed.monitor().recv().await, Err(Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_receive_loses_no_event() {
    let server = Router::with_options(options());
    let mut monitor = server.monitor();
    for name in ["inproc://a", "inproc://b"] {
        {
            let mut recv = pin!(monitor.recv());
            assert!(recv.as_mut().now_or_never().is_none());
            server.bind(name).await.unwrap();
            // The future is woken, and dropped.
        }
        let MonitorEvent::Listening { endpoint } = next(&mut monitor).await else { panic!() };
        assert_eq!(endpoint.to_string(), name);
    }
}
