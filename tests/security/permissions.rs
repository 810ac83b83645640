//! Permissions by topic: subscriptions and messages outside of a peer's prefixes.

use enfonet::auth::{Permissions, PlainUsers, Security, User};
use enfonet::message::Subscription;
use enfonet::peer::PeerId;
use enfonet::socket::XPubEvent;
use enfonet::{Context, Options, Pub, Sub, XPub, XSub};
use enfonet_tests::{PySocket, PyZmq, Runtime, Script, eventually, frames, message, ours, theirs};

use crate::setup::{ANYWHERE, login};

/// Returns the permissions of Ada, and for other users those to use all topics.
fn rules(user: &User) -> Permissions {
    match &user.id[..] {
        b"ada" => Permissions::none().publish(["orders."]).subscribe(["orders.", "prices."]),
        _ => Permissions::all(),
    }
}

/// Returns the options of a PLAIN server that knows Ada and Eve, with their permissions.
fn server() -> Options {
    let users = PlainUsers::new().user("ada", "a").user("eve", "e");
    Options::default().security(Security::PlainServer).authenticator(users).permissions(rules)
}

/// Returns the options of a client.
fn client(user: &'static str) -> Options {
    let password = &user[..1];
    Options::default().security(login(user, password))
}

fn py_client(py: &PyZmq, kind: &str, user: &str) -> PySocket {
    py.socket(kind).plain(user, &user[..1])
}

/// Returns the next subscription or cancel that an XPUB receives.
#[track_caller]
fn change(runtime: &Runtime, publisher: &XPub) -> (PeerId, Subscription) {
    match runtime.run(publisher.recv()).unwrap() {
        XPubEvent::Subscription { peer, subscription } => (peer, subscription),
        other => panic!("{other:?}"),
    }
}

fn subscribe(topic: &str) -> Subscription {
    Subscription::Subscribe(topic.to_owned().into())
}

fn cancel(topic: &str) -> Subscription {
    Subscription::Cancel(topic.to_owned().into())
}

fn xpub(runtime: &Runtime, options: Options) -> (XPub, String) {
    let publisher = XPub::with_options(options.verboser(true));
    let at = runtime.run(publisher.bind(ANYWHERE)).unwrap().to_string();
    (publisher, at)
}

#[test]
fn only_subscriptions_that_begin_with_an_allowed_prefix_count_and_their_cancels() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    let (publisher, at) = xpub(&runtime, server());
    let ours = Sub::with_options(client("ada"));
    let pyzmqs = py_client(&py, "SUB", "ada");
    ours.connect(&at[..]).unwrap();
    pyzmqs.connect(&at);
    for topic in ["", "orders", "news", "prices.x", "orders."] {
        ours.subscribe(topic);
        pyzmqs.subscribe(topic);
    }
    let mut changes: Vec<_> = (0..4).map(|_| change(&runtime, &publisher)).collect();
    changes.sort_by_key(|(peer, _)| *peer);
    let (first, second) = changes.split_at(2);
    for changes in [first, second] {
        let mut topics: Vec<_> = changes.iter().map(|(_, change)| change.clone()).collect();
        topics.sort_by_key(|change| change.topic().clone());
        assert_eq!(topics, [subscribe("orders."), subscribe("prices.x")]);
    }
    for peer in publisher.peers() {
        assert_eq!((peer.forbidden, &peer.info.permissions), (3, &rules(&User::named("ada"))));
    }
    for topic in ["", "orders", "orders."] {
        ours.unsubscribe(topic);
    }
    assert_eq!(change(&runtime, &publisher).1, cancel("orders."));
    runtime.run(async {
        for topic in ["orders", "news.1", "orders.1", "prices.y", "prices.x.1"] {
            publisher.send(topic).await.unwrap();
        }
    });
    assert_eq!(runtime.run(ours.recv()), Ok("prices.x.1".into()));
    assert_eq!([pyzmqs.recv(), pyzmqs.recv()], [frames(["orders.1"]), frames(["prices.x.1"])]);
    assert!(publisher.peers().iter().all(|peer| peer.forbidden == 3), "a cancel isn't counted");
}

