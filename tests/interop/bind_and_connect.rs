//! `bind`, `connect`, `unbind` and `disconnect`.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use enfonet::error::{BindError, ConnectError, DisconnectError, SendError, UnbindError};
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Endpoint, Pull, Push, Rep, Req};
use enfonet_tests::{DEADLINE, LibZmq, Runtime, eventually, ipc, unused, wildcard};

/// Returns an unbound endpoint of the transport, and guards that must live as long as the endpoint is used.
fn vacant(transport: &str) -> (Box<dyn std::any::Any>, String) {
    static NAMES: AtomicUsize = AtomicUsize::new(0);
    match transport {
        "tcp" => {
            let (port, endpoint) = unused();
            (Box::new(port), endpoint)
        }
        "ipc" => {
            let (folder, endpoint) = ipc();
            (Box::new(folder), endpoint)
        }
        _ => (Box::new(()), format!("inproc://endpoints {}", NAMES.fetch_add(1, Ordering::Relaxed))),
    }
}

#[test]
fn messages_sent_before_the_libzmq_peer_is_bound_arrive_in_order() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = vacant(transport);
        let dealer = Dealer::new();
        dealer.connect(&at).unwrap();
        (0..200u8).for_each(|n| dealer.try_send([n]).unwrap());
        let (peer, _) = libzmq.bound(zmq::DEALER, &at);
        (0..200u8).for_each(|n| assert_eq!(peer.recv_bytes(0).unwrap(), [n]));
    }
}

#[test]
fn messages_of_libzmq_sent_before_we_are_bound_arrive_in_order() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = vacant(transport);
        let peer = libzmq.connected(zmq::DEALER, &at);
        (0..200u8).for_each(|n| peer.send(&[n][..], 0).unwrap());
        let dealer = Dealer::new();
        runtime.run(dealer.bind(&at)).unwrap();
        (0..200u8).for_each(|n| assert_eq!(runtime.run(dealer.recv()).unwrap().first(), [n]));
    }
}

#[test]
fn messages_sent_before_our_peer_is_bound_arrive_in_order() {
    for transport in ["tcp", "ipc", "inproc"] {
        let runtime = Runtime::new();
        let _guard = runtime.enter();
        let (_kept, at) = vacant(transport);
        let (first, second) = (Dealer::new(), Dealer::new());
        first.connect(&at).unwrap();
        (0..200u8).for_each(|n| first.try_send([n]).unwrap());
        runtime.run(second.bind(&at)).unwrap();
        (0..200u8).for_each(|n| assert_eq!(runtime.run(second.recv()).unwrap().first(), [n]));
    }
}

#[test]
fn messages_of_a_socket_that_ended_before_its_peer_was_bound_arrive() {
    for (transport, is_closed) in ["tcp", "ipc", "inproc"].into_iter().flat_map(|t| [(t, true), (t, false)]) {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        for is_ours in [true, transport == "inproc"] {
            let (_kept, at) = vacant(transport);
            let push = Push::new();
            push.connect(&at).unwrap();
            ["1", "2", "3"].iter().for_each(|text| push.try_send(*text).unwrap());
            let closing = is_closed.then(|| {
                let push = push.clone();
                runtime.spawn(async move { push.close(DEADLINE).await })
            });
            drop(push);
            if is_ours {
                let pull = Pull::new();
                runtime.run(pull.bind(&at)).unwrap();
                ["1", "2", "3"].iter().for_each(|text| assert_eq!(runtime.run(pull.recv()).unwrap(), *text));
            } else {
                let (pull, _) = libzmq.bound(zmq::PULL, &at);
                ["1", "2", "3"]
                    .iter()
                    .for_each(|text| assert_eq!(pull.recv_bytes(0).unwrap(), text.as_bytes()));
            }
            if let Some(closing) = closing {
                assert_eq!(runtime.run(closing).unwrap().dropped, 0, "over {transport}");
            }
        }
    }
}

#[test]
fn a_socket_binds_and_connects_any_number_of_endpoints() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    let mut folders = Vec::new();
    let mut peers = Vec::new();
    for transport in ["tcp", "ipc", "tcp", "ipc"] {
        let (folder, endpoint) = wildcard(transport);
        let at = runtime.run(dealer.bind(&endpoint)).unwrap();
        peers.push(libzmq.connected(zmq::DEALER, &at.to_string()));
        let (other_folder, endpoint) = wildcard(transport);
        let (peer, at) = libzmq.bound(zmq::DEALER, &endpoint);
        dealer.connect(at).unwrap();
        peers.push(peer);
        folders.extend([folder, other_folder]);
    }
    runtime.run(dealer.wait_connected(peers.len()));
    for (peer, name) in peers.iter().zip(b'a'..) {
        peer.send(&[name][..], 0).unwrap();
        assert_eq!(runtime.run(dealer.recv()).unwrap().first(), [name]);
    }
    peers.iter().for_each(|_| dealer.try_send("to each").unwrap());
    peers.iter().for_each(|peer| assert_eq!(peer.recv_bytes(0).unwrap(), b"to each"));
}

