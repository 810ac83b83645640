//! Raw workers, which aren't REP: they get the client's identity and the unchanged message, and reply at any time.

use std::io::Write;
use std::thread;
use std::time::Duration;

use enfonet_tests::{LIBRARIES, Library, Runtime, Script, Slb, message};

use crate::WORK;
use crate::setup::Setup;

/// Runs a test with raw workers of both socket types and both libraries.
fn for_each_worker(test: impl Fn(Library, zmq::SocketType)) {
    for library in LIBRARIES {
        for kind in [zmq::DEALER, zmq::ROUTER] {
            println!("{library:?} {kind:?}");
            test(library, kind);
        }
    }
}

#[test]
fn a_raw_worker_sees_the_identity_and_the_whole_envelope() {
    for_each_worker(|library, kind| {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let worker = setup.peer(library, kind, &broker.backend());
        for (client, names) in LIBRARIES.into_iter().zip([["ann", "bob"], ["cat", "dan"]]) {
            let dealer = setup.named_peer(client, zmq::DEALER, names[0], &broker.frontend());
            dealer.send(&["X", "Y", "", "A"]);
            worker.expect(&[names[0], "X", "Y", "", "A"]);
            worker.send(&[names[0], "Y", "", "B"]);
            dealer.expect(&["Y", "", "B"]);
            let req = setup.named_peer(client, zmq::REQ, names[1], &broker.frontend());
            req.send(&["A"]);
            worker.expect(&[names[1], "", "A"]);
            worker.send(&[names[1], "", "B"]);
            req.expect(&["B"]);
        }
    });
}

#[test]
fn a_client_without_an_identity_has_an_identity_of_five_bytes() {
    for_each_worker(|library, kind| {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let worker = setup.peer(library, kind, &broker.backend());
        let clients = LIBRARIES.map(|library| setup.peer(library, zmq::REQ, &broker.frontend()));
        let mut names = Vec::new();
        for client in &clients {
            client.send(&["request"]);
            let request = worker.recv();
            assert_eq!((request[0].len(), request[0][0]), (5, 0));
            worker.send(&request);
            client.expect(&["request"]);
            names.extend(request.into_iter().next());
        }
        assert_ne!(names[0], names[1]);
    });
}

#[test]
fn a_raw_worker_may_send_any_number_of_replies() {
    for_each_worker(|library, kind| {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let worker = setup.peer(library, kind, &broker.backend());
        let client = setup.named_peer(Library::Libzmq, zmq::DEALER, "client", &broker.frontend());
        for replies in [3, 0, 1, 100] {
            client.send(&["how many", &replies.to_string()]);
            worker.expect(&["client", "how many", &replies.to_string()]);
            (0..replies).for_each(|n| worker.send(&["client", &n.to_string()]));
            (0..replies).for_each(|n| client.expect(&[n.to_string()]));
        }
        // At any time, too.
        worker.send(&["client", "later"]);
        client.expect(&["later"]);
    });
}

#[test]
fn a_raw_worker_gets_messages_without_an_empty_frame_too() {
    for_each_worker(|library, kind| {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let worker = setup.peer(library, kind, &broker.backend());
        let client = setup.named_peer(Library::Ours, zmq::DEALER, "client", &broker.frontend());
        for message in [&["a"][..], &["a", "b"], &["a", ""], &[""]] {
            client.send(message);
            worker.expect(&[&["client"], message].concat());
            worker.send(&[&["client"], message].concat());
            client.expect(message);
        }
    });
}

#[test]
fn a_raw_worker_gets_requests_without_replying_to_earlier_requests() {
    for_each_worker(|library, kind| {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let worker = setup.peer(library, kind, &broker.backend());
        let client = setup.peer(Library::Libzmq, zmq::DEALER, &broker.frontend());
        for n in 0..5000 {
            client.send(&["", &n.to_string()]);
        }
        for n in 0..5000 {
            assert_eq!(worker.recv()[2], n.to_string().into_bytes());
        }
    });
}

#[test]
fn rep_and_raw_workers_share_the_requests() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let client = setup.named_peer(Library::Libzmq, zmq::DEALER, "client", &broker.frontend());
    let [mut rep, mut dealer] = ["REP", "DEALER"].map(|kind| {
        let mut worker = Script::join(&broker.backend(), kind, 1);
        worker.settle();
        worker
    });
    for _ in 0..10 {
        client.send(&["", "request"]);
        client.send(&["", "request"]);
        for worker in [&mut rep, &mut dealer] {
            let request = worker.message();
            // The faster worker may get both.
            thread::sleep(WORK);
            worker.send(&message(&request));
            client.expect(&["", "request"]);
        }
    }
}

#[test]
fn a_worker_that_reads_late_gets_all_requests_in_order() {
    /// Requests that follow once the client's send would wait: the system and the broker then hold all they can for the
    /// worker, and the broker has requeued the surplus requests.
    const MORE: usize = 100;
    /// Requests of some 370 MB together, which no part may hold.
    const TOO_MUCH: usize = 100_000;
    /// Requests that the worker replies to at once, so that it gets several in a row afterwards.
    const QUICK: usize = 1000;
    let body = |n: usize| format!("{n:05}{}", ".".repeat(if n.is_multiple_of(3) { 5000 } else { 3000 }));
    let runtime = Runtime::new();
    let broker = Slb::tcp(&runtime);
    let mut worker = Script::join(&broker.backend(), "DEALER", 1);
    let client = Script::join(&broker.frontend(), "DEALER", 1).into_stream();
    client.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let requests = thread::scope(|scope| {
        let (stalled, is_stalled) = std::sync::mpsc::channel();
        let mut client = &client;
        scope.spawn(move || {
            let mut end = TOO_MUCH;
            let mut n = 0;
            while n < end {
                let request = message(&[body(n)]);
                let mut rest = &request[..];
                while !rest.is_empty() {
                    match client.write(rest) {
                        Ok(written) => rest = &rest[written..],
                        Err(_) => {
                            end = end.min(n.max(QUICK) + MORE);
                            if stalled.send(end).is_err() {
                                return;
                            }
                        }
                    }
                }
                n += 1;
            }
        });
        let (mut n, mut end) = (0, TOO_MUCH);
        while n < end {
            let request = worker.message();
            assert!(request[1] == body(n).as_bytes(), "{n}");
            if n < QUICK {
                worker.send(&message(&[&request[0][..], b"done"]));
            } else if n == QUICK {
                end = is_stalled.recv().expect("not all that is sent is held");
            }
            n += 1;
        }
        end
    });
    let summary = broker.stop(&runtime);
    assert_eq!(
        (summary.requests, summary.malformed, summary.abandoned, summary.lost),
        (requests as u64, 0, 0, 0)
    );
}
