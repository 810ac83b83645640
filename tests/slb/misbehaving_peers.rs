//! Clients and workers that break the protocol.

use enfonet_tests::{LIBRARIES, Script, Slb, message, text};

use crate::setup::Setup;

#[test]
fn a_request_without_a_delimiter_is_dropped_and_counted_and_the_next_is_served() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.peer(library, zmq::DEALER, &broker.frontend());
        let worker = setup.peer(library, zmq::REP, &broker.backend());
        let malformed: [&[&str]; 5] = [&["body"], &["a", "b", "c"], &["a", ""], &[""], &["a", "b", ""]];
        for (n, message) in malformed.iter().enumerate() {
            client.send(message);
            client.send(&["", &n.to_string()]);
            worker.expect(&[n.to_string()]);
            worker.send(&["ok"]);
            client.expect(&["", "ok"]);
        }
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.malformed, summary.requests, summary.replies), (5, 5, 5));
    }
}

/// Gives the token of a worker's request to `forge`, and asserts that none of the forged replies is accepted.
fn forge(forge: impl FnOnce([u8; 16]) -> Vec<Vec<u8>>) {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let mut client = Script::join(&broker.frontend(), "DEALER", 1);
    client.send(&message(&["", "request"]));
    let mut worker = Script::join(&broker.backend(), "REP", 1);
    let token: [u8; 16] = worker.message()[0][..].try_into().unwrap();
    let forged = forge(token);
    forged.iter().for_each(|forged| worker.send(&message(&[&forged[..], b"", b"forged"])));
    worker.send(&message(&[&token[..], b"", b"reply"]));
    assert_eq!(text(&client.message()), ["", "reply"]);
    worker.send(&message(&[&token[..], b"", b"twice"]));
    worker.settle();
    drop((client, worker));
    let summary = broker.stop(&setup.runtime);
    assert_eq!((summary.requests, summary.replies), (1, 1));
    assert_eq!(summary.undeliverable, forged.len() as u64 + 1);
}

#[test]
fn a_reply_with_a_made_up_token_is_dropped_and_counted() {
    forge(|token| {
        let others = [0, 1, u128::MAX, u128::MAX >> 64, !u128::from_be_bytes(token)];
        let other_lengths =
            [&token[..8], &token[8..], &token[..15], &[&token[..], b"\0"].concat(), b"", b"X"]
                .map(<[u8]>::to_vec);
        others.iter().map(|other| other.to_be_bytes().to_vec()).chain(other_lengths).collect()
    });
}

#[test]
fn a_token_with_a_single_wrong_bit_is_invalid() {
    forge(|token| {
        (0..128).map(|bit| (u128::from_be_bytes(token) ^ 1 << bit).to_be_bytes().to_vec()).collect()
    });
}

#[test]
fn a_worker_can_not_use_the_token_of_another_worker() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let mut client = Script::join(&broker.frontend(), "DEALER", 1);
    client.send(&[message(&["", "1"]), message(&["", "2"])].concat());
    let mut workers = [(); 2].map(|()| Script::join(&broker.backend(), "REP", 1));
    let requests = [workers[0].message(), workers[1].message()];
    assert_ne!(requests[0][0], requests[1][0]);
    workers[0].send(&message(&[&requests[1][0][..], b"", b"forged"]));
    workers[0].settle();
    for (worker, request) in workers.iter_mut().zip(&requests) {
        worker.send(&message(request));
        client.expect(&message(&request[1..]));
    }
    drop((client, workers));
    let summary = broker.stop(&setup.runtime);
    assert_eq!((summary.replies, summary.undeliverable), (2, 1));
}

#[test]
fn an_unsolicited_reply_reaches_no_client() {
    for kind in ["REP", "DEALER", "ROUTER"] {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let mut worker = Script::join(&broker.backend(), kind, 1);
        worker.send(&message(&["hello"]));
        worker.send(&message(&["nobody", "", "hello"]));
        worker.send(&message(&["", "hello"]));
        worker.settle();
        let mut client = Script::join(&broker.frontend(), "DEALER", 1);
        client.send(&message(&["", "request"]));
        let request = worker.message();
        worker.send(&message(&request));
        client.expect(&message(&["", "request"]));
        drop((client, worker));
        let summary = broker.stop(&setup.runtime);
        assert_eq!((summary.replies, summary.undeliverable), (1, 3));
    }
}

#[test]
fn peers_that_disconnect_within_a_message_do_not_affect_others() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let client = setup.peer(LIBRARIES[0], zmq::REQ, &broker.frontend());
    let worker = setup.peer(LIBRARIES[1], zmq::REP, &broker.backend());
    for n in 0..10 {
        let mut half = Script::join(&broker.frontend(), "DEALER", 1);
        half.send(b"\x01\0\0\x64half");
        let mut garbage = Script::join(&broker.frontend(), "DEALER", 1);
        garbage.try_send(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
        garbage.expect_close();
        drop(half);
        client.send(&[n.to_string()]);
        worker.expect(&[n.to_string()]);
        worker.send(&["ok"]);
        client.expect(&["ok"]);
    }
}
