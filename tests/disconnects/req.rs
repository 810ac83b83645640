//! REQ: one reply for each request, when peers disconnect and endpoints are removed.

use std::time::Duration;

use enfonet::error::{RecvError, RequestError, SendError};
use enfonet::{Message, Options, Rep, Req};
use enfonet_tests::{Runtime, Script, ScriptListener, bound, message, text, unused};

use crate::begin;

/// Receives a request at a scripted REP, and replies.
fn serve(rep: &mut Script, request: &str, reply: &str) {
    assert_eq!(text(&rep.message()), ["", request]);
    rep.send(&message(&["", reply]));
}

/// Returns a REQ whose request waits for a peer at an endpoint.
fn req_with_a_request_to(runtime: &Runtime, endpoint: &str) -> Req {
    let req = Req::new();
    req.connect(endpoint).unwrap();
    runtime.run(req.send("request")).unwrap();
    req
}

#[test]
fn a_peer_that_disconnects_after_its_reply_does_not_lose_the_next_request() {
    let runtime = Runtime::new();
    let (listener, at) = ScriptListener::bind();
    let req = Req::with_options(Options::default().reconnect_interval(Duration::from_millis(1)));
    let _guard = runtime.enter();
    req.connect(&at[..]).unwrap();
    for n in 0..10 {
        let (request, reply) = (format!("request {n}"), format!("reply {n}"));
        // From the second round on, no peer is connected yet.
        runtime.run(req.send(request.clone())).unwrap();
        let mut rep = listener.accept();
        rep.handshake("REP", 1);
        serve(&mut rep, &request, &reply);
        // The reply and the disconnect after it wait for the receiver.
        rep.leave();
        assert_eq!(runtime.run(req.recv()), Ok(reply.into()));
    }
}

#[test]
fn a_surplus_reply_is_not_the_reply_to_the_next_request() {
    let (runtime, req, mut rep) = bound(Req::new(), "REP");
    for n in 0..10 {
        let (request, reply) = (format!("request {n}"), format!("reply {n}"));
        runtime.run(req.send(request.clone())).unwrap();
        serve(&mut rep, &request, &reply);
        rep.send(&message(&["", "surplus"]).repeat(3));
        // All replies have arrived.
        rep.settle();
        assert_eq!(runtime.run(req.recv()), Ok(reply.into()));
    }
}

#[test]
fn a_request_for_a_removed_endpoint_is_sent_to_another_peer() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let rep = Rep::new();
    let good = runtime.bind(&rep);
    let (_port, dead) = unused();
    let req = req_with_a_request_to(&runtime, &dead);
    assert_eq!(runtime.run(begin(req.recv())), None);
    req.disconnect(&dead).unwrap();
    req.connect(&good).unwrap();
    let serve = async {
        let request = rep.recv().await.unwrap();
        assert_eq!(*request.message(), "request");
        request.reply("reply").unwrap();
    };
    assert_eq!(runtime.run(async { tokio::join!(req.recv(), serve).0 }), Ok("reply".into()));
}

#[test]
fn a_receiver_gets_the_reply_of_another_peer_when_the_endpoint_is_removed() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let rep = Rep::new();
    let good = runtime.bind(&rep);
    let (_port, dead) = unused();
    let req = req_with_a_request_to(&runtime, &dead);
    let serve = async {
        req.disconnect(&dead).unwrap();
        req.connect(&good).unwrap();
        rep.recv().await.unwrap().reply("reply").unwrap();
    };
    let (reply, ()) = runtime.run(async { tokio::join!(biased; req.recv(), serve) });
    assert_eq!(reply, Ok("reply".into()));
    // The socket can send the next request.
    runtime.run(req.send("next")).unwrap();
    let request = runtime.run(rep.recv()).unwrap();
    assert_eq!(*request.message(), "next");
}

#[test]
fn a_receive_cancelled_while_looking_for_another_peer_keeps_the_request() {
    /// Bytes of a message: more than the kernel holds for a connection.
    const LEN: usize = 32 << 20;
    let runtime = Runtime::new();
    let req = Req::new();
    let at = runtime.bind(&req);
    let mut fleeting = Script::join(&at, "REP", 1);
    let request = Message::from(vec![b'x'; LEN]);
    runtime.run(req.send(request.clone())).unwrap();
    fleeting.read(1);
    fleeting.finish();
    assert!(fleeting.expect_close().len() < LEN, "it got the request");
    for _ in 0..3 {
        assert_eq!(runtime.run(begin(req.recv())), None);
    }
    let early = runtime.run(req.send("another"));
    assert_eq!(early, Err(SendError::ReplyPending("another".into())));

    let rep = Rep::new();
    let _guard = runtime.enter();
    rep.connect(&at[..]).unwrap();
    let serve = async {
        let got = rep.recv().await.unwrap();
        assert!(*got.message() == request);
        got.reply("reply").unwrap();
    };
    let (reply, ()) = runtime.run(async { tokio::join!(req.recv(), serve) });
    assert_eq!(reply, Ok("reply".into()));
}

