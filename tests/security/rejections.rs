//! Clients that a server of ours rejects, and the events at both ends.

use enfonet::auth::{AuthRequest, Credentials, CurveClients, DenyReason, PlainUsers, Security, Verdict};
use enfonet::message::Subscription;
use enfonet::socket::XPubEvent;
use enfonet::{Options, XPub};
use enfonet_tests::{PySocket, Relay};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::setup::{ANYWHERE, Implementation, MECHANISMS, Mechanism, Role, Setup, in_z85};

/// libzmq's `ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND`.
const UNEXPECTED: i64 = 0x1000_0001;
/// libzmq's `ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH`.
const MISMATCH: i64 = 0x1100_0002;

/// Returns a bound XPUB of ours, which reports an admitted subscriber at once.
fn xpub(setup: &Setup, options: Options) -> (XPub, String) {
    let xpub = XPub::with_options(options);
    let at = setup.runtime.bind(&xpub);
    (xpub, at)
}

/// Returns a SUB with a subscription that the server doesn't know yet.
fn unauthorized(setup: &Setup) -> PySocket {
    let unauthorized = setup.py.socket("SUB");
    unauthorized.subscribe("unauthorized");
    unauthorized
}

/// Asserts that the first reported subscription is that of a known client.
fn admits(setup: &Setup, xpub: &XPub, mechanism: Mechanism, at: &str) {
    let known = setup.secured("SUB", mechanism, Role::Client);
    known.subscribe("known");
    known.connect(at);
    hears(setup, xpub, Subscription::Subscribe("known".into()));
    drop(known);
    hears(setup, xpub, Subscription::Cancel("known".into()));
}

fn hears(setup: &Setup, xpub: &XPub, expected: Subscription) {
    match setup.runtime.run(xpub.recv()).unwrap() {
        XPubEvent::Subscription { subscription, .. } => assert_eq!(subscription, expected),
        other => panic!("{other:?}"),
    }
}

/// Waits until a client sees its rejection. libzmq's PLAIN client doesn't recognise ERROR: it waits for `^RROR`,
/// since its source has `"\x05ERROR"`, where `\x05E` is one byte. The client gives the endpoint up all the same.
fn wait_rejected(client: &PySocket, mechanism: Mechanism, status: i64) {
    match mechanism {
        Mechanism::Plain => assert_eq!(client.wait_event("HANDSHAKE_FAILED_PROTOCOL"), UNEXPECTED),
        Mechanism::Curve => assert_eq!(client.wait_event("HANDSHAKE_FAILED_AUTH"), status),
    }
    client.wait_event("DISCONNECTED");
}

/// Returns options with an authenticator that admits every peer, and a channel of its requests.
fn asking(security: Security) -> (Options, UnboundedReceiver<AuthRequest>) {
    let (asked, requests) = unbounded_channel();
    let options = Options::default().security(security).authenticator(move |request| {
        let _ = asked.send(request);
        std::future::ready(Verdict::allow())
    });
    (options, requests)
}

#[test]
fn a_client_with_a_wrong_name_or_password_is_rejected() {
    let setup = Setup::new();
    let (xpub, at) = xpub(&setup, setup.options(Mechanism::Plain, Role::Server));
    for (username, password) in [("admin", "guess"), ("admin", "secre"), ("Admin", "secret"), ("nobody", "x")]
    {
        let rejected = unauthorized(&setup).plain(username, password);
        rejected.connect(&at);
        wait_rejected(&rejected, Mechanism::Plain, 400);
        admits(&setup, &xpub, Mechanism::Plain, &at);
    }
}

#[test]
fn a_client_with_a_key_that_is_not_on_the_list_is_rejected() {
    let setup = Setup::new();
    let (xpub, at) = xpub(&setup, setup.options(Mechanism::Curve, Role::Server));
    let rejected = unauthorized(&setup).curve(&in_z85(&setup.server).public, &setup.py.curve_keys());
    rejected.connect(&at);
    wait_rejected(&rejected, Mechanism::Curve, 400);
    admits(&setup, &xpub, Mechanism::Curve, &at);
}

#[test]
fn a_curve_server_without_an_authenticator_admits_every_client_that_knows_its_key() {
    let setup = Setup::new();
    let security = setup.security(Mechanism::Curve, Role::Server);
    let (xpub, at) = xpub(&setup, Options::default().security(security));
    let unknown = unauthorized(&setup).curve(&in_z85(&setup.server).public, &setup.py.curve_keys());
    unknown.connect(&at);
    hears(&setup, &xpub, Subscription::Subscribe("unauthorized".into()));
}

#[test]
fn a_plain_server_without_an_authenticator_admits_no_client() {
    let setup = Setup::new();
    let (xpub, at) = xpub(&setup, Options::default().security(Security::PlainServer));
    for (username, password) in [("admin", "secret"), ("a", "b")] {
        let rejected = unauthorized(&setup).plain(username, password);
        rejected.connect(&at);
        wait_rejected(&rejected, Mechanism::Plain, 500);
    }
    assert_eq!(xpub.try_recv().ok(), None);
}

#[test]
fn no_client_is_admitted_while_the_authenticator_fails() {
    let setup = Setup::new();
    for mechanism in MECHANISMS {
        let options = Options::default().security(setup.security(mechanism, Role::Server));
        let options = options.authenticator(async |_| Verdict::Deny(DenyReason::Internal));
        let (xpub, at) = xpub(&setup, options);
        let rejected = setup.secured("SUB", mechanism, Role::Client);
        rejected.subscribe("known");
        rejected.connect(&at);
        wait_rejected(&rejected, mechanism, 500);
        assert_eq!(xpub.try_recv().ok(), None);
    }
}

