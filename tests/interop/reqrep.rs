//! Requests, replies and their envelopes (RFC 28).

use std::time::Duration;

use enfonet::error::{RecvError, RequestError, SendError};
use enfonet::{Dealer, Message, Options, Rep, Req};
use enfonet_tests::{
    DEADLINE, LibZmq, Runtime, Script, ScriptListener, connected, eventually, frames, message, theirs,
    unused, wildcard,
};

use crate::setup::{MIXED, Setup};

#[test]
fn a_rep_returns_an_envelope_of_any_depth() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let [rep, dealer] = setup.pair(who, [zmq::REP, zmq::DEALER]);
        let long = "long".repeat(100);
        let envelopes: [&[&str]; 5] =
            [&[""], &["X", ""], &["X", "Y", ""], &[&long, "Y", &long, ""], &["x"; 50]];
        for envelope in envelopes {
            let envelope =
                if envelope.contains(&"") { envelope.to_vec() } else { [envelope, &[""]].concat() };
            dealer.send([&envelope[..], &["A", "", "B"]].concat());
            assert_eq!(rep.recv(), frames(["A", "", "B"]));
            rep.send(["", "C"]);
            assert_eq!(dealer.recv(), frames([&envelope[..], &["", "C"]].concat()));
        }
    }
}

#[test]
fn a_rep_drops_requests_without_a_delimiter_or_a_body() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let [rep, dealer] = setup.pair(who, [zmq::REP, zmq::DEALER]);
        for malformed in [&["no"][..], &["X", "no"], &[""], &["X", ""]] {
            dealer.send(malformed);
        }
        dealer.send(["", "yes"]);
        assert_eq!(rep.recv(), frames(["yes"]));
        rep.send(["well"]);
        assert_eq!(dealer.recv(), frames(["", "well"]));
    }
}

#[test]
fn a_req_sends_to_its_servers_round_robin() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let req = setup.end(who[0], zmq::REQ);
        let servers = [0, 1, 2].map(|_| {
            let rep = setup.end(who[1], zmq::REP);
            req.connect(&rep.bind(&wildcard("tcp").1));
            rep
        });
        for server in servers.iter().chain(&servers) {
            req.send(["q"]);
            assert_eq!(server.recv(), frames(["q"]));
            server.send(["a"]);
            assert_eq!(req.recv(), frames(["a"]));
        }
    }
}

#[test]
fn a_dealer_sends_round_robin_and_receives_fair_queued() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    let nobody = Err(SendError::Full(["", "q"].into()));
    assert_eq!(dealer.try_send(["", "q"]), nobody);
    let at = runtime.bind(&dealer);
    assert_eq!(dealer.try_send(["", "q"]), nobody);
    let servers = [1, 2, 3, 4, 5].map(|peers| {
        let rep = libzmq.connected(zmq::REP, &at);
        runtime.run(dealer.wait_connected(peers));
        rep
    });
    for n in 0..10u8 {
        runtime.run(dealer.send([&[][..], &[n]])).unwrap();
    }
    for round in 0..2 {
        for (rep, n) in servers.iter().zip(5 * round..) {
            assert_eq!(rep.recv_bytes(0).unwrap(), [n]);
            rep.send(&[n][..], 0).unwrap();
        }
    }
    let mut received: Vec<_> = (0..10).map(|_| runtime.run(dealer.recv()).unwrap()).collect();
    received.sort_by_key(|reply| theirs(reply)[1].clone());
    assert!(received.into_iter().eq((0..10u8).map(|n| Message::from([&[][..], &[n]]))));
}

#[test]
fn requests_pass_through_routers_and_dealers_with_their_envelopes() {
    for (who, envelope) in MIXED.into_iter().flat_map(|who| [(who, &[""][..]), (who, &["X", "Y", ""])]) {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let (router, dealer) = (setup.end(who[0], zmq::ROUTER), setup.end(who[0], zmq::DEALER));
        let (client, rep) = (setup.named(who[1], zmq::DEALER, "client"), setup.end(who[1], zmq::REP));
        client.connect(&router.bind(&wildcard("tcp").1));
        rep.connect(&dealer.bind(&wildcard("tcp").1));
        let request = [envelope, &["q", ""]].concat();
        client.send(&request);
        let request = frames([&["client"], &request[..]].concat());
        assert_eq!(router.recv(), request);
        dealer.send(request);
        assert_eq!(rep.recv(), frames(["q", ""]));
        rep.send(["a"]);
        let reply = [envelope, &["a"]].concat();
        let routed = frames([&["client"], &reply[..]].concat());
        assert_eq!(dealer.recv(), routed);
        router.send(routed);
        assert_eq!(client.recv(), frames(reply));
    }
}

