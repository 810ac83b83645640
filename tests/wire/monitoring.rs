//! Why a peer stays out or goes, as a monitor tells it, with both ways of meeting.

use std::sync::Arc;
use std::time::Duration;

use enfonet::auth::DenyReason;
use enfonet::error::{
    ConnectionError, ErrorOrigin, FrameError, GreetingError, HandshakeError, RejectReason, TrafficError,
};
use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Options, Router, XPub};
use enfonet_tests::{
    Runtime, Script, ScriptListener, Told, command, greeting, greeting_of, message, ready, why,
};

use crate::setup::{ANYWHERE, We};

/// A DEALER that is monitored, and a peer by hand that hasn't said anything; what the DEALER has told until then is
/// that it is there.
fn meet(runtime: &Runtime, we: We, options: Options) -> (Dealer, Told<'_>, Script) {
    let dealer = Dealer::with_options(options);
    let mut told = Told::by(runtime, dealer.monitor());
    let script = match we {
        We::Bind => {
            let script = Script::connect(&runtime.run(dealer.bind(ANYWHERE)).unwrap().to_string());
            told.expect(&["Listening", "Accepted"]);
            script
        }
        We::Connect => {
            let (listener, at) = ScriptListener::bind();
            dealer.connect(at).unwrap();
            let script = listener.accept();
            told.expect(&["Connecting", "Connected"]);
            script
        }
    };
    (dealer, told, script)
}

/// Says something, and gives why it isn't let in then.
fn stays_out(we: We, options: Options, bytes: &[u8]) -> Arc<ConnectionError> {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (dealer, mut told, mut script) = meet(&runtime, we, options);
    script.try_send(bytes);
    let failed = why(told.expect(&["HandshakeFailed"]));
    if matches!(we, We::Connect) {
        let MonitorEvent::ConnectRetried { after, .. } = told.expect(&["ConnectRetried"]) else { panic!() };
        assert_eq!(after >= Duration::from_secs(5), failed.is_lasting(), "{after:?}");
    }
    assert!(dealer.peers().is_empty());
    failed
}

#[test]
fn a_failed_handshake_is_reported_with_its_error() {
    use ConnectionError::Handshake;
    let with_greeting = |more: &[u8]| [&greeting(1), more].concat();
    for we in [We::Bind, We::Connect] {
        let fails = |bytes: &[u8]| stays_out(we, Options::default(), bytes);
        let other = fails(b"GET / HTTP/1.1\r\n\r\n");
        assert!(
            matches!(&*other, Handshake(HandshakeError::Greeting(GreetingError::Unversioned))),
            "{other}"
        );
        let mechanism = fails(&greeting_of("PLAIN", false));
        let Handshake(HandshakeError::Greeting(GreetingError::Mechanism { theirs, .. })) = &*mechanism else {
            panic!("{mechanism}")
        };
        assert_eq!((&theirs[..], mechanism.origin()), ("PLAIN", ErrorOrigin::Configuration));
        let kind = fails(&with_greeting(&ready(&[("Socket-Type", b"PUB")])));
        assert!(matches!(&*kind, Handshake(HandshakeError::SocketType { theirs, .. }) if theirs == "PUB"));
        let early = fails(&with_greeting(&message(&["hello"])));
        assert!(matches!(&*early, Handshake(HandshakeError::Message)), "{early}");
        assert_eq!(early.origin(), ErrorOrigin::Peer);
        let unexpected = fails(&with_greeting(&command("PING", b"\0\0")));
        assert!(matches!(&*unexpected, Handshake(HandshakeError::Unexpected { .. })), "{unexpected}");
        for (status, deny_reason) in
            [("300", DenyReason::TryLater), ("400", DenyReason::Credentials), ("500", DenyReason::Internal)]
        {
            let said = [b"\x03", status.as_bytes()].concat();
            let refused = fails(&with_greeting(&command("ERROR", &said)));
            assert_eq!(refused.deny_reason(), Some(deny_reason), "{refused}");
        }
    }
}

#[test]
fn a_peer_that_leaves_or_stalls_before_the_handshake_is_reported() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for we in [We::Bind, We::Connect] {
        let (_dealer, mut told, script) = meet(&runtime, we, Options::default());
        script.finish();
        let error = why(told.expect(&["HandshakeFailed"]));
        match we {
            We::Bind => assert!(matches!(*error, ConnectionError::Eof), "{error}"),
            We::Connect => assert!(matches!(*error, ConnectionError::Abandoned), "{error}"),
        }
        let (_dealer, mut told, mut script) = meet(&runtime, we, Options::default());
        script.send(&greeting(1));
        script.finish();
        let error = why(told.expect(&["HandshakeFailed"]));
        assert!(matches!(*error, ConnectionError::Abandoned), "{error}");
        assert!(!error.is_lasting() && !error.is_ordinary());
        let options = Options::default().handshake_timeout(Duration::from_millis(50));
        let (_dealer, mut told, mut script) = meet(&runtime, we, options);
        script.expect_close();
        assert!(matches!(*why(told.expect(&["HandshakeFailed"])), ConnectionError::HandshakeTimeout));
    }
}