#[test]
fn an_unread_reply_is_dropped_with_its_request_when_the_next_is_sent() {
    let runtime = Runtime::new();
    // Without a request id, only the order of arrival distinguishes replies.
    for correlate in [true, false] {
        let req = Req::builder().relaxed(true).correlate(correlate).build();
        let at = runtime.bind(&req);
        let mut rep = Script::join(&at, "REP", 1);
        for n in 0..10 {
            runtime.run(req.send("abandoned")).unwrap();
            let mut reply = rep.message();
            *reply.last_mut().unwrap() = b"too early to be yours".to_vec();
            rep.send(&message(&reply));
            rep.settle();
            runtime.run(req.send(n.to_string())).unwrap();
            let reply = rep.message();
            rep.send(&message(&reply));
            assert_eq!(runtime.run(req.recv()), Ok(n.to_string().into()));
        }
    }
}

#[test]
fn a_strict_req_waits_for_the_reply_to_a_dropped_request_and_a_relaxed_req_does_not() {
    let runtime = Runtime::new();
    for relaxed in [false, true] {
        let req = Req::builder().relaxed(relaxed).correlate(true).build();
        let at = runtime.bind(&req);
        let mut rep = Script::join(&at, "REP", 1);
        runtime.run(req.wait_connected(1));
        assert_eq!(runtime.run(begin(req.request("dropped"))), None);
        let dropped = rep.message();
        let next = runtime.run(begin(req.send("next"))).expect("there is room");
        if relaxed {
            assert_eq!(next, Ok(()));
            let next = rep.message();
            rep.send(&[message(&dropped), message(&next)].concat());
            assert_eq!(runtime.run(req.recv()), Ok("next".into()));
        } else {
            assert_eq!(next, Err(SendError::ReplyPending("next".into())));
            rep.send(&message(&dropped));
            assert_eq!(runtime.run(req.recv()), Ok("dropped".into()));
        }
    }
}

#[test]
fn clones_of_a_req_send_one_request_at_a_time() {
    let (runtime, req, mut rep) = bound(Req::new(), "REP");
    let asking = runtime.spawn({
        let req = req.clone();
        async move { req.request("first").await }
    });
    assert_eq!(text(&rep.message()), ["", "first"]);
    let early = RequestError::Send(SendError::ReplyPending("second".into()));
    assert_eq!(runtime.run(req.request("second")), Err(early));
    rep.send(&message(&["", "reply"]));
    assert_eq!(runtime.run(asking).unwrap(), Ok("reply".into()));
}

#[test]
fn among_receivers_of_the_same_reply_one_gets_it_and_the_others_fail() {
    let (runtime, req, mut rep) = bound(Req::new(), "REP");
    runtime.run(req.send("request")).unwrap();
    assert_eq!(text(&rep.message()), ["", "request"]);
    let outcomes = runtime.run(async {
        let serve = async { rep.send(&message(&["", "reply"])) };
        let (first, second, third, ()) = tokio::join!(biased; req.recv(), req.recv(), req.recv(), serve);
        [first, second, third]
    });
    let replied = outcomes.iter().filter(|outcome| **outcome == Ok("reply".into())).count();
    let failed = outcomes.iter().filter(|outcome| **outcome == Err(RecvError::NoRequest)).count();
    assert_eq!((replied, failed), (1, 2), "{outcomes:?}");
}

#[test]
fn a_receive_for_an_abandoned_request_fails_and_takes_no_other_reply() {
    let (runtime, req, mut rep) = bound(Req::builder().relaxed(true).correlate(true).build(), "REP");
    for received_at_once in [true, false].repeat(10) {
        let mut asking = runtime.spawn({
            let req = req.clone();
            async move { req.request("first").await }
        });
        let first = rep.message();
        let next = runtime.spawn({
            let req = req.clone();
            async move { req.request("second").await }
        });
        let second = rep.message();
        let abandoned = Err(RequestError::Recv(RecvError::Abandoned));
        if received_at_once {
            assert_eq!(runtime.run(&mut asking).unwrap(), abandoned);
        }
        rep.send(&[message(&first), message(&second)].concat());
        if !received_at_once {
            assert_eq!(runtime.run(asking).unwrap(), abandoned);
        }
        assert_eq!(runtime.run(next).unwrap(), Ok("second".into()));
    }
}

#[test]
fn a_cancelled_send_without_a_peer_sends_no_request() {
    let runtime = Runtime::new();
    let req = Req::new();
    let at = runtime.bind(&req);
    assert_eq!(runtime.run(begin(req.send("given up"))), None);
    assert_eq!(runtime.run(begin(req.request("given up, too"))), None);
    let mut rep = Script::join(&at, "REP", 1);
    runtime.run(req.send("sent")).unwrap();
    assert_eq!(text(&rep.message()), ["", "sent"]);
}
