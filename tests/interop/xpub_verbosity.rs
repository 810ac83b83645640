//! An XPUB with options: subscriptions that it is told of, and subscriptions that it decides on for its peers.

use enfonet::message::{IntoMessage, Subscription};
use enfonet::peer::PeerId;
use enfonet::socket::XPubEvent;
use enfonet::{Context, Options, Sub, XPub, XSub};
use enfonet_tests::{End, LibZmq, Runtime, eventually, frames, wildcard};
use zmq::SocketType;

/// An XPUB of ours and its subscribers.
struct Stage<'a> {
    runtime: &'a Runtime,
    xpub: XPub,
    subscribers: Vec<End<'a>>,
}

/// Runs it with subscribers of libzmq's over tcp and ipc, and with ours within the process.
fn everywhere(
    options: impl Fn() -> Options<XPub>,
    kind: SocketType,
    subscribers: usize,
    run: impl Fn(Stage<'_>),
) {
    for transport in ["tcp", "ipc", "inproc"] {
        println!("{transport}");
        let (runtime, libzmq, context) = (Runtime::new(), LibZmq::new(), Context::new());
        let _guard = runtime.enter();
        let xpub = options().context(&context).build();
        let (_dir, wildcard) = wildcard(transport);
        let wildcard = if transport == "inproc" { "inproc://told".into() } else { wildcard };
        let at = runtime.run(xpub.bind(&*wildcard)).unwrap().to_string();
        let subscriber = |_| {
            let end = match transport {
                "inproc" => End::ours(&runtime, kind, Options::default().context(&context), ""),
                _ => End::libzmq(&runtime, libzmq.socket(kind), ""),
            };
            end.connect(&at);
            end
        };
        let subscribers = (0..subscribers).map(subscriber).collect();
        run(Stage { runtime: &runtime, xpub, subscribers });
    }
}

impl Stage<'_> {
    /// The next subscription, `+` and its topic, or cancel, `-` and its topic; and whose it is.
    fn told(&self) -> (String, PeerId) {
        match self.runtime.run(self.xpub.recv()).unwrap() {
            XPubEvent::Subscription { peer, subscription } => {
                let sign = if matches!(subscription, Subscription::Subscribe(_)) { '+' } else { '-' };
                (format!("{sign}{}", subscription.topic().escape_ascii()), peer)
            }
            message @ XPubEvent::Message { .. } => panic!("{message:?}"),
        }
    }

    #[track_caller]
    fn expect(&self, told: &str) -> PeerId {
        let (text, peer) = self.told();
        assert_eq!(text, told);
        peer
    }

    fn send(&self, message: impl IntoMessage) {
        self.runtime.run(self.xpub.send(message)).unwrap();
    }
}

#[test]
fn a_verbose_xpub_receives_every_subscription_and_the_last_cancel() {
    everywhere(
        || XPub::builder().verbose(true),
        zmq::SUB,
        2,
        |stage| {
            let [first, second] = &stage.subscribers[..] else { unreachable!() };
            first.subscribe("a");
            let peer = stage.expect("+a");
            first.subscribe("a");
            assert_eq!(stage.expect("+a"), peer, "the same again");
            second.subscribe("a");
            assert_ne!(stage.expect("+a"), peer, "another's");
            stage.send("a once");
            stage.send("a end");
            for subscriber in [first, second] {
                assert_eq!(subscriber.recv(), frames(["a once"]));
                assert_eq!(subscriber.recv(), frames(["a end"]));
            }
            second.unsubscribe("a");
            first.unsubscribe("a");
            first.subscribe("b");
            stage.expect("+b");
            first.unsubscribe("a");
            stage.expect("-a");
        },
    );
}

