//! Forms of endpoints, with libzmq at the other end.

use std::fs;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use enfonet::error::{BindError, UnbindError};
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Endpoint, Options, Pull, Push, Req};
use enfonet_tests::{LibZmq, Runtime, eventually, ipc, unused, unused_on};

/// Returns a connected libzmq socket that also speaks IPv6.
fn connected(libzmq: &LibZmq, at: &str) -> zmq::Socket {
    let socket = libzmq.socket(zmq::DEALER);
    socket.set_ipv6(true).unwrap();
    socket.connect(at).unwrap();
    socket
}

/// Returns a bound libzmq socket that speaks the family of the endpoint, and its endpoint.
fn bound(libzmq: &LibZmq, kind: zmq::SocketType, at: &str) -> (zmq::Socket, String) {
    let socket = libzmq.socket(kind);
    socket.set_ipv6(at.contains('[')).unwrap();
    socket.bind(at).unwrap();
    let at = socket.get_last_endpoint().unwrap().unwrap();
    (socket, at)
}

/// Returns a name in the abstract namespace that no other test uses.
fn abstract_name(test: &str) -> String {
    format!("ipc://@enfonet {test} {}", std::process::id())
}

fn path(at: &Endpoint) -> PathBuf {
    at.to_string().strip_prefix("ipc://").unwrap().into()
}

#[test]
fn a_wildcard_is_resolved_and_the_resolved_endpoint_works_everywhere() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    for (text, ipv6, begin) in [
        ("tcp://*:*", false, "tcp://0.0.0.0:"),
        ("tcp://*:*", true, "tcp://[::]:"),
        ("tcp://*:0", true, "tcp://[::]:"),
        ("tcp://127.0.0.1:*", false, "tcp://127.0.0.1:"),
        ("tcp://127.0.0.1:0", true, "tcp://127.0.0.1:"),
        ("tcp://[::1]:*", false, "tcp://[::1]:"),
        ("tcp://[::1]:*", true, "tcp://[::1]:"),
        ("tcp://[::ffff:127.0.0.1]:*", false, "tcp://[::ffff:127.0.0.1]:"),
        ("ipc://*", false, "ipc:///"),
    ] {
        let (server, client) = (Dealer::with_options(Options::default().ipv6(ipv6)), Dealer::new());
        let at = runtime.run(server.bind(text)).unwrap();
        assert!(at.to_string().starts_with(begin), "{at}");
        assert_eq!(server.unbind(text), Err(UnbindError::NotBound(text.parse().unwrap())));
        client.connect(at.to_string()).unwrap();
        let theirs = connected(&libzmq, &at.to_string());
        runtime.run(client.send("ours")).unwrap();
        assert_eq!(runtime.run(server.recv()).unwrap().first(), b"ours");
        theirs.send("theirs", 0).unwrap();
        assert_eq!(runtime.run(server.recv()).unwrap().first(), b"theirs");
        theirs.disconnect(&at.to_string()).unwrap();
        client.disconnect(at.to_string()).unwrap();
        server.unbind(at.to_string()).unwrap();
    }
}

#[test]
fn a_wildcard_host_accepts_ipv4_and_ipv6_if_ipv6_is_on() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let server = Dealer::with_options(Options::default().ipv6(true));
    let at = runtime.run(server.bind("tcp://*:*")).unwrap().to_string();
    let port = at.strip_prefix("tcp://[::]:").unwrap();
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let peer = connected(&libzmq, &format!("tcp://{host}:{port}"));
        peer.send(host, 0).unwrap();
        assert_eq!(runtime.run(server.recv()), Ok(host.into()));
    }
}

#[test]
fn bind_returns_an_explicit_address_unchanged() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for ip in ["127.0.0.1", "::1"] {
        let (_port, at) = unused_on(ip.parse::<std::net::IpAddr>().unwrap());
        let server = Dealer::new();
        assert_eq!(runtime.run(server.bind(&at)).unwrap().to_string(), at);
    }
}

#[test]
fn a_socket_is_bound_to_the_address_of_an_interface() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    for (ipv6, address) in [(false, "tcp://127.0.0.1:"), (true, "tcp://[::1]:")] {
        let server = Dealer::with_options(Options::default().ipv6(ipv6));
        let at = runtime.run(server.bind("tcp://lo:*")).unwrap().to_string();
        assert!(at.starts_with(address), "{at}");
        let peer = connected(&libzmq, &at);
        peer.send("hello", 0).unwrap();
        assert_eq!(runtime.run(server.recv()), Ok("hello".into()));
    }
    let server = Dealer::new();
    let nobody = runtime.run(server.bind("tcp://badif.invalid:*"));
    assert!(matches!(nobody, Err(BindError::Io { .. } | BindError::NoAddress { .. })), "{nobody:?}");
}

/// Returns the first link-local address of this machine, and its interface by number and by name.
fn link_local() -> Option<(Ipv6Addr, u32, String)> {
    let table = fs::read_to_string("/proc/net/if_inet6").ok()?;
    table.lines().find_map(|line| {
        let mut columns = line.split_whitespace();
        let address = Ipv6Addr::from(u128::from_str_radix(columns.next()?, 16).ok()?);
        let index = u32::from_str_radix(columns.next()?, 16).ok()?;
        address.is_unicast_link_local().then(|| (address, index, columns.nth(3).unwrap().into()))
    })
}