#[test]
fn a_user_without_a_rule_may_use_all_topics() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let (publisher, at) = xpub(&runtime, server());
    let eve = Sub::with_options(client("eve"));
    eve.subscribe("");
    eve.connect(&at[..]).unwrap();
    assert_eq!(change(&runtime, &publisher).1, subscribe(""));
    runtime.run(publisher.send("anything")).unwrap();
    assert_eq!(runtime.run(eve.recv()), Ok("anything".into()));
}

#[test]
fn subscriptions_that_arrive_as_messages_are_restricted_too() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let only_orders = |_: &User| Permissions::none().subscribe(["orders."]);
    let (publisher, at) = xpub(&runtime, Options::default().permissions(only_orders));
    let mut subscriber = Script::join(&at, "SUB", 0);
    let messages = [&b"\x01"[..], b"\x01orders", b"\0news", b"upstream", b"\x01orders.1", b"\0orders.1"];
    subscriber.send(&messages.map(|body| message(&[body])).concat());
    assert_eq!(change(&runtime, &publisher).1, subscribe("orders.1"));
    assert_eq!(change(&runtime, &publisher).1, cancel("orders.1"));
    assert_eq!(publisher.peers()[0].forbidden, 3, "two subscriptions and a message");
}

#[test]
fn only_messages_that_begin_with_an_allowed_prefix_reach_a_subscriber() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    let subscriber = XSub::with_options(server());
    let at = runtime.run(subscriber.bind(ANYWHERE)).unwrap().to_string();
    subscriber.subscribe("");
    let pyzmqs = py_client(&py, "XPUB", "ada");
    pyzmqs.connect(&at);
    assert_eq!(pyzmqs.recv(), frames(["\x01"]));
    for topic in ["", "orders", "prices.1", "orders.1"] {
        pyzmqs.send(&[topic, "pyzmq"]);
    }
    assert_eq!(theirs(&runtime.run(subscriber.recv()).unwrap()), frames(["orders.1", "pyzmq"]));
    let publisher = Pub::with_options(client("ada"));
    publisher.connect(&at[..]).unwrap();
    runtime.run(publisher.wait_subscribers(1));
    // A large message is a run of its own.
    let large = "x".repeat(1 << 16);
    let mut batch =
        ["forged", "orders.2", "", "orders.3"].map(|topic| ours(&[topic, "ours"])).into_iter().collect();
    runtime.run(publisher.send_batch(&mut batch)).unwrap();
    runtime.run(publisher.send(ours(&["forged", &large]))).unwrap();
    runtime.run(publisher.send(ours(&["orders.4", &large]))).unwrap();
    for (topic, body) in [("orders.2", "ours"), ("orders.3", "ours"), ("orders.4", &large)] {
        assert_eq!(theirs(&runtime.run(subscriber.recv()).unwrap()), frames([topic, body]));
    }
    assert!(subscriber.peers().iter().all(|peer| peer.forbidden == 3));
}

#[test]
fn a_restricted_peer_over_inproc_is_a_user_without_a_name() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let context = Context::new();
    let nobody = |user: &User| if user.id.is_empty() { Permissions::none() } else { Permissions::all() };
    let publisher = XPub::with_options(Options::default().context(&context).permissions(nobody));
    runtime.run(publisher.bind("inproc://within")).unwrap();
    let subscriber = Sub::with_options(Options::default().context(&context));
    subscriber.connect("inproc://within").unwrap();
    subscriber.subscribe("a");
    eventually(|| publisher.peers().iter().any(|peer| peer.forbidden == 1).then_some(()));
    assert_eq!(publisher.topics(), 0);
}

#[test]
fn with_inverted_matching_a_restricted_subscriber_gets_only_topics_that_it_may_subscribe_to() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let publisher = XPub::with_options(server().invert_matching(true));
    let at = runtime.run(publisher.bind(ANYWHERE)).unwrap();
    let subscriber = Sub::with_options(client("ada").invert_matching(true));
    subscriber.subscribe("orders.x");
    subscriber.connect(at).unwrap();
    runtime.run(publisher.recv()).unwrap();
    runtime.run(async {
        for topic in ["news.1", "", "orders.x.1", "orders.y.1"] {
            publisher.send(topic).await.unwrap();
        }
    });
    assert_eq!(runtime.run(subscriber.recv()), Ok("orders.y.1".into()));
}
