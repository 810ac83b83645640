//! Workers that serve several requests at a time, or need several in flight: the broker measures their capacity.
//!
//! The asserted times are many times the normal time, and a fraction of the time with one request at a time.

use std::time::{Duration, Instant};

use enfonet::{Options, Rep};
use enfonet_tests::{LIBRARIES, LatencyRelay, Library, Runtime, Slb};

use crate::setup::{Peer, Setup};

/// Concurrent requests of the client.
const UNDER_WAY: usize = 64;

/// Keeps a client's requests in flight until this many are answered, and returns the time taken.
fn ask(client: &Peer<'_>, requests: usize) -> Duration {
    let start = Instant::now();
    (0..UNDER_WAY).for_each(|n| client.send(&["", &n.to_string()]));
    for n in UNDER_WAY..requests + UNDER_WAY {
        assert_eq!(client.recv().len(), 2);
        if n < requests {
            client.send(&["", &n.to_string()]);
        }
    }
    start.elapsed()
}

/// Starts a REP worker of ours that serves this many requests at once, each for a while.
fn concurrent(runtime: &Runtime, endpoint: &str, time: Duration) -> tokio::task::JoinHandle<()> {
    let worker = Rep::new();
    let _guard = runtime.enter();
    worker.connect(endpoint).unwrap();
    runtime.spawn(async move {
        while let Ok(request) = worker.recv().await {
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                let reply = request.message().clone();
                let _ = request.reply(reply);
            });
        }
    })
}

#[test]
fn a_distant_worker_gets_as_many_concurrent_requests_as_its_latency_needs() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let distance = LatencyRelay::start(&broker.backend(), Duration::from_millis(10));
        let _worker = setup.server(library, distance.endpoint(), Box::new(|request| request));
        let client = setup.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
        // One request at a time would take 30 s; all 64 at once take half a second.
        let time = ask(&client, 3000);
        assert!(time < Duration::from_secs(6), "{time:?}");
    }
}

#[test]
fn a_concurrent_worker_gets_many_requests_at_once() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let _worker = concurrent(&setup.runtime, &broker.backend(), Duration::from_millis(20));
    let client = setup.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
    // One request at a time would take 40 s; all 64 at once take 0.7 s.
    let time = ask(&client, 2000);
    assert!(time < Duration::from_secs(8), "{time:?}");
}

#[test]
fn a_worker_that_announces_its_capacity_gets_as_many_requests_at_once() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let worker = Rep::with_options(Options::default().property("X-Enfo-Capacity", "48"));
    setup.runtime.run(async { worker.connect(broker.backend()) }).unwrap();
    let client = setup.peer(Library::Ours, zmq::DEALER, &broker.frontend());
    (0..UNDER_WAY).for_each(|n| client.send(&["", &n.to_string()]));
    let requests = setup.runtime.run(async {
        let mut requests = Vec::new();
        for _ in 0..48 {
            requests.push(worker.recv().await.unwrap());
        }
        requests
    });
    assert_eq!(requests[47].message().text(0), "47");
    for request in requests.into_iter().rev() {
        let reply = request.message().clone();
        request.reply(reply).unwrap();
    }
    (0..48).for_each(|_| drop(client.recv()));
    assert_eq!(broker.stop(&setup.runtime).replies, 48);
}

#[test]
fn a_slow_worker_takes_few_requests_from_a_fast_worker() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let after = |time| {
        Box::new(move |request| {
            std::thread::sleep(time);
            request
        })
    };
    let _slow = setup.server(Library::Libzmq, &broker.backend(), after(Duration::from_millis(100)));
    let _fast = setup.server(Library::Libzmq, &broker.backend(), after(Duration::from_millis(1)));
    let client = setup.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
    // The fast worker alone takes about 1.5 s; an equal share for each would take 75 s.
    let time = ask(&client, 1500);
    assert!(time < Duration::from_secs(6), "{time:?}");
}
