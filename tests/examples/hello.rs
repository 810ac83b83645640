//! `hwserver` and `hwclient`, and `mtserver` in the place of the first.

use std::collections::HashSet;

use enfonet_tests::{PyZmq, eventually, ipc};

use crate::{Example, TCP, bound, connected, times};

#[test]
fn hwserver_answers_a_req_of_pyzmq() {
    let (_dir, path) = ipc();
    for endpoint in [TCP, &path] {
        let (server, [at]) = Example::ready("hwserver", &[endpoint, "3"]);
        let client = connected(&PyZmq::start(), "REQ", &at);
        for _ in 0..3 {
            client.send(&["Hello"]);
            assert_eq!(client.recv(), [b"World"]);
        }
        assert_eq!(server.end(), times(3, "received Hello"));
    }
}

#[test]
fn hwclient_sends_requests_to_a_rep_of_pyzmq() {
    let (server, at) = bound(&PyZmq::start(), "REP");
    let client = Example::start("hwclient", &[&at, "2"]);
    for reply in ["World", "Moon"] {
        assert_eq!(server.recv(), [b"Hello"]);
        server.send(&[reply]);
    }
    assert_eq!(client.end(), ["received World 1", "received Moon 2"]);
}

#[test]
fn hwclient_and_hwserver_exchange_ten_requests() {
    let (server, [at]) = Example::ready("hwserver", &[TCP]);
    let client = Example::start("hwclient", &[&at]);
    assert_eq!(client.end().len(), 10);
    assert_eq!(server.end(), times(10, "received Hello"));
}

#[test]
fn every_worker_of_mtserver_answers_reqs_of_pyzmq() {
    let (server, [at]) = Example::ready("mtserver", &[TCP, "3"]);
    let pyzmq = PyZmq::start();
    let clients = [(); 4].map(|()| connected(&pyzmq, "REQ", &at));
    let mut workers = HashSet::new();
    eventually(|| {
        clients.iter().for_each(|client| client.send(&["Hello"]));
        clients.iter().for_each(|client| assert_eq!(client.recv(), [b"World"]));
        for _ in &clients {
            let line = server.line();
            workers.insert(line.strip_suffix(" received Hello").unwrap().to_string());
        }
        (workers.len() == 3).then_some(())
    });
    assert!(server.interrupt().is_empty());
}