#[test]
fn a_handshake_cancelled_by_the_socket_is_reported() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for (we, by_closing) in [(We::Bind, true), (We::Bind, false), (We::Connect, true), (We::Connect, false)] {
        let (dealer, mut told, _script) = meet(&runtime, we, Options::default());
        if by_closing {
            runtime.run(dealer.close(Duration::ZERO));
        } else {
            drop(dealer);
        }
        let mut events = vec![told.event(), told.event()];
        if matches!(events[0], MonitorEvent::Closed { .. }) {
            // A socket that listens may report `Closed` first.
            assert!(matches!(we, We::Bind));
            events.reverse();
        }
        assert!(matches!(events.pop(), Some(MonitorEvent::Closed { .. })));
        assert!(matches!(*why(events.remove(0)), ConnectionError::Closed));
        told.expect_end();
    }
}

#[test]
fn a_displaced_handshake_is_reported() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let dealer = Dealer::with_options(Options::default().max_handshakes(1));
    let mut told = Told::by(&runtime, dealer.monitor());
    let at = runtime.run(dealer.bind(ANYWHERE)).unwrap().to_string();
    let first = Script::connect(&at).into_stream();
    told.expect(&["Listening", "Accepted"]);
    let _second = Script::connect(&at);
    let MonitorEvent::HandshakeFailed { address, error, .. } = told.expect(&["Accepted", "HandshakeFailed"])
    else {
        panic!()
    };
    assert_eq!(address, first.local_addr().unwrap().to_string());
    assert!(matches!(*error, ConnectionError::TooManyHandshakes { limit: 1 }), "{error}");
    assert_eq!(error.origin(), ErrorOrigin::Limit);
}

#[test]
fn a_duplicate_identity_is_reported_and_the_first_peer_stays() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let router = Router::new();
    let mut told = Told::by(&runtime, router.monitor());
    let at = runtime.run(router.bind(ANYWHERE)).unwrap().to_string();
    let named = || {
        let mut script = Script::connect(&at);
        script.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER"), ("Identity", b"me")])].concat());
        script
    };
    let _first = named();
    told.expect(&["Listening", "Accepted", "HandshakeSucceeded"]);
    let _second = named();
    let refused = why(told.expect(&["Accepted", "HandshakeFailed"]));
    assert!(matches!(*refused, ConnectionError::Rejected(RejectReason::IdentityInUse)), "{refused}");
    assert_eq!(router.peers().len(), 1);
}

#[test]
fn a_disconnect_is_reported_with_its_reason() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let goes = |we, options: Options, says: &[u8]| {
        let (_dealer, mut told, mut script) = meet(&runtime, we, options);
        script.handshake("DEALER", 1);
        told.expect(&["HandshakeSucceeded"]);
        script.try_send(says);
        if says.is_empty() {
            script.finish();
        }
        why(told.expect(&["Disconnected"]))
    };
    for we in [We::Bind, We::Connect] {
        assert!(matches!(*goes(we, Options::default(), b""), ConnectionError::Eof));
        let too_long = goes(we, Options::default().max_message_size(10), &message(&["eleven bytes"]));
        let ConnectionError::Traffic(TrafficError::Frame(error)) = &*too_long else { panic!("{too_long}") };
        assert!(
            !matches!(error, FrameError::Length { .. }) && too_long.origin() == ErrorOrigin::Limit,
            "{error}"
        );
        assert!(matches!(*goes(we, Options::default(), b"\x04\x01\0"), ConnectionError::Command(_)));
        // A PING that isn't answered; and a time that the peer has set itself.
        let asking = Options::default().heartbeat_interval(Duration::from_millis(5));
        let asking = asking.heartbeat_timeout(Duration::from_millis(20));
        assert!(matches!(*goes(we, asking, &message(&["silence"])), ConnectionError::HeartbeatTimeout));
        let ping = b"\x04\x07\x04PING\0\x01";
        assert!(matches!(*goes(we, Options::default(), ping), ConnectionError::HeartbeatTimeout));
    }
}

#[test]
fn a_subscriber_beyond_the_subscription_limit_is_reported() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let xpub = XPub::with_options(XPub::builder().max_subscriptions(1, 1000));
    let mut told = Told::by(&runtime, xpub.monitor());
    let at = runtime.run(xpub.bind(ANYWHERE)).unwrap().to_string();
    let mut script = Script::join(&at, "SUB", 1);
    told.expect(&["Listening", "Accepted", "HandshakeSucceeded"]);
    script.try_send(&[command("SUBSCRIBE", b"a"), command("SUBSCRIBE", b"b")].concat());
    let reason = why(told.expect(&["Disconnected"]));
    assert!(matches!(*reason, ConnectionError::Rejected(RejectReason::Subscriptions)), "{reason}");
}

#[test]
fn an_unread_monitor_blocks_nothing_and_counts_missed_events() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let router = Router::new();
    let mut unread = Told::by(&runtime, router.monitor());
    let mut told = Told::by(&runtime, router.monitor());
    let at = runtime.run(router.bind(ANYWHERE)).unwrap().to_string();
    told.expect(&["Listening"]);
    for _ in 0..500 {
        let mut script = Script::join(&at, "DEALER", 1);
        script.send(&message(&["hello"]));
        runtime.run(router.recv()).unwrap();
        drop(script);
        told.expect(&["Accepted", "HandshakeSucceeded", "Disconnected"]);
    }
    // Of 1501 events 1024 are there.
    let missed = unread.event();
    assert!(matches!(missed, MonitorEvent::Missed { events: 477 }), "{missed:?}");
    unread.expect(&["Disconnected", "Accepted", "HandshakeSucceeded"]);
}
