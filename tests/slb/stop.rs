//! A broker that is told to stop: what is under way comes to its end first.

use std::time::{Duration, Instant};

use enfonet_tests::{LIBRARIES, Library, Process, Script, message};

use crate::peers::World;

/// What a stop may take at most.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn replies_under_way_are_delivered_before_the_broker_ends() {
    for (signal, client) in [("TERM", Library::Libzmq), ("INT", Library::Ours)] {
        for worker in LIBRARIES {
            let world = World::new();
            let broker = Process::tcp("enfoslb");
            let clients = [zmq::REQ, zmq::DEALER].map(|kind| world.peer(client, kind, &broker.frontend()[0]));
            clients[0].send(&["of req"]);
            clients[1].send(&["", "of dealer"]);
            let workers = [(); 2].map(|()| world.peer(worker, zmq::REP, &broker.backend()[0]));
            let requests = [workers[0].recv(), workers[1].recv()];
            let start = Instant::now();
            broker.notify(signal);
            workers.iter().zip(&requests).for_each(|(worker, request)| worker.send(request));
            clients[0].expect(&["of req"]);
            clients[1].expect(&["", "of dealer"]);
            assert_eq!(broker.wait(), (Some(0), String::new()));
            assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
        }
    }
}

#[test]
fn requests_that_the_broker_has_read_are_still_served() {
    let world = World::new();
    let broker = Process::tcp("enfoslb");
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    (0..100).for_each(|n| client.send(&message(&["", &n.to_string()])));
    client.settle();
    let worker = world.peer(Library::Libzmq, zmq::REP, &broker.backend()[0]);
    worker.expect(&["0"]);
    broker.notify("TERM");
    for n in 0..100 {
        if n > 0 {
            worker.expect(&[n.to_string()]);
        }
        worker.send(&["done"]);
        client.expect(&message(&["", "done"]));
    }
    assert_eq!(client.expect_close(), b"");
    drop(client);
    assert_eq!(broker.wait(), (Some(0), String::new()));
}

#[test]
fn a_worker_that_does_not_reply_holds_the_stop_up_for_a_limited_time() {
    let world = World::new();
    let broker = Process::tcp("enfoslb");
    let client = world.peer(Library::Libzmq, zmq::REQ, &broker.frontend()[0]);
    let worker = world.peer(Library::Libzmq, zmq::REP, &broker.backend()[0]);
    client.send(&["request"]);
    worker.expect(&["request"]);
    let start = Instant::now();
    assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
}

#[test]
fn requests_that_no_worker_is_there_for_do_not_hold_the_stop_up() {
    let broker = Process::tcp("enfoslb");
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    client.send(&message(&["", "request"]));
    client.settle();
    let start = Instant::now();
    broker.notify("TERM");
    assert_eq!(client.expect_close(), b"");
    drop(client);
    assert_eq!(broker.wait(), (Some(0), String::new()));
    assert!(start.elapsed() < LIMIT / 2, "{:?}", start.elapsed());
}

#[test]
fn a_large_reply_to_a_client_that_reads_late_is_delivered() {
    let broker = Process::tcp("enfoslb");
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    client.send(&message(&["", "request"]));
    let mut worker = Script::join(&broker.backend()[0], "REP", 1);
    let token = worker.message().remove(0);
    let reply = [vec![], vec![b'x'; 32 << 20]];
    worker.send(&message(&[&[token], &reply[..]].concat()));
    worker.settle();
    broker.notify("TERM");
    // The worker has nothing more to get: it is let go.
    assert_eq!(worker.expect_close(), b"");
    drop(worker);
    assert!(client.expect_close() == message(&reply));
    drop(client);
    assert_eq!(broker.wait(), (Some(0), String::new()));
}
