//! EnfoSLB with PLAIN and CURVE.

use std::time::Duration;

use enfonet::{Rep, Req};
use enfonet_tests::{PySocket, PyZmq, Runtime, Slb, frames, ours, text, theirs, unused};

use super::credentials::{Lock, locks};

/// Exchanges a request and its reply.
#[track_caller]
pub(super) fn ask(client: &PySocket, worker: &PySocket) {
    client.send(&["q", ""]);
    assert_eq!(worker.recv(), frames(["q", ""]));
    worker.send(&[b"a\0\xff"]);
    assert_eq!(client.recv(), frames([b"a\0\xff"]));
}

/// Returns a connected socket of pyzmq's with valid credentials.
pub(super) fn admitted(py: &PyZmq, kind: &str, lock: &Lock, at: &str) -> PySocket {
    let socket = lock.admit(py.socket(kind));
    socket.connect(at);
    socket
}

#[test]
fn requests_and_replies_travel_between_pyzmqs_peers() {
    let (runtime, [near, far]) = (Runtime::new(), [PyZmq::start(), PyZmq::start()]);
    for lock in locks() {
        let broker = Slb::start_with(&runtime, lock.config());
        let client = admitted(&near, "REQ", &lock, &broker.frontend());
        let worker = admitted(&far, "REP", &lock, &broker.backend());
        ask(&client, &worker);
        ask(&client, &worker);
        assert_eq!(broker.stop(&runtime).replies, 2);
    }
}

#[test]
fn our_client_is_served_by_pyzmqs_worker() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for lock in locks() {
        let broker = Slb::start_with(&runtime, lock.config());
        let client = Req::with_options(lock.client());
        client.connect(broker.frontend()).unwrap();
        let worker = admitted(&py, "REP", &lock, &broker.backend());
        runtime.run(client.send(ours(&["q", ""]))).unwrap();
        assert_eq!(worker.recv(), frames(["q", ""]));
        worker.send(&["a"]);
        assert_eq!(theirs(&runtime.run(client.recv()).unwrap()), frames(["a"]));
    }
}

#[test]
fn our_worker_serves_pyzmqs_client() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for lock in locks() {
        let broker = Slb::start_with(&runtime, lock.config());
        let client = admitted(&py, "REQ", &lock, &broker.frontend());
        let worker = Rep::with_options(lock.client());
        worker.connect(broker.backend()).unwrap();
        client.send(&["q", ""]);
        let request = runtime.run(worker.recv()).unwrap();
        assert_eq!(theirs(request.message()), frames(["q", ""]));
        request.reply("a").unwrap();
        assert_eq!(client.recv(), frames(["a"]));
    }
}

#[test]
fn unknown_peers_neither_send_requests_nor_serve_and_known_peers_continue() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    for lock in locks() {
        let [asking, serving] = ["REQ", "REP"].map(|kind| lock.unauthorize(py.socket(kind)));
        // The request is sent before the broker starts: libzmq takes no request after a rejection.
        let (_port, frontend) = unused();
        asking.connect(&frontend);
        asking.send(&["forged"]);
        let mut config = lock.config();
        config.frontend.bind = vec![frontend.parse().unwrap()];
        let broker = Slb::start_with(&runtime, config);
        serving.connect(&broker.backend());
        for unauthorized in [&asking, &serving] {
            lock.await_rejection(unauthorized);
        }
        let client = admitted(&py, "REQ", &lock, &broker.frontend());
        let worker = admitted(&py, "REP", &lock, &broker.backend());
        (0..10).for_each(|_| ask(&client, &worker));
        for unauthorized in [&asking, &serving] {
            assert!(!unauthorized.poll(Duration::ZERO));
        }
        let summary = broker.stop(&runtime);
        assert_eq!((summary.requests, summary.replies), (10, 10));
    }
}

#[test]
fn thousands_of_requests_and_replies_stay_in_order_under_curve() {
    const REQUESTS: usize = 3000;
    let (runtime, [near, far], lock) = (Runtime::new(), [PyZmq::start(), PyZmq::start()], Lock::curve());
    let broker = Slb::start_with(&runtime, lock.config());
    let client = lock.admit(near.socket("DEALER")).option("sndhwm", 0);
    client.connect(&broker.frontend());
    let worker = admitted(&far, "REP", &lock, &broker.backend());
    // Small messages, and some that take several reads.
    let body = |n: usize| format!("{n} {}", "x".repeat((n % 20).pow(3)));
    (0..REQUESTS).for_each(|n| client.send(&["", &body(n)]));
    for n in 0..REQUESTS {
        let request = worker.recv();
        assert_eq!(text(&request), [body(n)]);
        worker.send(&request);
        assert_eq!(text(&client.recv()), ["", &body(n)]);
    }
    assert_eq!(broker.stop(&runtime).replies, REQUESTS as u64);
}
