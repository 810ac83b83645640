//! Examples with identities: `identity`, `rtreq`, `asyncsrv` with `asyncclient`.

use enfonet_tests::PyZmq;

use crate::{Example, TCP, bound, connected};

#[test]
fn identity_shows_the_identities_of_our_and_pyzmqs_reqs() {
    let (example, [at]) = Example::ready("identity", &[TCP, "4"]);
    let pyzmq = PyZmq::start();
    let (anonymous, named) = (pyzmq.socket("REQ"), pyzmq.socket("REQ").identity("Bob"));
    for (client, text) in [(&anonymous, "from nobody"), (&named, "from Bob")] {
        client.connect(&at);
        client.send(&[text]);
    }
    let lines = example.end();
    let name_of = |text: &str| {
        let suffix = format!(" says: {text}");
        let names: Vec<_> = lines.iter().filter_map(|line| line.strip_suffix(&suffix)).collect();
        assert_eq!(names.len(), 1, "{lines:?}");
        names[0]
    };
    assert_eq!((name_of("call me Ada"), name_of("from Bob")), ("Ada", "Bob"));
    let made_up = [name_of("call me what you like"), name_of("from nobody")];
    assert!(made_up.iter().all(|name| name.starts_with("\\x00")), "{made_up:?}");
    assert_ne!(made_up[0], made_up[1]);
}

#[test]
fn identity_runs_alone() {
    let (example, [at]) = Example::ready("identity", &[]);
    assert_eq!(at, "inproc://example");
    let lines = example.end();
    assert_eq!(lines.len(), 2);
    assert!(lines.contains(&"Ada says: call me Ada".into()), "{lines:?}");
}

#[test]
fn rtreq_gives_a_req_of_pyzmq_work_on_request_and_then_ends_it() {
    let (boss, [at]) = Example::ready("rtreq", &[TCP, "5", "1", "1"]);
    let guest = connected(&PyZmq::start(), "REQ", &at);
    for order in ["work", "work", "work", "work", "work", "go home"] {
        guest.send(&["ready"]);
        assert_eq!(guest.recv(), [order.as_bytes()]);
    }
    assert!(boss.end().is_empty());
}

#[test]
fn rtreq_distributes_all_work_to_its_own_and_external_workers() {
    let (boss, [at]) = Example::ready("rtreq", &[TCP, "40", "4", "1"]);
    let guest = connected(&PyZmq::start(), "REQ", &at);
    let mut completed = 0;
    loop {
        guest.send(&["ready"]);
        match guest.recv()[0].as_slice() {
            b"work" => completed += 1,
            order => break assert_eq!(order, b"go home"),
        }
    }
    let lines = boss.end();
    assert_eq!(lines.len(), 3);
    let others = lines.iter().map(|line| {
        line.strip_prefix("completed ").unwrap().strip_suffix(" tasks").unwrap().parse::<usize>().unwrap()
    });
    assert_eq!(others.sum::<usize>() + completed, 40);
}

#[test]
fn asyncsrv_replies_twice_to_each_request_of_dealers_of_pyzmq() {
    let (server, [at]) = Example::ready("asyncsrv", &[TCP, "6"]);
    let pyzmq = PyZmq::start();
    let clients = ["a", "b"].map(|name| (name, connected(&pyzmq, "DEALER", &at)));
    for n in 1..=3 {
        clients.iter().for_each(|(name, client)| client.send(&[format!("{name}{n}")]));
    }
    for (name, client) in &clients {
        let replies: Vec<_> = (0..6).map(|_| client.recv()).collect();
        for request in (1..=3).map(|n| format!("{name}{n}").into_bytes()) {
            let of = |reply: &&Vec<Vec<u8>>| reply[0] == request;
            let states: Vec<_> = replies.iter().filter(of).map(|reply| &reply[1][..]).collect();
            assert_eq!(states, [&b"begun"[..], b"done"]);
        }
    }
    assert!(server.end().is_empty());
}

#[test]
fn asyncclient_sends_further_requests_before_a_router_of_pyzmq_replies() {
    let (server, at) = bound(&PyZmq::start(), "ROUTER");
    let client = Example::start("asyncclient", &[&at, "3"]);
    let requests = [(); 3].map(|()| server.recv());
    for (n, request) in (1..).zip(&requests) {
        assert_eq!(request[1..], [format!("request {n}").into_bytes()]);
    }
    for [name, request] in requests.iter().rev().map(|request| [&request[0][..], &request[1]]) {
        server.send(&[name, request, b"late"]);
        server.send(&[name, request, b"done"]);
    }
    let expected = [3, 2, 1].map(|n| [format!("request {n} is late"), format!("request {n} is done")]);
    assert_eq!(client.end(), expected.concat());
}

#[test]
fn asyncsrv_replies_to_several_asyncclients() {
    let (server, [at]) = Example::ready("asyncsrv", &[TCP, "20"]);
    let clients = [(); 2].map(|()| Example::start("asyncclient", &[&at]));
    for client in clients {
        let lines = client.end();
        assert_eq!(lines.iter().filter(|line| line.ends_with(" is begun")).count(), 10);
        assert_eq!(lines.iter().filter(|line| line.ends_with(" is done")).count(), 10);
    }
    assert!(server.end().is_empty());
}
