//! Clients and workers that disconnect during a request.

use enfonet_tests::{LIBRARIES, Library, Script, Slb, command, message, ready, text};

use crate::setup::Setup;

/// Returns a scripted client with an identity.
fn named(endpoint: &str, name: &str) -> Script {
    let mut client = Script::connect(endpoint);
    client.send(&enfonet_tests::greeting(1));
    client.read(64);
    client.send(&ready(&[("Socket-Type", b"DEALER"), ("Identity", name.as_bytes())]));
    let header = client.read(2);
    client.read(header[1].into());
    client
}

#[test]
fn the_reply_to_a_disconnected_client_is_not_sent_to_a_successor_with_its_identity() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let mut first = named(&broker.frontend(), "name");
        first.send(&message(&["", "of the first"]));
        let mut busy = Script::join(&broker.backend(), "REP", 1);
        let request = busy.message();
        first.leave();
        let second = setup.named_peer(Library::Libzmq, zmq::DEALER, "name", &broker.frontend());
        let idle = setup.peer(library, zmq::REP, &broker.backend());
        second.send(&["", "1"]);
        idle.expect(&["1"]);
        idle.send(&["1"]);
        second.expect(&["", "1"]);
        busy.send(&message(&[&request[0][..], b"", b"to the first"]));
        busy.settle();
        // Both workers are idle now.
        second.send(&["", "2"]);
        second.send(&["", "3"]);
        let request = busy.message();
        busy.send(&message(&request));
        assert_eq!(second.recv(), request[1..]);
        let request = idle.recv();
        idle.send(&request);
        assert_eq!(second.recv()[1..], request);
        drop(busy);
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.requests, summary.replies, summary.undeliverable), (4, 3, 1));
    }
}

#[test]
fn requests_of_a_disconnected_client_are_served_even_after_a_successor_connects() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        for n in 0..5 {
            let mut fleeting = Script::join(&broker.frontend(), "DEALER", 1);
            fleeting.send(&message(&["", &n.to_string()]));
            fleeting.leave();
        }
        let mut last = Script::join(&broker.frontend(), "DEALER", 1);
        last.send(&message(&["", "last"]));
        last.settle();
        let worker = setup.peer(library, zmq::REP, &broker.backend());
        for request in ["0", "1", "2", "3", "4", "last"] {
            worker.expect(&[request]);
            worker.send(&["reply"]);
        }
        assert_eq!(text(&last.message()), ["", "reply"]);
        drop(last);
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.requests, summary.replies, summary.undeliverable), (6, 1, 5));
    }
}

#[test]
fn clients_that_disconnect_with_pending_requests_do_not_disturb_others() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.peer(library, zmq::REQ, &broker.frontend());
        let _workers =
            LIBRARIES.map(|library| setup.server(library, &broker.backend(), Box::new(|request| request)));
        for n in 0..100 {
            let mut fleeting = Script::join(&broker.frontend(), "DEALER", 1);
            (0..10).for_each(|n| fleeting.send(&message(&["", &n.to_string()])));
            drop(fleeting);
            client.send(&[n.to_string()]);
            client.expect(&[n.to_string()]);
        }
    }
}

#[test]
fn the_requests_of_a_lost_worker_are_lost_and_the_rest_is_served_by_others() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.peer(library, zmq::DEALER, &broker.frontend());
        (0..5).for_each(|n| client.send(&["", &n.to_string()]));
        let mut fleeting = Script::join(&broker.backend(), "REP", 1);
        assert_eq!(fleeting.message()[2], b"0");
        drop(fleeting);
        let _worker = setup.server(library, &broker.backend(), Box::new(|request| request));
        (1..5).for_each(|n| client.expect(&["", &n.to_string()]));
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.requests, summary.replies, summary.lost), (5, 4, 1));
    }
}

#[test]
fn a_request_not_fully_written_to_a_worker_is_sent_to_another() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.peer(library, zmq::DEALER, &broker.frontend());
        // More than the kernel holds for a connection.
        let request = [vec![], vec![b'x'; 32 << 20]];
        client.send(&request);
        let mut fleeting = Script::join(&broker.backend(), "REP", 1);
        fleeting.read(1 << 20);
        drop(fleeting);
        let worker = setup.peer(library, zmq::REP, &broker.backend());
        assert!(worker.recv() == request[1..]);
        worker.send(&["got it"]);
        client.expect(&["", "got it"]);
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.requests, summary.replies, summary.lost), (1, 1, 0));
    }
}

