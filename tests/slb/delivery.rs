//! Requests and replies arrive unchanged.

use enfonet_tests::{LIBRARIES, Library, Script, Slb, message, wildcard};

use crate::setup::{Pairing, Peer, Setup, pairings};

/// Runs `talk` between a client and a REP worker with a broker between them.
fn with_stage(pairing: Pairing, kind: zmq::SocketType, test: impl FnOnce(&Peer<'_>, &Peer<'_>)) {
    let setup = Setup::new();
    let (front, back) = (wildcard(pairing.transport), wildcard(pairing.transport));
    let broker = Slb::start(&setup.runtime, &front.1, &back.1);
    let client = setup.peer(pairing.client, kind, &broker.frontend());
    let worker = setup.peer(pairing.worker, zmq::REP, &broker.backend());
    test(&client, &worker);
}

#[test]
fn each_request_gets_its_reply() {
    for pairing in pairings() {
        with_stage(pairing, zmq::REQ, |client, worker| {
            for n in 0..100 {
                client.send(&["request", &n.to_string()]);
                worker.expect(&["request", &n.to_string()]);
                worker.send(&[&n.to_string(), "reply"]);
                client.expect(&[&n.to_string(), "reply"]);
            }
        });
    }
}

#[test]
fn frame_boundaries_are_kept_even_of_empty_frames() {
    let messages: [&[&str]; 6] =
        [&[""], &["", ""], &["a", "", "b"], &["", "", "a"], &["a", ""], &["a", "b", "c", "d"]];
    for pairing in pairings() {
        with_stage(pairing, zmq::REQ, |client, worker| {
            for (request, reply) in messages.iter().zip(messages.iter().rev()) {
                client.send(request);
                worker.expect(request);
                worker.send(reply);
                client.expect(reply);
            }
        });
    }
}

#[test]
fn requests_and_replies_of_every_size_arrive_whole() {
    const SIZES: [usize; 12] = [0, 1, 255, 256, 8191, 8192, 8193, 65_535, 65_536, 65_537, 1 << 20, 32 << 20];
    let bytes: Vec<u8> = (0..32u32 << 20).map(|n| (n % 251) as u8).collect();
    for pairing in pairings() {
        with_stage(pairing, zmq::REQ, |client, worker| {
            for size in SIZES {
                let (request, reply) = ([&bytes[..size]], [&bytes[..size / 2], &bytes[size / 2..size]]);
                client.send(&request);
                assert!(worker.recv() == request, "{size} bytes");
                worker.send(&reply);
                assert!(client.recv() == reply, "{size} bytes");
            }
        });
    }
}

#[test]
fn the_envelope_of_a_dealer_is_returned_at_its_depth() {
    for pairing in pairings() {
        with_stage(pairing, zmq::DEALER, |client, worker| {
            let envelopes: [&[&str]; 4] = [&[""], &["X", "Y", ""], &["X", "X", "X", ""], &["Y", ""]];
            for envelope in envelopes {
                client.send(&[envelope, &["A", "", "more"]].concat());
                worker.expect(&["A", "", "more"]);
                worker.send(&["B", "", "too"]);
                client.expect(&[envelope, &["B", "", "too"]].concat());
            }
        });
    }
}

#[test]
fn a_worker_gets_a_token_and_the_envelope_without_the_identity() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Slb::tcp(&setup.runtime);
        let client = setup.named_peer(library, zmq::DEALER, "secret", &broker.frontend());
        let mut worker = Script::join(&broker.backend(), "REP", 1);
        client.send(&["X", "Y", "", "A"]);
        let request = worker.message();
        assert_eq!(request[1..], [b"X".to_vec(), b"Y".to_vec(), vec![], b"A".to_vec()]);
        assert_ne!(request[0], b"secret");
        worker.send(&message(&[&request[..4], &[b"B".to_vec()]].concat()));
        client.expect(&["X", "Y", "", "B"]);
    }
}

#[test]
fn a_broker_connects_to_clients_and_workers_that_listen() {
    use enfonet_proxy::{Config, Side};
    let setup = Setup::new();
    let (client, at_client) = setup.libzmq.bound(zmq::DEALER, "tcp://127.0.0.1:*");
    let (worker, at_worker) = setup.libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
    let to = |endpoint: &str| Side { connect: vec![endpoint.parse().unwrap()], ..Side::default() };
    let broker = Slb::start_with(&setup.runtime, Config::new(to(&at_client), to(&at_worker)));
    let serving = std::thread::spawn(move || {
        let request = worker.recv_bytes(0).unwrap();
        worker.send(request, 0).unwrap();
        worker
    });
    client.send_multipart(["", "hello"], 0).unwrap();
    assert_eq!(client.recv_multipart(0).unwrap(), [b"".to_vec(), b"hello".to_vec()]);
    drop(serving.join().unwrap());
    assert_eq!(broker.stop(&setup.runtime).replies, 1);
}

#[test]
fn brokers_can_be_chained() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let near = Slb::tcp(&setup.runtime);
        let far = enfonet_proxy::Config::new(
            enfonet_proxy::Side::bound("tcp://127.0.0.1:*".parse().unwrap()),
            enfonet_proxy::Side {
                connect: vec![near.frontend().parse().unwrap()],
                ..enfonet_proxy::Side::default()
            },
        );
        let far = Slb::start_with(&setup.runtime, far);
        let client = setup.peer(library, zmq::REQ, &far.frontend());
        let worker = setup.peer(Library::Libzmq, zmq::REP, &near.backend());
        client.send(&["request"]);
        worker.expect(&["request"]);
        worker.send(&["reply"]);
        client.expect(&["reply"]);
    }
}
