//! Workers that can do more than one request at a time, or that need more under way: the broker finds out.
//!
//! The times that are asserted are many times what it takes, and a fraction of what one request at a time would take.

use std::time::{Duration, Instant};

use enfonet::{Options, Rep};
use enfonet_tests::{Distance, LIBRARIES, Library, Runtime, Slb};

use crate::setup::{Peer, World};

/// Requests that the client has under way.
const UNDER_WAY: usize = 64;

/// Has a client keep requests under way until so many have been answered; returns the time that took.
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

/// A REP worker of ours that serves so many requests at once, each for a while.
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
        let world = World::new();
        let broker = Slb::tcp(&world.runtime);
        let distance = Distance::start(&broker.backend(), Duration::from_millis(10));
        let _worker = world.server(library, distance.endpoint(), Box::new(|request| request));
        let client = world.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
        // One at a time: 30 s. All 64: half a second.
        let time = ask(&client, 3000);
        assert!(time < Duration::from_secs(6), "{time:?}");
    }
}

#[test]
fn a_concurrent_worker_gets_many_requests_at_once() {
    let world = World::new();
    let broker = Slb::tcp(&world.runtime);
    let _worker = concurrent(&world.runtime, &broker.backend(), Duration::from_millis(20));
    let client = world.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
    // One at a time: 40 s. All 64: 0.7 s.
    let time = ask(&client, 2000);
    assert!(time < Duration::from_secs(8), "{time:?}");
}

#[test]
fn a_worker_that_announces_its_capacity_gets_as_many_requests_at_once() {
    let world = World::new();
    let broker = Slb::tcp(&world.runtime);
    let worker = Rep::with_options(Options::default().property("X-Enfo-Capacity", "48"));
    world.runtime.run(async { worker.connect(broker.backend()) }).unwrap();
    let client = world.peer(Library::Ours, zmq::DEALER, &broker.frontend());
    (0..UNDER_WAY).for_each(|n| client.send(&["", &n.to_string()]));
    let requests = world.runtime.run(async {
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
    assert_eq!(broker.stop(&world.runtime).replies, 48);
}

#[test]
fn a_slow_worker_takes_few_requests_from_a_fast_worker() {
    let world = World::new();
    let broker = Slb::tcp(&world.runtime);
    let after = |time| {
        Box::new(move |request| {
            std::thread::sleep(time);
            request
        })
    };
    let _slow = world.server(Library::Libzmq, &broker.backend(), after(Duration::from_millis(100)));
    let _fast = world.server(Library::Libzmq, &broker.backend(), after(Duration::from_millis(1)));
    let client = world.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
    // The fast one alone: 1.5 s or so. Half of them for each: 75 s.
    let time = ask(&client, 1500);
    assert!(time < Duration::from_secs(6), "{time:?}");
}
