//! REQ: a request has one reply, and whatever happened before it is no business of it.

use std::time::Duration;

use enfonet_patterns::{Endpoint, Message, Options, Rep, Req, SendError};
use enfonet_tests::{Runtime, Script, ScriptListener, message, text, unused};

use crate::{TCP, begin};

/// A REP by hand takes a request and replies.
fn serve(rep: &mut Script, request: &str, reply: &str) {
    assert_eq!(text(&rep.message()), ["", request]);
    rep.send(&message(&["", reply]));
}

#[test]
fn a_peer_that_leaves_after_its_reply_does_not_take_the_next_request_along() {
    let runtime = Runtime::new();
    let (listener, at) = ScriptListener::bind();
    let req = Req::with_options(Options::default().reconnect_interval(Duration::from_millis(1)));
    let _guard = runtime.enter();
    req.connect(&at[..]).unwrap();
    for n in 0..10 {
        let (request, reply) = (format!("request {n}"), format!("reply {n}"));
        // From the second round on, nobody is there yet.
        runtime.run(req.send(request.clone())).unwrap();
        let mut rep = listener.accept();
        rep.handshake("REP", 1);
        serve(&mut rep, &request, &reply);
        // The reply, and the going behind it, wait for the receiver.
        rep.leave();
        assert_eq!(runtime.run(req.recv()), Ok(reply.into()));
    }
}

#[test]
fn a_surplus_reply_is_not_the_reply_to_the_next_request() {
    let runtime = Runtime::new();
    let req = Req::new();
    let at = runtime.run(req.bind(TCP)).unwrap().to_string();
    let mut rep = Script::join(&at, "REP", 1);
    for n in 0..10 {
        let (request, reply) = (format!("request {n}"), format!("reply {n}"));
        runtime.run(req.send(request.clone())).unwrap();
        serve(&mut rep, &request, &reply);
        rep.send(&message(&["", "surplus"]).repeat(3));
        // All of them have come.
        rep.settle();
        assert_eq!(runtime.run(req.recv()), Ok(reply.into()));
    }
}

#[test]
fn a_request_for_an_endpoint_that_is_given_up_goes_to_another() {
    let runtime = Runtime::new();
    let rep = Rep::new();
    let good = runtime.run(rep.bind(TCP)).unwrap();
    let _guard = runtime.enter();
    let (_port, dead) = unused();
    let dead: Endpoint = dead.parse().unwrap();
    let req = Req::new();
    req.connect(&dead).unwrap();
    runtime.run(req.send("request")).unwrap();
    assert_eq!(runtime.run(begin(req.recv())), None);
    req.disconnect(&dead).unwrap();
    req.connect(&good).unwrap();
    let serve = async {
        let request = rep.recv().await.unwrap();
        assert_eq!(*request.message(), "request".into());
        request.reply("reply").unwrap();
    };
    assert_eq!(runtime.run(async { tokio::join!(req.recv(), serve).0 }), Ok("reply".into()));
}

#[test]
fn whoever_waits_for_a_reply_of_an_endpoint_that_is_given_up_gets_that_of_another() {
    let runtime = Runtime::new();
    let rep = Rep::new();
    let good = runtime.run(rep.bind(TCP)).unwrap();
    let _guard = runtime.enter();
    let (_port, dead) = unused();
    let dead: Endpoint = dead.parse().unwrap();
    let req = Req::new();
    req.connect(&dead).unwrap();
    runtime.run(req.send("request")).unwrap();
    let serve = async {
        req.disconnect(&dead).unwrap();
        req.connect(&good).unwrap();
        rep.recv().await.unwrap().reply("reply").unwrap();
    };
    let (reply, ()) = runtime.run(async { tokio::join!(biased; req.recv(), serve) });
    assert_eq!(reply, Ok("reply".into()));
    // And the socket is ready for the next one.
    runtime.run(req.send("next")).unwrap();
    let request = runtime.run(rep.recv()).unwrap();
    assert_eq!(*request.message(), "next".into());
}

#[test]
fn a_receiver_that_is_dropped_while_it_looks_for_another_peer_keeps_the_request() {
    /// More than the kernel holds for a connection.
    const LEN: usize = 32 << 20;
    let runtime = Runtime::new();
    let req = Req::new();
    let at = runtime.run(req.bind(TCP)).unwrap().to_string();
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
