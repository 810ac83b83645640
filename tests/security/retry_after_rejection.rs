//! Rejected sockets of ours: they retry, and are admitted once the server allows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enfonet::auth::{AuthRequest, CurveClients, DenyReason, PlainUsers, Security, Verdict, new_key_pair};
use enfonet::{Dealer, Options, Rep};
use enfonet_tests::{DEADLINE, PySocket, PyZap, PyZmq, frames};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::setup::{ANYWHERE, MECHANISMS, Mechanism, ROLES, Role, Setup, in_z85, login};

/// Returns options that reconnect at once, also after a rejection.
fn eager(options: Options) -> Options {
    let soon = Duration::from_millis(2);
    options.reconnect_interval(soon).rejected_reconnect_interval(soon)
}

/// Returns a DEALER of ours with a queued message.
fn knocking(options: Options, at: &str, says: &'static str) -> Dealer {
    let dealer = Dealer::with_options(eager(options));
    dealer.connect(at).unwrap();
    dealer.try_send(["", says]).unwrap();
    dealer
}

/// Asserts the first message that a server of pyzmq's receives.
fn hears(server: &PySocket, expected: &str) {
    assert_eq!(server.recv(), frames([expected]));
}

/// Returns an authenticator that denies and reports each peer until the switch is on.
fn switched(deny_reason: DenyReason) -> (Arc<AtomicBool>, UnboundedReceiver<AuthRequest>, Options) {
    let on = Arc::new(AtomicBool::new(false));
    let (denied, denials) = unbounded_channel();
    let switch = on.clone();
    let options = Options::default().authenticator(move |request| {
        let on = switch.load(Ordering::Relaxed);
        if !on {
            let _ = denied.send(request);
        }
        std::future::ready(if on { Verdict::allow() } else { Verdict::Deny(deny_reason) })
    });
    (on, denials, options)
}

#[test]
fn a_rejected_client_retries_and_is_admitted_once_the_server_allows_it() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let mut securities = vec![[Security::Null, Security::Null]];
    securities.extend(MECHANISMS.map(|mechanism| ROLES.map(|role| setup.security(mechanism, role))));
    for [server, client] in securities {
        for deny_reason in [DenyReason::Credentials, DenyReason::Internal, DenyReason::TryLater] {
            let (on, mut denials, options) = switched(deny_reason);
            let rep = Rep::with_options(options.security(server.clone()));
            let at = setup.runtime.bind(&rep);
            let _knocking = knocking(Options::default().security(client.clone()), &at, "at last");
            for _ in 0..3 {
                setup.runtime.run(denials.recv()).unwrap();
            }
            assert!(rep.try_recv().is_err());
            on.store(true, Ordering::Relaxed);
            assert_eq!(*setup.runtime.run(rep.recv()).unwrap().message(), "at last");
        }
    }
}

#[test]
fn a_connecting_server_retries_by_itself() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        let (on, mut denials, options) = switched(DenyReason::Credentials);
        let bound =
            Dealer::with_options(Options::default().security(setup.security(mechanism, Role::Client)));
        let at = setup.runtime.bind(&bound);
        let server = Rep::with_options(eager(options.security(setup.security(mechanism, Role::Server))));
        server.connect(&at[..]).unwrap();
        for _ in 0..3 {
            setup.runtime.run(denials.recv()).unwrap();
        }
        on.store(true, Ordering::Relaxed);
        setup.runtime.run(bound.send(["", "at last"])).unwrap();
        assert_eq!(*setup.runtime.run(server.recv()).unwrap().message(), "at last");
    }
}

#[test]
fn a_new_socket_with_valid_credentials_is_admitted() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let server = *setup.server.public();
    let wrong = [
        (login("admin", "guess"), ("HANDSHAKE_FAILED_AUTH", 400)),
        (login("nobody", "secret"), ("HANDSHAKE_FAILED_AUTH", 400)),
        (Security::CurveClient { keys: new_key_pair(), server }, ("HANDSHAKE_FAILED_AUTH", 400)),
        // ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: our HELLO can't be opened.
        (
            Security::CurveClient { keys: setup.client.clone(), server: *new_key_pair().public() },
            ("HANDSHAKE_FAILED_PROTOCOL", 0x1100_0001),
        ),
    ];
    for (wrong, (event, value)) in wrong {
        let mechanism = if wrong.mechanism().name() == "PLAIN" { Mechanism::Plain } else { Mechanism::Curve };
        let rep = setup.secured("REP", mechanism, Role::Server);
        let at = rep.bind(ANYWHERE);
        let options = Options::default().security(wrong).rejected_reconnect_interval(DEADLINE);
        let rejected = Dealer::with_options(options);
        rejected.connect(&at[..]).unwrap();
        rejected.try_send(["", "wrong"]).unwrap();
        assert_eq!(rep.wait_event(event), value);
        let right = Options::default().security(setup.security(mechanism, Role::Client));
        let _right = knocking(right, &at, "right");
        hears(&rep, "right");
        drop(rejected);
    }
}

