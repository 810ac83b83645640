//! Reasons of rejections in monitor events at both ends.

use std::sync::Arc;

use enfonet::auth::{DenyReason, PlainUsers, Security, Verdict, new_key_pair};
use enfonet::error::{CommandName, ConnectionError, CurveError, ErrorOrigin, GreetingError, HandshakeError};
use enfonet::zap::Zap;
use enfonet::{Context, Dealer, Options, Rep, Router};
use enfonet_tests::{DEADLINE, EventReader, error_of, theirs};

use crate::setup::{ANYWHERE, MECHANISMS, Mechanism, Role, Setup, in_z85, login};

/// Returns the errors of a failed handshake between two sockets of ours: the server's and the client's.
fn failures(setup: &Setup, server: Options, client: Options) -> [Arc<ConnectionError>; 2] {
    let runtime = &setup.runtime;
    let (server, client) = (Router::with_options(server), Dealer::with_options(client));
    let mut observed =
        [EventReader::new(runtime, server.monitor()), EventReader::new(runtime, client.monitor())];
    let at = runtime.run(server.bind(ANYWHERE)).unwrap();
    client.connect(at).unwrap();
    observed[0].expect(&["Listening", "Accepted"]);
    observed[1].expect(&["Connecting", "Connected"]);
    observed.each_mut().map(|events| error_of(events.expect(&["HandshakeFailed"])))
}

#[track_caller]
fn denied(error: &ConnectionError) -> DenyReason {
    error.deny_reason().unwrap_or_else(|| panic!("{error}"))
}

#[test]
fn with_valid_credentials_both_ends_report_one_handshake_and_nothing_else() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        let options = |role| setup.options(mechanism, role);
        let server = Router::with_options(options(Role::Server));
        let client = Dealer::with_options(options(Role::Client));
        let mut observed = [
            EventReader::new(&setup.runtime, server.monitor()),
            EventReader::new(&setup.runtime, client.monitor()),
        ];
        client.connect(setup.runtime.run(server.bind(ANYWHERE)).unwrap()).unwrap();
        observed[0].expect(&["Listening", "Accepted", "HandshakeSucceeded"]);
        observed[1].expect(&["Connecting", "Connected", "HandshakeSucceeded"]);
        setup.runtime.run(client.close(DEADLINE));
        observed[1].expect(&["Disconnected", "Closed"]);
        observed[0].expect(&["Disconnected"]);
        observed[1].expect_end();
    }
}

#[test]
fn the_decision_of_an_authenticator_is_reported_at_both_ends() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let mut securities = vec![[Security::Null, Security::Null]];
    securities.extend(
        MECHANISMS.map(|mechanism| {
            [setup.security(mechanism, Role::Server), setup.security(mechanism, Role::Client)]
        }),
    );
    for [server, client] in securities {
        for deny_reason in [DenyReason::TryLater, DenyReason::Credentials, DenyReason::Internal] {
            let server = Options::default().security(server.clone());
            let server = server.authenticator(move |_| std::future::ready(Verdict::Deny(deny_reason)));
            let [here, there] = failures(&setup, server, Options::default().security(client.clone()));
            assert!(matches!(&*here, ConnectionError::Handshake(HandshakeError::Denied(_))), "{here}");
            assert_eq!(denied(&here), deny_reason);
            // A client that is rejected temporarily gets no ERROR.
            match deny_reason {
                DenyReason::TryLater => assert!(matches!(*there, ConnectionError::Abandoned), "{there}"),
                _ => assert_eq!(denied(&there), deny_reason),
            }
        }
    }
}

#[test]
fn wrong_credentials_and_keys_are_reported_by_their_reason() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let server = || Options::default().security(Security::PlainServer);
    let server = server().authenticator(PlainUsers::new().user("admin", "secret"));
    let wrong = Options::default().security(login("admin", "guess"));
    assert_eq!(failures(&setup, server, wrong).map(|error| denied(&error)), [DenyReason::Credentials; 2]);

    let server = || setup.options(Mechanism::Curve, Role::Server);
    let unauthorized = Security::CurveClient { keys: new_key_pair(), server: *setup.server.public() };
    let unauthorized = Options::default().security(unauthorized);
    assert_eq!(
        failures(&setup, server(), unauthorized).map(|error| denied(&error)),
        [DenyReason::Credentials; 2]
    );

    // The client has a wrong server key: only the server notices, and sends nothing.
    let keys = setup.client.clone();
    let other = Security::CurveClient { keys, server: *new_key_pair().public() };
    let [here, there] = failures(&setup, server(), Options::default().security(other));
    let ConnectionError::Handshake(HandshakeError::Curve(error)) = &*here else { panic!("{here}") };
    assert_eq!(
        (*error, here.origin()),
        (CurveError::Box { command: CommandName::Hello }, ErrorOrigin::Configuration)
    );
    assert!(matches!(*there, ConnectionError::Abandoned), "{there}");
}

