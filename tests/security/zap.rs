//! ZAP (RFC 27): our sockets with handlers of ours and of pyzmq's, with malformed replies, and without a handler.

use std::sync::Arc;
use std::time::Duration;

use enfonet::auth::Security;
use enfonet::peer::{PeerId, PeerInfo};
use enfonet::socket::PeerEvent;
use enfonet::zap::Zap;
use enfonet::{Context, Dealer, Endpoint, Message, Options, Rep, Router};
use enfonet_tests::{PyZap, PyZmq, Runtime, Script, frames, greeting_of, ours, properties, theirs, unused};
use tokio::sync::mpsc::unbounded_channel;

use crate::setup::{ANYWHERE, MECHANISMS, Mechanism, Role, Setup, login};

const HANDLER: &str = "inproc://zeromq.zap.01";

/// Returns a bound ROUTER of ours with PLAIN and peer events.
fn server(runtime: &Runtime, options: Options) -> (Router, String) {
    let options = Options::<Router>::from(options).security(Security::PlainServer).peer_events(true);
    let router = Router::with_options(options);
    let at = runtime.bind(&router);
    (router, at)
}

/// Returns a PLAIN client that has sent its HELLO.
fn knock(at: &str) -> Script {
    let mut client = Script::connect(at);
    client.send(&[greeting_of("PLAIN", false), b"\x04\x13\x05HELLO\x05admin\x06secret".to_vec()].concat());
    client.expect(&greeting_of("PLAIN", true));
    client
}

fn is_welcome(client: &mut Script) {
    client.expect(b"\x04\x08\x07WELCOME");
}

/// Waits until the client's connection ends without an answer.
fn is_to_try_later(client: &mut Script) {
    assert_eq!(client.expect_close(), b"");
}

/// Returns the next peer that joins.
fn joined(runtime: &Runtime, router: &Router) -> (PeerId, Arc<PeerInfo>) {
    match runtime.run(router.recv_event(1)).unwrap() {
        PeerEvent::Joined { peer, info } => (peer, info),
        other => panic!("{other:?}"),
    }
}

/// Returns the reply to a request that admits the peer.
fn allowing(request: &[Vec<u8>], user: &str, metadata: &[u8]) -> Message {
    ours(&[b"1.0", &request[1][..], b"200", b"OK", user.as_bytes(), metadata])
}

/// Returns, for each mechanism, the security of a server and of a client, and the ZAP request about the
/// client, without its request id.
fn questions(setup: &Setup) -> Vec<(Security, Security, Vec<Vec<u8>>)> {
    let key = setup.client.public().as_bytes();
    let question = |mechanism: &str, shown: &[&[u8]]| {
        let head = ["1.0", "global", "127.0.0.1", "server", mechanism].map(|text| text.as_bytes());
        frames(head.into_iter().chain(shown.iter().copied()))
    };
    let both = |mechanism| [Role::Server, Role::Client].map(|role| setup.security(mechanism, role));
    let [plain_server, plain_client] = both(Mechanism::Plain);
    let [curve_server, curve_client] = both(Mechanism::Curve);
    vec![
        (Security::Null, Security::Null, question("NULL", &[])),
        (plain_server, plain_client, question("PLAIN", &[b"admin", b"secret"])),
        (curve_server, curve_client, question("CURVE", &[key])),
    ]
}

/// Returns a ROUTER of ours that uses a handler, and a client that connects to it.
fn asks(setup: &Setup, zap: Zap, server: Security, client: Security) -> (Router, Dealer) {
    let options = Router::builder().security(server).authenticator(zap).domain("global");
    let router = Router::with_options(options.identity("server").peer_events(true));
    let at = setup.runtime.run(router.bind(ANYWHERE)).unwrap();
    let client = Dealer::with_options(Options::default().security(client).identity("client"));
    client.connect(&at).unwrap();
    (router, client)
}

/// Removes the request id, and asserts that it is there.
fn without_id(mut request: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    assert!(!request.remove(1).is_empty());
    request
}