#[test]
fn a_handler_of_pyzmqs_is_asked_again_on_each_retry() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for (mechanism, status) in MECHANISMS.into_iter().flat_map(|m| ["300", "400", "500"].map(|s| (m, s))) {
        let rep = setup.secured("REP", mechanism, Role::Server).option("handshake_ivl", 50);
        let at = rep.bind(ANYWHERE);
        setup.zap.answer(&["1.0", PyZap::ID, status, "", "", ""]);
        let _knocking =
            knocking(Options::default().security(setup.security(mechanism, Role::Client)), &at, "in");
        for _ in 0..3 {
            assert_eq!(rep.wait_event("HANDSHAKE_FAILED_AUTH"), status.parse::<i64>().unwrap());
        }
        setup.zap.answer(&["1.0", PyZap::ID, "200", "", "user", ""]);
        hears(&rep, "in");
    }
}

#[test]
fn a_server_of_pyzmqs_admits_us_once_it_has_a_handler() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        let py = PyZmq::start();
        let server = in_z85(&setup.server);
        // Without an enforced domain, libzmq's CURVE servers admit every client that knows their key.
        let rep =
            py.socket("REP").domain("global").option("zap_enforce_domain", 1).option("handshake_ivl", 50);
        let rep = match mechanism {
            Mechanism::Plain => rep.plain_server(),
            Mechanism::Curve => rep.curve_server(&server.secret),
        };
        let at = rep.bind(ANYWHERE);
        let _knocking =
            knocking(Options::default().security(setup.security(mechanism, Role::Client)), &at, "in");
        for _ in 0..3 {
            // EFAULT. libzmq may close only after the handshake timeout (EAGAIN).
            while rep.wait_event("HANDSHAKE_FAILED_NO_DETAIL") != 14 {}
        }
        let _zap = py.zap().users("global", &[("admin", "secret")]).any_key();
        hears(&rep, "in");
    }
}

#[test]
fn a_client_of_pyzmqs_retries_after_a_temporary_rejection() {
    let setup = Setup::new();
    for mechanism in MECHANISMS {
        let (on, mut denials, options) = switched(DenyReason::TryLater);
        let rep = Rep::with_options(options.security(setup.security(mechanism, Role::Server)));
        let at = setup.runtime.bind(&rep);
        let req = setup.secured("REQ", mechanism, Role::Client).option("reconnect_ivl", 1);
        req.connect(&at);
        req.send(&["at last"]);
        for _ in 0..3 {
            assert_eq!(req.wait_event("HANDSHAKE_FAILED_NO_DETAIL"), 32);
            setup.runtime.run(denials.recv()).unwrap();
        }
        assert!(rep.try_recv().is_err());
        on.store(true, Ordering::Relaxed);
        let request = setup.runtime.run(rep.recv()).unwrap();
        assert_eq!(*request.message(), "at last");
        request.reply("welcome").unwrap();
        assert_eq!(req.recv(), frames(["welcome"]));
    }
}

#[test]
fn the_user_id_of_the_list_reaches_the_peer_id() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let named = CurveClients::new().named(*setup.client.public(), "Ada");
    for (mechanism, server, user) in [
        (
            Mechanism::Plain,
            Options::default().authenticator(PlainUsers::new().user("admin", "secret")),
            "admin",
        ),
        (Mechanism::Curve, Options::default().authenticator(named), "Ada"),
    ] {
        let options = Options::<Dealer>::from(server)
            .security(setup.security(mechanism, Role::Server))
            .peer_events(true);
        let dealer = Dealer::with_options(options);
        let at = setup.runtime.bind(&dealer);
        let options = Options::default().security(setup.security(mechanism, Role::Client)).identity("me");
        let _client = knocking(options, &at, "x");
        let event = setup.runtime.run(dealer.recv_event(1)).unwrap();
        let enfonet::socket::PeerEvent::Joined { info, .. } = event else { panic!("{event:?}") };
        assert_eq!((&info.user.id[..], &info.routing_id[..]), (user.as_bytes(), &b"me"[..]));
    }
}
