//! Options of REQ: correlated, relaxed and resent requests (libzmq's `REQ_CORRELATE` and `REQ_RELAXED`).

use enfonet::error::RecvError;
use enfonet::{Context, Dealer, Message, Options, Rep, Req, Router};
use enfonet_tests::{DEADLINE, LibZmq, Runtime, frames, unused, wildcard};

fn relaxed() -> Req {
    Req::builder().relaxed(true).correlate(true).build()
}

#[test]
fn a_correlated_request_ignores_a_reply_with_another_number() {
    for transport in ["tcp", "ipc"] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let (_dir, wildcard) = wildcard(transport);
        let (router, at) = libzmq.bound(zmq::ROUTER, &wildcard);
        let req = Req::builder().correlate(true).build();
        req.connect(&*at).unwrap();
        let mut numbers = Vec::new();
        for _ in 0..2 {
            runtime.run(req.send(["ABC", "DEF"])).unwrap();
            let request = router.recv_multipart(0).unwrap();
            let [client, number, rest @ ..] = &request[..] else { panic!() };
            assert_eq!((number.len(), rest), (4, &frames(["", "ABC", "DEF"])[..]));
            let another = number.iter().map(|byte| byte ^ 1).collect::<Vec<_>>();
            for (number, reply) in [(&another, "another's"), (number, "GHI")] {
                router.send_multipart([&client[..], number, b"", reply.as_bytes()], 0).unwrap();
            }
            assert_eq!(runtime.run(req.recv()), Ok("GHI".into()));
            numbers.push(number.clone());
        }
        assert_ne!(numbers[0], numbers[1]);
    }
}

#[test]
fn a_rep_returns_the_request_number() {
    for transport in ["tcp", "ipc", "inproc"] {
        let (runtime, libzmq, context) = (Runtime::new(), LibZmq::new(), Context::new());
        let _guard = runtime.enter();
        let req = Req::builder().context(&context).correlate(true).build();
        if transport == "inproc" {
            let rep = Rep::with_options(Options::default().context(&context));
            req.connect(runtime.run(rep.bind("inproc://numbered")).unwrap()).unwrap();
            let serve = async { rep.recv().await.unwrap().reply("a").unwrap() };
            assert_eq!(runtime.run(async { tokio::join!(req.request("q"), serve).0 }), Ok("a".into()));
        } else {
            let (_dir, wildcard) = wildcard(transport);
            let (rep, at) = libzmq.bound(zmq::REP, &wildcard);
            req.connect(&*at).unwrap();
            for _ in 0..3 {
                runtime.run(req.send("q")).unwrap();
                assert_eq!(rep.recv_multipart(0).unwrap(), frames(["q"]));
                rep.send("a", 0).unwrap();
                assert_eq!(runtime.run(req.recv()), Ok("a".into()));
            }
        }
    }
}

#[test]
fn the_late_reply_to_an_abandoned_request_is_not_the_reply_to_the_next() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (router, at) = libzmq.bound(zmq::ROUTER, "tcp://127.0.0.1:*");
    let req = relaxed();
    req.connect(&*at).unwrap();
    let requests = ["first", "second"].map(|text| {
        runtime.run(req.send(text)).unwrap();
        router.recv_multipart(0).unwrap()
    });
    for (mut reply, text) in requests.into_iter().zip(["late", "in time"]) {
        *reply.last_mut().unwrap() = text.into();
        router.send_multipart(reply, 0).unwrap();
    }
    assert_eq!(runtime.run(req.recv()), Ok("in time".into()));
    assert_eq!(runtime.run(req.recv()), Err(RecvError::NoRequest));
}

#[test]
fn the_server_of_an_abandoned_request_stays_in_the_round_robin() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let req = relaxed();
    let servers = [0, 1].map(|_| {
        let (rep, at) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
        req.connect(&*at).unwrap();
        rep
    });
    let expect =
        |at: usize, request: &str| assert_eq!(servers[at].recv_bytes(0).unwrap(), request.as_bytes());
    runtime.run(req.send("first")).unwrap();
    expect(0, "first");
    runtime.run(req.send("second")).unwrap();
    expect(1, "second");
    servers[0].send("late", 0).unwrap();
    servers[1].send("in time", 0).unwrap();
    assert_eq!(runtime.run(req.recv()), Ok("in time".into()));
    // Over the same connection.
    runtime.run(req.send("third")).unwrap();
    expect(0, "third");
    servers[0].send("third reply", 0).unwrap();
    assert_eq!(runtime.run(req.recv()), Ok("third reply".into()));
}

