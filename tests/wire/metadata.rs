//! Metadata of both ends in READY (RFC 37, "Connection Metadata").

use enfonet::peer::SocketType;
use enfonet::socket::PeerEvent;
use enfonet::{Context, Dealer, Options, Router};
use enfonet_tests::{Runtime, Script, greeting, ready};

use crate::setup::{We, meet};

#[test]
fn the_metadata_of_a_peer_reaches_the_application() {
    let runtime = Runtime::new();
    let router = Router::builder().peer_events(true).build();
    let at = runtime.bind(&router);
    let sent: [(&str, &[u8]); 5] = [
        ("Socket-Type", b"DEALER"),
        ("X-Colour", b"red"),
        ("X-Colour", b"blue"),
        ("Unheard-Of", b""),
        ("Resource", b"/a/$b"),
    ];
    let mut script = Script::connect(&at);
    script.send(&[greeting(1), ready(&sent)].concat());
    let PeerEvent::Joined { info, .. } = runtime.run(router.recv_event(1)).unwrap() else { panic!() };
    let received: Vec<_> = info.metadata.iter().collect();
    assert_eq!(received, sent.map(|(name, value)| (name.as_bytes(), value)));
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
    // Over inproc, too.
    let context = Context::new();
    let router = Router::builder().context(&context).peer_events(true).build();
    runtime.run(router.bind("inproc://introductions")).unwrap();
    let dealer = Dealer::with_options(options.context(&context));
    dealer.connect("inproc://introductions").unwrap();
    let PeerEvent::Joined { info, .. } = runtime.run(router.recv_event(1)).unwrap() else { panic!() };
    assert!(info.metadata.iter().eq(expected.map(|(name, value)| (name.as_bytes(), value))));
}