#[test]
fn a_link_local_address_has_a_zone() {
    let Some((ip, index, name)) = link_local() else { return };
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    for zone in [index.to_string(), name] {
        let (server, client) = (Dealer::new(), Dealer::new());
        let at = runtime.run(server.bind(format!("tcp://[{ip}%{zone}]:*"))).unwrap();
        assert!(at.to_string().starts_with(&format!("tcp://[{ip}%{index}]:")), "{at}");
        client.connect(at.to_string().replace(&format!("%{index}]"), &format!("%{zone}]"))).unwrap();
        runtime.run(client.send("ours")).unwrap();
        assert_eq!(runtime.run(server.recv()).unwrap().first(), b"ours");
        let theirs = connected(&libzmq, &at.to_string());
        theirs.send("theirs", 0).unwrap();
        assert_eq!(runtime.run(server.recv()).unwrap().first(), b"theirs");
        server.unbind(&at).unwrap();
    }
}

#[test]
fn a_connection_uses_the_given_source_address() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (v4, at_v4) = bound(&libzmq, zmq::ROUTER, "tcp://127.0.0.1:*");
    let (mapped, at_mapped) = bound(&libzmq, zmq::ROUTER, "tcp://[::ffff:127.0.0.1]:*");
    let (v6, at_v6) = bound(&libzmq, zmq::ROUTER, "tcp://[::1]:*");
    for (peer, source, at, address) in [
        (&v4, "127.0.0.2:0", &at_v4, "127.0.0.2"),
        (&v4, "127.0.0.3:*", &at_v4, "127.0.0.3"),
        (&v4, "*:*", &at_v4, "127.0.0.1"),
        (&v4, "lo:*", &at_v4, "127.0.0.1"),
        (&v4, "localhost:0", &at_v4, "127.0.0.1"),
        (&mapped, "127.0.0.2:0", &at_mapped, "::ffff:127.0.0.2"),
        (&v6, "[::1]:*", &at_v6, "::1"),
        (&v6, "lo:*", &at_v6, "::1"),
    ] {
        let dealer = Dealer::new();
        let at: Endpoint = at.replace("tcp://", &format!("tcp://{source};")).parse().unwrap();
        dealer.connect(at.to_string()).unwrap();
        runtime.run(dealer.send("hello")).unwrap();
        let _id = peer.recv_msg(0).unwrap();
        let mut message = peer.recv_msg(0).unwrap();
        assert_eq!(message.gets("Peer-Address"), Some(address), "{at}");
        dealer.disconnect(&at).unwrap();
    }
}

#[test]
fn connections_to_several_servers_share_a_source_port() {
    for ip in ["127.0.0.1", "::1"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let ip: std::net::IpAddr = ip.parse().unwrap();
        let (_port, source) = unused_on(ip);
        let source = source.strip_prefix("tcp://").unwrap();
        let wildcard = source.rsplit_once(':').unwrap().0;
        let servers = [1, 2, 3].map(|_| bound(&libzmq, zmq::REP, &format!("tcp://{wildcard}:*")));
        // The first connections stay while the others are made.
        let mut clients = Vec::new();
        for (rep, at) in &servers {
            let req = Req::new();
            let at: Endpoint = at.replace("tcp://", &format!("tcp://{source};")).parse().unwrap();
            req.connect(&at).unwrap();
            runtime.run(req.send("q")).unwrap();
            assert_eq!(rep.recv_bytes(0).unwrap(), b"q");
            rep.send("a", 0).unwrap();
            assert_eq!(runtime.run(req.recv()), Ok("a".into()));
            clients.push((req, at));
        }
        clients.iter().for_each(|(req, at)| req.disconnect(at).unwrap());
    }
}

#[test]
fn requests_alternate_between_servers_with_and_without_a_source_address() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let servers = [0, 1, 2].map(|_| bound(&libzmq, zmq::REP, "tcp://127.0.0.1:*"));
    let req = Req::new();
    for (n, (_, at)) in servers.iter().enumerate() {
        let source = if n == 1 { "tcp://127.0.0.1:0;" } else { "tcp://" };
        req.connect(at.replace("tcp://", source)).unwrap();
    }
    runtime.run(req.wait_connected(3));
    let mut turns = Vec::new();
    for _ in 0..6 {
        runtime.run(req.send("q")).unwrap();
        let (turn, rep) = eventually(|| {
            servers
                .iter()
                .map(|(rep, _)| rep)
                .enumerate()
                .find(|(_, rep)| rep.recv_bytes(zmq::DONTWAIT).is_ok())
        });
        rep.send("a", 0).unwrap();
        assert_eq!(runtime.run(req.recv()), Ok("a".into()));
        turns.push(turn);
    }
    assert_eq!(turns[..3], turns[3..], "the same turn again");
    turns.truncate(3);
    turns.sort_unstable();
    assert_eq!(turns, [0, 1, 2]);
}

