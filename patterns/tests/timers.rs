//! Timers of handshakes, reconnecting, closing and heartbeats, in virtual time.

use std::time::Duration;

use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Endpoint, Options, Rep};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::Instant;

mod support;

use support::within_a_day;

fn address(endpoint: &Endpoint) -> String {
    endpoint.to_string().trim_start_matches("tcp://").into()
}

#[tokio::test(start_paused = true)]
async fn a_pending_peer_is_closed_after_thirty_seconds() {
    let server = Rep::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let start = Instant::now();
    let mut silent = TcpStream::connect(address(&endpoint)).await.unwrap();
    let mut greeting = Vec::new();
    within_a_day(silent.read_to_end(&mut greeting)).await.unwrap();
    assert_eq!(greeting.len(), 11, "our version, and then the end");
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_retried_after_one_to_two_intervals() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let client = Dealer::with_options(Options::default().reconnect_interval(Duration::from_secs(10)));
    client.connect(&endpoint).unwrap();
    let (first, _) = listener.accept().await.unwrap();
    let mut times = vec![Instant::now()];
    drop(first);
    for _ in 0..3 {
        let (next, _) = listener.accept().await.unwrap();
        times.push(Instant::now());
        drop(next);
    }
    for pair in times.windows(2) {
        let wait = (pair[1] - pair[0]).as_secs_f64();
        assert!((10.0..=20.1).contains(&wait), "{wait} s");
    }
}

