//! Decisions of authenticators, and peers that act meanwhile. Virtual time: a wait without an end fails at once.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfonet::auth::{AuthRequest, KeyPair, PlainCredentials, Security, Verdict, new_key_pair};
use enfonet::zap::Zap;
use enfonet::{Context, Endpoint, Options, Rep, Req};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

fn address(endpoint: &Endpoint) -> String {
    endpoint.to_string().trim_start_matches("tcp://").into()
}

fn greeting(mechanism: &str) -> Vec<u8> {
    let mut bytes = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01".to_vec();
    bytes.extend_from_slice(mechanism.as_bytes());
    bytes.resize(64, 0);
    bytes
}

/// A guard that reports its drop.
struct DropReport(mpsc::UnboundedSender<&'static str>);

impl Drop for DropReport {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// Returns a server that never decides, and a channel that reports requests for decisions and their drops.
async fn undecided(security: Security) -> (Rep, Endpoint, mpsc::UnboundedReceiver<&'static str>) {
    let (report, reports) = mpsc::unbounded_channel();
    let options = Options::default().security(security).handshake_timeout(Duration::ZERO);
    let server = Rep::with_options(options.authenticator(move |_: AuthRequest| {
        let drop_report = DropReport(report.clone());
        async move {
            let _ = drop_report.0.send("asked");
            std::future::pending::<()>().await;
            Verdict::allow()
        }
    }));
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    (server, endpoint, reports)
}

async fn within_deadline<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), future).await.expect("it doesn't take for ever")
}

/// Asserts that a decision is dropped when the peer sends `bytes` in one piece and goes.
async fn dropped_when_gone(security: Security, bytes: &[u8]) {
    let (_server, endpoint, mut reports) = undecided(security).await;
    let mut peer = TcpStream::connect(address(&endpoint)).await.unwrap();
    peer.write_all(bytes).await.unwrap();
    assert_eq!(within_deadline(reports.recv()).await, Some("asked"));
    drop(peer);
    assert_eq!(within_deadline(reports.recv()).await, Some("dropped"));
}

const READY: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REQ";
const HELLO: &[u8] = b"\x04\x13\x05HELLO\x05admin\x06secret";

