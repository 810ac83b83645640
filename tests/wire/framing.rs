//! Flags and lengths (RFC 37, "Framing").

use enfonet::{Dealer, Message, XPub, XSub};
use enfonet_tests::{Runtime, Script, ScriptListener, bound, command, message, theirs};

#[test]
fn bodies_of_up_to_255_bytes_use_the_short_form_and_larger_bodies_the_long_form() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    runtime.run(dealer.wait_connected(1));
    for (len, head) in [
        (0, &b"\0\0"[..]),
        (1, b"\0\x01"),
        (255, b"\0\xff"),
        (256, b"\x02\0\0\0\0\0\0\x01\0"),
        (65_535, b"\x02\0\0\0\0\0\0\xff\xff"),
        (65_536, b"\x02\0\0\0\0\0\x01\0\0"),
        (1 << 24, b"\x02\0\0\0\0\x01\0\0\0"),
    ] {
        let body = vec![b'x'; len];
        let bytes = [head, &body].concat();
        runtime.run(dealer.send(body.clone())).unwrap();
        assert!(script.read(bytes.len()) == bytes, "sent {len}");
        script.send(&bytes);
        assert!(runtime.run(dealer.recv()).unwrap() == body, "received {len}");
    }
}

#[test]
fn every_frame_but_the_last_has_the_more_flag() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    runtime.run(dealer.wait_connected(1));
    let long = vec![b'l'; 5000];
    let frames = || vec![b"a".to_vec(), vec![], long.clone(), vec![b's'; 255], long.clone(), vec![]];
    let bytes = [
        &b"\x01\x01a\x01\0\x03\0\0\0\0\0\0\x13\x88"[..],
        &long,
        b"\x01\xff",
        &[b's'; 255],
        b"\x03\0\0\0\0\0\0\x13\x88",
        &long,
        b"\0\0",
    ]
    .concat();
    runtime.run(dealer.send(Message::from_frames(frames()))).unwrap();
    assert!(script.read(bytes.len()) == bytes);
    script.send(&bytes);
    assert_eq!(theirs(&runtime.run(dealer.recv()).unwrap()), frames());
}

#[test]
fn short_bodies_in_the_long_form_and_reserved_bits_are_accepted() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    script.send(b"\x02\0\0\0\0\0\0\0\x02hi");
    script.send(b"\x03\0\0\0\0\0\0\0\0\x00\x01x");
    script.send(b"\xf8\x01a\x09\x01b\xf2\0\0\0\0\0\0\0\x01c");
    // PING in the long form, and PING with reserved bits.
    script.send(b"\x06\0\0\0\0\0\0\0\x09\x04PING\0\0hi");
    script.expect(b"\x04\x07\x04PONGhi");
    script.send(b"\xfc\x09\x04PING\0\0ho");
    script.expect(b"\x04\x07\x04PONGho");
    for message in [Message::from("hi"), ["", "x"].into(), "a".into(), ["b", "c"].into()] {
        assert_eq!(runtime.run(dealer.recv()), Ok(message));
    }
}

#[test]
fn noncanonical_frames_are_forwarded_in_canonical_form() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (xsub, xpub) = (XSub::new(), XPub::new());
    let (listener, at) = ScriptListener::bind();
    xsub.connect(at).unwrap();
    let mut publisher = listener.accept();
    publisher.handshake("XPUB", 1);
    let mut subscriber = Script::join(&runtime.bind(&xpub), "XSUB", 1);
    subscriber.send(&command("SUBSCRIBE", b""));
    runtime.run(xpub.wait_subscribers(1));
    let sloppy: [&[u8]; 4] = [
        b"\xf8\x01a",
        b"\x02\0\0\0\0\0\0\0\x01b",
        b"\xf9\x01c\x03\0\0\0\0\0\0\0\0\x04\x05\x04NOPE\x0a\0\0\0\0\0\0\0\x01d",
        b"\0\x01e",
    ];
    publisher.send(&sloppy.concat());
    // The end of the stream shows that no more messages follow.
    drop(publisher);
    let expected = b"\0\x01a\0\x01b\x01\x01c\x01\0\0\x01d\0\x01e";
    let mut messages = 0;
    while messages < 4 {
        let (_, mut batch) = runtime.run(xsub.recv_batch(usize::MAX)).unwrap();
        messages += batch.len();
        runtime.run(xpub.send_batch(&mut batch)).unwrap();
    }
    subscriber.expect(expected);
}

#[test]
fn frames_may_arrive_in_any_pieces() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    let long = "l".repeat(300);
    let bytes =
        [message(&["a", "", &long, "b"]), command("NOPE", b""), message(&[""]), message(&["end"])].concat();
    for size in [1, 2, 3, 7, 100, 301] {
        bytes.chunks(size).for_each(|piece| script.send(piece));
        let expected = [
            Message::from(["a".to_string(), String::new(), long.clone(), "b".into()]),
            "".into(),
            "end".into(),
        ];
        for message in expected {
            assert_eq!(runtime.run(dealer.recv()), Ok(message), "pieces of {size}");
        }
    }
}

#[test]
fn thousands_of_frames_may_arrive_in_one_piece() {
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    let bytes = (0..20_000u32).map(|n| message(&[n.to_be_bytes()])).collect::<Vec<_>>().concat();
    let sending = std::thread::spawn(move || {
        script.send(&bytes);
        script
    });
    for n in 0..20_000u32 {
        assert_eq!(runtime.run(dealer.recv()), Ok(Message::from(&n.to_be_bytes())));
    }
    drop(sending.join().unwrap());
}
