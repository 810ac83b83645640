//! Every pair of compatible socket types: over every transport, with either end bound, of either library, on one
//! thread and on several.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfonet_tests::{Library, eventually, frames, wildcard};
use zmq::SocketType;

use crate::setup::{AnySocket, MIXED, Setup, wait_subscribed};

/// Libraries, transport, bound end and threads of two ends.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    who: [Library; 2],
    transport: &'static str,
    first_binds: bool,
    one_thread: bool,
}

/// Returns all meetings of these ends over these transports.
fn meetings(who: &[[Library; 2]], transports: &[&'static str]) -> Vec<Meeting> {
    let mut meetings = Vec::new();
    for transport in transports {
        for who in who {
            for one_thread in [true, false] {
                let meeting = |first_binds| Meeting { who: *who, transport, first_binds, one_thread };
                meetings.extend([true, false].map(meeting));
            }
        }
    }
    meetings
}

/// Connects the ends in each of these ways, and runs `talk` between them.
fn meet(meetings: &[Meeting], kinds: [SocketType; 2], talk: impl Fn(&AnySocket<'_>, &AnySocket<'_>)) {
    static NAMES: AtomicUsize = AtomicUsize::new(0);
    let setups = [false, true].map(Setup::on);
    for meeting in meetings {
        println!("{meeting:?}");
        let setup = &setups[usize::from(meeting.one_thread)];
        let _guard = setup.runtime.enter();
        let first = setup.named(meeting.who[0], kinds[0], "first");
        let second = setup.named(meeting.who[1], kinds[1], "second");
        let (_folder, mut endpoint) = wildcard(meeting.transport);
        if meeting.transport == "inproc" {
            endpoint = format!("inproc://pairs {}", NAMES.fetch_add(1, Ordering::Relaxed));
        }
        let [binds, connects] = if meeting.first_binds { [&first, &second] } else { [&second, &first] };
        connects.connect(&binds.bind(&endpoint));
        talk(&first, &second);
    }
}

/// Defines the tests of each pair, with the messages that its ends exchange.
macro_rules! pairs {
    ($($name:ident: $first:ident, $second:ident => $talk:ident;)*) => {
        mod with_libzmq {
            $(#[test]
            fn $name() {
                super::meet(&super::meetings(&super::MIXED, &["tcp", "ipc"]), [zmq::$first, zmq::$second], super::$talk);
            })*
        }

        mod among_ours {
            use super::Library::Ours;

            $(#[test]
            fn $name() {
                super::meet(&super::meetings(&[[Ours; 2]], &["tcp", "ipc"]), [zmq::$first, zmq::$second], super::$talk);
            })*
        }

        mod among_ours_over_inproc {
            use super::Library::Ours;

            $(#[test]
            fn $name() {
                super::meet(&super::meetings(&[[Ours; 2]], &["inproc"]), [zmq::$first, zmq::$second], super::$talk);
            })*
        }
    };
}

pairs! {
    req_and_rep_talk: REQ, REP => requests;
    req_and_router_talk: REQ, ROUTER => requests_to_router;
    dealer_and_rep_talk: DEALER, REP => requests_of_dealer;
    dealer_and_dealer_talk: DEALER, DEALER => messages;
    dealer_and_router_talk: DEALER, ROUTER => messages_to_router;
    router_and_router_talk: ROUTER, ROUTER => messages_by_name;
    push_and_pull_talk: PUSH, PULL => work;
    pair_and_pair_talk: PAIR, PAIR => messages;
    pub_and_sub_talk: PUB, SUB => publications;
    pub_and_xsub_talk: PUB, XSUB => publications;
    xpub_and_sub_talk: XPUB, SUB => publications_asked_for;
    xpub_and_xsub_talk: XPUB, XSUB => publications_and_questions;
}

fn says(from: &AnySocket<'_>, to: &AnySocket<'_>, sent: &[&str], received: &[&str]) {
    from.send(sent);
    assert_eq!(to.recv(), frames(received));
}

fn requests(req: &AnySocket<'_>, rep: &AnySocket<'_>) {
    for text in [&["hello"][..], &["a", "", "b"], &[""]] {
        says(req, rep, text, text);
        says(rep, req, text, text);
    }
}

fn requests_to_router(req: &AnySocket<'_>, router: &AnySocket<'_>) {
    for _ in 0..2 {
        says(req, router, &["hello"], &["first", "", "hello"]);
        says(router, req, &["first", "", "wor", "ld"], &["wor", "ld"]);
    }
}

fn requests_of_dealer(dealer: &AnySocket<'_>, rep: &AnySocket<'_>) {
    for _ in 0..2 {
        says(dealer, rep, &["", "hello"], &["hello"]);
        says(rep, dealer, &["wor", "ld"], &["", "wor", "ld"]);
    }
}

fn messages(first: &AnySocket<'_>, second: &AnySocket<'_>) {
    for _ in 0..2 {
        says(first, second, &["hello"], &["hello"]);
        says(second, first, &["wor", "ld"], &["wor", "ld"]);
    }
}

fn work(push: &AnySocket<'_>, pull: &AnySocket<'_>) {
    for text in [&["hello"][..], &["a", "", "b"], &[""]] {
        says(push, pull, text, text);
    }
}

fn messages_to_router(dealer: &AnySocket<'_>, router: &AnySocket<'_>) {
    for _ in 0..2 {
        says(dealer, router, &["hello"], &["first", "hello"]);
        says(router, dealer, &["first", "wor", "ld"], &["wor", "ld"]);
    }
}

fn messages_by_name(first: &AnySocket<'_>, second: &AnySocket<'_>) {
    // A ROUTER drops messages for a peer that isn't connected yet; ours knows when it is.
    let [speaker, listener] = if first.is_ours() { [first, second] } else { [second, first] };
    speaker.wait_connected(1);
    for _ in 0..2 {
        says(speaker, listener, &[listener.name, "hello"], &[speaker.name, "hello"]);
        says(listener, speaker, &[speaker.name, "wor", "ld"], &[listener.name, "wor", "ld"]);
    }
}

fn publications(publisher: &AnySocket<'_>, subscriber: &AnySocket<'_>) {
    subscriber.subscribe("a");
    wait_subscribed(publisher, subscriber);
    publisher.send(["b", "unwanted"]);
    says(publisher, subscriber, &["a", "wanted"], &["a", "wanted"]);
}

fn publications_asked_for(xpub: &AnySocket<'_>, subscriber: &AnySocket<'_>) {
    subscriber.subscribe("a");
    let asked = eventually(|| {
        // A bound socket of libzmq adds new peers only while it is used.
        assert_eq!(subscriber.recv_within(Duration::ZERO), None);
        xpub.recv_within(Duration::from_millis(5))
    });
    assert_eq!(asked, frames(["\u{1}a"]));
    xpub.send(["b", "unwanted"]);
    says(xpub, subscriber, &["a", "wanted"], &["a", "wanted"]);
    subscriber.unsubscribe("a");
    assert_eq!(xpub.recv(), frames(["\0a"]));
}

fn publications_and_questions(xpub: &AnySocket<'_>, xsub: &AnySocket<'_>) {
    publications_asked_for(xpub, xsub);
    says(xsub, xpub, &["\u{2}upstream", "too"], &["\u{2}upstream", "too"]);
}