#[tokio::test(start_paused = true)]
async fn a_decision_is_dropped_when_a_null_peer_leaves_after_its_greeting() {
    dropped_when_gone(Security::Null, &greeting("NULL")).await;
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_dropped_when_a_null_peer_leaves_after_its_ready() {
    dropped_when_gone(Security::Null, &[&greeting("NULL")[..], READY].concat()).await;
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_dropped_when_a_plain_peer_leaves() {
    dropped_when_gone(Security::PlainServer, &[&greeting("PLAIN")[..], HELLO].concat()).await;
}

#[tokio::test(start_paused = true)]
async fn a_plain_peer_that_sends_on_before_the_answer_is_rejected_at_once() {
    let (_server, endpoint, _told) = undecided(Security::PlainServer).await;
    let mut peer = TcpStream::connect(address(&endpoint)).await.unwrap();
    let bytes = [&greeting("PLAIN")[..], HELLO, b"\x04\x09\x08INITIATE"].concat();
    peer.write_all(&bytes).await.unwrap();
    let mut heard = Vec::new();
    within_deadline(peer.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard.len(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_null_peer_that_rejects_us_before_our_decision_is_retried_after_the_rejection_interval() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options = Options::default().handshake_timeout(Duration::ZERO);
    let req = Req::with_options(options.authenticator(|_: AuthRequest| std::future::pending()));
    req.connect(Endpoint::tcp(listener.local_addr().unwrap())).unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(&[&greeting("NULL")[..], b"\x04\x0a\x05ERROR\x03400"].concat()).await.unwrap();
    let mut heard = [0; 64];
    peer.read_exact(&mut heard).await.unwrap();
    drop(peer);
    let rejected = Instant::now();
    let _ = within_deadline(listener.accept()).await.unwrap();
    assert!(rejected.elapsed() >= Duration::from_secs(5), "{:?}", rejected.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_closes_drops_its_decisions_at_once() {
    let (server, endpoint, mut reports) = undecided(Security::PlainServer).await;
    let mut peer = TcpStream::connect(address(&endpoint)).await.unwrap();
    peer.write_all(&[&greeting("PLAIN")[..], HELLO].concat()).await.unwrap();
    assert_eq!(within_deadline(reports.recv()).await, Some("asked"));
    within_deadline(server.close(Duration::from_secs(1000))).await;
    assert_eq!(reports.try_recv(), Ok("dropped"));
}

fn pairs() -> Vec<[Security; 2]> {
    let login = PlainCredentials::new("admin", "secret").expect("a short login");
    let (server, client) = (new_key_pair(), new_key_pair());
    let public = *KeyPair::public(&server);
    vec![
        [Security::Null, Security::Null],
        [Security::PlainServer, Security::PlainClient(login)],
        [Security::CurveServer { keys: server }, Security::CurveClient { keys: client, server: public }],
    ]
}

#[tokio::test]
async fn the_authenticator_is_asked_once_per_handshake() {
    for [server, client] in pairs() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let rep =
            Rep::with_options(Options::default().security(server).authenticator(move |_: AuthRequest| {
                count.fetch_add(1, Ordering::Relaxed);
                async {
                    tokio::task::yield_now().await;
                    Verdict::allow()
                }
            }));
        let endpoint = rep.bind("tcp://127.0.0.1:*").await.unwrap();
        for n in 1..5 {
            let req = Req::with_options(Options::default().security(client.clone()));
            req.connect(&endpoint).unwrap();
            req.send("q").await.unwrap();
            rep.recv().await.unwrap().reply("a").unwrap();
            assert_eq!(req.recv().await.unwrap().first(), b"a");
            req.close(Duration::ZERO).await;
            assert_eq!(asked.load(Ordering::Relaxed), n);
        }
    }
}

#[tokio::test]
async fn a_handshake_slot_is_freed_however_the_handshake_ends() {
    for [server, client] in pairs().drain(1..) {
        let options = Options::default().security(server.clone()).max_handshakes(1);
        let rep = Rep::with_options(options.authenticator(|_: AuthRequest| async { Verdict::allow() }));
        let endpoint = rep.bind("tcp://127.0.0.1:*").await.unwrap();
        let mechanism = server.mechanism().name();
        for garbage in
            [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &greeting(mechanism), &greeting("NULL"), &greeting("X")]
        {
            for _ in 0..3 {
                let mut peer = TcpStream::connect(address(&endpoint)).await.unwrap();
                let _ = peer.write_all(garbage).await;
                let _ = peer.shutdown().await;
                let _ = peer.read_to_end(&mut Vec::new()).await;
            }
        }
        let mut keep = Vec::new();
        for _ in 0..5 {
            let req = Req::with_options(
                Options::default().security(client.clone()).reconnect_interval(Duration::from_millis(5)),
            );
            req.connect(&endpoint).unwrap();
            req.send("q").await.unwrap();
            tokio::time::timeout(Duration::from_secs(20), rep.recv())
                .await
                .unwrap()
                .unwrap()
                .reply("a")
                .unwrap();
            req.recv().await.unwrap();
            keep.push(req);
        }
    }
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn zap_leaves_no_tasks_behind_on_one_thread() {
    let context = Context::new();
    let handler = Rep::with_options(Options::default().context(&context));
    handler.bind("inproc://zeromq.zap.01").await.unwrap();
    tokio::spawn(async move {
        while let Ok(request) = handler.recv().await {
            let reply = ["1.0", "1", "200", "OK", "ada", ""];
            let _ = request.reply(enfonet::Message::from_frames(reply));
        }
    });
    let options = Options::default().security(Security::PlainServer).authenticator(Zap::in_context(&context));
    let rep = Rep::with_options(options);
    let endpoint = rep.bind("tcp://127.0.0.1:*").await.unwrap();
    tokio::task::yield_now().await;
    let before = tasks();
    for n in 0..30 {
        let mut peer = TcpStream::connect(address(&endpoint)).await.unwrap();
        peer.write_all(&[&greeting("PLAIN")[..], HELLO].concat()).await.unwrap();
        if n % 2 == 0 {
            let mut heard = [0; 64 + 10];
            peer.read_exact(&mut heard).await.unwrap();
        }
    }
    for _ in 0..1_000_000 {
        if tasks() <= before {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} tasks, {before} before", tasks());
}

#[tokio::test]
async fn a_socket_may_be_its_own_zap_handler() {
    let context = Context::new();
    let options = Options::default().context(&context).authenticator(Zap::in_context(&context));
    let rep = Rep::with_options(options);
    rep.bind("inproc://zeromq.zap.01").await.unwrap();
    let endpoint = rep.bind("tcp://127.0.0.1:*").await.unwrap();
    let req = Req::new();
    req.connect(&endpoint).unwrap();
    req.send("q").await.unwrap();
    let run = async {
        loop {
            let request = rep.recv().await.unwrap();
            if request.message().first()[..] == *b"q" {
                return request.reply("a").unwrap();
            }
            request.reply(enfonet::Message::from_frames(["1.0", "1", "200", "OK", "ada", ""])).unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(10), run).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_remote_zap_handler_peers_are_rejected_temporarily() {
    let gone = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let zap = Zap::at(Endpoint::tcp(gone));
    let options = Options::default().security(Security::PlainServer).authenticator(zap);
    let rep = Rep::with_options(options.handshake_timeout(Duration::ZERO));
    let endpoint = rep.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut peer = TcpStream::connect(address(&endpoint)).await.unwrap();
    peer.write_all(&[&greeting("PLAIN")[..], HELLO].concat()).await.unwrap();
    let mut heard = Vec::new();
    within_deadline(peer.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard.len(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_waits_after_a_rejection_closes_and_disconnects_at_once() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = Endpoint::tcp(listener.local_addr().unwrap());
    for disconnects in [true, false] {
        let req =
            Req::with_options(Options::default().rejected_reconnect_interval(Duration::from_secs(10_000)));
        req.connect(&endpoint).unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = peer.read_to_end(&mut Vec::new()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        if disconnects {
            req.disconnect(&endpoint).unwrap();
        }
        req.close(Duration::from_secs(5000)).await;
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
}

#[test]
fn a_runtime_may_end_while_decisions_are_pending() {
    for zap in [true, false] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let context = Context::new();
            let handler = Rep::with_options(Options::default().context(&context));
            handler.bind("inproc://zeromq.zap.01").await.unwrap();
            let asked = Arc::new(Notify::new());
            let heard = asked.clone();
            let options = Options::default().security(Security::PlainServer);
            let options = match zap {
                true => options.authenticator(Zap::in_context(&context)),
                false => options.authenticator(move |_: AuthRequest| {
                    heard.notify_one();
                    std::future::pending()
                }),
            };
            let rep = Rep::with_options(options);
            let endpoint = rep.bind("tcp://127.0.0.1:*").await.unwrap();
            let mut peer = TcpStream::connect(address(&endpoint)).await.unwrap();
            peer.write_all(&[&greeting("PLAIN")[..], HELLO].concat()).await.unwrap();
            if zap {
                let request = handler.recv().await.unwrap();
                assert_eq!(request.message().iter().count(), 8);
            } else {
                asked.notified().await;
            }
        });
    }
}
