//! Clients of pyzmq's that a server of ours doesn't let in, and what both see of it.

use enfonet::auth::{AuthRequest, Credentials, CurveClients, DenyReason, PlainUsers, Security, Verdict};
use enfonet::message::Subscription;
use enfonet::socket::XPubEvent;
use enfonet::{Options, XPub};
use enfonet_tests::PySocket;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::setup::{ANYWHERE, MECHANISMS, Mechanism, Role, World, in_z85};

/// libzmq's `ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND`.
const UNEXPECTED: i64 = 0x1000_0001;
/// libzmq's `ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH`.
const MISMATCH: i64 = 0x1100_0002;

/// A bound XPUB of ours: whoever gets in is heard of at once, since it has subscribed.
fn xpub(world: &World, options: Options) -> (XPub, String) {
    let xpub = XPub::with_options(options);
    let at = world.runtime.run(xpub.bind(ANYWHERE)).unwrap().to_string();
    (xpub, at)
}

/// A SUB that isn't known yet, and has subscribed.
fn stranger(world: &World) -> PySocket {
    let stranger = world.py.socket("SUB");
    stranger.subscribe("stranger");
    stranger
}

/// One that is known gets in, and what it subscribes to is the first that is heard.
fn admits(world: &World, xpub: &XPub, mechanism: Mechanism, at: &str) {
    let known = world.secured("SUB", mechanism, Role::Client);
    known.subscribe("known");
    known.connect(at);
    hears(world, xpub, Subscription::Subscribe("known".into()));
    drop(known);
    hears(world, xpub, Subscription::Cancel("known".into()));
}

fn hears(world: &World, xpub: &XPub, expected: Subscription) {
    match world.runtime.run(xpub.recv()).unwrap() {
        XPubEvent::Subscription { subscription, .. } => assert_eq!(subscription, expected),
        other => panic!("{other:?}"),
    }
}

/// Waits until a client sees its refusal. A client of libzmq's with PLAIN doesn't know ERROR: it waits for `^RROR`,
/// since its source has `"\x05ERROR"`, where `\x05E` is one byte. It gives the endpoint up all the same.
fn is_refused(client: &PySocket, mechanism: Mechanism, status: i64) {
    match mechanism {
        Mechanism::Plain => assert_eq!(client.wait_event("HANDSHAKE_FAILED_PROTOCOL"), UNEXPECTED),
        Mechanism::Curve => assert_eq!(client.wait_event("HANDSHAKE_FAILED_AUTH"), status),
    }
    client.wait_event("DISCONNECTED");
}

/// Returns options that let every peer in, and the requests that the authenticator is asked about.
fn asking(security: Security) -> (Options, UnboundedReceiver<AuthRequest>) {
    let (asked, requests) = unbounded_channel();
    let options = Options::default().security(security).authenticator(move |request| {
        let _ = asked.send(request);
        std::future::ready(Verdict::allow())
    });
    (options, requests)
}

#[test]
fn a_client_with_a_wrong_name_or_password_is_refused() {
    let world = World::new();
    let (xpub, at) = xpub(&world, world.options(Mechanism::Plain, Role::Server));
    for (username, password) in [("admin", "guess"), ("admin", "secre"), ("Admin", "secret"), ("nobody", "x")]
    {
        let refused = stranger(&world).plain(username, password);
        refused.connect(&at);
        is_refused(&refused, Mechanism::Plain, 400);
        admits(&world, &xpub, Mechanism::Plain, &at);
    }
}

#[test]
fn a_client_whose_key_is_not_on_the_list_is_refused() {
    let world = World::new();
    let (xpub, at) = xpub(&world, world.options(Mechanism::Curve, Role::Server));
    let refused = stranger(&world).curve(&in_z85(&world.server).public, &world.py.curve_keys());
    refused.connect(&at);
    is_refused(&refused, Mechanism::Curve, 400);
    admits(&world, &xpub, Mechanism::Curve, &at);
}

#[test]
fn a_curve_server_without_an_authenticator_admits_every_client_that_knows_its_key() {
    let world = World::new();
    let security = world.security(Mechanism::Curve, Role::Server);
    let (xpub, at) = xpub(&world, Options::default().security(security));
    let unknown = stranger(&world).curve(&in_z85(&world.server).public, &world.py.curve_keys());
    unknown.connect(&at);
    hears(&world, &xpub, Subscription::Subscribe("stranger".into()));
}

#[test]
fn a_plain_server_without_an_authenticator_admits_no_client() {
    let world = World::new();
    let (xpub, at) = xpub(&world, Options::default().security(Security::PlainServer));
    for (username, password) in [("admin", "secret"), ("a", "b")] {
        let refused = stranger(&world).plain(username, password);
        refused.connect(&at);
        is_refused(&refused, Mechanism::Plain, 500);
    }
    assert_eq!(xpub.try_recv(), None);
}

