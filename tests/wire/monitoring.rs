//! Reasons of failed handshakes and disconnects in monitor events, at bound and connected sockets.

use std::sync::Arc;
use std::time::Duration;

use enfonet::auth::DenyReason;
use enfonet::error::{
    ConnectionError, ErrorOrigin, FrameError, GreetingError, HandshakeError, RejectReason, TrafficError,
};
use enfonet::monitor::MonitorEvent;
use enfonet::{Dealer, Options, Router, XPub};
use enfonet_tests::{EventReader, Runtime, Script, command, error_of, greeting, greeting_of, message, ready};

use crate::setup::We;

/// Returns a monitored DEALER, and a scripted peer that has sent nothing yet. The first events of the DEALER are
/// already read.
fn meet(runtime: &Runtime, we: We, options: Options) -> (Dealer, EventReader<'_>, Script) {
    let dealer = Dealer::with_options(options);
    let mut observed = EventReader::new(runtime, dealer.monitor());
    let script = match we {
        We::Bind => {
            let script = Script::connect(&runtime.bind(&dealer));
            observed.expect(&["Listening", "Accepted"]);
            script
        }
        We::Connect => {
            let (script, _) = runtime.connect_to_listener(&dealer);
            observed.expect(&["Connecting", "Connected"]);
            script
        }
    };
    (dealer, observed, script)
}

/// Sends these bytes in place of a handshake, and returns the reason of its failure.
fn stays_out(we: We, options: Options, bytes: &[u8]) -> Arc<ConnectionError> {
    let runtime = Runtime::new();
    let (dealer, mut observed, mut script) = meet(&runtime, we, options);
    script.try_send(bytes);
    let failed = error_of(observed.expect(&["HandshakeFailed"]));
    if matches!(we, We::Connect) {
        let MonitorEvent::ConnectRetried { after, .. } = observed.expect(&["ConnectRetried"]) else {
            panic!()
        };
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
            let rejected = fails(&with_greeting(&command("ERROR", &said)));
            assert_eq!(rejected.deny_reason(), Some(deny_reason), "{rejected}");
        }
    }
}

#[test]
fn a_peer_that_leaves_or_stalls_before_the_handshake_is_reported() {
    let runtime = Runtime::new();
    for we in [We::Bind, We::Connect] {
        let (_dealer, mut observed, script) = meet(&runtime, we, Options::default());
        script.finish();
        let error = error_of(observed.expect(&["HandshakeFailed"]));
        match we {
            We::Bind => assert!(matches!(*error, ConnectionError::Eof), "{error}"),
            We::Connect => assert!(matches!(*error, ConnectionError::Abandoned), "{error}"),
        }
        let (_dealer, mut observed, mut script) = meet(&runtime, we, Options::default());
        script.send(&greeting(1));
        script.finish();
        let error = error_of(observed.expect(&["HandshakeFailed"]));
        assert!(matches!(*error, ConnectionError::Abandoned), "{error}");
        assert!(!error.is_lasting() && !error.is_ordinary());
        let options = Options::default().handshake_timeout(Duration::from_millis(50));
        let (_dealer, mut observed, mut script) = meet(&runtime, we, options);
        script.expect_close();
        assert!(matches!(
            *error_of(observed.expect(&["HandshakeFailed"])),
            ConnectionError::HandshakeTimeout
        ));
    }
}

#[test]
fn a_handshake_cancelled_by_the_socket_is_reported() {
    let runtime = Runtime::new();
    for (we, by_closing) in [(We::Bind, true), (We::Bind, false), (We::Connect, true), (We::Connect, false)] {
        let (dealer, mut observed, _script) = meet(&runtime, we, Options::default());
        if by_closing {
            runtime.run(dealer.close(Duration::ZERO));
        } else {
            drop(dealer);
        }
        let mut events = vec![observed.event(), observed.event()];
        if matches!(events[0], MonitorEvent::Closed { .. }) {
            // A socket that listens may report `Closed` first.
            assert!(matches!(we, We::Bind));
            events.reverse();
        }
        assert!(matches!(events.pop(), Some(MonitorEvent::Closed { .. })));
        assert!(matches!(*error_of(events.remove(0)), ConnectionError::Closed));
        observed.expect_end();
    }
}

#[test]
fn a_displaced_handshake_is_reported() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_handshakes(1));
    let mut observed = EventReader::new(&runtime, dealer.monitor());
    let at = runtime.bind(&dealer);
    let first = Script::connect(&at).into_stream();
    observed.expect(&["Listening", "Accepted"]);
    let _second = Script::connect(&at);
    let MonitorEvent::HandshakeFailed { address, error, .. } =
        observed.expect(&["Accepted", "HandshakeFailed"])
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
    let router = Router::new();
    let mut observed = EventReader::new(&runtime, router.monitor());
    let at = runtime.bind(&router);
    let named = || {
        let mut script = Script::connect(&at);
        script.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER"), ("Identity", b"me")])].concat());
        script
    };
    let _first = named();
    observed.expect(&["Listening", "Accepted", "HandshakeSucceeded"]);
    let _second = named();
    let rejected = error_of(observed.expect(&["Accepted", "HandshakeFailed"]));
    assert!(matches!(*rejected, ConnectionError::Rejected(RejectReason::IdentityInUse)), "{rejected}");
    assert_eq!(router.peers().len(), 1);
}

#[test]
fn a_disconnect_is_reported_with_its_reason() {
    let runtime = Runtime::new();
    let goes = |we, options: Options, says: &[u8]| {
        let (_dealer, mut observed, mut script) = meet(&runtime, we, options);
        script.handshake("DEALER", 1);
        observed.expect(&["HandshakeSucceeded"]);
        script.try_send(says);
        if says.is_empty() {
            script.finish();
        }
        error_of(observed.expect(&["Disconnected"]))
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
        // A PING without an answer, and the TTL of the peer.
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
    let xpub = XPub::with_options(XPub::builder().max_subscriptions(1, 1000));
    let mut observed = EventReader::new(&runtime, xpub.monitor());
    let mut script = runtime.bind_to_peer(&xpub, "SUB");
    observed.expect(&["Listening", "Accepted", "HandshakeSucceeded"]);
    script.try_send(&[command("SUBSCRIBE", b"a"), command("SUBSCRIBE", b"b")].concat());
    let reason = error_of(observed.expect(&["Disconnected"]));
    assert!(matches!(*reason, ConnectionError::Rejected(RejectReason::Subscriptions)), "{reason}");
}

#[test]
fn an_unread_monitor_blocks_nothing_and_counts_missed_events() {
    let runtime = Runtime::new();
    let router = Router::new();
    let mut unread = EventReader::new(&runtime, router.monitor());
    let mut observed = EventReader::new(&runtime, router.monitor());
    let at = runtime.bind(&router);
    observed.expect(&["Listening"]);
    for _ in 0..500 {
        let mut script = Script::join(&at, "DEALER", 1);
        script.send(&message(&["hello"]));
        runtime.run(router.recv()).unwrap();
        drop(script);
        observed.expect(&["Accepted", "HandshakeSucceeded", "Disconnected"]);
    }
    // The monitor keeps 1024 of 1501 events.
    let missed = unread.event();
    assert!(matches!(missed, MonitorEvent::Missed { events: 477 }), "{missed:?}");
    unread.expect(&["Disconnected", "Accepted", "HandshakeSucceeded"]);
}