#[test]
fn a_wildcard_ipc_path_is_removed_with_its_socket() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let server = Dealer::new();
    let [first, second] = [0, 1].map(|_| runtime.run(server.bind("ipc://*")).unwrap());
    assert_ne!(first, second);
    for at in [&first, &second] {
        let peer = connected(&libzmq, &at.to_string());
        peer.send("hello", 0).unwrap();
        assert_eq!(runtime.run(server.recv()), Ok("hello".into()));
    }
    let folders = [&first, &second].map(|at| path(at).parent().unwrap().to_path_buf());
    server.unbind(&first).unwrap();
    eventually(|| (!folders[0].exists()).then_some(()));
    assert!(path(&second).exists());
    runtime.run(server.close(Duration::ZERO));
    assert!(!folders[1].exists());
}

#[test]
fn we_connect_to_a_wildcard_ipc_path_of_libzmq() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (theirs, at) = bound(&libzmq, zmq::DEALER, "ipc://*");
    // libzmq leaves the file in its working directory.
    let file = fs::canonicalize(at.strip_prefix("ipc://").unwrap()).unwrap();
    let _file = tempfile::TempPath::try_from_path(file).unwrap();
    let ours = Dealer::new();
    ours.connect(at).unwrap();
    runtime.run(ours.send("hello")).unwrap();
    assert_eq!(theirs.recv_bytes(0).unwrap(), b"hello");
}

#[test]
fn abstract_names_are_the_same_as_in_libzmq() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let at = abstract_name("ours");
    let (server, client) = (Dealer::new(), Dealer::new());
    assert_eq!(runtime.run(server.bind(&at)).unwrap().to_string(), at);
    let theirs = connected(&libzmq, &at);
    theirs.send("theirs", 0).unwrap();
    assert_eq!(runtime.run(server.recv()).unwrap().first(), b"theirs");
    client.connect(&at).unwrap();
    runtime.run(client.send("ours")).unwrap();
    assert_eq!(runtime.run(server.recv()).unwrap().first(), b"ours");
    let intruder = Dealer::new();
    assert!(matches!(runtime.run(intruder.bind(&at)), Err(BindError::InUse(_))));
    assert!(!Path::new(at.strip_prefix("ipc://").unwrap()).exists(), "it is no file");
    server.unbind(at).unwrap();

    let (theirs, at) = bound(&libzmq, zmq::DEALER, &abstract_name("theirs"));
    let client = Dealer::new();
    client.connect(&at).unwrap();
    runtime.run(client.send("hello")).unwrap();
    assert_eq!(theirs.recv_bytes(0).unwrap(), b"hello");
}

#[test]
fn a_pull_reconnects_to_the_next_socket_bound_to_the_path() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_folder, at) = ipc();
    let (ours, theirs) = (Pull::new(), libzmq.socket(zmq::PULL));
    theirs.set_reconnect_ivl(5).unwrap();
    theirs.connect(&at).unwrap();
    ours.connect(&at).unwrap();
    for round in 0..3u8 {
        let push = Push::new();
        runtime.run(push.bind(&at)).unwrap();
        runtime.run(push.wait_connected(2));
        (0..2).for_each(|_| runtime.run(push.send(&[round])).unwrap());
        assert_eq!(theirs.recv_bytes(0).unwrap(), [round]);
        assert_eq!(runtime.run(ours.recv()).unwrap().first(), [round]);
        runtime.run(push.close(Duration::from_secs(5)));
    }
}

#[test]
fn a_port_can_be_bound_again_right_after_use() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    for _ in 0..3 {
        let server = Dealer::builder().peer_events(true).build();
        runtime.run(server.bind(&at)).unwrap();
        let peer = connected(&libzmq, &at);
        assert!(matches!(runtime.run(server.recv_event(1)).unwrap(), PeerEvent::Joined { .. }));
        // This end closes first, so the system keeps its port in TIME_WAIT.
        runtime.run(server.close(Duration::from_secs(5)));
        drop(peer);
    }
}

#[test]
fn binding_to_an_interface_needs_the_systems_permission() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let options = |device| Options::default().bind_to_device(device);
    let nowhere = runtime.run(Dealer::with_options(options("no such if")).bind("tcp://127.0.0.1:*"));
    assert!(matches!(nowhere, Err(BindError::Io { .. })), "{nowhere:?}");
    let server = Dealer::with_options(options("lo"));
    match runtime.run(server.bind("tcp://127.0.0.1:*")) {
        Err(BindError::Io { source, .. }) => {
            assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
        }
        at => {
            let at = at.unwrap().to_string();
            let theirs = connected(&libzmq, &at);
            theirs.send("theirs", 0).unwrap();
            assert_eq!(runtime.run(server.recv()).unwrap().first(), b"theirs");
            let client = Dealer::with_options(options("lo"));
            client.connect(&at).unwrap();
            runtime.run(client.send("ours")).unwrap();
            assert_eq!(runtime.run(server.recv()).unwrap().first(), b"ours");
        }
    }
}
