//! Identities, also known as routing ids: socket types that announce or use them, and valid values (RFC 37; RFC 28).

use std::time::Duration;

use enfonet::peer::{PeerId, SocketType};
use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Options, Rep, Router, XPub};
use enfonet_tests::{Runtime, Script, ScriptListener, command, greeting, message, ready};

use crate::setup::{We, meet};

/// Does the handshake with these properties.
fn say(script: &mut Script, properties: &[(&str, &[u8])]) {
    script.send(&[greeting(1), ready(properties)].concat());
    script.read(64);
    let head = script.read(2);
    script.read(usize::from(head[1]));
}

/// Returns a peer with this identity, after the handshake.
fn named(at: &str, kind: &str, name: &[u8]) -> Script {
    let mut script = Script::connect(at);
    say(&mut script, &[("Socket-Type", kind.as_bytes()), ("Identity", name)]);
    script
}

fn bound(runtime: &Runtime) -> (Router, String) {
    let router = Router::builder().peer_events(true).build();
    let at = runtime.bind(&router);
    (router, at)
}

fn joined(runtime: &Runtime, router: &Router) -> PeerId {
    match runtime.run(router.recv_event(1)).unwrap() {
        PeerEvent::Joined { peer, .. } => peer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_router_rejects_a_duplicate_identity() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let dealer_at = runtime.bind(&dealer);
    let (rep, xpub) = (Rep::new(), XPub::new());
    let rep_at = runtime.bind(&rep);
    let xpub_at = runtime.bind(&xpub);
    for (at, kind) in [(&dealer_at, "DEALER"), (&rep_at, "REQ"), (&xpub_at, "SUB")] {
        let mut twins = [(); 2].map(|()| named(at, kind, b"twin"));
        twins.iter_mut().for_each(Script::settle);
    }
    let (router, at) = bound(&runtime);
    let mut first = named(&at, "DEALER", b"twin");
    joined(&runtime, &router);
    let mut second = Script::connect(&at);
    second.send(&[greeting(1), ready(&[("Socket-Type", b"DEALER"), ("Identity", b"twin")])].concat());
    assert_eq!(second.expect_close(), greeting(1));
    first.settle();
}

#[test]
fn the_first_of_two_identities_in_a_ready_counts() {
    let runtime = Runtime::new();
    let (router, at) = bound(&runtime);
    let mut script = Script::connect(&at);
    say(&mut script, &[("Socket-Type", b"DEALER"), ("Identity", b"first"), ("identity", b"second")]);
    let peer = joined(&runtime, &router);
    assert_eq!((router.find(b"first"), router.find(b"second")), (Some(peer), None));
}

#[test]
fn our_identity_is_announced_on_every_connection() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let options = Options::default().identity("me").reconnect_interval(Duration::from_millis(1));
    let dealer = enfonet::Dealer::with_options(options);
    dealer.connect(at).unwrap();
    for _ in 0..3 {
        let mut script = listener.accept();
        script.send(&[greeting(1), ready(&[("Socket-Type", b"ROUTER")])].concat());
        script.expect(&greeting(1));
        script.expect(&ready(&[("Socket-Type", b"DEALER"), ("Identity", b"me")]));
        script.settle();
    }
}

#[test]
fn a_connecting_router_uses_the_current_identity_of_its_peer() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let options = Router::builder().peer_events(true).reconnect_interval(Duration::from_millis(1));
    let router = Router::with_options(options);
    router.connect(at).unwrap();
    for name in ["before", "after"] {
        let mut script = listener.accept();
        say(&mut script, &[("Socket-Type", b"DEALER"), ("Identity", name.as_bytes())]);
        let peer = joined(&runtime, &router);
        assert_eq!(router.find(name.as_bytes()), Some(peer));
        router.try_send_to(peer, "hello").unwrap();
        script.expect(&message(&["hello"]));
        drop(script);
        assert!(matches!(runtime.run(router.recv_event(1)).unwrap(), PeerEvent::Left { peer: gone, .. }
            if gone == peer));
        assert_eq!(router.find(name.as_bytes()), None);
    }
}

#[test]
fn socket_types_without_an_announced_identity_do_not_send_theirs() {
    let runtime = Runtime::new();
    for kind in [SocketType::Rep, SocketType::Pub, SocketType::XPub, SocketType::Sub, SocketType::XSub] {
        for we in [We::Bind, We::Connect] {
            let (_socket, mut script) = meet(&runtime, we, kind, Options::default().identity("me"));
            script.send(&[greeting(1), ready(&[])].concat());
            script.expect(&greeting(1));
            script.expect(&ready(&[("Socket-Type", kind.name().as_bytes())]));
        }
    }
}

#[test]
fn a_peer_can_not_take_a_generated_identity() {
    let runtime = Runtime::new();
    let (router, at) = bound(&runtime);
    let mut nameless = Script::join(&at, "DEALER", 1);
    let peer = joined(&runtime, &router);
    let name = router.identity(peer).unwrap();
    let mut thief = named(&at, "DEALER", &name);
    let other = joined(&runtime, &router);
    assert_eq!(router.find(&name), Some(peer));
    assert_ne!(router.identity(other), Some(name));
    router.try_send_to(peer, "secret").unwrap();
    nameless.expect(&message(&["secret"]));
    thief.send(&command("PING", b"\0\0"));
    thief.expect(&command("PONG", b""));
}

#[test]
#[should_panic(expected = "an identity doesn't begin with a zero byte")]
fn our_identity_must_not_begin_with_zero() {
    let _ = Options::default().identity(&b"\0us"[..]);
}

#[test]
#[should_panic(expected = "an identity has at most 255 bytes")]
fn our_identity_has_at_most_255_bytes() {
    let longest = Options::default().identity(vec![b'i'; 255]);
    let _ = longest.identity(vec![b'i'; 256]);
}
