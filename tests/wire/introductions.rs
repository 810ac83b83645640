//! Until both ends know each other: nothing is said before, and what was said is told (RFC 37, "The NULL
//! Security Mechanism").

use std::time::Duration;

use enfonet::peer::SocketType;
use enfonet::socket::PeerEvent;
use enfonet::{Context, Dealer, Options, Router, Sub};
use enfonet_tests::{Runtime, Script, ScriptListener, command, greeting, message, ready};

use crate::setup::{ANYWHERE, We, dealer, meet};

fn quick() -> Options {
    Options::default().reconnect_interval(Duration::from_millis(1))
}

#[test]
fn no_message_is_sent_before_the_peers_ready() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let (dealer, sub) = (Dealer::with_options(quick()), Sub::with_options(quick()));
    dealer.connect(&at).unwrap();
    dealer.try_send("waits").unwrap();
    let mut script = listener.accept();
    script.send(&greeting(1));
    script.expect(&greeting(1));
    script.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
    script.finish();
    assert_eq!(script.expect_close(), b"");
    let mut script = listener.accept();
    script.handshake("ROUTER", 1);
    script.expect(&message(&["waits"]));
    drop(dealer);
    drop(script);
    // Nor do subscriptions.
    let (listener, at) = ScriptListener::bind();
    sub.subscribe("topic");
    sub.connect(&at).unwrap();
    let mut script = listener.accept();
    script.send(&greeting(1));
    script.expect(&greeting(1));
    script.expect(&ready(&[("Socket-Type", b"SUB")]));
    script.finish();
    assert_eq!(script.expect_close(), b"");
}

#[test]
fn a_peer_that_disconnects_during_the_handshake_is_retried() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let dealer = Dealer::with_options(quick());
    dealer.connect(at).unwrap();
    let all = [greeting(1), ready(&[("Socket-Type", b"ROUTER")])].concat();
    for sent in [0, 1, 10, 11, 63, 64, 65, all.len() - 1] {
        let mut script = listener.accept();
        script.send(&all[..sent]);
        script.leave();
    }
    dealer.try_send("after all").unwrap();
    let mut script = listener.accept();
    script.handshake("ROUTER", 1);
    script.expect(&message(&["after all"]));
}

#[test]
fn bytes_after_an_error_command_are_ignored() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (dealer, at) = dealer(&runtime, Options::default());
    let ready = ready(&[("Socket-Type", b"DEALER")]);
    let error = command("ERROR", b"\x03no!");
    let mut refusing = Script::connect(&at);
    refusing.send(&[greeting(1), error, ready, message(&["smuggled"])].concat());
    refusing.expect_close();
    let mut healthy = Script::join(&at, "DEALER", 1);
    healthy.send(&message(&["healthy"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("healthy".into()));
}

#[test]
fn the_socket_type_is_checked_under_any_case_of_its_property_name() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (_dealer, at) = dealer(&runtime, Options::default());
    for name in ["Socket-Type", "socket-type", "SOCKET-TYPE"] {
        let mut wrong = Script::connect(&at);
        wrong.send(&[greeting(1), ready(&[(name, b"PUB")])].concat());
        wrong.expect_close();
        let mut right = Script::connect(&at);
        right.send(&[greeting(1), ready(&[(name, b"ROUTER")])].concat());
        right.expect(&greeting(1));
        right.expect(&self::ready(&[("Socket-Type", b"DEALER"), ("Identity", b"")]));
        right.settle();
    }
}

#[test]
fn the_metadata_of_a_peer_reaches_the_application() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let router = Router::builder().peer_events(true).build();
    let at = runtime.run(router.bind(ANYWHERE)).unwrap().to_string();
    let said: [(&str, &[u8]); 5] = [
        ("Socket-Type", b"DEALER"),
        ("X-Colour", b"red"),
        ("X-Colour", b"blue"),
        ("Unheard-Of", b""),
        ("Resource", b"/a/$b"),
    ];
    let mut script = Script::connect(&at);
    script.send(&[greeting(1), ready(&said)].concat());
    let PeerEvent::Joined { info, .. } = runtime.run(router.recv_event(1)).unwrap() else { panic!() };
    let told: Vec<_> = info.metadata.iter().collect();
    assert_eq!(told, said.map(|(name, value)| (name.as_bytes(), value)));
    assert_eq!(info.metadata.get("x-colour"), Some(&b"red"[..]));
}

#[test]
fn our_properties_are_sent_in_ready() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let options = Options::default().property("X-Colour", "red").property("X-Shard", [7]);
    let expected: [(&str, &[u8]); 4] =
        [("Socket-Type", b"DEALER"), ("Identity", b""), ("X-Colour", b"red"), ("X-Shard", &[7])];
    let (_dealer, mut script) = meet(&runtime, We::Bind, SocketType::Dealer, options.clone());
    script.send(&[greeting(1), ready(&[])].concat());
    script.expect(&greeting(1));
    script.expect(&ready(&expected));
    // Within the process too.
    let context = Context::new();
    let router = Router::builder().context(&context).peer_events(true).build();
    runtime.run(router.bind("inproc://introductions")).unwrap();
    let dealer = Dealer::with_options(options.context(&context));
    dealer.connect("inproc://introductions").unwrap();
    let PeerEvent::Joined { info, .. } = runtime.run(router.recv_event(1)).unwrap() else { panic!() };
    assert!(info.metadata.iter().eq(expected.map(|(name, value)| (name.as_bytes(), value))));
}