#[test]
fn a_verboser_xpub_receives_every_subscription_and_cancel_even_of_peers_that_leave() {
    everywhere(
        || XPub::builder().verboser(true),
        zmq::SUB,
        2,
        |mut stage| {
            let [first, second] = [stage.subscribers.remove(0), stage.subscribers.remove(0)];
            first.subscribe("a");
            let peer = stage.expect("+a");
            second.subscribe("a");
            let other = stage.expect("+a");
            // SUB tells the last cancel of a topic, and none of what it has not subscribed to.
            first.subscribe("a");
            stage.expect("+a");
            first.unsubscribe("never");
            first.unsubscribe("a");
            first.unsubscribe("a");
            assert_eq!(stage.expect("-a"), peer);
            first.subscribe("a");
            first.subscribe("ab");
            assert_eq!([stage.expect("+a"), stage.expect("+ab")], [peer, peer]);
            drop(second);
            assert_eq!(stage.expect("-a"), other);
            drop(first);
            let mut gone = [stage.told(), stage.told()];
            gone.sort();
            assert_eq!(gone, [("-a".into(), peer), ("-ab".into(), peer)]);
        },
    );
}

#[test]
fn the_verbosity_that_is_set_last_counts() {
    everywhere(
        || XPub::builder().verboser(true).verbose(true),
        zmq::SUB,
        2,
        |stage| {
            stage.subscribers.iter().for_each(|subscriber| {
                subscriber.subscribe("a");
                stage.expect("+a");
            });
            stage.subscribers[0].unsubscribe("a");
            stage.subscribers[0].subscribe("b");
            stage.expect("+b");
        },
    );
}

#[test]
fn a_manual_xpub_decides_on_the_topics_of_its_subscribers() {
    everywhere(
        || XPub::builder().manual(true),
        zmq::XSUB,
        1,
        |mut stage| {
            let subscriber = stage.subscribers.remove(0);
            subscriber.subscribe("A");
            let peer = stage.expect("+A");
            assert_eq!(stage.xpub.topics(), 0);
            stage.xpub.subscribe(peer, "XA");
            subscriber.subscribe("B");
            assert_eq!(stage.expect("+B"), peer);
            stage.xpub.subscribe(peer, "XB");
            stage.xpub.subscribe(peer, "XB");
            assert_eq!(stage.xpub.topics(), 2);
            for text in ["A", "B", "XA", "XB"] {
                stage.send(text);
            }
            assert_eq!(subscriber.recv(), frames(["XA"]));
            assert_eq!(subscriber.recv(), frames(["XB"]));
            subscriber.unsubscribe("A");
            assert_eq!(stage.expect("-A"), peer);
            stage.send("XA still");
            stage.xpub.unsubscribe(peer, "XA");
            stage.xpub.unsubscribe(peer, "X");
            stage.xpub.unsubscribe(peer, "never");
            stage.send("XA no more");
            stage.send("XB");
            assert_eq!(subscriber.recv(), frames(["XA still"]));
            assert_eq!(subscriber.recv(), frames(["XB"]));
            // The topic that the subscriber asked for is cancelled; the XPUB isn't told of the topic that it gave.
            drop(subscriber);
            assert_eq!(stage.expect("-B"), peer);
            assert_eq!(stage.xpub.topics(), 0);
        },
    );
}

#[test]
fn a_manual_xpub_receives_the_subscriptions_and_cancels_of_each_peer() {
    everywhere(
        || XPub::builder().manual(true),
        zmq::XSUB,
        2,
        |mut stage| {
            let subscribe = |subscriber: &End<'_>, topic: &str, given: &str| {
                subscriber.subscribe(topic);
                let peer = stage.expect(&format!("+{topic}"));
                stage.xpub.subscribe(peer, given);
                peer
            };
            let peers =
                [subscribe(&stage.subscribers[0], "t", "t"), subscribe(&stage.subscribers[1], "t", "t")];
            stage.send("t");
            stage.subscribers.iter().for_each(|subscriber| assert_eq!(subscriber.recv(), frames(["t"])));
            stage.subscribers.clear();
            let mut gone = [stage.told(), stage.told()];
            gone.sort();
            let mut expected = peers.map(|peer| ("-t".into(), peer));
            expected.sort();
            assert_eq!(gone, expected);
        },
    );
}

