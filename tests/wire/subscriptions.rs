//! Subscriptions: commands in ZMTP 3.1, messages in 3.0 and from libzmq's XSUB (RFC 37; RFC 29).

use std::time::Duration;

use enfonet::message::Subscription;
use enfonet::socket::XPubEvent;
use enfonet::{Options, Pub, Sub, XPub, XSub};
use enfonet_tests::{Runtime, Script, ScriptListener, bound, command, connected, message};

/// Returns a subscription in the form of ZMTP 3.0, which all versions accept.
fn old(byte: u8, topic: &[u8]) -> Vec<u8> {
    message(&[[&[byte], topic].concat()])
}

#[test]
fn a_peer_gets_subscriptions_in_the_form_of_its_version() {
    let runtime = Runtime::new();
    let forms: [(u8, [&[u8]; 4]); 2] = [
        (0, [b"\0\x02\x01A", b"\0\x03\x01AB", b"\0\x02\0A", b"\0\x01\x01"]),
        (
            1,
            [
                b"\x04\x0b\x09SUBSCRIBEA",
                b"\x04\x0c\x09SUBSCRIBEAB",
                b"\x04\x08\x06CANCELA",
                b"\x04\x0a\x09SUBSCRIBE",
            ],
        ),
    ];
    for (minor, [before, during, cancel, all]) in forms {
        let sub = Sub::new();
        sub.subscribe("A");
        let mut script = runtime.connect_to_peer(&sub, "PUB", minor);
        script.expect(before);
        sub.subscribe("AB");
        script.expect(during);
        sub.unsubscribe("A");
        script.expect(cancel);
        sub.subscribe("");
        script.expect(all);
    }
}

#[test]
fn xsub_subscribes_as_sub_does_by_method_or_by_message() {
    let (runtime, xsub, mut script) = connected(XSub::new(), "XPUB");
    runtime.run(xsub.wait_connected(1));
    xsub.subscribe("A");
    script.expect(&command("SUBSCRIBE", b"A"));
    xsub.send("\u{1}B").unwrap();
    script.expect(&command("SUBSCRIBE", b"B"));
    xsub.send("\0A").unwrap();
    script.expect(&command("CANCEL", b"A"));
    xsub.unsubscribe("B");
    script.expect(&command("CANCEL", b"B"));
    xsub.send(["\u{2}", "upstream"]).unwrap();
    script.expect(b"\x01\x01\x02\0\x08upstream");
}

#[test]
fn a_sub_sends_every_subscription_but_only_the_last_cancel() {
    let (runtime, sub, mut script) = connected(Sub::new(), "PUB");
    runtime.run(sub.wait_connected(1));
    sub.subscribe("A");
    sub.subscribe("A");
    sub.unsubscribe("A");
    assert_eq!(sub.topics(), 1);
    sub.unsubscribe("never");
    sub.unsubscribe("A");
    sub.unsubscribe("A");
    assert_eq!(sub.topics(), 0);
    sub.subscribe("B");
    script.expect(&command("SUBSCRIBE", b"A"));
    script.expect(&command("SUBSCRIBE", b"A"));
    script.expect(&command("CANCEL", b"A"));
    script.expect(&command("SUBSCRIBE", b"B"));
}

#[test]
fn a_verbose_xsub_sends_every_cancel() {
    let runtime = Runtime::new();
    for minor in [0, 1] {
        let xsub = XSub::builder().verbose_unsubscribe(true).build();
        let mut script = runtime.connect_to_peer(&xsub, "XPUB", minor);
        runtime.run(xsub.wait_connected(1));
        let put = |byte, topic: &[u8]| match (minor, byte) {
            (0, _) => old(byte, topic),
            (_, 1) => command("SUBSCRIBE", topic),
            _ => command("CANCEL", topic),
        };
        xsub.unsubscribe("never");
        script.expect(&put(0, b"never"));
        for _ in 0..2 {
            xsub.subscribe("A");
            script.expect(&put(1, b"A"));
        }
        assert_eq!(xsub.topics(), 1);
        xsub.unsubscribe("A");
        script.expect(&put(0, b"A"));
        for _ in 0..2 {
            xsub.send("\0A").unwrap();
            script.expect(&put(0, b"A"));
        }
        assert_eq!(xsub.topics(), 0);
    }
}

#[test]
fn a_verboser_xpub_receives_every_cancel_even_of_unknown_topics() {
    let (runtime, xpub, mut script) = bound(XPub::builder().verboser(true).build(), "XSUB");
    script.send(
        &[command("CANCEL", b"never"), command("SUBSCRIBE", b"A"), old(0, b"A"), old(0, b"A")].concat(),
    );
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Cancel("never".into()));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe("A".into()));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Cancel("A".into()));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Cancel("A".into()));
}

#[test]
fn repeated_subscriptions_wait_until_a_verbose_xpub_receives_them() {
    const TIMES: usize = 100_000;
    let (runtime, xpub, mut script) = bound(XPub::builder().verbose(true).build(), "SUB");
    let sending = std::thread::spawn(move || {
        script.send(&command("SUBSCRIBE", b"again and again").repeat(TIMES));
        script
    });
    for _ in 0..TIMES {
        assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe("again and again".into()));
    }
    sending.join().unwrap().settle();
}