#[test]
fn a_request_not_fully_written_to_a_raw_worker_is_sent_to_another_for_the_same_client() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let client = setup.named_peer(Library::Libzmq, zmq::DEALER, "client", &broker.frontend());
    let request = [vec![], vec![b'x'; 32 << 20]];
    client.send(&request);
    let mut fleeting = Script::join(&broker.backend(), "DEALER", 1);
    fleeting.read(1 << 20);
    drop(fleeting);
    let worker = setup.peer(Library::Libzmq, zmq::DEALER, &broker.backend());
    assert!(worker.recv() == [&[b"client".to_vec()], &request[..]].concat());
    worker.send(&["client", "", "got it"]);
    client.expect(&["", "got it"]);
}

#[test]
fn idle_workers_that_disconnect_lose_no_request() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.peer(library, zmq::REQ, &broker.frontend());
        let _steady = setup.server(library, &broker.backend(), Box::new(|request| request));
        for n in 0..100 {
            // One worker never does the handshake, the other leaves before it gets a request.
            drop(Script::connect(&broker.backend()));
            client.send(&[n.to_string()]);
            client.expect(&[n.to_string()]);
        }
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.requests, summary.replies, summary.lost), (100, 100, 0));
    }
}

#[test]
fn workers_that_serve_and_disconnect_leave_nothing_behind() {
    const WORKERS: u64 = 300;
    const SURPLUS: u64 = 20;
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let client = setup.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
    for n in 0..WORKERS {
        client.send(&["", &n.to_string()]);
        let mut worker = Script::join(&broker.backend(), "REP", 1);
        let request = worker.message();
        worker.send(&message(&request));
        (0..SURPLUS).for_each(|_| worker.send(&message(&["not a token", "", "surplus"])));
        worker.leave();
        client.expect(&["", &n.to_string()]);
    }
    let summary = broker.stop(&setup.runtime);
    assert_eq!((summary.requests, summary.replies, summary.lost), (WORKERS, WORKERS, 0));
    assert_eq!(summary.undeliverable, WORKERS * SURPLUS);
}

#[test]
fn a_worker_can_connect_while_replies_of_a_lost_worker_are_processed() {
    const SURPLUS: usize = 1_000_000;
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let client = setup.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
    client.send(&["", "1"]);
    let mut old = Script::join(&broker.backend(), "DEALER", 1);
    let request = old.message();
    // The broker looks up each of these identities, which keeps it busy for a while.
    old.send(&message(&["nobody", ""]).repeat(SURPLUS));
    old.send(&message(&request));
    old.leave();
    let mut new = Script::join(&broker.backend(), "REP", 1);
    new.settle();
    client.send(&["", "2"]);
    let request = new.message();
    new.send(&message(&request));
    let mut replies = [client.recv(), client.recv()];
    replies.sort();
    assert_eq!(replies.map(|reply| text(&reply)), [["", "1"], ["", "2"]]);
    drop(new);
    let summary = broker.stop(&setup.runtime);
    assert_eq!((summary.requests, summary.replies, summary.lost), (2, 2, 0));
    assert_eq!(summary.undeliverable, SURPLUS as u64);
}

#[test]
fn a_lost_worker_takes_no_more_requests_than_its_credit() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let client = setup.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
    (0..1000).for_each(|n| client.send(&["", &n.to_string()]));
    // The worker answers a hundred requests, and disconnects with its pending requests.
    let mut fleeting = Script::join(&broker.backend(), "REP", 1);
    for _ in 0..100 {
        let request = fleeting.message();
        fleeting.send(&message(&request));
    }
    (0..100).for_each(|n| client.expect(&["", &n.to_string()]));
    // The worker's pending requests may be lost; later requests aren't.
    drop(fleeting);
    let _steady = setup.server(Library::Libzmq, &broker.backend(), Box::new(|request| request));
    client.send(&["", "last"]);
    let mut next = 100;
    let replies = std::iter::repeat_with(|| client.recv().remove(1)).take_while(|reply| reply != b"last");
    let replies: Vec<u32> = replies.map(|r| std::str::from_utf8(&r).unwrap().parse().unwrap()).collect();
    let lost = 900 - replies.len();
    for reply in replies {
        assert!(reply >= next, "in order, and none twice");
        next = reply + 1;
    }
    let summary = broker.stop(&setup.runtime);
    assert_eq!((summary.requests, summary.replies, summary.lost), (1001, 1001 - lost as u64, lost as u64));
    assert!(lost <= 1024 - 100, "{lost}");
}

#[test]
fn a_client_that_pings_while_its_request_waits_gets_its_reply() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let mut client = Script::join(&broker.frontend(), "DEALER", 1);
    client.send(&message(&["", "request"]));
    client.send(&command("PING", b"\0\0still there?"));
    client.expect(&command("PONG", b"still there?"));
    let worker = setup.peer(Library::Libzmq, zmq::REP, &broker.backend());
    worker.expect(&["request"]);
    worker.send(&["reply"]);
    client.expect(&message(&["", "reply"]));
}