#[test]
fn a_manual_xpub_serves_concurrent_subscribers() {
    everywhere(
        || XPub::builder().manual(true),
        zmq::XSUB,
        2,
        |stage| {
            stage.subscribers[0].subscribe("first");
            stage.subscribers[1].subscribe("second");
            for _ in 0..2 {
                let (told, peer) = stage.told();
                stage.xpub.subscribe(peer, &told[1..]);
                // libzmq goes by whom it read last.
                stage.runtime.run(stage.xpub.send_to(peer, "confirmed")).unwrap();
            }
            stage.send("first");
            stage.send("second");
            for (subscriber, text) in stage.subscribers.iter().zip(["first", "second"]) {
                assert_eq!(subscriber.recv(), frames(["confirmed"]));
                assert_eq!(subscriber.recv(), frames([text]));
            }
        },
    );
}

#[test]
fn a_manual_grant_for_a_disconnected_peer_has_no_effect() {
    everywhere(
        || XPub::builder().manual(true),
        zmq::XSUB,
        2,
        |mut stage| {
            let [first, second] = [stage.subscribers.remove(0), stage.subscribers.remove(0)];
            first.subscribe("A");
            let gone = stage.expect("+A");
            stage.xpub.subscribe(gone, "XA");
            drop(first);
            assert_eq!(stage.expect("-A"), gone);
            stage.xpub.unsubscribe(gone, "XA");
            stage.xpub.subscribe(gone, "XA");
            assert_eq!(stage.xpub.topics(), 0);
            second.subscribe("B");
            let peer = stage.expect("+B");
            assert_ne!(peer, gone);
            stage.xpub.subscribe(peer, "XB");
            stage.xpub.unsubscribe(gone, "XB");
            stage.send("XA");
            stage.send("XB");
            assert_eq!(second.recv(), frames(["XB"]));
        },
    );
}

#[test]
fn a_message_for_one_subscriber_reaches_no_other() {
    everywhere(
        || XPub::builder().verbose(true),
        zmq::XSUB,
        2,
        |stage| {
            let peers = [0, 1].map(|at| {
                stage.subscribers[at].subscribe("a");
                stage.expect("+a")
            });
            stage.xpub.try_send_to(peers[1], ["a", "last value"]).unwrap();
            stage.runtime.run(stage.xpub.send_to(peers[1], "unasked for")).unwrap();
            stage.send("a");
            assert_eq!(stage.subscribers[0].recv(), frames(["a"]));
            for expected in [&["a", "last value"][..], &["unasked for"], &["a"]] {
                assert_eq!(stage.subscribers[1].recv(), frames(expected));
            }
        },
    );
}

#[test]
fn messages_of_subscribers_reach_a_manual_xpub_unchanged() {
    everywhere(
        || XPub::builder().manual(true),
        zmq::XSUB,
        1,
        |stage| {
            let subscriber = &stage.subscribers[0];
            subscriber.subscribe("a");
            let peer = stage.expect("+a");
            subscriber.send(["\u{2}hello"]);
            let message = XPubEvent::Message { peer, message: "\u{2}hello".into() };
            assert_eq!(stage.runtime.run(stage.xpub.recv()).unwrap(), message);
        },
    );
}

#[test]
fn the_welcome_message_is_the_first_that_a_subscriber_receives() {
    let welcome = || XPub::builder().verbose(true).welcome(["W", "elcome"]);
    everywhere(welcome, zmq::XSUB, 2, |stage| {
        for subscriber in &stage.subscribers {
            assert_eq!(subscriber.recv(), frames(["W", "elcome"]));
            subscriber.subscribe("a");
            stage.told();
        }
        stage.send("a");
        stage.subscribers.iter().for_each(|subscriber| assert_eq!(subscriber.recv(), frames(["a"])));
    });
    // A SUB that has asked for it beforehand gets it, too; another doesn't.
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let xpub = welcome().build();
    let at = runtime.run(xpub.bind("tcp://127.0.0.1:*")).unwrap().to_string();
    let wants = libzmq.subscriber(&at, "W");
    let other = libzmq.subscriber(&at, "a");
    runtime.run(xpub.wait_subscribers(2));
    runtime.run(xpub.send("a")).unwrap();
    assert_eq!(wants.recv_multipart(0).unwrap(), frames(["W", "elcome"]));
    assert_eq!(other.recv_multipart(0).unwrap(), frames(["a"]));
}