#[test]
fn no_client_is_admitted_while_the_authenticator_fails() {
    let world = World::new();
    for mechanism in MECHANISMS {
        let options = Options::default().security(world.security(mechanism, Role::Server));
        let options = options.authenticator(async |_| Verdict::Deny(DenyReason::Internal));
        let (xpub, at) = xpub(&world, options);
        let refused = world.secured("SUB", mechanism, Role::Client);
        refused.subscribe("known");
        refused.connect(&at);
        is_refused(&refused, mechanism, 500);
        assert_eq!(xpub.try_recv(), None);
    }
}

#[test]
fn the_list_of_one_mechanism_admits_no_client_of_the_other() {
    let world = World::new();
    let options = |mechanism| Options::default().security(world.security(mechanism, Role::Server));
    let key = *world.client.public();
    for (mechanism, options) in [
        (Mechanism::Plain, options(Mechanism::Plain).authenticator(CurveClients::new().client(key))),
        (
            Mechanism::Curve,
            options(Mechanism::Curve).authenticator(PlainUsers::new().user("admin", "secret")),
        ),
    ] {
        let (_xpub, at) = xpub(&world, options);
        let refused = world.secured("SUB", mechanism, Role::Client);
        refused.connect(&at);
        is_refused(&refused, mechanism, 400);
    }
}

#[test]
fn a_client_with_a_wrong_server_key_causes_no_auth_request_and_gets_no_answer() {
    let world = World::new();
    let (options, mut requests) = asking(world.security(Mechanism::Curve, Role::Server));
    let (xpub, at) = xpub(&world, options);
    let other = world.py.curve_keys();
    let refused = stranger(&world).curve(&other.public, &in_z85(&world.client));
    refused.connect(&at);
    // The connection has ended (EPIPE), and nothing else is known: so it tries again.
    assert_eq!(refused.wait_event("HANDSHAKE_FAILED_NO_DETAIL"), 32);
    refused.wait_event("CONNECT_RETRIED");
    admits(&world, &xpub, Mechanism::Curve, &at);
    assert_eq!(requests.try_recv().unwrap().credentials, Credentials::Curve(*world.client.public()));
    assert!(requests.try_recv().is_err());
}

/// An end of pyzmq's with each mechanism but this, in each role.
fn others(world: &World, mechanism: &str) -> Vec<PySocket> {
    let mut others = Vec::new();
    if mechanism != "NULL" {
        others.push(stranger(world));
    }
    for role in [Role::Server, Role::Client] {
        for other in [Mechanism::Plain, Mechanism::Curve] {
            if !format!("{other:?}").eq_ignore_ascii_case(mechanism) {
                others.push(world.secured("SUB", other, role));
            }
        }
    }
    others
}

#[test]
fn another_mechanism_is_rejected_by_both_ends_without_an_auth_request() {
    let world = World::new();
    let _guard = world.runtime.enter();
    let mut securities = vec![Security::Null];
    for role in [Role::Server, Role::Client] {
        securities.extend(MECHANISMS.map(|mechanism| world.security(mechanism, role)));
    }
    for security in securities {
        let ours = security.mechanism().name();
        let (options, mut requests) = asking(security);
        let (bound, at) = xpub(&world, options.clone());
        for py in others(&world, ours) {
            py.connect(&at);
            assert_eq!(py.wait_event("HANDSHAKE_FAILED_PROTOCOL"), MISMATCH, "{ours}");
        }
        for py in others(&world, ours) {
            let connected = XPub::with_options(options.clone());
            connected.connect(py.bind(ANYWHERE)).unwrap();
            assert_eq!(py.wait_event("HANDSHAKE_FAILED_PROTOCOL"), MISMATCH, "{ours}");
            assert_eq!(connected.try_recv(), None);
        }
        assert!(requests.try_recv().is_err() && bound.try_recv().is_none());
    }
    assert_eq!(world.zap.requests(), 0);
}

#[test]
fn two_ends_of_the_same_role_do_not_connect() {
    let world = World::new();
    for mechanism in MECHANISMS {
        // Both servers wait for the other to begin.
        let (options, mut requests) = asking(world.security(mechanism, Role::Server));
        let (_xpub, at) = xpub(&world, options.handshake_timeout(std::time::Duration::from_millis(50)));
        let server = world.secured("SUB", mechanism, Role::Server);
        server.connect(&at);
        assert_eq!(server.wait_event("HANDSHAKE_FAILED_NO_DETAIL"), 32);
        // Both clients begin.
        let (options, mut others) = asking(world.security(mechanism, Role::Client));
        let (_xpub, at) = xpub(&world, options);
        let client = world.secured("SUB", mechanism, Role::Client);
        client.connect(&at);
        assert_eq!(client.wait_event("HANDSHAKE_FAILED_PROTOCOL"), UNEXPECTED);
        assert!(requests.try_recv().is_err() && others.try_recv().is_err());
    }
}