#[test]
fn hosts_may_be_names_and_wildcards() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let port = |at: &str| at.rsplit(':').next().unwrap().to_string();
    let (theirs, at) = libzmq.bound(zmq::DEALER, "tcp://127.0.0.1:*");
    let ours = Dealer::new();
    ours.connect(format!("tcp://localhost:{}", port(&at))).unwrap();
    runtime.run(ours.send("to a name")).unwrap();
    assert_eq!(theirs.recv_bytes(0).unwrap(), b"to a name");
    let ours = Dealer::new();
    let at = runtime.run(ours.bind("tcp://*:*")).unwrap().to_string();
    assert!(at.starts_with("tcp://0.0.0.0:"), "{at}");
    for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
        let theirs = libzmq.connected(zmq::DEALER, &format!("tcp://{host}:{}", port(&at)));
        theirs.send(host, 0).unwrap();
        assert_eq!(runtime.run(ours.recv()), Ok(host.into()));
    }
}

#[test]
fn an_endpoint_in_use_is_not_taken_from_another_socket_of_ours() {
    for transport in ["tcp", "ipc", "inproc"] {
        let runtime = Runtime::new();
        let _guard = runtime.enter();
        let (_kept, at) = vacant(transport);
        let (server, intruder, client) = (Rep::new(), Rep::new(), Req::new());
        let at = runtime.run(server.bind(&at)).unwrap();
        assert!(matches!(runtime.run(intruder.bind(&at)), Err(BindError::InUse(endpoint)) if endpoint == at));
        assert!(matches!(runtime.run(server.bind(&at)), Err(BindError::InUse(endpoint)) if endpoint == at));
        client.connect(&at).unwrap();
        let asking = runtime.spawn(async move { client.request("q").await });
        runtime.run(server.recv()).unwrap().reply("a").unwrap();
        assert_eq!(runtime.run(asking).unwrap(), Ok("a".into()));
    }
}

#[test]
fn an_endpoint_in_use_is_not_taken_from_libzmq() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_folder, endpoint) = wildcard(transport);
        let (server, at) = libzmq.bound(zmq::REP, &endpoint);
        let intruder = Rep::new();
        let at: Endpoint = at.parse().unwrap();
        assert!(matches!(runtime.run(intruder.bind(&at)), Err(BindError::InUse(endpoint)) if endpoint == at));
        let client = libzmq.connected(zmq::REQ, &at.to_string());
        client.send("q", 0).unwrap();
        assert_eq!(server.recv_bytes(0).unwrap(), b"q");
    }
}

#[test]
fn an_unbound_endpoint_is_free_for_others() {
    for transport in ["tcp", "ipc", "inproc"] {
        let runtime = Runtime::new();
        let _guard = runtime.enter();
        let (_kept, at) = vacant(transport);
        let (first, second, peer) = (Dealer::new(), Dealer::new(), Dealer::new());
        let at = runtime.run(first.bind(&at)).unwrap();
        first.unbind(&at).unwrap();
        assert_eq!(first.unbind(&at), Err(UnbindError::NotBound(at.clone())));
        assert_eq!(runtime.run(second.bind(&at)).unwrap(), at);
        peer.connect(&at).unwrap();
        peer.try_send("to the second").unwrap();
        assert_eq!(runtime.run(second.recv()).unwrap().first(), b"to the second");
    }
}

#[test]
fn an_unbound_endpoint_is_free_for_libzmq() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_kept, at) = vacant(transport);
        let dealer = Dealer::new();
        let at = runtime.run(dealer.bind(&at)).unwrap();
        let peer = libzmq.connected(zmq::DEALER, &at.to_string());
        runtime.run(dealer.wait_connected(1));
        dealer.unbind(&at).unwrap();
        let successor = libzmq.socket(zmq::DEALER);
        successor.bind(&at.to_string()).unwrap();
        // The connected peer lost its connection, and reconnects to the new socket.
        successor.send("hello", 0).unwrap();
        assert_eq!(peer.recv_bytes(0).unwrap(), b"hello");
    }
}

#[test]
fn unbind_ends_the_connections_of_its_endpoint_only() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::builder().peer_events(true).build();
    let [first, second] = [0, 1].map(|_| runtime.run(dealer.bind("tcp://127.0.0.1:*")).unwrap());
    let _goes = libzmq.connected(zmq::DEALER, &first.to_string());
    let joined = runtime.run(dealer.recv_event(1)).unwrap();
    let stays = libzmq.connected(zmq::DEALER, &second.to_string());
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Joined { .. }));
    dealer.unbind(&first).unwrap();
    let left = runtime.run(dealer.recv_event(1)).unwrap();
    assert!(
        matches!((joined, left), (PeerEvent::Joined { peer, .. }, PeerEvent::Left { peer: gone, .. }) if peer == gone)
    );
    for text in ["a", "b"] {
        runtime.run(dealer.send(text)).unwrap();
        assert_eq!(stays.recv_bytes(0).unwrap(), text.as_bytes());
    }
}

