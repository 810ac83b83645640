//! Fair queueing, and messages that stay in one piece (RFC 28; RFC 29).

use std::sync::Arc;

use enfonet::socket::XPubEvent;
use enfonet::{Dealer, Message, Rep, Router, Sub, XPub, XSub};
use enfonet_tests::{Runtime, Script, bound, message};

/// Sends three messages from each of two peers, one peer after the other, and asserts that they are fair-queued.
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
    let plain = |text: &str| message(&[text]);
    macro_rules! bound {
        ($kind:ident) => {{
            let socket = $kind::new();
            let at = runtime.bind(&socket);
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
    let expect_subscription = |script: &mut Script| script.expect(b"\x04\x0a\x09SUBSCRIBE");
    let _publishers = ["a", "b"].map(|name| {
        let mut script = Script::join(&at, "PUB", 1);
        expect_subscription(&mut script);
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
    let (runtime, dealer, mut script) = bound(Dealer::new(), "DEALER");
    let dealer = Arc::new(dealer);
    runtime.run(dealer.wait_connected(1));
    let senders: Vec<_> = (0..TASKS)
        .map(|task| {
            let dealer = dealer.clone();
            runtime.spawn(async move {
                for n in 0..EACH {
                    // Small messages are copied and large ones aren't, so both ways to the kernel are taken.
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
