//! A broker that is stopped by a signal: it finishes pending requests first.

use std::time::{Duration, Instant};

use enfonet_tests::{DEADLINE, LIBRARIES, Library, Process, Script, message, text};

use crate::setup::Setup;

/// Maximum time that a stop may take.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn pending_replies_are_delivered_before_the_broker_ends() {
    for (signal, client) in [("TERM", Library::Libzmq), ("INT", Library::Ours)] {
        for worker in LIBRARIES {
            let setup = Setup::new();
            let broker = Process::tcp("enfoslb");
            let clients = [zmq::REQ, zmq::DEALER].map(|kind| setup.peer(client, kind, &broker.frontend()[0]));
            clients[0].send(&["of req"]);
            clients[1].send(&["", "of dealer"]);
            let workers = [(); 2].map(|()| setup.peer(worker, zmq::REP, &broker.backend()[0]));
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
fn requests_already_read_are_still_served() {
    let setup = Setup::new();
    let broker = Process::tcp("enfoslb");
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    (0..100).for_each(|n| client.send(&message(&["", &n.to_string()])));
    client.settle();
    let worker = setup.peer(Library::Libzmq, zmq::REP, &broker.backend()[0]);
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
fn requests_of_a_disconnected_client_are_still_sent_to_workers() {
    let setup = Setup::new();
    let broker = Process::tcp("enfoslb");
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    (0..100).for_each(|n| client.send(&message(&["", &n.to_string()])));
    client.settle();
    drop(client);
    let worker = setup.peer(Library::Libzmq, zmq::REP, &broker.backend()[0]);
    worker.expect(&["0"]);
    broker.notify("TERM");
    for n in 1..100 {
        worker.send(&["done"]);
        worker.expect(&[n.to_string()]);
    }
    worker.send(&["done"]);
    assert_eq!(broker.wait().0, Some(0));
}

#[test]
fn a_worker_that_does_not_reply_delays_the_stop_for_a_limited_time() {
    let setup = Setup::new();
    let broker = Process::tcp("enfoslb");
    let client = setup.peer(Library::Libzmq, zmq::REQ, &broker.frontend()[0]);
    let worker = setup.peer(Library::Libzmq, zmq::REP, &broker.backend()[0]);
    client.send(&["request"]);
    worker.expect(&["request"]);
    let start = Instant::now();
    assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
}

#[test]
fn requests_without_a_worker_do_not_delay_the_stop() {
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
    // The worker gets no further request, and is disconnected.
    assert_eq!(worker.expect_close(), b"");
    drop(worker);
    assert!(client.expect_close() == message(&reply));
    drop(client);
    assert_eq!(broker.wait(), (Some(0), String::new()));
}

const ANY: [&str; 4] = ["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"];

/// Returns a scripted client, and a worker that has its request.
fn client_and_worker(broker: &Process) -> (Script, Script, Vec<Vec<u8>>) {
    let mut client = Script::join(&broker.frontend()[0], "DEALER", 1);
    client.send(&message(&["", "one"]));
    let mut worker = Script::join(&broker.backend()[0], "REP", 1);
    let request = worker.message();
    assert_eq!(text(&request[1..]), ["", "one"]);
    (client, worker, request)
}

#[test]
fn a_client_is_served_until_its_last_reply_and_then_disconnected() {
    let broker = Process::tcp("enfoslb");
    let (mut busy, mut worker, first) = client_and_worker(&broker);
    let mut idle = Script::join(&broker.frontend()[0], "DEALER", 1);
    idle.settle();
    let start = Instant::now();
    broker.notify("TERM");
    assert_eq!(idle.expect_close(), b"", "nothing of it is in flight");
    // The other client is still served, with its new requests, too.
    busy.send(&message(&["", "two"]));
    busy.settle();
    worker.send(&message(&first));
    assert_eq!(text(&busy.message()), ["", "one"]);
    let second = worker.message();
    assert_eq!(text(&second[1..]), ["", "two"]);
    worker.send(&message(&second));
    assert_eq!(busy.expect_close(), message(&["", "two"]));
    assert_eq!(worker.expect_close(), b"");
    drop(worker);
    assert_eq!(broker.wait(), (Some(0), String::new()));
    assert!(start.elapsed() < LIMIT / 2, "{:?}", start.elapsed());
}

#[test]
fn a_stopping_broker_admits_no_peer() {
    let broker = Process::tcp("enfoslb");
    let (mut client, mut worker, request) = client_and_worker(&broker);
    let mut idle = Script::join(&broker.frontend()[0], "DEALER", 1);
    idle.settle();
    broker.notify("TERM");
    idle.expect_close();
    for side in [broker.frontend(), broker.backend()] {
        let address = side[0].strip_prefix("tcp://").unwrap();
        std::net::TcpStream::connect(address).unwrap_err();
    }
    worker.send(&message(&request));
    assert_eq!(client.expect_close(), message(&["", "one"]));
    drop((client, worker));
    assert_eq!(broker.wait(), (Some(0), String::new()));
}

#[test]
fn a_client_that_never_pauses_is_no_longer_read_after_half_of_the_stop_time() {
    let broker = Process::start("enfoslb", &[&ANY[..], &["--stop-timeout", "1s"]].concat());
    let (mut client, mut worker, mut request) = client_and_worker(&broker);
    broker.notify("TERM");
    let mut served = 0;
    // The client sends a further request before each reply, for as long as it is read.
    loop {
        client.try_send(&message(&["", "again"]));
        worker.send(&message(&request));
        served += 1;
        if client.message_within(Duration::from_secs(5)).is_none() {
            break;
        }
        match worker.message_within(DEADLINE) {
            Some(next) => request = next,
            None => break,
        }
    }
    assert!(served > 1);
    drop((client, worker));
    assert_eq!(broker.wait(), (Some(0), String::new()));
}

#[test]
fn losses_at_the_stop_are_one_log_line_with_numbers() {
    let broker = Process::logging("enfoslb", &[&ANY[..], &["--stop-timeout", "200ms"]].concat());
    let (mut client, worker, _) = client_and_worker(&broker);
    (0..3).for_each(|_| client.send(&message(&["", "waits"])));
    client.settle();
    broker.notify("TERM");
    let (code, log) = broker.end();
    assert_eq!((code, log.len()), (Some(0), 1), "{log:?}");
    let numbers = ["unanswered=1", "unserved=3", "undelivered=0"];
    assert!(numbers.iter().all(|number| log[0].contains(number)), "{log:?}");
    drop((client, worker));
}

#[test]
fn a_second_signal_ends_the_broker_at_once() {
    let broker = Process::logging("enfoslb", &[&ANY[..], &["--stop-timeout", "500000000years"]].concat());
    let (client, worker, _) = client_and_worker(&broker);
    let mut idle = Script::join(&broker.frontend()[0], "DEALER", 1);
    idle.settle();
    broker.notify("TERM");
    idle.expect_close();
    broker.notify("INT");
    let (code, log) = broker.end();
    assert_eq!(code, Some(1), "{log:?}");
    assert!(log.iter().any(|line| line.contains("unanswered=1")), "{log:?}");
    drop((client, worker));
}

#[test]
fn a_closing_terminal_does_not_end_the_broker() {
    for program in ["enfoslb", "enfomq"] {
        let broker = Process::tcp(program);
        broker.notify("HUP");
        // The broker still runs, and ends with success.
        Script::join(&broker.frontend()[0], if program == "enfomq" { "PUB" } else { "DEALER" }, 1).leave();
        assert_eq!(broker.signal("TERM"), (Some(0), String::new()));
    }
}

#[test]
fn requests_of_dealer_and_router_workers_are_answered_before_the_broker_ends() {
    let setup = Setup::new();
    for kind in [zmq::DEALER, zmq::ROUTER] {
        let broker = Process::tcp("enfoslb");
        let client = setup.named_peer(Library::Libzmq, zmq::DEALER, "ann", &broker.frontend()[0]);
        client.send(&["", "question"]);
        let worker = setup.peer(Library::Libzmq, kind, &broker.backend()[0]);
        worker.expect(&["ann", "", "question"]);
        let mut idle = Script::join(&broker.frontend()[0], "DEALER", 1);
        idle.settle();
        broker.notify("TERM");
        idle.expect_close();
        worker.send(&["ann", "", "answer"]);
        client.expect(&["", "answer"]);
        assert_eq!(broker.wait(), (Some(0), String::new()));
    }
}