#[test]
fn mismatched_mechanisms_are_reported_at_both_ends() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        let server = setup.options(mechanism, Role::Server);
        for error in failures(&setup, server, Options::default()) {
            let ConnectionError::Handshake(HandshakeError::Greeting(error)) = &*error else {
                panic!("{error}")
            };
            assert!(matches!(error, GreetingError::Mechanism { .. }), "{error}");
        }
    }
}

#[test]
fn the_answer_of_a_zap_handler_is_reported_at_both_ends() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        let context = Context::new();
        let handler = Rep::with_options(Options::default().context(&context));
        setup.runtime.run(handler.bind("inproc://zeromq.zap.01")).unwrap();
        let statuses =
            [("400", DenyReason::Credentials), ("500", DenyReason::Internal), ("300", DenyReason::TryLater)];
        let answering = setup.runtime.spawn(async move {
            for (status, _) in statuses {
                let request = handler.recv().await.unwrap();
                let id = theirs(request.message())[1].clone();
                let reply = [b"1.0", &id[..], status.as_bytes(), b"no", b"", b""].map(<[u8]>::to_vec);
                request.reply(reply).unwrap();
            }
        });
        for (_, deny_reason) in statuses {
            let server = Options::default().security(setup.security(mechanism, Role::Server));
            let server = server.authenticator(Zap::in_context(&context));
            let client = Options::default().security(setup.security(mechanism, Role::Client));
            let [here, there] = failures(&setup, server, client);
            assert_eq!(denied(&here), deny_reason);
            assert_eq!(
                there.deny_reason(),
                (deny_reason != DenyReason::TryLater).then_some(deny_reason),
                "{there}"
            );
        }
        setup.runtime.run(answering).unwrap();
        // The handler is closed.
        let server = Options::default().security(setup.security(mechanism, Role::Server));
        let server = server.authenticator(Zap::in_context(&context));
        let client = Options::default().security(setup.security(mechanism, Role::Client));
        assert_eq!(denied(&failures(&setup, server, client)[0]), DenyReason::TryLater);
    }
}

#[test]
fn rejections_by_and_of_pyzmqs_sockets_are_reported() {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    let (server, client) = (in_z85(&setup.server), setup.py.curve_keys());
    let router = Router::with_options(setup.options(Mechanism::Curve, Role::Server));
    let mut observed = EventReader::new(&setup.runtime, router.monitor());
    let at = setup.runtime.bind(&router);
    let unauthorized = setup.py.socket("DEALER").curve(&server.public, &client);
    unauthorized.connect(&at);
    let failed = error_of(observed.expect(&["Listening", "Accepted", "HandshakeFailed"]));
    assert_eq!(
        (denied(&failed), unauthorized.wait_event("HANDSHAKE_FAILED_AUTH")),
        (DenyReason::Credentials, 400)
    );

    for mechanism in MECHANISMS {
        let rejecting = setup.secured("ROUTER", mechanism, Role::Server);
        let at = rejecting.bind(ANYWHERE);
        let wrong = match mechanism {
            Mechanism::Plain => login("admin", "guess"),
            Mechanism::Curve => {
                Security::CurveClient { keys: new_key_pair(), server: *setup.server.public() }
            }
        };
        let dealer = Dealer::with_options(Options::default().security(wrong));
        let mut observed = EventReader::new(&setup.runtime, dealer.monitor());
        dealer.connect(&at[..]).unwrap();
        let failed = error_of(observed.expect(&["Connecting", "Connected", "HandshakeFailed"]));
        assert_eq!(denied(&failed), DenyReason::Credentials);
        observed.expect(&["ConnectRetried"]);
    }
}