#[test]
fn a_rep_of_ours_is_a_zap_handler_and_names_the_user() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let metadata = properties(&[("Role", b"admin"), ("X-Team", b"")]);
    for (server, client, question) in questions(&setup) {
        let context = Context::new();
        let rep = Rep::with_options(Options::default().context(&context));
        setup.runtime.run(rep.bind(HANDLER)).unwrap();
        let (router, _client) = asks(&setup, Zap::in_context(&context), server, client);
        let request = setup.runtime.run(rep.recv()).unwrap();
        let asked = theirs(request.message());
        request.reply(allowing(&asked, "Ada", &metadata)).unwrap();
        assert_eq!(without_id(asked), question);
        let (_, info) = joined(&setup.runtime, &router);
        assert_eq!((&info.routing_id[..], &info.user.id[..]), (&b"client"[..], &b"Ada"[..]));
        assert_eq!(info.user.metadata.as_wire(), metadata);
        assert_eq!(info.user.metadata.get("role"), Some(&b"admin"[..]));
        assert_eq!(info.metadata.get("Role"), None, "the client didn't say so");
    }
}

#[test]
fn a_router_of_ours_receives_zap_requests_behind_a_delimiter_and_the_disconnect_after_them() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for (server, client, question) in questions(&setup) {
        let context = Context::new();
        let handler = Router::builder().context(&context).peer_events(true).build();
        setup.runtime.run(handler.bind(HANDLER)).unwrap();
        let (router, _client) = asks(&setup, Zap::in_context(&context), server, client);
        let (peer, _) = joined(&setup.runtime, &handler);
        let (_, request) = setup.runtime.run(handler.recv()).unwrap();
        let asked = theirs(&request);
        assert_eq!(asked[0], b"");
        let reply = allowing(&asked[1..], "", b"").with_first("");
        setup.runtime.run(handler.send_to(peer, reply)).unwrap();
        assert_eq!(without_id(asked[1..].to_vec()), question);
        assert_eq!(joined(&setup.runtime, &router).1.user, Default::default());
        let event = setup.runtime.run(handler.recv_event(1)).unwrap();
        assert!(matches!(event, PeerEvent::Left { peer: gone, .. } if gone == peer), "{event:?}");
    }
}

#[test]
fn a_handler_of_pyzmqs_is_asked_over_tcp() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let zap = PyZmq::start().zap_at(ANYWHERE).users("global", &[("admin", "secret")]);
    let zap = zap.keys("global", &[&setup.client.public().to_string()]);
    let endpoint: Endpoint = zap.endpoint().parse().unwrap();
    for (server, client, question) in questions(&setup) {
        let (router, _client) = asks(&setup, Zap::at(endpoint.clone()), server, client.clone());
        let (_, info) = joined(&setup.runtime, &router);
        let user = match client {
            Security::PlainClient(_) => "admin".into(),
            Security::CurveClient { .. } => setup.client.public().to_string(),
            _ => "anonymous".into(),
        };
        assert_eq!(String::from_utf8_lossy(&info.user.id), user);
        assert_eq!(without_id(zap.request()), question);
    }
}

#[test]
fn a_handler_of_pyzmqs_rejects_and_admits_clients_of_pyzmqs() {
    let setup = Setup::new();
    for mechanism in MECHANISMS {
        let zap = setup.py.zap_at(ANYWHERE);
        let security = setup.security(mechanism, Role::Server);
        let options =
            Options::default().security(security).authenticator(Zap::at(zap.endpoint().parse().unwrap()));
        let rep = Rep::with_options(options);
        let at = setup.runtime.bind(&rep);
        for status in ["400", "500"] {
            zap.answer(&["1.0", PyZap::ID, status, "no", "", ""]);
            let rejected = setup.secured("REQ", mechanism, Role::Client);
            rejected.connect(&at);
            // libzmq's client doesn't recognise PLAIN's ERROR: see rejections.
            match mechanism {
                Mechanism::Plain => rejected.wait_event("HANDSHAKE_FAILED_PROTOCOL"),
                Mechanism::Curve => {
                    assert_eq!(rejected.wait_event("HANDSHAKE_FAILED_AUTH"), status.parse::<i64>().unwrap());
                    0
                }
            };
        }
        zap.answer(&["1.0", PyZap::ID, "300", "later", "", ""]);
        let patient = setup.secured("REQ", mechanism, Role::Client).option("reconnect_ivl", 1);
        patient.connect(&at);
        patient.send(&["at last"]);
        (0..3).for_each(|_| assert_eq!(patient.wait_event("HANDSHAKE_FAILED_NO_DETAIL"), 32));
        zap.answer(&["1.0", PyZap::ID, "200", "OK", "", ""]);
        assert_eq!(*setup.runtime.run(rep.recv()).unwrap().message(), "at last");
    }
}

