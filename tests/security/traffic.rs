//! Traffic under PLAIN and CURVE: long streams, and heartbeats between messages.

use std::time::Duration;

use enfonet::{Dealer, Message, Options};
use enfonet_tests::{DEADLINE, PySocket, Script, frames, theirs};

use crate::setup::{ANYWHERE, MECHANISMS, Mechanism, ROLES, Role, Setup};

/// Returns a DEALER of ours in a role, and a connected DEALER of pyzmq's in the other role.
fn dealers(setup: &Setup, mechanism: Mechanism, role: Role, options: Options) -> (Dealer, PySocket) {
    let ours = Dealer::with_options(options);
    let py = setup.secured("DEALER", mechanism, role.other());
    py.connect(&setup.runtime.bind(&ours));
    (ours, py)
}

#[test]
fn thousands_of_messages_arrive_in_order_both_ways() {
    const MESSAGES: u32 = 2000;
    let setup = Setup::new();
    for (mechanism, role) in MECHANISMS.into_iter().flat_map(|m| ROLES.map(|role| (m, role))) {
        let (ours, py) = dealers(&setup, mechanism, role, setup.options(mechanism, role));
        let ours = std::sync::Arc::new(ours);
        let sender = ours.clone();
        let sending = setup.runtime.spawn(async move {
            for n in 0..MESSAGES {
                sender.send([n.to_string(), "x".repeat(n as usize % 300)]).await.unwrap();
            }
        });
        for n in 0..MESSAGES {
            let message = py.recv();
            assert_eq!((&message[0], message[1].len()), (&n.to_string().into(), n as usize % 300));
            py.send(&message);
        }
        setup.runtime.run(sending).unwrap();
        for n in 0..MESSAGES {
            let message = setup.runtime.run(ours.recv()).unwrap();
            assert_eq!(message, [n.to_string(), "x".repeat(n as usize % 300)]);
        }
    }
}

#[test]
fn twenty_thousand_messages_between_our_sockets_arrive_in_order() {
    const MESSAGES: u32 = 20_000;
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        let from = Dealer::with_options(setup.options(mechanism, Role::Client));
        let to = Dealer::with_options(setup.options(mechanism, Role::Server));
        from.connect(setup.runtime.run(to.bind(ANYWHERE)).unwrap()).unwrap();
        let sending = setup.runtime.spawn(async move {
            for n in 0..MESSAGES {
                from.send(n.to_be_bytes().to_vec()).await.unwrap();
            }
            from
        });
        setup.runtime.run(async {
            for n in 0..MESSAGES {
                assert_eq!(to.recv().await, Ok(Message::from(&n.to_be_bytes())));
            }
        });
        drop(setup.runtime.run(sending).unwrap());
    }
}

#[test]
fn heartbeats_of_both_ends_do_not_disturb_messages() {
    let setup = Setup::new();
    for (mechanism, role) in MECHANISMS.into_iter().flat_map(|m| ROLES.map(|role| (m, role))) {
        let options = setup.options(mechanism, role).heartbeat_interval(Duration::from_millis(1));
        let ours = Dealer::with_options(options.heartbeat_timeout(DEADLINE).heartbeat_ttl(DEADLINE));
        let py = setup.secured("DEALER", mechanism, role.other());
        let py = py.option("heartbeat_ivl", 1).option("heartbeat_timeout", 30_000);
        let py = py.option("heartbeat_ttl", 30_000);
        py.connect(&setup.runtime.bind(&ours));
        // Some messages take longer than the interval, so that heartbeats come between their frames.
        for n in 0..100 {
            let message = frames([vec![n; if n % 50 == 0 { 1 << 18 } else { 10 }], vec![], vec![n]]);
            py.send(&message);
            let received = setup.runtime.run(ours.recv()).unwrap();
            assert!(theirs(&received) == message, "{n}");
            setup.runtime.run(ours.send(received)).unwrap();
            assert!(py.recv() == message, "{n}");
        }
        while let Some(event) = py.event(Duration::ZERO) {
            assert_ne!(event.0, "DISCONNECTED");
        }
    }
}

#[test]
fn a_megabyte_arrives_both_ways() {
    let setup = Setup::new();
    let message: Vec<Vec<u8>> = [1 << 20, 0, 70_000].map(|len| (0..len).map(|at| at as u8).collect()).into();
    for (mechanism, role) in MECHANISMS.into_iter().flat_map(|m| ROLES.map(|role| (m, role))) {
        let (ours, py) = dealers(&setup, mechanism, role, setup.options(mechanism, role));
        py.send(&message);
        let received = setup.runtime.run(ours.recv()).unwrap();
        assert!(theirs(&received) == message);
        setup.runtime.run(ours.send(received)).unwrap();
        assert!(py.recv() == message);
    }
}

#[test]
fn a_peer_that_answers_pings_stays_when_silent_peers_are_disconnected() {
    let (setup, time) = (Setup::new(), Duration::from_millis(300));
    let asking =
        |options: Options| options.heartbeat_interval(Duration::from_millis(20)).heartbeat_timeout(time);
    let py_asking = |py: PySocket| py.option("heartbeat_ivl", 20).option("heartbeat_timeout", 300);
    let mut pairs = Vec::new();
    for (mechanism, role) in MECHANISMS.into_iter().flat_map(|m| ROLES.map(|role| (m, role))) {
        pairs.push(dealers(&setup, mechanism, role, asking(setup.options(mechanism, role))));
        let ours = Dealer::with_options(setup.options(mechanism, role));
        let py = py_asking(setup.secured("DEALER", mechanism, role.other()));
        py.connect(&setup.runtime.bind(&ours));
        pairs.push((ours, py));
    }
    pairs.iter().for_each(|(_, py)| assert_eq!(py.wait_event("HANDSHAKE_SUCCEEDED"), 0));
    // Silent peers, at a socket of ours and at a socket of pyzmq's.
    let ours = Dealer::with_options(asking(Options::default()));
    let mut silent = Script::join(&setup.runtime.bind(&ours), "DEALER", 1);
    silent.expect_close();
    let py = py_asking(setup.py.socket("DEALER"));
    let _silent = Script::join(&py.bind(ANYWHERE), "DEALER", 1);
    py.wait_event("DISCONNECTED");
    for (ours, py) in pairs {
        assert_eq!(py.event(Duration::ZERO), None);
        py.send(&["still here"]);
        assert_eq!(setup.runtime.run(ours.recv()), Ok("still here".into()));
    }
}