#[test]
fn a_libzmq_client_with_correlated_requests_gets_the_reply_to_the_last() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let rep = Rep::new();
    let at = runtime.bind(&rep);
    let client = libzmq.socket(zmq::REQ);
    client.set_req_correlate(true).unwrap();
    client.set_req_relaxed(true).unwrap();
    client.connect(&at).unwrap();
    client.send("given up", 0).unwrap();
    let first = runtime.run(rep.recv()).unwrap();
    client.send("asked again", 0).unwrap();
    let second = runtime.run(rep.recv()).unwrap();
    assert_eq!((first.message(), second.message()), (&"given up".into(), &"asked again".into()));
    first.reply("late").unwrap();
    second.reply("in time").unwrap();
    assert_eq!(client.recv_bytes(0).unwrap(), b"in time");
}

#[test]
fn replies_in_any_order_reach_their_clients() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let rep = Rep::new();
    let at = runtime.bind(&rep);
    let clients = [0, 1, 2].map(|_| libzmq.connected(zmq::REQ, &at));
    let mut requests = Vec::new();
    for (client, name) in clients.iter().zip(["first", "second", "third"]) {
        client.send(name, 0).unwrap();
        requests.push(runtime.run(rep.recv()).unwrap());
    }
    for request in requests.into_iter().rev() {
        let reply = request.message().clone();
        request.reply(reply).unwrap();
    }
    for (client, name) in clients.iter().zip(["first", "second", "third"]) {
        assert_eq!(client.recv_bytes(0).unwrap(), name.as_bytes());
    }
}

#[test]
fn a_req_alternates_between_send_and_receive() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (rep, at) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
    let req = Req::new();
    req.connect(at).unwrap();
    assert_eq!(runtime.run(req.recv()), Err(RecvError::NoRequest));
    runtime.run(req.send("first")).unwrap();
    assert_eq!(runtime.run(req.send("second")), Err(SendError::ReplyPending("second".into())));
    assert_eq!(rep.recv_bytes(0).unwrap(), b"first");
    rep.send("done", 0).unwrap();
    assert_eq!(runtime.run(req.recv()), Ok("done".into()));
    assert_eq!(runtime.run(req.recv()), Err(RecvError::NoRequest));
}

#[test]
fn the_reply_to_a_cancelled_request_can_still_be_received() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (rep, at) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
    let req = Req::new();
    req.connect(at).unwrap();
    runtime.run(async {
        tokio::select! {
            biased;
            _ = req.request("q") => panic!("nobody replied"),
            () = std::future::ready(()) => {}
        }
    });
    assert_eq!(rep.recv_bytes(0).unwrap(), b"q");
    rep.send("a", 0).unwrap();
    assert_eq!(runtime.run(req.recv()), Ok("a".into()));
}

#[test]
fn a_request_is_lost_with_its_libzmq_server() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    for req_binds in [true, false] {
        let (req, router) = (Req::new(), libzmq.socket(zmq::ROUTER));
        if req_binds {
            let at = runtime.run(req.bind("tcp://127.0.0.1:*")).unwrap();
            router.connect(&at.to_string()).unwrap();
        } else {
            router.bind("tcp://127.0.0.1:*").unwrap();
            req.connect(router.get_last_endpoint().unwrap().unwrap()).unwrap();
        }
        runtime.run(req.send("q")).unwrap();
        assert_eq!(router.recv_multipart(0).unwrap()[1..], frames(["", "q"]));
        drop(router);
        assert_eq!(runtime.run(req.recv()), Err(RecvError::PeerGone));
        assert_eq!(runtime.run(req.recv()), Err(RecvError::NoRequest));
        // The socket can send the next request.
        let (rep, at) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
        req.connect(at).unwrap();
        if req_binds {
            runtime.run(req.send("again")).unwrap();
            assert_eq!(rep.recv_bytes(0).unwrap(), b"again");
        }
    }
}