#[test]
fn a_malformed_zap_reply_admits_no_client_and_the_next_valid_reply_does() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let zap = py.zap_at(ANYWHERE);
    let (router, at) =
        server(&runtime, Options::default().authenticator(Zap::at(zap.endpoint().parse().unwrap())));
    let id = PyZap::ID;
    let bad: [&[&[u8]]; 16] = [
        &[b""],
        &[b"1.0", id.as_bytes(), b"200", b"OK", b"user"],
        &[b"1.0", id.as_bytes(), b"200", b"OK", b"user", b"", b""],
        &[b"", b"1.0", id.as_bytes(), b"200", b"OK", b"user", b""],
        &[b"1.1", id.as_bytes(), b"200", b"OK", b"user", b""],
        &[b"", id.as_bytes(), b"200", b"OK", b"user", b""],
        &[b"1.0", b"another", b"200", b"OK", b"user", b""],
        &[b"1.0", b"", b"200", b"OK", b"user", b""],
        &[b"1.0", id.as_bytes(), b"", b"OK", b"user", b""],
        &[b"1.0", id.as_bytes(), b"2000", b"OK", b"user", b""],
        &[b"1.0", id.as_bytes(), b"20", b"OK", b"user", b""],
        &[b"1.0", id.as_bytes(), b"201", b"OK", b"user", b""],
        &[b"1.0", id.as_bytes(), b"\0\0\xc8", b"OK", b"user", b""],
        &[b"1.0", id.as_bytes(), b"200", b"OK", b"user", b"\x04Role"],
        &[b"1.0", id.as_bytes(), b"200", b"OK", b"user", b"\x04Role\0\0\0\x05admi"],
        &[b"1.0", id.as_bytes(), b"200", b"OK", b"user", b"\0\0\0\0\x01x"],
    ];
    for reply in bad {
        zap.answer(reply);
        is_to_try_later(&mut knock(&at));
    }
    zap.answer(&["1.0", id, "200", "OK", "user", ""]);
    let mut good = knock(&at);
    is_welcome(&mut good);
    good.send(b"\x04\x09\x08INITIATE");
    // The admitted client is the first that joins.
    assert_eq!(joined(&runtime, &router).1.user.id, "user");
}

/// Returns a handler of ours, and a server that uses it.
fn with_handler(runtime: &Runtime, options: Options) -> (Context, Router, Router, String) {
    let context = Context::new();
    let handler = Router::builder().context(&context).peer_events(true).build();
    runtime.run(handler.bind(HANDLER)).unwrap();
    let (router, at) = server(runtime, options.authenticator(Zap::in_context(&context)));
    (context, handler, router, at)
}

/// Returns the next ZAP request and its peer; disconnects are skipped.
fn question(runtime: &Runtime, handler: &Router) -> (PeerId, Vec<Vec<u8>>) {
    loop {
        if let PeerEvent::Messages { peer, batch } = runtime.run(handler.recv_event(1)).unwrap() {
            let message = batch.into_iter().next().unwrap();
            return (peer, theirs(&message)[1..].to_vec());
        }
    }
}

fn allows(runtime: &Runtime, handler: &Router, (peer, question): (PeerId, Vec<Vec<u8>>)) {
    let reply = allowing(&question, "", b"").with_first("");
    runtime.run(handler.send_to(peer, reply)).unwrap();
}

#[test]
fn a_handler_that_closes_during_a_zap_request_rejects_the_peer_temporarily() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (context, handler, _router, at) = with_handler(&runtime, Options::default());
    let mut first = knock(&at);
    question(&runtime, &handler);
    runtime.run(handler.close(Duration::ZERO));
    is_to_try_later(&mut first);
    // Without a handler the rejection is the same, and immediate.
    is_to_try_later(&mut knock(&at));
    let handler = Router::with_options(Options::default().context(&context));
    runtime.run(handler.bind(HANDLER)).unwrap();
    let mut last = knock(&at);
    allows(&runtime, &handler, question(&runtime, &handler));
    is_welcome(&mut last);
}

#[test]
fn a_handler_whose_process_is_killed_rejects_the_peer_temporarily() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let zap = py.zap_at(ANYWHERE);
    zap.answer::<&str>(&[]);
    let (_router, at) =
        server(&runtime, Options::default().authenticator(Zap::at(zap.endpoint().parse().unwrap())));
    let mut client = knock(&at);
    assert_eq!(zap.request()[5..], frames(["PLAIN", "admin", "secret"]));
    py.kill();
    is_to_try_later(&mut client);
}