#[test]
fn among_requests_queued_for_a_server_only_the_last_gets_a_reply() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (_port, at) = unused();
    let req = relaxed();
    req.connect(&*at).unwrap();
    for text in ["first", "second"] {
        runtime.run(req.send(text)).unwrap();
    }
    let (rep, _) = libzmq.bound(zmq::REP, &at);
    for text in ["first", "second"] {
        assert_eq!(rep.recv_bytes(0).unwrap(), text.as_bytes());
        rep.send(text, 0).unwrap();
    }
    assert_eq!(runtime.run(req.recv()), Ok("second".into()));
}

#[test]
fn a_bound_req_sends_to_its_servers_in_the_order_of_connection() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let req = Req::new();
    let at = runtime.bind(&req);
    let servers = [1, 2, 3, 4, 5].map(|peers| {
        let rep = libzmq.connected(zmq::REP, &at);
        runtime.run(req.wait_connected(peers));
        rep
    });
    for (n, server) in servers.iter().chain(&servers).enumerate() {
        let (request, reply) = (format!("request {n}"), format!("reply {n}"));
        runtime.run(req.send(request.clone())).unwrap();
        assert_eq!(server.recv_bytes(0).unwrap(), request.as_bytes());
        server.send(&reply, 0).unwrap();
        assert_eq!(runtime.run(req.recv()), Ok(reply.into()));
    }
}

#[test]
fn a_cut_off_reply_over_inproc_is_no_reply() {
    for correlate in [false, true] {
        let (runtime, context) = (Runtime::new(), Context::new());
        let _guard = runtime.enter();
        let router = Router::with_options(Options::default().context(&context));
        let req = Req::builder().context(&context).correlate(correlate).build();
        req.connect(runtime.run(router.bind("inproc://half")).unwrap()).unwrap();
        runtime.run(req.send("q")).unwrap();
        let (peer, request) = runtime.run(router.recv()).unwrap();
        let (first, _) = request.clone().split_first();
        runtime.run(async {
            router.send_to(peer, first).await.unwrap();
            router.send_to(peer, "").await.unwrap();
            router.send_to(peer, request).await.unwrap();
        });
        assert_eq!(runtime.run(req.recv()), Ok("q".into()));
    }
}

#[test]
fn a_request_is_resent_when_its_libzmq_server_disconnects() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (router, first) = libzmq.bound(zmq::ROUTER, "tcp://127.0.0.1:*");
    let (rep, second) = libzmq.bound(zmq::REP, "tcp://127.0.0.1:*");
    let req = Req::builder().retries(1).reconnect_interval(DEADLINE).build();
    req.connect(&*first).unwrap();
    req.connect(&*second).unwrap();
    let asking = runtime.spawn(async move { req.request("q").await });
    assert_eq!(router.recv_multipart(0).unwrap()[2..], frames(["", "q"]));
    drop(router);
    assert_eq!(rep.recv_bytes(0).unwrap(), b"q");
    rep.send("a", 0).unwrap();
    assert_eq!(runtime.run(asking).unwrap(), Ok("a".into()));
}

#[test]
fn a_rep_returns_the_envelope_over_inproc() {
    let (runtime, context) = (Runtime::new(), Context::new());
    let _guard = runtime.enter();
    let rep = Rep::with_options(Options::default().context(&context));
    let dealer = Dealer::with_options(Options::default().context(&context));
    dealer.connect(runtime.run(rep.bind("inproc://envelopes")).unwrap()).unwrap();
    runtime.run(async {
        dealer.send("no request").await.unwrap();
        for envelope in [&["X", "Y", ""][..], &[""]] {
            let message = |body| Message::from_frames([envelope, &[body]].concat());
            dealer.send(message("A")).await.unwrap();
            let request = rep.recv().await.unwrap();
            assert_eq!(*request.message(), "A");
            request.reply("B").unwrap();
            assert_eq!(dealer.recv().await, Ok(message("B")));
        }
    });
}
