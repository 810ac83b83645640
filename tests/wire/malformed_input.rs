//! Peers that send malformed bytes: they are disconnected, and no other peer is affected.

use std::cell::RefCell;

use enfonet::{Dealer, Message, Options, Pub};
use enfonet_tests::{Runtime, Script, ScriptListener, bound, command, greeting, message};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

#[test]
fn garbage_does_not_disturb_a_healthy_peer() {
    let runtime = Runtime::new();
    let publisher = Pub::new();
    let at = runtime.bind(&publisher);
    let healthy = RefCell::new(Script::join(&at, "SUB", 1));
    healthy.borrow_mut().send(&command("SUBSCRIBE", b"HELLO"));
    runtime.run(publisher.wait_subscribers(1));
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    // Random bytes, often the flags of a frame.
    let garbage = prop::collection::vec(prop_oneof![any::<u8>(), 0u8..8], 0..400);
    let outcome = TestRunner::new(config).run(&garbage, |garbage| {
        // Garbage in place of the greeting, of READY, and of traffic.
        let mut sick = [Script::connect(&at), Script::connect(&at), Script::join(&at, "SUB", 1)];
        sick[0].try_send(&garbage);
        sick[1].try_send(&[&greeting(1), &garbage[..]].concat());
        sick[2].try_send(&garbage);
        healthy.borrow_mut().settle();
        runtime.run(publisher.send("HELLO")).unwrap();
        healthy.borrow_mut().expect(&message(&["HELLO"]));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn garbage_of_a_listening_peer_does_not_disturb_a_healthy_peer() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let dealer = Dealer::new();
    let (healthy, at) = ScriptListener::bind();
    dealer.connect(at).unwrap();
    let healthy = RefCell::new(healthy.accept());
    healthy.borrow_mut().handshake("DEALER", 1);
    let (sick, at) = ScriptListener::bind();
    let config = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let garbage = prop::collection::vec(prop_oneof![any::<u8>(), 0u8..8], 0..400);
    let outcome = TestRunner::new(config).run(&(garbage, 0..3), |(garbage, stage)| {
        dealer.connect(&at).unwrap();
        let mut script = sick.accept();
        // Garbage in place of the greeting, of READY, and of a PING after it.
        match stage {
            0 => script.try_send(&garbage),
            1 => script.try_send(&[&greeting(1), &garbage[..]].concat()),
            _ => {
                script.handshake("ROUTER", 1);
                script.try_send(&[b"\x04\xff\x04PING", &garbage[..]].concat());
            }
        }
        healthy.borrow_mut().settle();
        healthy.borrow_mut().send(&message(&["healthy"]));
        while runtime.run(dealer.recv()).unwrap() != "healthy" {}
        dealer.disconnect(&at).unwrap();
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn an_oversized_message_ends_only_its_own_connection() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_message_size(1000));
    let at = runtime.bind(&dealer);
    let mut healthy = Script::join(&at, "DEALER", 1);
    let part = |flags: u8, len: u16| [&[flags, 0, 0, 0, 0, 0, 0][..], &len.to_be_bytes()].concat();
    for (sent, announced) in [
        // One frame; two frames that are too large together; many small frames.
        (Vec::new(), part(2, 1001)),
        ([part(3, 600), vec![0; 600]].concat(), part(2, 600)),
        (message(&["x"; 500])[..999].to_vec(), b"\x01\xff".to_vec()),
        (Vec::new(), b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec()),
    ] {
        let mut greedy = Script::join(&at, "DEALER", 1);
        greedy.send(&sent);
        greedy.settle();
        // The announced length is enough.
        greedy.send(&announced);
        assert_eq!(greedy.expect_close(), b"");
    }
    healthy.send(&message(&[[b'x'; 900]]));
    assert_eq!(runtime.run(dealer.recv()), Ok(Message::from(&[b'x'; 900])));
}

#[test]
fn memory_for_a_large_message_is_allocated_as_it_arrives() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_message_size(usize::MAX));
    let at = runtime.bind(&dealer);
    // Together they announce more memory than the machine has.
    let mut boasters: Vec<_> = (0..20).map(|_| Script::join(&at, "DEALER", 1)).collect();
    boasters.iter_mut().for_each(|script| script.send(b"\x02\0\0\x7f\xff\xff\xff\xff\xffsome"));
    let mut healthy = Script::join(&at, "DEALER", 1);
    healthy.send(&message(&["healthy"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("healthy".into()));
}

#[test]
fn an_invalid_length_ends_the_connection() {
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().max_message_size(usize::MAX));
    let at = runtime.bind(&dealer);
    for flags in [2, 3, 6, 0xfa] {
        let mut script = Script::join(&at, "DEALER", 1);
        script.send(&[flags, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(script.expect_close(), b"");
    }
}

#[test]
fn an_endless_message_ends_its_connection() {
    let (_runtime, _dealer, mut endless) =
        bound(Dealer::with_options(Options::default().max_message_size(1 << 20)), "DEALER");
    let frames = b"\x01\0".repeat(1 << 20);
    endless.try_send(&frames);
    endless.expect_close();
}

#[test]
fn unread_pongs_do_not_accumulate() {
    const PINGS: usize = 400_000;
    let runtime = Runtime::new();
    let dealer = Dealer::with_options(Options::default().send_buffer(64 << 10));
    let at = runtime.bind(&dealer);
    let mut flood = Script::join(&at, "DEALER", 1);
    // The kernel holds far fewer PONGs than there are PINGs.
    flood.set_recv_buffer(64 << 10);
    let mut healthy = Script::join(&at, "DEALER", 1);
    let pings = command("PING", b"\0\0fifteen bytes!!").repeat(PINGS / 40);
    (0..40).for_each(|_| flood.send(&pings));
    flood.send(&message(&["behind the flood"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("behind the flood".into()));
    healthy.settle();
    // Each answer is a whole PONG. Most PINGs get none, or the last PONG would not arrive within this loop.
    let (pong, last) = (command("PONG", b"fifteen bytes!!"), command("PONG", b"the last of all"));
    let mut answered = 0;
    loop {
        if answered % 500 == 0 {
            flood.send(&command("PING", b"\0\0the last of all"));
        }
        let answer = flood.read(pong.len());
        if answer == last {
            break;
        }
        assert_eq!(answer, pong);
        answered += 1;
        assert!(answered < PINGS / 4, "so many of {PINGS} PINGs are answered");
    }
}

#[test]
fn silent_connections_do_not_keep_other_peers_out() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let silent: Vec<_> = (0..300).map(|_| Script::connect(&at)).collect();
    let mut healthy = Script::join(&at, "DEALER", 1);
    healthy.send(&message(&["healthy"]));
    assert_eq!(runtime.run(dealer.recv()), Ok("healthy".into()));
    drop(silent);
    healthy.settle();
}

#[test]
fn peers_that_leave_at_any_point_do_no_harm() {
    let runtime = Runtime::new();
    let dealer = Dealer::new();
    let at = runtime.bind(&dealer);
    let ready = enfonet_tests::ready(&[("Socket-Type", b"DEALER")]);
    let all = [greeting(1), ready, message(&["a", "b"])].concat();
    for sent in 0..all.len() {
        Script::connect(&at).send(&all[..sent]);
    }
    let mut healthy = Script::connect(&at);
    healthy.send(&all);
    assert_eq!(runtime.run(dealer.recv()), Ok(["a", "b"].into()));
}
