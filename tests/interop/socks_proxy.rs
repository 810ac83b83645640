//! Connections to libzmq through a SOCKS 5 proxy.

use std::io::{Read, Write};
use std::time::Duration;

use enfonet::auth::PlainCredentials;
use enfonet::options::SocksProxy;
use enfonet::{Options, Pull};
use enfonet_tests::{LibZmq, Runtime, SocksRequest, SocksServer, unused};
use tokio::net::TcpListener;

fn through(proxy: SocksProxy) -> Options {
    let soon = Duration::from_millis(5);
    Options::default().reconnect_interval(soon).rejected_reconnect_interval(soon).socks_proxy(proxy)
}

fn proxy(runtime: &Runtime, server: &str, login: Option<(&[u8], &[u8])>) -> SocksServer {
    let listener = runtime.run(TcpListener::bind("127.0.0.1:0")).unwrap();
    SocksServer::start(listener, server, login)
}

/// Asserts that the pusher's messages arrive at a PULL that connects to `target`.
fn pull(runtime: &Runtime, push: &zmq::Socket, options: Options, target: &str) {
    let pull = Pull::with_options(options);
    pull.connect(target).unwrap();
    for text in ["ABC", "DEF"] {
        push.send(text, 0).unwrap();
        assert_eq!(runtime.run(pull.recv()), Ok(text.into()));
    }
    pull.disconnect(target).unwrap();
}

/// Returns a PUSH of libzmq's and its endpoint. Each peer needs its own, since PUSH distributes over all its peers.
fn pusher(libzmq: &LibZmq) -> (zmq::Socket, String) {
    libzmq.bound(zmq::PUSH, "tcp://127.0.0.1:*")
}

#[test]
fn a_target_is_an_address_or_a_host_name_that_the_proxy_resolves() {
    for (target, kind, asked) in [
        ("tcp://192.0.2.1:77", 1, "192.0.2.1:77"),
        ("tcp://only.the.proxy.knows:78", 3, "only.the.proxy.knows:78"),
        ("tcp://[2001:db8::1]:79", 4, "2001:db8::1:79"),
        ("tcp://[fe80::1%lo]:80", 4, "fe80::1:80"),
    ] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (push, at) = pusher(&libzmq);
        let mut proxy = proxy(&runtime, &at, None);
        pull(&runtime, &push, through(SocksProxy::new(&proxy.endpoint).unwrap()), target);
        let request = SocksRequest {
            client: "127.0.0.1".into(),
            methods: vec![0],
            login: None,
            target: Some((kind, asked.into())),
        };
        assert_eq!(runtime.run(proxy.asked()), request);
    }
}

#[test]
fn a_proxy_is_reached_from_the_given_source_address() {
    for (source, target) in [("tcp://127.0.0.3:0;", "tcp://"), ("tcp://", "tcp://127.0.0.3:*;")] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (push, at) = pusher(&libzmq);
        let mut proxy = proxy(&runtime, &at, None);
        let from = proxy.endpoint.replace("tcp://", source);
        let target = at.replace("tcp://", target);
        pull(&runtime, &push, through(SocksProxy::new(from).unwrap()), &target);
        assert_eq!(runtime.run(proxy.asked()).client, "127.0.0.3");
    }
}

#[test]
fn a_proxy_that_starts_late_is_retried() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (push, at) = pusher(&libzmq);
    let (_port, endpoint) = unused();
    let pull = Pull::with_options(through(SocksProxy::new(&endpoint).unwrap()));
    pull.connect(&at).unwrap();
    let address = endpoint.strip_prefix("tcp://").unwrap();
    let listener = runtime.run(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        socket.listen(10).unwrap()
    });
    let _proxy = SocksServer::start(listener, &at, None);
    push.send("ABC", 0).unwrap();
    assert_eq!(runtime.run(pull.recv()), Ok("ABC".into()));
}

#[test]
fn a_proxy_receives_the_login_that_it_asks_for() {
    let long = [b'x'; 255];
    for (name, password) in [(&b"ada"[..], &b"secret"[..]), (b"ada", b""), (&long, &long)] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (push, at) = pusher(&libzmq);
        let mut server = proxy(&runtime, &at, Some((name, password)));
        let login = PlainCredentials::new(name.to_vec(), password.to_vec()).unwrap();
        let options = through(SocksProxy::new(&server.endpoint).unwrap().login(login));
        pull(&runtime, &push, options, &at);
        let request = runtime.run(server.asked());
        assert_eq!((request.methods, request.login), (vec![2], Some((name.to_vec(), password.to_vec()))));
    }
    assert!(PlainCredentials::new(vec![b'x'; 256], "").is_err());
    assert!(PlainCredentials::new("ada", vec![b'x'; 256]).is_err());
}

#[test]
fn an_empty_user_name_is_no_login() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (push, at) = pusher(&libzmq);
    let mut server = proxy(&runtime, &at, None);
    let login = PlainCredentials::new("", "secret").unwrap();
    let options = through(SocksProxy::new(&server.endpoint).unwrap().login(login));
    pull(&runtime, &push, options, &at);
    assert_eq!(runtime.run(server.asked()).methods, [0]);
}

#[test]
fn a_proxy_that_rejects_the_login_is_retried() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_push, at) = pusher(&libzmq);
    for (guess, method) in [(Some("guess"), 2), (None, 0)] {
        let mut server = proxy(&runtime, &at, Some((b"ada", b"secret")));
        let proxy = SocksProxy::new(&server.endpoint).unwrap();
        let proxy = match guess {
            Some(guess) => proxy.login(PlainCredentials::new("ada", guess).unwrap()),
            None => proxy,
        };
        let pull = Pull::with_options(through(proxy));
        pull.connect(&at).unwrap();
        for _ in 0..3 {
            let request = runtime.run(server.asked());
            assert_eq!((request.methods, request.target), (vec![method], None));
        }
    }
}

#[test]
fn a_proxy_that_fails_rejects_or_is_silent_is_retried() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (push, at) = pusher(&libzmq);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let options = through(SocksProxy::new(&endpoint).unwrap()).connect_timeout(Duration::from_millis(50));
    let pull = Pull::with_options(options);
    pull.connect(&at).unwrap();
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x05\xff",
        b"\x05\0\x05\x05\0\x01\0\0\0\0\0\0",
        b"",
        b"\x05",
    ] {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(answer).unwrap();
        // The client disconnects by itself: because of the answer, or because none came in time.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let _proxy = SocksServer::start(listener, &at, None);
    push.send("ABC", 0).unwrap();
    assert_eq!(runtime.run(pull.recv()), Ok("ABC".into()));
}