#[test]
fn an_unanswered_zap_request_ends_with_the_handshake_timeout_and_delays_no_other() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let options = Options::default().handshake_timeout(Duration::from_millis(200));
    let (_context, handler, _router, at) = with_handler(&runtime, options);
    let mut unanswered = knock(&at);
    let (asking, _) = question(&runtime, &handler);
    let mut other = knock(&at);
    allows(&runtime, &handler, question(&runtime, &handler));
    is_welcome(&mut other);
    is_to_try_later(&mut unanswered);
    // The request is dropped.
    loop {
        match runtime.run(handler.recv_event(1)).unwrap() {
            PeerEvent::Left { peer, .. } if peer == asking => break,
            _ => {}
        }
    }
}

#[test]
fn zap_requests_of_disconnected_peers_are_dropped() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (_context, handler, _router, at) = with_handler(&runtime, Options::default());
    for _ in 0..20 {
        let client = knock(&at);
        let (asking, _) = question(&runtime, &handler);
        drop(client);
        let event = runtime.run(handler.recv_event(1)).unwrap();
        assert!(matches!(event, PeerEvent::Left { peer, .. } if peer == asking), "{event:?}");
    }
}

#[test]
fn zap_requests_are_answered_in_any_order() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (_context, handler, _router, at) = with_handler(&runtime, Options::default());
    let mut clients = Vec::new();
    for _ in 0..20 {
        let client = knock(&at);
        clients.push((client, question(&runtime, &handler)));
    }
    for (mut client, question) in clients.into_iter().rev() {
        allows(&runtime, &handler, question);
        is_welcome(&mut client);
    }
}

#[test]
fn a_handler_that_appears_during_a_handshake_is_asked() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (_port, endpoint) = unused();
    let (router, at) = server(&runtime, Options::default().authenticator(Zap::at(endpoint.parse().unwrap())));
    let client = Options::default().security(login("admin", "secret"));
    let client = Dealer::with_options(client.reconnect_interval(Duration::from_millis(1)));
    client.connect(&at[..]).unwrap();
    let _waits = knock(&at);
    let handler = Rep::new();
    runtime.run(handler.bind(&endpoint[..])).unwrap();
    // Clients that were rejected temporarily meanwhile retry.
    runtime.spawn(async move {
        while let Ok(request) = handler.recv().await {
            let reply = allowing(&theirs(request.message()), "", b"");
            let _ = request.reply(reply);
        }
    });
    joined(&runtime, &router);
}

#[test]
fn a_client_retries_until_there_is_a_handler() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let context = Context::new();
    let (router, at) = server(&runtime, Options::default().authenticator(Zap::in_context(&context)));
    let client = Options::default().security(login("admin", "secret"));
    let client = Dealer::with_options(client.reconnect_interval(Duration::from_millis(1)));
    client.connect(&at[..]).unwrap();
    is_to_try_later(&mut knock(&at));
    let handler = Router::with_options(Options::default().context(&context));
    runtime.run(handler.bind(HANDLER)).unwrap();
    allows(&runtime, &handler, question(&runtime, &handler));
    joined(&runtime, &router);
}

#[test]
fn a_handler_behind_a_proxy_works() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    let zap = py.zap_at(ANYWHERE).users("*", &[("admin", "secret")]);
    let (_context, front, _router, at) = with_handler(&runtime, Options::default());
    let back = Dealer::new();
    back.connect(zap.endpoint()).unwrap();
    let (passed, mut envelopes) = unbounded_channel();
    let proxy = runtime.spawn(async move {
        let mut clients = Vec::new();
        loop {
            tokio::select! {
                event = front.recv_event(1) => if let PeerEvent::Messages { peer, batch } = event.unwrap() {
                    for message in batch {
                        let token = clients.len().to_string();
                        clients.push(peer);
                        back.send(message.with_first(token)).await.unwrap();
                    }
                },
                reply = back.recv() => {
                    let (token, reply) = reply.unwrap().split_first();
                    let client: usize = std::str::from_utf8(&token).unwrap().parse().unwrap();
                    let reply = reply.unwrap();
                    passed.send(reply.first().to_vec()).unwrap();
                    front.send_to(clients[client], reply).await.unwrap();
                }
            }
        }
    });
    let mut clients: Vec<_> = (0..5).map(|_| knock(&at)).collect();
    clients.iter_mut().for_each(is_welcome);
    (0..5).for_each(|_| assert_eq!(envelopes.try_recv().unwrap(), b""));
    assert_eq!(zap.request()[5..], frames(["PLAIN", "admin", "secret"]));
    proxy.abort();
}
