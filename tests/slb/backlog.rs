//! Requests that wait for workers, and their distribution.

use std::thread;

use enfonet_tests::{LIBRARIES, Library, Script, Slb, message};

use crate::WORK;
use crate::setup::{Peer, Setup};

/// Returns a scripted client whose requests the broker has read.
fn asked(endpoint: &str, requests: impl IntoIterator<Item = String>) -> Script {
    let mut client = Script::join(endpoint, "DEALER", 1);
    requests.into_iter().for_each(|request| client.send(&message(&["", &request])));
    client.settle();
    client
}

fn serve(worker: &Peer<'_>) -> String {
    let request = worker.recv();
    worker.send(&request);
    String::from_utf8(request.concat()).unwrap()
}

#[track_caller]
fn expect_reply(client: &mut Script, text: &str) {
    client.expect(&message(&["", text]));
}

#[test]
fn requests_wait_for_the_first_worker() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let mut ann = asked(&broker.frontend(), (0..20).map(|n| format!("ann {n}")));
        let mut bob = asked(&broker.frontend(), (0..20).map(|n| format!("bob {n}")));
        let worker = setup.peer(library, zmq::REP, &broker.backend());
        (0..40).for_each(|_| drop(serve(&worker)));
        (0..20).for_each(|n| expect_reply(&mut ann, &format!("ann {n}")));
        (0..20).for_each(|n| expect_reply(&mut bob, &format!("bob {n}")));
    }
}

#[test]
fn a_req_sent_before_any_worker_connects_gets_its_reply() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let clients = LIBRARIES.map(|library| setup.peer(library, zmq::REQ, &broker.frontend()));
        clients.iter().zip(["1", "2"]).for_each(|(client, text)| client.send(&[text]));
        let worker = setup.peer(library, zmq::REP, &broker.backend());
        (0..2).for_each(|_| drop(serve(&worker)));
        clients.iter().zip(["1", "2"]).for_each(|(client, text)| client.expect(&[text]));
    }
}

#[test]
fn idle_slow_workers_get_one_request_each() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.peer(library, zmq::DEALER, &broker.frontend());
        let workers: Vec<_> = LIBRARIES
            .into_iter()
            .cycle()
            .take(5)
            .map(|library| setup.peer(library, zmq::REP, &broker.backend()))
            .collect();
        for round in 0..5 {
            (0..5).for_each(|n| client.send(&["", &format!("{round} {n}")]));
            let mut requests: Vec<_> = workers.iter().map(Peer::recv).collect();
            thread::sleep(WORK);
            requests.iter().zip(&workers).for_each(|(request, worker)| worker.send(request));
            requests.sort();
            assert_eq!(requests.concat(), [0, 1, 2, 3, 4].map(|n| format!("{round} {n}").into_bytes()));
            (0..5).for_each(|_| drop(client.recv()));
        }
    }
}

#[test]
fn a_worker_that_connects_later_takes_from_the_backlog() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let mut client = asked(&broker.frontend(), (0..11).map(|n| n.to_string()));
        let busy = setup.peer(Library::Libzmq, zmq::REP, &broker.backend());
        busy.expect(&["0"]);
        let late = setup.peer(library, zmq::REP, &broker.backend());
        for n in 1..11 {
            assert_eq!(serve(&late), n.to_string());
            expect_reply(&mut client, &n.to_string());
        }
        busy.send(&["0"]);
        expect_reply(&mut client, "0");
    }
}

#[test]
fn a_slow_worker_delays_no_request_that_a_fast_worker_can_serve() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.peer(library, zmq::DEALER, &broker.frontend());
        let slow = setup.peer(library, zmq::REP, &broker.backend());
        client.send(&["", "long"]);
        slow.expect(&["long"]);
        let _fast = setup.server(Library::Libzmq, &broker.backend(), Box::new(|request| request));
        for n in 0..1000 {
            client.send(&["", &n.to_string()]);
        }
        let mut replies: Vec<u32> =
            (0..1000).map(|_| std::str::from_utf8(&client.recv()[1]).unwrap().parse().unwrap()).collect();
        replies.sort_unstable();
        assert!(replies.into_iter().eq(0..1000));
        slow.send(&["done"]);
        client.expect(&["", "done"]);
    }
}

#[test]
fn a_client_with_a_long_backlog_does_not_delay_another_client() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let worker = setup.peer(library, zmq::REP, &broker.backend());
        let _greedy = asked(&broker.frontend(), (0..500).map(|n| n.to_string()));
        let first = worker.recv();
        let mut modest = asked(&broker.frontend(), ["modest".to_string()]);
        worker.send(&first);
        // Clients take turns: only the worker's credit stands before the other client's request.
        let before = (0..).find(|_| serve(&worker) == "modest").unwrap();
        assert!(before <= 4, "{before} came before it");
        expect_reply(&mut modest, "modest");
    }
}
