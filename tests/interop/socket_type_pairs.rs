//! Every pair of kinds that may talk, over every transport, whichever end binds, whosever it is, and on how many threads
//! ours run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfonet_tests::{Library, eventually, frames, wildcard};
use zmq::SocketType;

use crate::setup::{End, MIXED, World, tune_in};

/// How two ends meet.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    who: [Library; 2],
    transport: &'static str,
    first_binds: bool,
    one_thread: bool,
}

/// All meetings of these ends over these transports.
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

/// Lets the ends meet in each of these ways, and talk.
fn meet(meetings: &[Meeting], kinds: [SocketType; 2], talk: impl Fn(&End<'_>, &End<'_>)) {
    static NAMES: AtomicUsize = AtomicUsize::new(0);
    let worlds = [false, true].map(World::on);
    for meeting in meetings {
        println!("{meeting:?}");
        let world = &worlds[usize::from(meeting.one_thread)];
        let _guard = world.runtime.enter();
        let first = world.named(meeting.who[0], kinds[0], "first");
        let second = world.named(meeting.who[1], kinds[1], "second");
        let (_folder, mut endpoint) = wildcard(meeting.transport);
        if meeting.transport == "inproc" {
            endpoint = format!("inproc://pairs {}", NAMES.fetch_add(1, Ordering::Relaxed));
        }
        let [binds, connects] = if meeting.first_binds { [&first, &second] } else { [&second, &first] };
        connects.connect(&binds.bind(&endpoint));
        talk(&first, &second);
    }
}

/// Tests of pairs, each with what its ends say to each other.
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

fn says(from: &End<'_>, to: &End<'_>, sent: &[&str], received: &[&str]) {
    from.send(sent);
    assert_eq!(to.recv(), frames(received));
}

fn requests(req: &End<'_>, rep: &End<'_>) {
    for text in [&["hello"][..], &["a", "", "b"], &[""]] {
        says(req, rep, text, text);
        says(rep, req, text, text);
    }
}

fn requests_to_router(req: &End<'_>, router: &End<'_>) {
    for _ in 0..2 {
        says(req, router, &["hello"], &["first", "", "hello"]);
        says(router, req, &["first", "", "wor", "ld"], &["wor", "ld"]);
    }
}

fn requests_of_dealer(dealer: &End<'_>, rep: &End<'_>) {
    for _ in 0..2 {
        says(dealer, rep, &["", "hello"], &["hello"]);
        says(rep, dealer, &["wor", "ld"], &["", "wor", "ld"]);
    }
}

fn messages(first: &End<'_>, second: &End<'_>) {
    for _ in 0..2 {
        says(first, second, &["hello"], &["hello"]);
        says(second, first, &["wor", "ld"], &["wor", "ld"]);
    }
}

fn work(push: &End<'_>, pull: &End<'_>) {
    for text in [&["hello"][..], &["a", "", "b"], &[""]] {
        says(push, pull, text, text);
    }
}

fn messages_to_router(dealer: &End<'_>, router: &End<'_>) {
    for _ in 0..2 {
        says(dealer, router, &["hello"], &["first", "hello"]);
        says(router, dealer, &["first", "wor", "ld"], &["wor", "ld"]);
    }
}

fn messages_by_name(first: &End<'_>, second: &End<'_>) {
    // A ROUTER drops what is for a peer that isn't there yet; ours knows when it is.
    let [speaker, listener] = if first.is_ours() { [first, second] } else { [second, first] };
    speaker.wait_connected(1);
    for _ in 0..2 {
        says(speaker, listener, &[listener.name, "hello"], &[speaker.name, "hello"]);
        says(listener, speaker, &[speaker.name, "wor", "ld"], &[listener.name, "wor", "ld"]);
    }
}

fn publications(publisher: &End<'_>, subscriber: &End<'_>) {
    subscriber.subscribe("a");
    tune_in(publisher, subscriber);
    publisher.send(["b", "unwanted"]);
    says(publisher, subscriber, &["a", "wanted"], &["a", "wanted"]);
}

fn publications_asked_for(xpub: &End<'_>, subscriber: &End<'_>) {
    subscriber.subscribe("a");
    let asked = eventually(|| {
        // A bound socket of libzmq takes peers in when it is used, and not before.
        assert_eq!(subscriber.recv_within(Duration::ZERO), None);
        xpub.recv_within(Duration::from_millis(5))
    });
    assert_eq!(asked, frames(["\u{1}a"]));
    xpub.send(["b", "unwanted"]);
    says(xpub, subscriber, &["a", "wanted"], &["a", "wanted"]);
    subscriber.unsubscribe("a");
    assert_eq!(xpub.recv(), frames(["\0a"]));
}

fn publications_and_questions(xpub: &End<'_>, xsub: &End<'_>) {
    publications_asked_for(xpub, xsub);
    says(xsub, xpub, &["\u{2}upstream", "too"], &["\u{2}upstream", "too"]);
}
