//! Behaviour between two pyzmq peers, which ours is compared with.

use std::time::Duration;

use enfonet_tests::{CurveKeys, PySocket, PyZap, PyZmq, frames};

const ANYWHERE: &str = "tcp://127.0.0.1:*";

/// Exchanges a request and a reply.
fn talk(req: &PySocket, rep: &PySocket) {
    req.send(&["q", ""]);
    assert_eq!(rep.recv(), frames(["q", ""]));
    rep.send(&[b"a\0\xff"]);
    assert_eq!(req.recv(), frames([b"a\0\xff"]));
}

/// Returns a PLAIN server, its ZAP handler, and its endpoint.
fn plain_server(py: &PyZmq) -> (PyZap, PySocket, String) {
    let zap = py.zap().users("global", &[("admin", "secret")]);
    let rep = py.socket("REP").plain_server().domain("global").identity("server");
    let at = rep.bind(ANYWHERE);
    (zap, rep, at)
}

#[test]
fn a_plain_client_with_the_right_password_is_admitted() {
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let (zap, rep, at) = plain_server(&server);
    let req = client.socket("REQ").plain("admin", "secret").identity("client");
    req.connect(&at);
    talk(&req, &rep);
    assert_eq!(rep.property("User-Id").as_deref(), Some("admin"));
    assert_eq!(rep.property("no such thing"), None);
    let request = zap.request();
    assert_eq!(request[0], b"1.0");
    // The identity is the server's own: the client hasn't announced its identity yet.
    assert_eq!(request[2..], frames(["global", "127.0.0.1", "server", "PLAIN", "admin", "secret"]));
    assert_eq!(zap.requests(), 0);
    for socket in [&req, &rep] {
        assert_eq!(socket.wait_event("HANDSHAKE_SUCCEEDED"), 0);
    }
}

#[test]
fn a_plain_client_with_a_wrong_password_is_rejected() {
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let (_zap, rep, at) = plain_server(&server);
    let req = client.socket("REQ").plain("admin", "guess");
    req.connect(&at);
    for socket in [&rep, &req] {
        assert_eq!(socket.wait_event("HANDSHAKE_FAILED_AUTH"), 400);
    }
}

#[test]
fn a_req_cannot_be_the_server_of_a_plain_client() {
    // libzmq puts the user's id before the first message, where REQ takes it for a malformed reply.
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let _zap = server.zap().users("*", &[("admin", "secret")]);
    let req = server.socket("REQ").plain_server();
    let rep = client.socket("REP").plain("admin", "secret");
    rep.connect(&req.bind(ANYWHERE));
    req.send(&["q"]);
    assert_eq!(rep.recv(), frames(["q"]));
    rep.send(&["a"]);
    rep.wait_event("DISCONNECTED");
    assert!(!req.poll(Duration::ZERO));
}

/// Returns a CURVE server with a ZAP handler that knows one client.
fn curve_server(py: &PyZmq, keys: &CurveKeys, client: &str) -> (PyZap, PySocket, String) {
    let zap = py.zap().keys("*", &[client]);
    let rep = py.socket("REP").curve_server(&keys.secret);
    let at = rep.bind(ANYWHERE);
    (zap, rep, at)
}

#[test]
fn a_curve_client_with_a_known_key_is_admitted() {
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let [keys, known] = [server.curve_keys(), client.curve_keys()];
    let (_zap, rep, at) = curve_server(&server, &keys, &known.public);
    let req = client.socket("REQ").curve(&keys.public, &known);
    req.connect(&at);
    talk(&req, &rep);
    assert_eq!(rep.property("User-Id"), Some(known.public));
}

#[test]
fn a_curve_client_with_an_unknown_key_is_rejected() {
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let [keys, known, unknown] = [(); 3].map(|()| client.curve_keys());
    let (_zap, rep, at) = curve_server(&server, &keys, &known.public);
    let req = client.socket("REQ").curve(&keys.public, &unknown);
    req.connect(&at);
    for socket in [&rep, &req] {
        assert_eq!(socket.wait_event("HANDSHAKE_FAILED_AUTH"), 400);
    }
}