#[test]
fn each_new_connection_gets_each_topic_once_and_in_order() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let sub = Sub::with_options(Options::default().reconnect_interval(Duration::from_millis(1)));
    ["b", "a", "c", "a", "ab", ""].iter().for_each(|topic| sub.subscribe(topic));
    sub.unsubscribe("c");
    sub.connect(at).unwrap();
    for minor in [1, 0, 1] {
        let mut script = listener.accept();
        script.handshake("PUB", minor);
        for topic in [&b""[..], b"a", b"ab", b"b"] {
            script.expect(&if minor == 0 { old(1, topic) } else { command("SUBSCRIBE", topic) });
        }
        script.settle();
    }
}

#[test]
fn the_long_form_counts_the_name_of_the_command() {
    let runtime = Runtime::new();
    let cases: [(u8, usize, &[u8]); 6] = [
        (1, 245, b"\x04\xff\x09SUBSCRIBE"),
        (1, 246, b"\x06\0\0\0\0\0\0\x01\0\x09SUBSCRIBE"),
        (1, 255, b"\x06\0\0\0\0\0\0\x01\x09\x09SUBSCRIBE"),
        (0, 254, b"\0\xff\x01"),
        (0, 255, b"\x02\0\0\0\0\0\0\x01\0\x01"),
        (0, 70_000, b"\x02\0\0\0\0\0\x01\x11\x71\x01"),
    ];
    for (minor, len, head) in cases {
        let sub = Sub::new();
        let topic = vec![b't'; len];
        sub.subscribe(&topic);
        let mut script = runtime.connect_to_peer(&sub, "PUB", minor);
        script.expect(&[head, &topic].concat());
        sub.unsubscribe(&topic);
        if (minor, len) == (1, 255) {
            script.expect(&[&b"\x06\0\0\0\0\0\0\x01\x06\x06CANCEL"[..], &topic].concat());
        }
    }
}

#[test]
fn a_publisher_accepts_both_forms_from_both_versions() {
    let runtime = Runtime::new();
    for (minor, kind) in [(0, "SUB"), (1, "SUB"), (0, "XSUB"), (1, "XSUB")] {
        let publisher = Pub::new();
        let at = runtime.bind(&publisher);
        let mut script = Script::join(&at, kind, minor);
        script.send(
            &[old(1, b"A"), command("SUBSCRIBE", b"B"), old(1, b"C"), command("SUBSCRIBE", b"D")].concat(),
        );
        script.send(
            &[command("CANCEL", b"A"), old(0, b"B"), old(0, b"unknown"), command("CANCEL", b"unknown")]
                .concat(),
        );
        script.settle();
        runtime.run(async {
            for topic in ["A", "B", "C", "D"] {
                publisher.send(topic).await.unwrap();
            }
        });
        script.expect(b"\0\x01C\0\x01D");
    }
}

/// Returns the next subscription that an XPUB receives, and fails on any other message.
fn next_subscription(runtime: &Runtime, xpub: &XPub) -> Subscription {
    match runtime.run(xpub.recv()).unwrap() {
        XPubEvent::Subscription { subscription, .. } => subscription,
        message @ XPubEvent::Message { .. } => panic!("{message:?}"),
    }
}

#[test]
fn one_cancel_ends_any_number_of_equal_subscriptions_of_a_connection() {
    let (runtime, xpub, mut script) = bound(XPub::new(), "SUB");
    script.send(&[command("SUBSCRIBE", b"A"), old(1, b"A"), command("SUBSCRIBE", b"A")].concat());
    script.send(&[command("CANCEL", b"A"), command("CANCEL", b"A"), command("SUBSCRIBE", b"B")].concat());
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe("A".into()));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Cancel("A".into()));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe("B".into()));
    runtime.run(xpub.send("A")).unwrap();
    runtime.run(xpub.send("B")).unwrap();
    script.expect(b"\0\x01B");
}

#[test]
fn only_the_first_frame_of_a_message_can_be_a_subscription() {
    let (runtime, xpub, mut script) = bound(XPub::new(), "XSUB");
    script.send(&message(&["\u{2}a", "\u{1}b", "\0c"]));
    script.send(&message(&["", "\u{1}d"]));
    for expected in [vec!["\u{2}a", "\u{1}b", "\0c"], vec!["", "\u{1}d"]] {
        let XPubEvent::Message { message, .. } = runtime.run(xpub.recv()).unwrap() else { panic!() };
        assert!(message.iter().eq(expected.iter().map(|frame| frame.as_bytes())));
    }
}