/// Returns a body larger than the kernel's buffers for a peer that doesn't read.
fn large() -> Vec<u8> {
    vec![b'q'; 32 << 20]
}

#[test]
fn a_request_not_fully_written_to_its_server_is_sent_to_another() {
    for req_binds in [true, false] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let req = Req::with_options(Options::default().reconnect_interval(DEADLINE));
        let (listener, script_at) = ScriptListener::bind();
        let (rep, rep_at) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
        let mut script = if req_binds {
            let at = runtime.run(req.bind("tcp://127.0.0.1:*")).unwrap();
            Script::join(&at.to_string(), "REP", 1)
        } else {
            req.connect(script_at).unwrap();
            let mut script = listener.accept();
            script.handshake("REP", 1);
            script
        };
        runtime.run(req.wait_connected(1));
        req.connect(rep_at).unwrap();
        runtime.run(req.send(large())).unwrap();
        // The server gets the beginning of the request.
        script.expect(&message(&["", ""])[..2]);
        script.read(1 << 20);
        let asking = runtime.spawn(async move { (req.recv().await, req) });
        drop(script);
        assert!(rep.recv_bytes(0).unwrap() == large());
        rep.send("a", 0).unwrap();
        assert_eq!(runtime.run(asking).unwrap().0, Ok("a".into()));
    }
}

#[test]
fn a_reply_counts_even_if_its_server_disconnects_after_it() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let req = Req::with_options(Options::default().reconnect_interval(Duration::from_millis(1)));
    req.connect(at).unwrap();
    let mut script = listener.accept();
    script.handshake("REP", 1);
    runtime.run(req.send("first")).unwrap();
    script.expect(&message(&["", "first"]));
    script.send(&message(&["", "first reply"]));
    drop(script);
    // The next connection shows that the end of the first was noticed.
    let mut script = listener.accept();
    assert_eq!(runtime.run(req.recv()), Ok("first reply".into()));
    runtime.run(req.send("second")).unwrap();
    script.handshake("REP", 1);
    script.expect(&message(&["", "second"]));
    script.send(&message(&["", "second reply"]));
    assert_eq!(runtime.run(req.recv()), Ok("second reply".into()));
}

#[test]
fn a_second_reply_to_a_request_is_not_the_reply_to_the_next() {
    let (runtime, req, mut script) = connected(Req::new(), "REP");
    runtime.run(req.send("first")).unwrap();
    script.expect(&message(&["", "first"]));
    script.send(&[message(&["", "reply"]), message(&["", "another reply"])].concat());
    script.settle();
    assert_eq!(runtime.run(req.recv()), Ok("reply".into()));
    runtime.run(req.send("second")).unwrap();
    script.expect(&message(&["", "second"]));
    script.send(&message(&["", "second reply"]));
    assert_eq!(runtime.run(req.recv()), Ok("second reply".into()));
}

#[test]
fn a_request_that_waits_for_an_endpoint_fails_when_the_endpoint_is_disconnected() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, nowhere) = unused();
    let (rep, at) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
    let req = Req::new();
    req.connect(&nowhere).unwrap();
    runtime.run(req.send("q")).unwrap();
    req.connect(at).unwrap();
    runtime.run(req.wait_connected(1));
    req.disconnect(nowhere).unwrap();
    // Either the other server gets the request, or its sender gets an error.
    let asking = runtime.spawn(async move { req.recv().await });
    eventually(|| (asking.is_finished() || rep.poll(zmq::POLLIN, 5) == Ok(1)).then_some(()));
}

#[test]
fn a_closed_req_returns_an_error() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let req = Req::new();
    runtime.run(req.close(Duration::ZERO));
    let closed = RequestError::Send(SendError::Closed("q".into()));
    assert_eq!(runtime.run(req.request("q")), Err(closed));
}

#[test]
fn a_bound_req_waits_for_its_first_server() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let req = Req::new();
    let at = runtime.run(req.bind("tcp://127.0.0.1:*")).unwrap();
    let asking = runtime.spawn(async move { req.request("q").await });
    let rep = libzmq.connected(zmq::REP, &at.to_string());
    assert_eq!(rep.recv_bytes(0).unwrap(), b"q");
    rep.send("a", 0).unwrap();
    assert_eq!(runtime.run(asking).unwrap(), Ok("a".into()));
}