#[test]
fn we_receive_the_welcome_message_of_a_libzmq_publisher() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let xpub = libzmq.socket(zmq::XPUB);
    xpub.set_xpub_welcome_msg(Some("W")).unwrap();
    xpub.bind("tcp://127.0.0.1:*").unwrap();
    let at = xpub.get_last_endpoint().unwrap().unwrap();
    let (xsub, sub) = (XSub::new(), Sub::new());
    sub.subscribe("W");
    xsub.connect(&at).unwrap();
    sub.connect(&at).unwrap();
    let welcomed = runtime.spawn(async move { (xsub.recv().await, sub.recv().await) });
    // libzmq takes peers in when it is used.
    eventually(|| (xpub.poll(zmq::POLLIN, 5).is_ok() && welcomed.is_finished()).then_some(()));
    assert_eq!(runtime.run(welcomed).unwrap(), (Ok("W".into()), Ok("W".into())));
}

#[test]
fn bursts_up_to_the_mark_arrive_without_waiting() {
    for (hwm, counts) in [(1000, [1000, 1000]), (100, [100, 100]), (11_024, [9999, 1100])] {
        everywhere(XPub::builder, zmq::SUB, 1, |stage| {
            let [subscriber] = &stage.subscribers[..] else { unreachable!() };
            subscriber.subscribe("");
            stage.expect("+");
            stage.xpub.set_send_hwm(hwm);
            for count in counts {
                (0..count).for_each(|n| stage.xpub.try_send(n.to_string()).unwrap());
                (0..count).for_each(|n| assert_eq!(subscriber.recv(), frames([n.to_string()])));
                // All messages that the subscriber has are written; the connection may take a moment more to say so.
                eventually(|| stage.xpub.peers().iter().all(|peer| peer.unsent.messages == 0).then_some(()));
            }
        });
    }
}

#[test]
fn a_device_made_of_xpub_and_xsub_forwards_subscriptions_and_publications() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let (front, back) = (XSub::new(), XPub::new());
    let (theirs, at) = libzmq.bound(zmq::XPUB, "tcp://127.0.0.1:*");
    front.connect(at).unwrap();
    let at = runtime.run(back.bind("tcp://127.0.0.1:*")).unwrap().to_string();
    let subscriber = libzmq.subscriber(&at, "");
    let XPubEvent::Subscription { subscription, .. } = runtime.run(back.recv()).unwrap() else { panic!() };
    front.send(subscription.to_message()).unwrap();
    assert_eq!(theirs.recv_bytes(0).unwrap(), b"\x01");
    for text in [&[""][..], &["a", "", "b"]] {
        theirs.send_multipart(text, 0).unwrap();
        let publication = runtime.run(front.recv()).unwrap();
        runtime.run(back.send(publication)).unwrap();
        assert_eq!(subscriber.recv_multipart(0).unwrap(), frames(text));
    }
}

#[test]
fn a_publisher_counts_its_topics() {
    everywhere(XPub::builder, zmq::SUB, 2, |stage| {
        for (at, topic, topics) in [(0, "a", 1), (0, "ab", 2), (1, "ab", 2), (1, "abc", 3)] {
            stage.subscribers[at].subscribe(topic);
            stage.subscribers[at].subscribe(format!("told {at}{topic}"));
            while stage.told().0 != format!("+told {at}{topic}") {}
            stage.subscribers[at].unsubscribe(format!("told {at}{topic}"));
            stage.expect(&format!("-told {at}{topic}"));
            assert_eq!(stage.xpub.topics(), topics);
        }
        stage.subscribers[0].unsubscribe("a");
        stage.expect("-a");
        assert_eq!(stage.xpub.topics(), 2);
    });
}