#[test]
fn disconnect_ends_the_connection_and_drops_its_queue() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::builder().peer_events(true).build();
    let (peer, at) = libzmq.bound(zmq::DEALER, "tcp://127.0.0.1:*");
    let at: Endpoint = at.parse().unwrap();
    dealer.connect(&at).unwrap();
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Joined { .. }));
    runtime.run(dealer.send("before")).unwrap();
    assert_eq!(peer.recv_bytes(0).unwrap(), b"before");
    dealer.disconnect(&at).unwrap();
    assert_eq!(dealer.disconnect(&at), Err(DisconnectError::NotConnected(at.clone())));
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Left { .. }));
    runtime.run(async {
        while dealer.try_send("lost") != Err(SendError::Full("lost".into())) {
            tokio::task::yield_now().await;
        }
    });
    dealer.connect(&at).unwrap();
    runtime.run(dealer.send("after")).unwrap();
    assert_eq!(peer.recv_bytes(0).unwrap(), b"after");
}

#[test]
fn the_file_of_an_ipc_endpoint_is_removed_with_its_socket_and_a_stale_file_is_replaced() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_folder, at) = ipc();
    let path = Path::new(at.strip_prefix("ipc://").unwrap());
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    assert!(path.exists(), "as a killed program leaves it");
    let dealer = Dealer::new();
    runtime.run(dealer.bind(&at)).unwrap();
    let peer = libzmq.connected(zmq::DEALER, &at);
    peer.send("hello", 0).unwrap();
    assert_eq!(runtime.run(dealer.recv()).unwrap().first(), b"hello");
    runtime.run(dealer.close(std::time::Duration::ZERO));
    assert!(!path.exists());
}

#[test]
fn bind_and_connect_report_invalid_endpoints_at_once() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    for text in [
        "",
        "127.0.0.1:5555",
        "udp://127.0.0.1:1",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://:1",
        "tcp://localhost:invalid",
        "tcp://in val id:1234",
        "tcp://[fe80::1%0]:1234",
        "ipc://",
        "ipc://@",
        "inproc://",
    ] {
        assert!(matches!(runtime.run(dealer.bind(text)), Err(BindError::Endpoint(_))), "{text}");
        assert!(matches!(dealer.connect(text), Err(ConnectError::Endpoint(_))), "{text}");
    }
    let too_long = format!("ipc:///{}", "x".repeat(107));
    assert!(matches!(runtime.run(dealer.bind(&too_long)), Err(BindError::Endpoint(_))));
    assert!(matches!(dealer.connect(&too_long), Err(ConnectError::Endpoint(_))));
    for text in ["tcp://*:5555", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "ipc://*"] {
        assert!(matches!(dealer.connect(text), Err(ConnectError::Endpoint(_))), "{text}");
    }
    // A source address is for `connect` only.
    let bound = runtime.run(dealer.bind("tcp://127.0.0.1:0;127.0.0.1:0"));
    assert!(matches!(bound, Err(BindError::Endpoint(_))));
    // An address of another machine, a missing interface, a missing folder.
    for text in ["tcp://192.0.2.1:*", "tcp://[fe80::1%badif]:*", "ipc:///no such folder/socket"] {
        assert!(matches!(runtime.run(dealer.bind(text)), Err(BindError::Io { .. })), "{text}");
    }
}

#[test]
fn an_unresolvable_host_is_no_error_of_connect() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    for text in [
        "tcp://localhost:1234",
        "tcp://[::1]:1234",
        "tcp://nobody.invalid:1234",
        "tcp://[fe80::1%badif]:1234",
        "tcp://badif:0;127.0.0.1:1234",
        "ipc:///no such folder/socket",
        "ipc://@nobody is there",
        "inproc://nobody is there",
    ] {
        dealer.connect(text).unwrap();
        dealer.disconnect(text).unwrap();
    }
}

#[test]
fn a_push_has_no_peer_once_its_endpoint_is_unbound() {
    for transport in ["tcp", "ipc", "inproc"] {
        let runtime = Runtime::new();
        let _guard = runtime.enter();
        let (_kept, at) = vacant(transport);
        let (push, pull) = (Push::new(), Pull::new());
        let at = runtime.run(push.bind(&at)).unwrap();
        pull.connect(&at).unwrap();
        runtime.run(push.send("before")).unwrap();
        assert_eq!(runtime.run(pull.recv()).unwrap().first(), b"before");
        push.unbind(&at).unwrap();
        eventually(|| (push.try_send("after") == Err(SendError::Full("after".into()))).then_some(()));
    }
}
