//! Turns, marks, and messages that stay in one piece (RFC 28; RFC 29).

use std::sync::Arc;

use enfonet::error::ReplyError;
use enfonet::socket::XPubEvent;
use enfonet::{Dealer, Message, Options, Rep, Router, Sub, XPub, XSub};
use enfonet_tests::{DEADLINE, Runtime, Script, ScriptListener, message};

use crate::setup::{ANYWHERE, dealer};

/// Lets two peers of this kind send three messages each, one peer after the other, and then receives them all.
fn turns(at: &str, kind: &str, wire: impl Fn(&str) -> Vec<u8>, mut recv: impl FnMut() -> Message) {
    let _peers = ["a", "b"].map(|name| {
        let mut script = Script::join(at, kind, 1);
        (1..4).for_each(|n| script.send(&wire(&format!("{name}{n}"))));
        script.settle();
        script
    });
    let received = [(); 6].map(|()| recv());
    assert_eq!(received, ["a1", "b1", "a2", "b2", "a3", "b3"].map(Message::from), "{kind}");
}

#[test]
fn every_receiving_socket_type_fair_queues_its_peers() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let plain = |text: &str| message(&[text]);
    macro_rules! bound {
        ($kind:ident) => {{
            let socket = $kind::new();
            let at = runtime.run(socket.bind(ANYWHERE)).unwrap().to_string();
            (socket, at)
        }};
    }
    let (dealer, at) = bound!(Dealer);
    turns(&at, "DEALER", plain, || runtime.run(dealer.recv()).unwrap());
    let (router, at) = bound!(Router);
    turns(&at, "DEALER", plain, || runtime.run(router.recv()).unwrap().1);
    let (rep, at) = bound!(Rep);
    let request = |text: &str| message(&["", text]);
    turns(&at, "REQ", request, || runtime.run(rep.recv()).unwrap().message().clone());
    let (sub, at) = bound!(Sub);
    sub.subscribe("");
    let told = |script: &mut Script| script.expect(b"\x04\x0a\x09SUBSCRIBE");
    let _publishers = ["a", "b"].map(|name| {
        let mut script = Script::join(&at, "PUB", 1);
        told(&mut script);
        (1..4).for_each(|n| script.send(&plain(&format!("{name}{n}"))));
        script.settle();
        script
    });
    let received = [(); 6].map(|()| runtime.run(sub.recv()).unwrap());
    assert_eq!(received, ["a1", "b1", "a2", "b2", "a3", "b3"].map(Message::from));
    let (xsub, at) = bound!(XSub);
    turns(&at, "XPUB", plain, || runtime.run(xsub.recv()).unwrap());
    let (xpub, at) = bound!(XPub);
    turns(&at, "XSUB", plain, || match runtime.run(xpub.recv()).unwrap() {
        XPubEvent::Message { message, .. } => message,
        other @ XPubEvent::Subscription { .. } => panic!("{other:?}"),
    });
}

#[test]
fn messages_of_concurrent_tasks_do_not_interleave() {
    const TASKS: u8 = 4;
    const EACH: u8 = 50;
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (dealer, at) = dealer(&runtime, Options::default());
    let mut script = Script::join(&at, "DEALER", 1);
    let dealer = Arc::new(dealer);
    runtime.run(dealer.wait_connected(1));
    let senders: Vec<_> = (0..TASKS)
        .map(|task| {
            let dealer = dealer.clone();
            runtime.spawn(async move {
                for n in 0..EACH {
                    // Small and large ones: they take different ways to the kernel.
                    let large = vec![task; if n % 2 == 0 { 10 } else { 10_000 }];
                    dealer.send([vec![task], vec![n], large, vec![], vec![task]]).await.unwrap();
                }
            })
        })
        .collect();
    let mut next = [0; TASKS as usize];
    for _ in 0..u32::from(TASKS) * u32::from(EACH) {
        let frames = script.message();
        let task = frames[0][0];
        let n = &mut next[usize::from(task)];
        assert_eq!((frames.len(), &frames[1][..], &frames[4][..]), (5, &[*n][..], &[task][..]));
        assert!(frames[2].iter().all(|byte| *byte == task) && frames[3].is_empty());
        *n += 1;
    }
    senders.into_iter().for_each(|sender| runtime.run(sender).unwrap());
}

#[test]
fn a_subscriber_at_its_mark_blocks_its_publisher_and_loses_nothing() {
    const MESSAGES: u32 = 20_000;
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (listener, at) = ScriptListener::bind();
    let sub = Sub::with_options(Options::default().recv_hwm(10));
    sub.subscribe("");
    sub.connect(at).unwrap();
    let mut script = listener.accept();
    script.handshake("PUB", 1);
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
    let _guard = runtime.enter();
    let xsub = XSub::with_options(Options::default().send_hwm(10));
    let at = runtime.run(xsub.bind(ANYWHERE)).unwrap().to_string();
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

#[test]
fn a_reply_to_a_disconnected_client_reaches_no_peer() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let rep = Rep::new();
    let at = runtime.run(rep.bind(ANYWHERE)).unwrap().to_string();
    let mut gone = Script::join(&at, "REQ", 1);
    gone.send(&message(&["", "q"]));
    let request = runtime.run(rep.recv()).unwrap();
    gone.leave();
    let mut other = Script::join(&at, "REQ", 1);
    other.send(&message(&["", "other q"]));
    let other_request = runtime.run(rep.recv()).unwrap();
    assert_eq!(request.reply("a"), Err(ReplyError::ClientGone));
    other.settle();
    other_request.reply("other a").unwrap();
    other.expect(&message(&["", "other a"]));
}
