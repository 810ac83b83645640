//! `rrbroker` and `msgqueue` between clients and servers, `lbbroker` between clients and workers.

use enfonet_tests::PyZmq;

use crate::{Example, TCP, bound, connected, times};

/// Asserts that requests of pyzmq's and our clients reach a server of pyzmq's, and that each client gets its replies.
fn passes_on(front: &str, back: &str) {
    let pyzmq = PyZmq::start();
    let server = connected(&pyzmq, "REP", back);
    let clients = [(); 2].map(|()| connected(&pyzmq, "REQ", front));
    clients[0].send(&["first"]);
    assert_eq!(server.recv(), [b"first"]);
    clients[1].send(&["second"]);
    server.send(&["to the first", "of two frames"]);
    assert_eq!(server.recv(), [b"second"]);
    server.send(&["to the second"]);
    assert_eq!(clients[1].recv(), [b"to the second"]);
    assert_eq!(clients[0].recv(), [b"to the first".to_vec(), b"of two frames".to_vec()]);

    let client = Example::start("hwclient", &[front, "2"]);
    for reply in ["one", "two"] {
        assert_eq!(server.recv(), [b"Hello"]);
        server.send(&[reply]);
    }
    assert_eq!(client.end(), ["received one 1", "received two 2"]);
}

/// Asserts that our clients reach our server.
fn connects(front: &str, back: &str) {
    let clients = [(); 2].map(|()| Example::start("hwclient", &[front, "4"]));
    let server = Example::start("rrworker", &[back, "8"]);
    clients.into_iter().for_each(|client| assert_eq!(client.end().len(), 4));
    assert_eq!(server.end(), times(8, "received Hello"));
}

#[test]
fn rrbroker_forwards_requests_of_pyzmq_and_the_replies() {
    let (broker, [front, back]) = Example::ready("rrbroker", &[TCP, TCP, "4"]);
    passes_on(&front, &back);
    assert!(broker.end().is_empty());
}

#[test]
fn rrbroker_connects_our_clients_with_our_server() {
    let (broker, [front, back]) = Example::ready("rrbroker", &[TCP, TCP, "8"]);
    connects(&front, &back);
    assert!(broker.end().is_empty());
}

#[test]
fn msgqueue_forwards_requests_of_pyzmq_and_the_replies() {
    let (broker, [front, back]) = Example::ready("msgqueue", &[TCP, TCP]);
    passes_on(&front, &back);
    assert!(broker.interrupt().is_empty());
}

#[test]
fn msgqueue_connects_our_clients_with_our_server() {
    let (broker, [front, back]) = Example::ready("msgqueue", &[TCP, TCP]);
    connects(&front, &back);
    assert!(broker.interrupt().is_empty());
}

#[test]
fn rrworker_answers_a_dealer_of_pyzmq() {
    let (broker, at) = bound(&PyZmq::start(), "DEALER");
    let worker = Example::start("rrworker", &[&at, "2"]);
    for client in ["Ada", "Bob"] {
        broker.send(&[client, "", "Hello"]);
        assert_eq!(broker.recv(), [client.as_bytes(), b"", b"World"]);
    }
    assert_eq!(worker.end(), times(2, "received Hello"));
}

#[test]
fn lbbroker_gives_each_request_to_the_worker_of_pyzmq_that_has_waited_longest() {
    let (broker, [front, back]) = Example::ready("lbbroker", &[TCP, TCP, "3"]);
    let pyzmq = PyZmq::start();
    let client = connected(&pyzmq, "REQ", &front);
    let workers = [(); 2].map(|()| connected(&pyzmq, "REQ", &back));
    // The broker has the first worker's message, so the second's follows.
    workers[0].send(&["ready"]);
    client.send(&["1"]);
    let request = workers[0].recv();
    assert_eq!(request[1..], [b"".to_vec(), b"1".to_vec()]);
    workers[1].send(&["ready"]);
    let other = connected(&pyzmq, "REQ", &front);
    other.send(&["2"]);
    let second = workers[1].recv();
    assert_eq!(second[1..], [b"".to_vec(), b"2".to_vec()]);
    // The first worker is ready again first.
    workers[1].send(&[&*second[0], b"", b"done 2"]);
    assert_eq!(other.recv(), [b"done 2"]);
    workers[0].send(&[&*request[0], b"", b"done 1"]);
    assert_eq!(client.recv(), [b"done 1"]);
    client.send(&["3"]);
    let third = workers[1].recv();
    assert_eq!(third[1..], [b"".to_vec(), b"3".to_vec()]);
    workers[1].send(&[&*third[0], b"", b"done 3"]);
    assert_eq!(client.recv(), [b"done 3"]);
    workers.iter().for_each(|worker| assert_eq!(worker.recv(), [b"end"]));
    assert!(broker.end().is_empty());
}

#[test]
fn lbworker_serves_a_router_of_pyzmq() {
    let (broker, at) = bound(&PyZmq::start(), "ROUTER");
    let worker = Example::start("lbworker", &[&at]);
    let message = broker.recv();
    assert_eq!(message[1..], [b"".to_vec(), b"ready".to_vec()]);
    let name = message[0].as_slice();
    for client in [b"Ada", b"Bob"] {
        broker.send(&[name, b"", client, b"", b"Hello"]);
        assert_eq!(broker.recv(), [name, b"", client, b"", b"World"]);
    }
    broker.send(&[name, b"", b"end"]);
    assert_eq!(worker.end(), times(2, "received Hello"));
}

#[test]
fn lbbroker_connects_hwclients_with_an_lbworker() {
    let (broker, [front, back]) = Example::ready("lbbroker", &[TCP, TCP, "9"]);
    let worker = Example::start("lbworker", &[&back]);
    let clients = [(); 3].map(|()| Example::start("hwclient", &[&front, "3"]));
    clients.into_iter().for_each(|client| assert_eq!(client.end().len(), 3));
    assert!(broker.end().is_empty());
    assert_eq!(worker.end(), times(9, "received Hello"));
}
