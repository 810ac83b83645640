//! PLAIN and CURVE between every pair of socket types: either library, either end as server, either end bound.

use std::time::Duration;

use enfonet_tests::{AnySocket, eventually, frames, wait_subscribed, wildcard};
use zmq::SocketType;

use crate::setup::{Implementation, MECHANISMS, ROLES, Role, Setup};

/// An identity of the maximum length.
const LONG: &str = match std::str::from_utf8(&[b'i'; 255]) {
    Ok(name) => name,
    Err(_) => panic!(),
};

/// Connects the ends in every way, and runs `talk` between them.
fn meet(who: &[[Implementation; 2]], kinds: [SocketType; 2], talk: impl Fn(&AnySocket<'_>, &AnySocket<'_>)) {
    let setup = Setup::new();
    let _guard = setup.runtime.enter();
    for mechanism in MECHANISMS {
        for (transport, role) in ["tcp", "ipc"].into_iter().flat_map(|t| ROLES.map(|role| (t, role))) {
            for (who, first_binds) in who.iter().flat_map(|who| [(who, true), (who, false)]) {
                if (who[0], kinds[0], role) == (Implementation::Pyzmqs, zmq::REQ, Role::Server) {
                    // A REQ can't be the server: see pyzmq_both_sides.
                    continue;
                }
                println!("{mechanism:?} {transport} {who:?}, the first is {role:?}, binds: {first_binds}");
                let first = setup.end(who[0], kinds[0], (mechanism, role), LONG);
                let second = setup.end(who[1], kinds[1], (mechanism, role.other()), "second");
                let (_folder, endpoint) = wildcard(transport);
                let [binds, connects] = if first_binds { [&first, &second] } else { [&second, &first] };
                connects.connect(&binds.bind(&endpoint));
                talk(&first, &second);
            }
        }
    }
}

/// Defines the tests of each pair, with the messages that its ends exchange.
macro_rules! pairs {
    ($($name:ident: $first:ident, $second:ident => $talk:ident;)*) => {
        mod with_pyzmq {
            use super::Implementation::{Ours, Pyzmqs};

            $(#[test]
            fn $name() {
                super::meet(&[[Ours, Pyzmqs], [Pyzmqs, Ours]], [zmq::$first, zmq::$second], super::$talk);
            })*
        }

        mod among_ours {
            use super::Implementation::Ours;

            $(#[test]
            fn $name() {
                super::meet(&[[Ours; 2]], [zmq::$first, zmq::$second], super::$talk);
            })*
        }
    };
}

pairs! {
    req_and_rep_talk: REQ, REP => requests;
    dealer_and_router_talk: DEALER, ROUTER => messages;
    pub_and_sub_talk: PUB, SUB => publications;
    xpub_and_xsub_talk: XPUB, XSUB => publications_and_questions;
}

/// Returns messages with an empty frame, the longest short frame and the shortest long frame, in the clear and in
/// CURVE's MESSAGE, which adds 33 bytes.
fn messages_of_all_sizes() -> Vec<Vec<Vec<u8>>> {
    let of = |len: usize| (0..len).map(|at| at as u8).collect::<Vec<u8>>();
    vec![
        vec![of(0)],
        vec![of(5), of(0), of(0), of(1)],
        vec![of(0), of(0)],
        vec![of(222), of(223)],
        vec![of(255), of(256)],
    ]
}

#[track_caller]
fn says(from: &AnySocket<'_>, to: &AnySocket<'_>, sent: &[Vec<u8>], received: &[Vec<u8>]) {
    from.send(sent);
    assert!(to.recv() == received, "{:?}", sent.iter().map(Vec::len).collect::<Vec<_>>());
}

fn requests(req: &AnySocket<'_>, rep: &AnySocket<'_>) {
    for message in messages_of_all_sizes() {
        says(req, rep, &message, &message);
        says(rep, req, &message, &message);
    }
}

fn messages(dealer: &AnySocket<'_>, router: &AnySocket<'_>) {
    for message in messages_of_all_sizes() {
        let named = [&frames([LONG])[..], &message].concat();
        says(dealer, router, &message, &named);
        says(router, dealer, &named, &message);
    }
}

fn publications(publisher: &AnySocket<'_>, subscriber: &AnySocket<'_>) {
    subscriber.subscribe("a");
    wait_subscribed(publisher, subscriber);
    for mut message in messages_of_all_sizes() {
        message.insert(0, b"b".to_vec());
        publisher.send(&message);
        message[0] = b"a".to_vec();
        says(publisher, subscriber, &message, &message);
    }
    subscriber.unsubscribe("a");
    subscriber.subscribe("c");
    wait_subscribed(publisher, subscriber);
    publisher.send(["a"]);
    says(publisher, subscriber, &frames(["c"]), &frames(["c"]));
}

fn publications_and_questions(xpub: &AnySocket<'_>, xsub: &AnySocket<'_>) {
    xsub.subscribe("first");
    let asked = eventually(|| {
        // A bound socket of libzmq adds new peers only while it is used.
        assert_eq!(xsub.recv_within(Duration::ZERO), None);
        xpub.recv_within(Duration::from_millis(5))
    });
    assert_eq!(asked, frames(["\u{1}first"]));
    for len in [0, 1, 221, 222, 223, 245, 246, 255, 256, 2000] {
        let topic = vec![b't'; len];
        xsub.subscribe(&topic);
        assert!(xpub.recv() == [[&[1], &topic[..]].concat()], "{len}");
        let message = [topic.clone(), b"wanted".to_vec()];
        says(xpub, xsub, &message, &message);
        xsub.unsubscribe(&topic);
        assert!(xpub.recv() == [[&[0], &topic[..]].concat()], "{len}");
    }
    let upstream = frames(["\u{2}upstream", "", "too"]);
    says(xsub, xpub, &upstream, &upstream);
}