#[test]
fn too_many_subscriptions_end_only_their_own_connection() {
    let runtime = Runtime::new();
    let xpub = XPub::with_options(Options::default().max_subscriptions(10, 1000));
    let at = runtime.bind(&xpub);
    let mut healthy = Script::join(&at, "SUB", 1);
    healthy.send(&command("SUBSCRIBE", b"healthy"));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe("healthy".into()));
    let ten: Vec<u8> = (0..10u8).flat_map(|n| command("SUBSCRIBE", &[n])).collect();
    let bytes = [command("SUBSCRIBE", &[b'x'; 240]), command("SUBSCRIBE", &[b'y'; 240])].concat();
    let bytes =
        [bytes, command("SUBSCRIBE", &[b'z'; 240]), old(1, &[b'a'; 240]), old(1, &[b'b'; 240])].concat();
    for too_many in [[ten, command("SUBSCRIBE", b"11th")].concat(), bytes] {
        let mut greedy = Script::join(&at, "SUB", 1);
        greedy.send(&too_many);
        assert_eq!(greedy.expect_close(), b"");
    }
    runtime.run(xpub.send("healthy")).unwrap();
    healthy.expect(&message(&["healthy"]));
    healthy.settle();
    // All topics of the disconnected peers are cancelled.
    let mut wanted = 0;
    let mut cancels = 0;
    while cancels == 0 || wanted > 0 {
        match next_subscription(&runtime, &xpub) {
            Subscription::Subscribe(_) => wanted += 1,
            Subscription::Cancel(_) => (wanted, cancels) = (wanted - 1, cancels + 1),
        }
    }
    assert!(cancels >= 9, "{cancels}");
}

#[test]
fn a_repeated_subscription_does_not_count_against_the_limit() {
    let (_runtime, _publisher, mut script) =
        bound(Pub::with_options(Options::default().max_subscriptions(2, 1000)), "SUB");
    script
        .send(&[command("SUBSCRIBE", b"a"), command("SUBSCRIBE", b"a"), command("SUBSCRIBE", b"a")].concat());
    script.send(&[command("CANCEL", b"a"), command("SUBSCRIBE", b"b"), command("SUBSCRIBE", b"c")].concat());
    script.settle();
    script.send(&command("SUBSCRIBE", b"b"));
    script.settle();
}

#[test]
fn subscriptions_on_either_side_of_the_long_form_are_understood() {
    let (runtime, xpub, mut script) = bound(XPub::new(), "SUB");
    let heads: [(usize, &[u8], &[u8]); 3] = [
        (245, b"\x04\xff\x09SUBSCRIBE", b"\x04\xfc\x06CANCEL"),
        (246, b"\x06\0\0\0\0\0\0\x01\0\x09SUBSCRIBE", b"\x04\xfd\x06CANCEL"),
        (249, b"\x06\0\0\0\0\0\0\x01\x03\x09SUBSCRIBE", b"\x06\0\0\0\0\0\0\x01\0\x06CANCEL"),
    ];
    for (len, subscribe, cancel) in heads {
        let topic = vec![b't'; len];
        script.send(&[subscribe, &topic, cancel, &topic].concat());
        assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe(topic.clone().into()));
        assert_eq!(next_subscription(&runtime, &xpub), Subscription::Cancel(topic.into()));
    }
    for len in [254, 255, 256] {
        let topic = vec![b't'; len];
        script.send(&[old(1, &topic), old(0, &topic)].concat());
        assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe(topic.clone().into()));
        assert_eq!(next_subscription(&runtime, &xpub), Subscription::Cancel(topic.into()));
    }
}

#[test]
fn frames_after_a_subscription_in_the_same_message_are_dropped() {
    let (runtime, xpub, mut script) = bound(XPub::new(), "XSUB");
    script.send(&message(&["\u{1}a", "\u{1}b", "user data"]));
    script.send(&message(&["\0a", "\0c"]));
    script.send(&old(1, b"end"));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe("a".into()));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Cancel("a".into()));
    assert_eq!(next_subscription(&runtime, &xpub), Subscription::Subscribe("end".into()));
}

#[test]
fn xsub_receives_unsubscribed_messages_and_sends_every_subscription() {
    let (runtime, xsub, mut script) = connected(XSub::new(), "XPUB");
    runtime.run(xsub.wait_connected(1));
    xsub.send("\u{1}A").unwrap();
    xsub.subscribe("A");
    xsub.send("\u{1}A").unwrap();
    (0..3).for_each(|_| script.expect(&command("SUBSCRIBE", b"A")));
    script.send(&[message(&["unasked for"]), message(&["A"])].concat());
    for text in ["unasked for", "A"] {
        assert_eq!(runtime.run(xsub.recv()), Ok(text.into()));
    }
    script.send(&message(&["unasked for", "too"]));
    let (_, batch) = runtime.run(xsub.recv_batch(usize::MAX)).unwrap();
    assert!(batch.into_iter().eq([["unasked for", "too"]]));
}

#[test]
fn a_pub_keeps_reading_while_it_drops_messages() {
    let (runtime, publisher, mut script) = bound(Pub::with_options(Options::default().recv_hwm(10)), "XSUB");
    for _ in 0..100 {
        script.send(&message(&["\u{2}user", "data"]));
        script.settle();
    }
    script.send(&command("SUBSCRIBE", b"A"));
    runtime.run(publisher.wait_subscribers(1));
    runtime.run(publisher.send("A")).unwrap();
    script.expect(&message(&["A"]));
}
