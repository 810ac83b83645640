//! High-water marks of SUB and XSUB (RFC 29).

use enfonet::{Options, Sub, XSub};
use enfonet_tests::{DEADLINE, Runtime, Script, message};

#[test]
fn a_subscriber_at_its_mark_blocks_its_publisher_and_loses_nothing() {
    const MESSAGES: u32 = 20_000;
    let runtime = Runtime::new();
    let sub = Sub::with_options(Options::default().recv_hwm(10));
    sub.subscribe("");
    let mut script = runtime.connect_to_peer(&sub, "PUB", 1);
    script.expect(b"\x04\x0a\x09SUBSCRIBE");
    let (has_begun, begun) = std::sync::mpsc::channel();
    let sending = std::thread::spawn(move || {
        for n in 0..MESSAGES {
            script.send(&message(&[[&n.to_be_bytes()[..], &[0; 1000]].concat()]));
            if n == 1000 {
                has_begun.send(()).unwrap();
            }
        }
        script
    });
    begun.recv_timeout(DEADLINE).unwrap();
    for n in 0..MESSAGES {
        assert_eq!(runtime.run(sub.recv()).unwrap().first()[..4], n.to_be_bytes());
    }
    drop(sending.join().unwrap());
}

#[test]
fn messages_of_an_xsub_to_a_publisher_that_does_not_read_are_dropped_and_reach_others() {
    const MESSAGES: usize = 200;
    const SIZE: usize = 1 << 20;
    let runtime = Runtime::new();
    let xsub = XSub::with_options(Options::default().send_hwm(10));
    let at = runtime.bind(&xsub);
    let mut stuck = Script::join(&at, "XPUB", 1);
    let mut reader = Script::join(&at, "XPUB", 1);
    runtime.run(xsub.wait_connected(2));
    let expected = message(&[vec![2; SIZE]]);
    for _ in 0..MESSAGES {
        xsub.send(vec![2; SIZE]).unwrap();
        assert!(reader.read(expected.len()) == expected);
    }
    let closing = runtime.spawn(async move { xsub.close(DEADLINE).await });
    let rest = stuck.expect_close();
    assert!(rest.chunks(expected.len()).all(|one| one == expected), "whole messages");
    let got = rest.len() / expected.len();
    assert!((1..MESSAGES).contains(&got), "{got}");
    drop(reader);
    runtime.run(closing).unwrap();
}