#[test]
fn the_list_of_one_mechanism_admits_no_client_of_the_other() {
    let setup = Setup::new();
    let options = |mechanism| Options::default().security(setup.security(mechanism, Role::Server));
    let key = *setup.client.public();
    for (mechanism, options) in [
        (Mechanism::Plain, options(Mechanism::Plain).authenticator(CurveClients::new().client(key))),
        (
            Mechanism::Curve,
            options(Mechanism::Curve).authenticator(PlainUsers::new().user("admin", "secret")),
        ),
    ] {
        let (_xpub, at) = xpub(&setup, options);
        let rejected = setup.secured("SUB", mechanism, Role::Client);
        rejected.connect(&at);
        wait_rejected(&rejected, mechanism, 400);
    }
}

#[test]
fn a_client_with_a_wrong_server_key_causes_no_auth_request_and_gets_no_answer() {
    let setup = Setup::new();
    let (options, mut requests) = asking(setup.security(Mechanism::Curve, Role::Server));
    let (xpub, at) = xpub(&setup, options);
    let other = setup.py.curve_keys();
    let rejected = unauthorized(&setup).curve(&other.public, &in_z85(&setup.client));
    rejected.connect(&at);
    // The connection has ended (EPIPE) without a reason, so the client retries.
    assert_eq!(rejected.wait_event("HANDSHAKE_FAILED_NO_DETAIL"), 32);
    rejected.wait_event("CONNECT_RETRIED");
    admits(&setup, &xpub, Mechanism::Curve, &at);
    assert_eq!(requests.try_recv().unwrap().credentials, Credentials::Curve(*setup.client.public()));
    assert!(requests.try_recv().is_err());
}

/// Returns ends of pyzmq's with every other mechanism, in each role.
fn others(setup: &Setup, mechanism: &str) -> Vec<PySocket> {
    let mut others = Vec::new();
    if mechanism != "NULL" {
        others.push(unauthorized(setup));
    }
    for role in [Role::Server, Role::Client] {
        for other in [Mechanism::Plain, Mechanism::Curve] {
            if !format!("{other:?}").eq_ignore_ascii_case(mechanism) {
                others.push(setup.secured("SUB", other, role));
            }
        }
    }
    others
}

#[test]
fn another_mechanism_is_rejected_by_both_ends_without_an_auth_request() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let mut securities = vec![Security::Null];
    for role in [Role::Server, Role::Client] {
        securities.extend(MECHANISMS.map(|mechanism| setup.security(mechanism, role)));
    }
    for security in securities {
        let ours = security.mechanism().name();
        let (options, mut requests) = asking(security);
        let (bound, at) = xpub(&setup, options.clone());
        for py in others(&setup, ours) {
            py.connect(&at);
            assert_eq!(py.wait_event("HANDSHAKE_FAILED_PROTOCOL"), MISMATCH, "{ours}");
        }
        for py in others(&setup, ours) {
            let connected = XPub::with_options(options.clone());
            connected.connect(py.bind(ANYWHERE)).unwrap();
            assert_eq!(py.wait_event("HANDSHAKE_FAILED_PROTOCOL"), MISMATCH, "{ours}");
            assert_eq!(connected.try_recv().ok(), None);
        }
        assert!(requests.try_recv().is_err() && bound.try_recv().is_err());
    }
    assert_eq!(setup.zap.requests(), 0);
}

#[test]
fn two_ends_of_the_same_role_do_not_connect() {
    let setup = Setup::new();
    for mechanism in MECHANISMS {
        // Both servers wait for a HELLO.
        let (options, mut requests) = asking(setup.security(mechanism, Role::Server));
        let (_xpub, at) = xpub(&setup, options.handshake_timeout(std::time::Duration::from_millis(50)));
        let server = setup.secured("SUB", mechanism, Role::Server);
        server.connect(&at);
        assert_eq!(server.wait_event("HANDSHAKE_FAILED_NO_DETAIL"), 32);
        // Both clients send HELLO.
        let (options, mut others) = asking(setup.security(mechanism, Role::Client));
        let (_xpub, at) = xpub(&setup, options);
        let client = setup.secured("SUB", mechanism, Role::Client);
        client.connect(&at);
        assert_eq!(client.wait_event("HANDSHAKE_FAILED_PROTOCOL"), UNEXPECTED);
        assert!(requests.try_recv().is_err() && others.try_recv().is_err());
    }
}

#[test]
fn messages_of_a_rejected_peer_arrive_once_it_is_admitted() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        // The server speaks last. A connecting server rejects in time only what needs no identity.
        let cases = [
            (zmq::ROUTER, zmq::DEALER, Role::Server),
            (zmq::PAIR, zmq::PAIR, Role::Server),
            (zmq::PAIR, zmq::PAIR, Role::Client),
        ];
        for (implementation, (ours, theirs, role)) in [Implementation::Ours, Implementation::Pyzmqs]
            .into_iter()
            .flat_map(|implementation| cases.map(|case| (implementation, case)))
        {
            println!("{mechanism:?} {implementation:?} {ours:?} {role:?}");
            let bound = setup.end(Implementation::Ours, ours, (mechanism, role), "");
            let at = bound.bind(ANYWHERE);
            let [first, second] =
                [(); 2].map(|()| setup.end(implementation, theirs, (mechanism, role.other()), "name"));
            first.connect(&at);
            first.send(["first"]);
            assert_eq!(bound.recv().last().unwrap(), b"first");
            let relay = Relay::to(&at);
            second.connect(&relay.endpoint);
            second.send(["second"]);
            for _ in 0..2 {
                let heard = relay.ended();
                assert!(!heard.windows(5).any(|part| part == b"READY"), "{}", heard.escape_ascii());
            }
            drop(first);
            assert_eq!(bound.recv().last().unwrap(), b"second");
        }
    }
}
