//! A broker that is killed and restarted at the same endpoints, while its peers run on.

use std::time::Duration;

use enfonet::Req;
use enfonet::error::{RecvError, RequestError};
use enfonet_tests::{LIBRARIES, Library, Process, Script, message, text, wildcard};

use crate::setup::{Peer, Setup};

fn start(frontend: &str, backend: &str) -> Process {
    Process::start("enfoslb", &["--frontend", frontend, "--backend", backend])
}

/// Kills a broker, and restarts it at the same endpoints.
fn restart(broker: Process) -> Process {
    let (frontend, backend) = (broker.frontend()[0].clone(), broker.backend()[0].clone());
    broker.kill();
    start(&frontend, &backend)
}

/// Repeats a request until it is answered: a request written to the dead broker before its end is noticed is lost.
fn insist(client: &Peer<'_>, request: &str) {
    loop {
        client.send(&["", request]);
        while let Some(reply) = client.recv_within(Duration::from_millis(100)) {
            if reply[1] == request.as_bytes() {
                return;
            }
        }
    }
}

#[test]
fn dealers_and_workers_continue_after_a_broker_was_killed() {
    for transport in ["tcp", "ipc"] {
        let setup = Setup::new();
        let places = [wildcard(transport), wildcard(transport)];
        let mut broker = start(&places[0].1, &places[1].1);
        let _workers =
            LIBRARIES.map(|library| setup.server(library, &broker.backend()[0], Box::new(|request| request)));
        let clients = LIBRARIES.map(|library| setup.peer(library, zmq::DEALER, &broker.frontend()[0]));
        for round in ["first", "second", "third"] {
            clients.iter().for_each(|client| insist(client, round));
            broker = restart(broker);
        }
    }
}

#[test]
fn a_req_of_ours_gets_a_reply_or_an_error_whenever_the_broker_is_killed() {
    let setup = Setup::new();
    let mut broker = Process::tcp("enfoslb");
    let client = Req::new();
    setup.runtime.run(async { client.connect(&*broker.frontend()[0]) }).unwrap();
    let _worker = setup.server(Library::Libzmq, &broker.backend()[0], Box::new(|request| request));
    for round in ["first", "second", "third", "fourth"] {
        let reply = std::iter::repeat_with(|| setup.runtime.run(client.request(round)))
            .find(|reply| *reply != Err(RequestError::Recv(RecvError::PeerGone)));
        assert_eq!(reply, Some(Ok(round.into())));
        broker = restart(broker);
    }
}

#[test]
fn a_req_of_ours_sees_that_its_request_is_lost_and_can_send_again() {
    let setup = Setup::new();
    let broker = Process::tcp("enfoslb");
    let client = Req::new();
    setup.runtime.run(async { client.connect(&*broker.frontend()[0]) }).unwrap();
    let worker = setup.peer(Library::Libzmq, zmq::REP, &broker.backend()[0]);
    setup.runtime.run(client.send("lost")).unwrap();
    worker.expect(&["lost"]);
    let _broker = restart(broker);
    assert_eq!(setup.runtime.run(client.recv()), Err(RecvError::PeerGone));
    // The worker's reply has no client.
    worker.send(&["late"]);
    setup.runtime.run(client.send("again")).unwrap();
    worker.expect(&["again"]);
    worker.send(&["reply"]);
    assert_eq!(setup.runtime.run(client.recv()), Ok("reply".into()));
}

#[test]
fn a_request_sent_without_a_broker_waits_for_the_next_broker() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Process::tcp("enfoslb");
        let endpoints = [broker.frontend()[0].clone(), broker.backend()[0].clone()];
        let worker = setup.peer(library, zmq::REP, &endpoints[1]);
        let client = setup.peer(library, zmq::REQ, &endpoints[0]);
        client.send(&["before"]);
        worker.expect(&["before"]);
        worker.send(&["before"]);
        client.expect(&["before"]);
        broker.kill();
        let fresh = setup.peer(library, zmq::REQ, &endpoints[0]);
        fresh.send(&["between"]);
        let _broker = start(&endpoints[0], &endpoints[1]);
        worker.expect(&["between"]);
        worker.send(&["between"]);
        fresh.expect(&["between"]);
    }
}

/// Asserts that a REP worker's reply to a request of a killed broker is ignored by the next.
#[test]
fn a_reply_to_a_killed_broker_is_ignored_by_the_next() {
    let broker = Process::tcp("enfoslb");
    let mut first = Script::join(&broker.frontend()[0], "DEALER", 1);
    first.send(&message(&["", "of the first"]));
    let mut worker = Script::join(&broker.backend()[0], "REP", 1);
    let old = worker.message();
    let broker = restart(broker);
    let mut second = Script::join(&broker.frontend()[0], "DEALER", 1);
    second.send(&message(&["", "of the second"]));
    let mut worker = Script::join(&broker.backend()[0], "REP", 1);
    let new = worker.message();
    assert_eq!(new[2], b"of the second");
    worker.send(&message(&[&old[0][..], b"", b"to the first"]));
    worker.send(&message(&[&new[0][..], b"", b"to the second"]));
    assert_eq!(text(&second.message()), ["", "to the second"]);
}
