//! Requests and replies as bytes (RFC 28).

use std::time::Duration;

use enfonet::error::{RecvError, ReplyError};
use enfonet::message::Envelope;
use enfonet::{Dealer, Message, Options, Rep, Req, Router};
use enfonet_tests::{Runtime, Script, ScriptListener, bound, connected, message};

/// Returns a REQ of ours, and the scripted server that it is connected to.
fn req(runtime: &Runtime) -> (Req, Script, ScriptListener) {
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let req = Req::with_options(Options::default().reconnect_interval(Duration::from_millis(1)));
    req.connect(at).unwrap();
    let mut script = listener.accept();
    script.handshake("REP", 1);
    runtime.run(req.wait_connected(1));
    (req, script, listener)
}

#[test]
fn a_request_is_a_delimiter_and_the_frames_of_the_message() {
    let runtime = Runtime::new();
    let (req, mut script, _) = req(&runtime);
    let exchanges: [(Message, &[u8], &[u8], Message); 3] = [
        ("hi".into(), b"\x01\0\0\x02hi", b"\x01\0\0\x02ho", "ho".into()),
        (["a", "", "b"].into(), b"\x01\0\x01\x01a\x01\0\0\x01b", b"\x01\0\x01\0\0\0", ["", ""].into()),
        ("".into(), b"\x01\0\0\0", b"\x01\0\0\0", "".into()),
    ];
    for (request, sent, answered, reply) in exchanges {
        runtime.run(req.send(request)).unwrap();
        script.expect(sent);
        script.send(answered);
        assert_eq!(runtime.run(req.recv()), Ok(reply));
    }
}

#[test]
fn a_request_id_is_four_bytes_before_the_delimiter_and_counts_up() {
    let (runtime, req, mut script) = connected(Req::builder().correlate(true).build(), "REP");
    let mut last = None;
    for _ in 0..3 {
        runtime.run(req.send("q")).unwrap();
        script.expect(b"\x01\x04");
        let bytes = script.read(4);
        script.expect(b"\x01\0\0\x01q");
        let number = u32::from_be_bytes(bytes.clone().try_into().unwrap());
        assert!(last.is_none_or(|last: u32| number == last.wrapping_add(1)));
        last = Some(number);
        // Replies without the id, with a further frame, with a cut-off id, with another id.
        let another = number.wrapping_sub(1).to_be_bytes();
        for envelope in
            [&[&b""[..]][..], &[&bytes, b"x", b""], &[&bytes[..3], b""], &[&another, b""], &[&bytes]]
        {
            script.send(&message(&[envelope, &[b"no"]].concat()));
        }
        script.send(&message(&[&bytes[..], b"", b"a"]));
        assert_eq!(runtime.run(req.recv()), Ok("a".into()));
    }
}

#[test]
fn a_malformed_reply_is_dropped() {
    let runtime = Runtime::new();
    let (req, mut script, _) = req(&runtime);
    runtime.run(req.send("q")).unwrap();
    script.expect(&message(&["", "q"]));
    for malformed in [&["no delimiter"][..], &["", ""][..1], &["name", "", "no"], &["x", "no"]] {
        script.send(&message(malformed));
    }
    script.send(&message(&["", "a"]));
    assert_eq!(runtime.run(req.recv()), Ok("a".into()));
}

#[test]
fn only_the_server_of_the_request_can_reply() {
    let runtime = Runtime::new();
    let req = Req::new();
    let at = runtime.bind(&req);
    let mut asked = Script::join(&at, "REP", 1);
    runtime.run(req.wait_connected(1));
    let mut other = Script::join(&at, "REP", 1);
    runtime.run(req.wait_connected(2));
    runtime.run(req.send("q")).unwrap();
    asked.expect(&message(&["", "q"]));
    other.send(&message(&["", "not asked"]));
    other.settle();
    asked.send(&message(&["", "asked"]));
    assert_eq!(runtime.run(req.recv()), Ok("asked".into()));
    runtime.run(req.send("q")).unwrap();
    other.expect(&message(&["", "q"]));
    asked.send(&message(&["", "not asked"]));
    asked.settle();
    other.send(&message(&["", "asked"]));
    assert_eq!(runtime.run(req.recv()), Ok("asked".into()));
}