#[test]
fn a_curve_client_with_a_wrong_server_key_is_rejected() {
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let [keys, known, other] = [(); 3].map(|()| client.curve_keys());
    let (zap, rep, at) = curve_server(&server, &keys, &known.public);
    let req = client.socket("REQ").curve(&other.public, &known);
    req.connect(&at);
    // ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: its HELLO can't be opened.
    assert_eq!(rep.wait_event("HANDSHAKE_FAILED_PROTOCOL"), 0x1100_0001);
    req.wait_event("DISCONNECTED");
    assert_eq!(zap.requests(), 0);
}

#[test]
fn a_zap_handler_is_asked_over_tcp() {
    let [handler, client] = [PyZmq::start(), PyZmq::start()];
    let zap = handler.zap_at(ANYWHERE).users("d", &[("admin", "secret")]).any_key().denied("192.0.2.1");
    let req = client.socket("REQ");
    req.connect(zap.endpoint());
    let asked = |request: &[&[u8]]| {
        req.send(request);
        assert_eq!(zap.request(), frames(request));
        frames(req.recv())
    };
    let rejected = |id, reason| frames(["1.0", id, "400", reason, "", ""]);
    let request = [&b"1.0"[..], b"7", b"d", b"127.0.0.1", b"", b"PLAIN", b"admin", b"secret"];
    assert_eq!(asked(&request), frames(["1.0", "7", "200", "OK", "admin", ""]));
    let mut wrong = request;
    wrong[7] = b"guess";
    assert_eq!(asked(&wrong), rejected("7", "Invalid password"));
    let key = [1; 32];
    let request = [&b"1.0"[..], b"8", b"", b"127.0.0.1", b"", b"CURVE", &key];
    assert_eq!(asked(&request)[2..4], frames(["200", "OK"]));
    let request = [&b"1.0"[..], b"9", b"", b"192.0.2.1", b"", b"NULL"];
    assert_eq!(asked(&request), rejected("9", "Address denied"));
    assert_eq!(asked(&[b"2.0", b"10", b"", b"", b"", b"NULL"]), rejected("10", "Invalid version"));
    assert_eq!(asked(&[b"1.0", b"11"]), rejected("11", "Not enough frames"));
}

#[test]
fn a_zap_handler_gives_the_configured_answer_or_none() {
    let py = PyZmq::start();
    let zap = py.zap_at(ANYWHERE);
    let dealer = py.socket("DEALER");
    dealer.connect(zap.endpoint());
    zap.answer(&["1.0", PyZap::ID, "300", "later", "", ""]);
    dealer.send(&["", "1.0", "first"]);
    assert_eq!(dealer.recv(), frames(["", "1.0", "first", "300", "later", "", ""]));
    zap.answer::<&str>(&[]);
    dealer.send(&["", "1.0", "second"]);
    let requests = [zap.request(), zap.request()];
    assert_eq!(requests, [frames(["1.0", "first"]), frames(["1.0", "second"])]);
    zap.answer(&["not a reply"]);
    dealer.send(&["", "1.0", "third"]);
    assert_eq!(dealer.recv(), frames(["", "not a reply"]));
    zap.stop();
    dealer.wait_event("DISCONNECTED");
    assert!(!dealer.poll(Duration::ZERO));
}

#[test]
fn a_server_whose_handler_answers_300_reports_it() {
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let (zap, rep, at) = plain_server(&server);
    zap.answer(&["1.0", PyZap::ID, "300", "later", "", ""]);
    let req = client.socket("REQ").plain("admin", "secret");
    req.connect(&at);
    assert_eq!(rep.wait_event("HANDSHAKE_FAILED_AUTH"), 300);
}

#[test]
fn the_sockets_of_a_process_end_with_it() {
    let [server, client] = [PyZmq::start(), PyZmq::start()];
    let rep = server.socket("REP");
    let req = client.socket("REQ");
    req.connect(&rep.bind(ANYWHERE));
    talk(&req, &rep);
    server.kill();
    req.wait_event("DISCONNECTED");
}