#[tokio::test(start_paused = true)]
async fn without_jitter_the_reconnect_interval_doubles_up_to_its_maximum() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options::default().reconnect_interval(Duration::from_secs(10)).reconnect_jitter(0.0);
    let client = Dealer::with_options(options.reconnect_interval_max(Duration::from_secs(30)));
    client.connect(format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    let mut last = Instant::now();
    for expected in [0, 10, 20, 30, 30] {
        drop(within_a_day(listener.accept()).await.unwrap());
        assert_eq!(last.elapsed().as_secs(), expected);
        last = Instant::now();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_rejects_us_is_retried_after_five_to_ten_seconds() {
    let greeting = [&b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL"[..], &[0; 48]].concat();
    let error = |status: &str| [&greeting[..], b"\x04\x0a\x05ERROR\x03", status.as_bytes()].concat();
    let misfit = [&greeting[..], b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB"].concat();
    let (usual, seldom) = (0.1..=0.3, 5.0..=10.1);
    for (said, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), &seldom),
        (misfit, &seldom),
        (error("400"), &seldom),
        (error("500"), &usual),
        (error("300"), &usual),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Dealer::new();
        client.connect(format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
        let mut times = Vec::new();
        for _ in 0..4 {
            let (mut stream, _) = listener.accept().await.unwrap();
            times.push(Instant::now());
            stream.write_all(&said).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        for pair in times.windows(2) {
            let wait = (pair[1] - pair[0]).as_secs_f64();
            assert!(expected.contains(&wait), "{wait} s after {}", said.escape_ascii());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_handshake_is_left_after_thirty_seconds_and_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let client = Dealer::new();
    client.connect(&endpoint).unwrap();
    for _ in 0..3 {
        let (mut silent, _) = listener.accept().await.unwrap();
        let start = Instant::now();
        let mut greeting = Vec::new();
        within_a_day(silent.read_to_end(&mut greeting)).await.unwrap();
        assert_eq!(greeting.len(), 64, "our greeting, and then the end");
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}

#[tokio::test(start_paused = true)]
async fn close_ends_after_the_linger_and_counts_unsent_messages() {
    let client = Dealer::new();
    client.connect("tcp://127.0.0.1:1").unwrap();
    for n in 0..3 {
        client.send(format!("{n}")).await.unwrap();
    }
    let start = Instant::now();
    let unsent = client.close(Duration::from_secs(7)).await;
    assert_eq!((unsent.dropped, start.elapsed().as_secs()), (3, 7));
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_a_peer_with_an_empty_queue() {
    let client = Dealer::with_options(Options::default().reconnect_interval(Duration::from_secs(60)));
    client.connect("tcp://127.0.0.1:1").unwrap();
    let server = Rep::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let _halfway = TcpStream::connect(address(&endpoint)).await.unwrap();
    let start = Instant::now();
    assert_eq!(client.close(Duration::from_secs(3600)).await.dropped, 0);
    assert_eq!(server.close(Duration::from_secs(3600)).await.dropped, 0);
    assert!(start.elapsed() < Duration::from_secs(2));
}

/// A byte stream to a peer, over any transport.
trait ByteStream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream for S {}

/// Returns a scripted DEALER after the handshake.
async fn dealer(endpoint: &Endpoint) -> Box<dyn ByteStream> {
    let mut peer: Box<dyn ByteStream> = match endpoint.to_string().strip_prefix("ipc://") {
        Some(path) => Box::new(UnixStream::connect(path).await.expect("the server is there")),
        None => {
            let stream = TcpStream::connect(address(endpoint)).await.expect("the server is there");
            // No write waits for an acknowledgement, which would take real time.
            stream.set_nodelay(true).expect("an option");
            Box::new(stream)
        }
    };
    let mut hello = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL".to_vec();
    hello.resize(64, 0);
    hello.extend(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER");
    peer.write_all(&hello).await.expect("the server is there");
    // Our greeting, and the READY of a REP.
    peer.read_exact(&mut [0; 64 + 27]).await.expect("the server is there");
    peer
}

/// Returns a server with a linger of seven seconds, its endpoint, and its only peer, which may have got a reply.
async fn server_of_one(at: &str, answers: bool) -> (Rep, Endpoint, Box<dyn ByteStream>) {
    let server = Rep::with_options(Options::default().linger(Duration::from_secs(7)));
    let endpoint = server.bind(at).await.expect("a free endpoint");
    let mut peer = dealer(&endpoint).await;
    server.wait_connected(1).await;
    if answers {
        peer.write_all(b"\x01\0\0\x01q").await.expect("the server is there");
        server.recv().await.expect("a request").reply("a").expect("room");
        peer.read_exact(&mut [0; 5]).await.expect("an answer");
    }
    (server, endpoint, peer)
}

/// Seconds for which a close waits for a peer that was sent everything, with and without replies. The peer could lose
/// unread bytes if this side closed at once.
const TO_CLOSE: [(&str, bool, u64); 3] =
    [("tcp://127.0.0.1:*", true, 1), ("ipc://*", false, 1), ("ipc://*", true, 7)];

#[tokio::test(start_paused = true)]
async fn close_waits_one_second_for_peers_to_close_and_over_ipc_the_linger_if_messages_were_sent() {
    for (at, answers, expected) in TO_CLOSE {
        let (server, _, mut peer) = server_of_one(at, answers).await;
        let start = Instant::now();
        server.close(Duration::from_secs(7)).await;
        assert_eq!(start.elapsed().as_secs(), expected, "{at}, {answers}");
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn close_ends_when_the_peers_have_closed() {
    let (server, _, mut peer) = server_of_one("ipc://*", true).await;
    let start = Instant::now();
    let leaving = async move { peer.read_to_end(&mut Vec::new()).await.unwrap() };
    assert_eq!(tokio::join!(server.close(Duration::from_secs(7)), leaving).1, 0);
    assert_eq!(start.elapsed().as_secs(), 0);
}

async fn until_cut_off(mut peer: Box<dyn ByteStream>) {
    let writing = async {
        while peer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    within_a_day(writing).await;
}

#[tokio::test(start_paused = true)]
async fn peers_of_a_removed_endpoint_have_as_long_to_close() {
    for (at, answers, expected) in TO_CLOSE {
        let (server, endpoint, mut peer) = server_of_one(at, answers).await;
        let start = Instant::now();
        server.unbind(&endpoint).unwrap();
        assert_eq!(within_a_day(peer.read(&mut [0])).await.unwrap(), 0, "nothing more will come");
        until_cut_off(peer).await;
        assert_eq!(start.elapsed().as_secs(), expected, "{at}, {answers}");
    }
}

#[tokio::test(start_paused = true)]
async fn peers_of_a_removed_endpoint_are_cut_off_when_the_waiting_runtime_ends() {
    let (server, endpoint, mut peer) = server_of_one("ipc://*", true).await;
    let elsewhere = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    {
        let _guard = elsewhere.enter();
        server.unbind(&endpoint).unwrap();
    }
    elsewhere.shutdown_background();
    assert_eq!(within_a_day(peer.read(&mut [0])).await.unwrap(), 0);
    let start = Instant::now();
    until_cut_off(peer).await;
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[test]
fn a_connect_outside_of_a_runtime_panics_and_does_no_harm() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Dealer::new();
    let endpoint = runtime.block_on(server.bind("tcp://127.0.0.1:*")).unwrap();
    let client = Dealer::new();
    runtime.block_on(async { client.connect("inproc://elsewhere") }).unwrap();
    let outside = std::panic::AssertUnwindSafe(|| client.connect(&endpoint));
    assert!(std::panic::catch_unwind(outside).is_err());
    runtime.block_on(async { client.connect(&endpoint) }).unwrap();
    runtime.block_on(client.wait_connected(1));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_is_closed_after_interval_and_timeout() {
    let options = Options::default().heartbeat_interval(Duration::from_secs(10));
    let server = Rep::with_options(options.heartbeat_timeout(Duration::from_secs(5)));
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut silent = dealer(&endpoint).await;
    let start = Instant::now();
    let mut heard = Vec::new();
    within_a_day(silent.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard, b"\x04\x07\x04PING\0\0");
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_stays() {
    let options = Options::default().heartbeat_interval(Duration::from_secs(10));
    let server = Rep::with_options(options.heartbeat_timeout(Duration::from_secs(5)));
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut alive = dealer(&endpoint).await;
    for _ in 0..20 {
        let mut ping = [0; 9];
        within_a_day(alive.read_exact(&mut ping)).await.unwrap();
        assert_eq!(&ping, b"\x04\x07\x04PING\0\0");
        alive.write_all(b"\x04\x05\x04PONG").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_silent_beyond_its_own_ttl_is_closed() {
    let server = Rep::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut silent = dealer(&endpoint).await;
    silent.write_all(b"\x04\x07\x04PING\0\x1e").await.unwrap();
    let start = Instant::now();
    let mut heard = Vec::new();
    within_a_day(silent.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard, b"\x04\x05\x04PONG");
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_message_does_not_cancel_the_ttl_of_a_peer() {
    let server = Rep::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut silent = dealer(&endpoint).await;
    silent.write_all(b"\x04\x07\x04PING\0\x1e").await.unwrap();
    silent.read_exact(&mut [0; 7]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    silent.write_all(b"\x01\0\0\x01q").await.unwrap();
    server.recv().await.unwrap();
    let start = Instant::now();
    assert_eq!(within_a_day(silent.read_to_end(&mut Vec::new())).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn pings_follow_the_handshake_and_each_other_by_one_interval() {
    let options = Options::default().heartbeat_interval(Duration::from_secs(10));
    let server = Rep::with_options(options);
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut alive = dealer(&endpoint).await;
    let start = Instant::now();
    for n in 1..5 {
        within_a_day(alive.read_exact(&mut [0; 9])).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 10 * n);
        alive.write_all(b"\x04\x05\x04PONG").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_ttl_below_the_ping_interval_ends_no_idle_connection() {
    let seconds = Duration::from_secs;
    for (interval, ttl) in
        [(seconds(70), seconds(300)), (seconds(10), seconds(5)), (seconds(66), seconds(66))]
    {
        let options = Options::default().heartbeat_interval(interval).heartbeat_ttl(ttl);
        let (server, client) = (Rep::with_options(options), Dealer::new());
        let mut monitor = server.monitor();
        client.connect(server.bind("tcp://127.0.0.1:*").await.unwrap()).unwrap();
        while !matches!(monitor.recv().await.unwrap(), MonitorEvent::HandshakeSucceeded { .. }) {}
        let event = tokio::time::timeout(seconds(3600), monitor.recv()).await;
        assert!(event.is_err(), "{interval:?} {ttl:?} {event:?}");
    }
}

// Real time: the kernel's buffers fill meanwhile.
#[tokio::test]
async fn a_peer_that_reads_a_ping_and_nothing_more_is_closed_after_the_timeout() {
    let second = Duration::from_secs(1);
    let options = Options::default().heartbeat_interval(second / 2).heartbeat_timeout(second);
    let server = Dealer::with_options(options);
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut peer = dealer(&endpoint).await;
    server.wait_connected(1).await;
    let mut read = Vec::new();
    while !read.ends_with(b"\x04PING") {
        read.push(peer.read_u8().await.unwrap());
    }
    // More than the kernel holds: the connection is blocked when the timeout is over.
    for _ in 0..400 {
        server.send(vec![0; 100_000]).await.unwrap();
    }
    tokio::time::timeout(second * 30, server.wait_disconnected()).await.expect("the peer is silent");
}

// Real time: the kernel needs some to notice that its buffers are read.
#[tokio::test]
async fn a_peer_that_reads_its_messages_is_kept_even_if_it_answers_no_ping() {
    // Silence is given up after 2.5 s, within the 3 s of reading below; a busy machine seldom stalls for so long.
    let options = Options::default()
        .heartbeat_interval(Duration::from_millis(500))
        .heartbeat_timeout(Duration::from_secs(2))
        .send_hwm(1000);
    let server = Dealer::with_options(options);
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut slow = dealer(&endpoint).await;
    server.wait_connected(1).await;
    // More than the kernel holds: a PING waits behind the message, or within it.
    let body = vec![0; 100_000];
    for _ in 0..400 {
        server.send(body.clone()).await.unwrap();
    }
    let (mut buffer, mut read) = (vec![0; 2_000_000], Vec::new());
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        slow.read_exact(&mut buffer).await.unwrap();
        read.extend_from_slice(&buffer);
        assert_eq!(server.peers().len(), 1);
    }
    // Once the peer has read everything, there is no further progress.
    let end = tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut read)).await;
    end.unwrap().unwrap();
    assert!(read.windows(5).any(|part| part == b"\x04PING"));
}
