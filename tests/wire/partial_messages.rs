//! Messages that are cut off by the end of their connection: they arrive whole or not at all.

use std::time::Duration;

use enfonet::socket::PeerEvent;
use enfonet::{Dealer, Message, Options, Router, Sub};
use enfonet_tests::{Runtime, Script, ScriptListener, bound, greeting, message, ready};

#[test]
fn a_partial_message_is_dropped_with_its_connection() {
    let runtime = Runtime::new();
    let router = Router::builder().peer_events(true).build();
    let at = runtime.bind(&router);
    for cut_off in
        [&b"\x01\x01a"[..], b"\x01\x01a\x01\0\x00\x05hell", b"\x01\0", b"\x02\0\0\0\0\0\0\x10\0half", b"\0"]
    {
        let mut script = Script::join(&at, "DEALER", 1);
        assert!(matches!(runtime.run(router.recv_event(9)).unwrap(), PeerEvent::Joined { .. }));
        script.send(&[&message(&["whole"]), cut_off].concat());
        drop(script);
        let PeerEvent::Messages { batch, .. } = runtime.run(router.recv_event(9)).unwrap() else { panic!() };
        assert!(batch.into_iter().eq([Message::from("whole")]));
        assert!(matches!(runtime.run(router.recv_event(9)).unwrap(), PeerEvent::Left { .. }));
    }
}

#[test]
fn messages_before_a_malformed_message_are_received_and_later_messages_are_not() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let mut script = Script::join(&at, "DEALER", 1);
    let broken = b"\x02\x80\0\0\0\0\0\0\0";
    script.send(&[&message(&["before"]), &broken[..], &message(&["behind"])].concat());
    script.expect_close();
    let mut other = Script::join(&at, "DEALER", 1);
    other.send(&message(&["other"]));
    for text in ["before", "other"] {
        assert_eq!(runtime.run(dealer.recv()), Ok(text.into()));
    }
}

#[test]
fn a_cut_off_message_is_resent_whole_and_in_order() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let options = Options::default().send_bytes(0).reconnect_interval(Duration::from_millis(1));
    let dealer = Dealer::with_options(options);
    dealer.connect(at).unwrap();
    let large = vec![b'l'; 32 << 20];
    dealer.try_send("first").unwrap();
    dealer.try_send([large.clone(), large.clone()]).unwrap();
    dealer.try_send("last").unwrap();
    let mut script = listener.accept();
    script.handshake("DEALER", 1);
    script.expect(&message(&["first"]));
    // All of the first frame, and a part of the second.
    let mut bytes = message(&[&large[..], &large]);
    assert!(script.read(40 << 20) == bytes[..40 << 20]);
    drop(script);
    bytes.extend(message(&["last"]));
    let mut script = listener.accept();
    script.handshake("DEALER", 1);
    assert!(script.read(bytes.len()) == bytes);
}

#[test]
fn the_queue_of_an_accepted_peer_is_dropped_with_it() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Dealer::builder().peer_events(true));
    let at = runtime.bind(&dealer);
    let mut script = Script::join(&at, "DEALER", 1);
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Joined { .. }));
    let large = Message::from(vec![b'l'; 32 << 20]);
    dealer.try_send(large.clone()).unwrap();
    script.read(1 << 20);
    drop(script);
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Left { unsent, .. }
        if unsent.clone().into_iter().flatten().eq([large])));
    let mut script = Script::join(&at, "DEALER", 1);
    assert!(matches!(runtime.run(dealer.recv_event(1)).unwrap(), PeerEvent::Joined { .. }));
    dealer.try_send("for the next").unwrap();
    script.expect(&message(&["for the next"]));
}

#[test]
fn a_half_closed_peer_is_read_to_the_end() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    let texts: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    script.send(&texts.iter().flat_map(|text| message(&[text])).collect::<Vec<_>>());
    script.finish();
    for text in texts {
        assert_eq!(runtime.run(dealer.recv()), Ok(text.into()));
    }
    script.expect_close();
}

#[test]
fn messages_that_follow_the_handshake_at_once_are_not_lost() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let sub = Sub::new();
    sub.subscribe("");
    sub.connect(at).unwrap();
    let mut script = listener.accept();
    let ready = ready(&[("Socket-Type", b"PUB")]);
    let large = vec![b'l'; 3000];
    script.send(
        &[enfonet_tests::greeting(1), ready, message(&["a"]), message(&[&large]), message(&["b"])].concat(),
    );
    for message in [Message::from("a"), large.into(), "b".into()] {
        assert_eq!(runtime.run(sub.recv()), Ok(message));
    }
}

#[test]
fn a_peer_closed_within_a_message_leaves_only_its_connect_and_disconnect_events() {
    let runtime = Runtime::new();
    let router = Router::builder().peer_events(true).max_message_size(64).build();
    let at = runtime.bind(&router);
    // A peer that fails the handshake causes no event.
    let mut other = Script::connect(&at);
    other.send(&[greeting(1), ready(&[("Socket-Type", b"PUB")])].concat());
    other.expect_close();
    let mut script = Script::join(&at, "DEALER", 1);
    let PeerEvent::Joined { peer, .. } = runtime.run(router.recv_event(9)).unwrap() else { panic!() };
    script.send(b"\x01\x01a");
    script.settle();
    script.send(&[&b"\x00\x7f"[..], &[b'b'; 127]].concat());
    script.expect_close();
    let left = runtime.run(router.recv_event(9)).unwrap();
    assert!(matches!(left, PeerEvent::Left { peer: gone, .. } if gone == peer), "{left:?}");
}

#[test]
fn a_peer_without_a_handshake_causes_no_disconnect_message() {
    let runtime = Runtime::new();
    let router = Router::builder().disconnect_message("gone").build();
    let at = runtime.bind(&router);
    for said in [&b""[..], &greeting(1), &[greeting(1), ready(&[("Socket-Type", b"PUB")])].concat()] {
        let mut other = Script::connect(&at);
        other.send(said);
        other.finish();
        other.expect_close();
    }
    let mut script = Script::join(&at, "DEALER", 1);
    script.send(&message(&["here"]));
    let (peer, first) = runtime.run(router.recv()).unwrap();
    assert_eq!(first, "here");
    script.leave();
    assert_eq!(runtime.run(router.recv()), Ok((peer, "gone".into())));
}

#[test]
fn hello_and_probe_are_the_first_message_of_every_connection() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let quick = || Dealer::builder().reconnect_interval(Duration::from_millis(1));
    for (dealer, first) in
        [(quick().hello(["H", "2"]).build(), &["H", "2"][..]), (quick().probe(true).build(), &[""])]
    {
        let (listener, at) = ScriptListener::bind();
        dealer.connect(at).unwrap();
        for _ in 0..3 {
            let mut script = listener.accept();
            script.handshake("ROUTER", 1);
            script.expect(&message(first));
            runtime.run(dealer.send("next")).unwrap();
            script.expect(&message(&["next"]));
            script.leave();
        }
    }
}