#[test]
fn a_cut_off_reply_is_no_reply() {
    let runtime = Runtime::new();
    let (req, mut script, listener) = req(&runtime);
    runtime.run(req.send("q")).unwrap();
    script.expect(&message(&["", "q"]));
    script.send(b"\x01\0\x01\x01a");
    drop(script);
    assert_eq!(runtime.run(req.recv()), Err(RecvError::PeerGone));
    let mut script = listener.accept();
    script.handshake("REP", 1);
    runtime.run(req.send("again")).unwrap();
    script.expect(&message(&["", "again"]));
    script.send(&message(&["", "a"]));
    assert_eq!(runtime.run(req.recv()), Ok("a".into()));
}

#[test]
fn a_reply_has_the_envelope_of_its_request() {
    let (runtime, rep, mut script) = bound(Rep::new(), "DEALER");
    for envelope in [
        &b"\x01\0"[..],
        b"\x01\x01X\x01\x01Y\x01\0",
        &[b"\x03\0\0\0\0\0\0\x01\0", &[7; 256][..], b"\x01\0"].concat(),
    ] {
        script.send(&[envelope, b"\x01\x01a\0\0"].concat());
        let request = runtime.run(rep.recv()).unwrap();
        assert_eq!(request.message(), &["a", ""]);
        request.reply(["", "b"]).unwrap();
        script.expect(&[envelope, b"\x01\0\0\x01b"].concat());
    }
    // A large reply isn't copied, and still follows its envelope.
    script.send(b"\x01\x01X\x01\0\0\x01q");
    let body = vec![b'l'; 100_000];
    runtime.run(rep.recv()).unwrap().reply(body.clone()).unwrap();
    script.expect(b"\x01\x01X\x01\0\x02\0\0\0\0\0\x01\x86\xa0");
    assert!(script.read(body.len()) == body);
}

#[test]
fn a_router_changes_no_frame_of_a_message() {
    let (runtime, router, mut script) = bound(Router::new(), "REQ");
    script.send(b"\x01\0\0\x01q");
    let (peer, request) = runtime.run(router.recv()).unwrap();
    assert_eq!(request, ["", "q"]);
    runtime.run(router.send_to(peer, ["", "a"])).unwrap();
    script.expect(b"\x01\0\0\x01a");
    runtime.run(router.send_to(peer, "as it is")).unwrap();
    script.expect(b"\0\x08as it is");
}

#[test]
fn a_dealer_sends_its_message_after_the_envelope_if_any() {
    let (runtime, dealer, mut script) =
        bound(Dealer::with_options(Dealer::builder().peer_events(true)), "REP");
    let event = runtime.run(dealer.recv_event(1)).unwrap();
    let enfonet::socket::PeerEvent::Joined { peer, .. } = event else { panic!() };
    dealer.try_send(["", "q"]).unwrap();
    script.expect(b"\x01\0\0\x01q");
    dealer.try_send_to(peer, &Envelope::of(&["client", ""]), ["a", "b"]).unwrap();
    script.expect(b"\x01\x06client\x01\0\x01\x01a\0\x01b");
    let body = vec![b'l'; 100_000];
    runtime.run(dealer.send_to(peer, &Envelope::delimiter(), body.clone())).unwrap();
    script.expect(b"\x01\0\x02\0\0\0\0\0\x01\x86\xa0");
    assert!(script.read(body.len()) == body);
}

#[test]
fn a_reply_to_a_disconnected_client_reaches_no_peer() {
    let runtime = Runtime::new();
    let rep = Rep::new();
    let at = runtime.bind(&rep);
    let mut gone = Script::join(&at, "REQ", 1);
    gone.send(&message(&["", "q"]));
    let request = runtime.run(rep.recv()).unwrap();
    gone.leave();
    let mut other = Script::join(&at, "REQ", 1);
    other.send(&message(&["", "other q"]));
    let other_request = runtime.run(rep.recv()).unwrap();
    assert_eq!(request.reply("a"), Err(ReplyError::ClientGone));
    other.settle();
    other_request.reply("other a").unwrap();
    other.expect(&message(&["", "other a"]));
}
