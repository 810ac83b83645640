//! Many clients and many workers: every reply reaches its client.

use std::thread;

use enfonet_tests::{LIBRARIES, Library, Slb};

use crate::setup::{Peer, Server, Setup};

const REQUESTS: usize = 2000;

/// Starts five workers that reply with the request and their name after it.
fn workers(setup: &Setup, endpoint: &str) -> Vec<Server> {
    ["v", "w", "x", "y", "z"]
        .into_iter()
        .zip(LIBRARIES.into_iter().cycle())
        .map(|(name, library)| {
            let answer = move |mut message: Vec<Vec<u8>>| {
                message.push(name.into());
                message
            };
            setup.server(library, endpoint, Box::new(answer))
        })
        .collect()
}

/// Sends all requests at once, and asserts that each reply arrives once, in any order.
fn ask_all_at_once(client: &Peer<'_>, name: &str) {
    (0..REQUESTS).for_each(|n| client.send(&["", name, &n.to_string()]));
    let mut missing = vec![true; REQUESTS];
    for _ in 0..REQUESTS {
        let reply = client.recv();
        assert_eq!((reply.len(), &reply[0][..], &reply[1][..]), (4, &b""[..], name.as_bytes()));
        let n: usize = std::str::from_utf8(&reply[2]).unwrap().parse().unwrap();
        assert!(std::mem::take(&mut missing[n]), "{n} was answered before");
        assert!(b"vwxyz".contains(&reply[3][0]));
    }
}

/// Waits for each reply before the next request.
fn ask_one_by_one(client: &Peer<'_>, name: &str) {
    for n in 0..REQUESTS / 10 {
        client.send(&[name, &n.to_string()]);
        let reply = client.recv();
        assert_eq!(reply[..2], [name.as_bytes().to_vec(), n.to_string().into_bytes()]);
    }
}

fn ask(client: &Peer<'_>, kind: zmq::SocketType, name: &str) {
    if kind == zmq::DEALER { ask_all_at_once(client, name) } else { ask_one_by_one(client, name) }
}

/// Runs three clients with five workers concurrently.
fn flow(clients: [(Library, zmq::SocketType); 3]) {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let _workers = workers(&setup, &broker.backend());
    let mut clients = clients.map(|(library, kind)| (setup.peer(library, kind, &broker.frontend()), kind));
    thread::scope(|scope| {
        for ((client, kind), name) in clients.iter_mut().zip(["ann", "bob", "cat"]) {
            let client: &mut Peer<'_> = client;
            scope.spawn(move || ask(client, *kind, name));
        }
    });
    let summary = broker.stop(&setup.runtime);
    let expected: usize =
        clients.iter().map(|(_, kind)| if *kind == zmq::DEALER { REQUESTS } else { REQUESTS / 10 }).sum();
    assert_eq!((summary.requests, summary.replies), (expected as u64, expected as u64));
    assert_eq!((summary.malformed, summary.lost, summary.undeliverable), (0, 0, 0));
}

#[test]
fn three_libzmq_dealers_share_five_workers() {
    flow([(Library::Libzmq, zmq::DEALER); 3]);
}

#[test]
fn three_dealers_of_ours_share_five_workers() {
    flow([(Library::Ours, zmq::DEALER); 3]);
}

#[test]
fn three_reqs_share_five_workers() {
    flow([(Library::Libzmq, zmq::REQ), (Library::Ours, zmq::REQ), (Library::Libzmq, zmq::REQ)]);
}

#[test]
fn clients_of_every_type_mix() {
    flow([(Library::Libzmq, zmq::DEALER), (Library::Ours, zmq::REQ), (Library::Ours, zmq::DEALER)]);
}
