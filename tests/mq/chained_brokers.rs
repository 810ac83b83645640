//! Chained brokers, and brokers with several endpoints on a side.

use enfonet::Pub;
use enfonet_tests::{LIBRARIES, Library, Process, ipc, wildcard};

use crate::setup::{Publisher, Setup, Subscriber, bound, connecting};

const ANY: &str = "tcp://127.0.0.1:*";

/// Subscribes through the brokers between the two, publishes, and unsubscribes.
fn converse(publisher: &Publisher<'_>, subscriber: &Subscriber<'_>) {
    publisher.expect_subscribed("news");
    publisher.send(&["old"]);
    publisher.send(&["news", "1"]);
    subscriber.expect(&["news", "1"]);
    subscriber.subscribe("other");
    publisher.expect_subscribed("other");
    subscriber.unsubscribe("news");
    publisher.expect_cancelled("news");
    publisher.send(&["news", "2"]);
    publisher.send(&["other", "3"]);
    subscriber.expect(&["other", "3"]);
}

#[test]
fn a_broker_connects_to_the_backend_of_another() {
    for transport in ["tcp", "ipc"] {
        for library in LIBRARIES {
            let setup = Setup::new();
            let middle = wildcard(transport);
            let near = setup.broker(bound(ANY), bound(&middle.1));
            let far = setup.broker(connecting(&near.backend()), bound(ANY));
            let publisher = setup.publisher(library, &near.frontend());
            converse(&publisher, &setup.subscriber(library, &far.backend(), &["news"]));
        }
    }
}

#[test]
fn a_broker_connects_to_the_frontend_of_another() {
    for transport in ["tcp", "ipc"] {
        for library in LIBRARIES {
            let setup = Setup::new();
            let middle = wildcard(transport);
            let far = setup.broker(bound(&middle.1), bound(ANY));
            let near = setup.broker(bound(ANY), connecting(&far.frontend()));
            let publisher = setup.publisher(library, &near.frontend());
            converse(&publisher, &setup.subscriber(library, &far.backend(), &["news"]));
        }
    }
}

#[test]
fn a_broker_that_connects_on_both_sides_joins_two_that_listen() {
    let setup = Setup::new();
    let near = setup.broker(bound(ANY), bound(ANY));
    let far = setup.broker(bound(ANY), bound(ANY));
    let _between = setup.broker(connecting(&near.backend()), connecting(&far.frontend()));
    let publisher = setup.publisher(Library::Libzmq, &near.frontend());
    converse(&publisher, &setup.subscriber(Library::Ours, &far.backend(), &["news"]));
}

#[test]
fn each_branch_of_a_tree_gets_its_own_topics() {
    let setup = Setup::new();
    let root = setup.broker(bound(ANY), bound(ANY));
    let branches = [(); 2].map(|()| setup.broker(connecting(&root.backend()), bound(ANY)));
    let publisher = setup.publisher(Library::Libzmq, &root.frontend());
    let left = setup.subscriber(Library::Libzmq, &branches[0].backend(), &["both", "left"]);
    let right = setup.subscriber(Library::Ours, &branches[1].backend(), &["both", "right"]);
    let mut seen = publisher.await_topics(&["both", "left", "right"]);
    seen.sort();
    assert_eq!(seen, ["\\x01both", "\\x01left", "\\x01right"]);
    ["left", "both", "right", "both end"].iter().for_each(|topic| publisher.send(&[topic]));
    ["left", "both", "both end"].iter().for_each(|topic| left.expect(&[topic]));
    ["both", "right", "both end"].iter().for_each(|topic| right.expect(&[topic]));
}

#[test]
fn every_endpoint_of_a_side_leads_to_every_endpoint_of_the_other() {
    let setup = Setup::new();
    let ((_front, front), (_back, back)) = (ipc(), ipc());
    let sides = ["--frontend", ANY, "--frontend", &front, "--backend", ANY, "--backend", &back];
    let broker = Process::start("enfomq", &sides);
    assert_eq!((broker.frontend().len(), broker.backend().len()), (2, 2));
    let publishers: Vec<_> = broker
        .frontend()
        .iter()
        .zip(LIBRARIES)
        .map(|(endpoint, library)| setup.publisher(library, endpoint))
        .collect();
    let subscribers: Vec<_> = broker
        .backend()
        .iter()
        .zip(["~0", "~1"])
        .map(|(endpoint, mark)| setup.subscriber(Library::Libzmq, endpoint, &["news", mark]))
        .collect();
    for (publisher, name) in publishers.iter().zip(["first", "second"]) {
        publisher.await_topics(&["~0", "~1"]);
        publisher.send(&["news", name]);
        subscribers.iter().for_each(|subscriber| subscriber.expect(&["news", name]));
    }
}

#[test]
fn a_broker_connects_to_several_publishers_that_listen() {
    let setup = Setup::new();
    let (theirs, at_theirs) = setup.libzmq.bound(zmq::XPUB, ANY);
    let ours = Pub::new();
    let at_ours = setup.runtime.run(ours.bind(ANY)).unwrap().to_string();
    let sides = ["--frontend-connect", &at_theirs, "--frontend-connect", &at_ours, "--backend", ANY];
    let broker = Process::start("enfomq", &sides);
    assert_eq!(broker.frontend(), [at_theirs, at_ours]);
    let subscriber = setup.subscriber(Library::Libzmq, &broker.backend()[0], &["news"]);
    assert_eq!(theirs.recv_bytes(0).unwrap(), b"\x01news");
    theirs.send("news of theirs", 0).unwrap();
    subscriber.expect(&["news of theirs"]);
    setup.runtime.run(ours.wait_subscribers(1));
    setup.runtime.run(ours.send("news of ours")).unwrap();
    subscriber.expect(&["news of ours"]);
}

#[test]
fn a_broker_connects_to_a_libzmq_pub_that_listens() {
    let setup = Setup::new();
    let (publisher, endpoint) = setup.libzmq.bound(zmq::PUB, ANY);
    let broker = Process::start("enfomq", &["--frontend-connect", &endpoint, "--backend", ANY]);
    let subscriber = setup.libzmq.subscriber(&broker.backend()[0], "news");
    // A PUB doesn't report subscribers: the first message that arrives shows the subscription.
    while subscriber.poll(zmq::POLLIN, 1).unwrap() == 0 {
        publisher.send("news: early", 0).unwrap();
    }
    publisher.send("olds", 0).unwrap();
    publisher.send("news: the end", 0).unwrap();
    let last = std::iter::repeat_with(|| subscriber.recv_bytes(0).unwrap()).find(|m| m != b"news: early");
    assert_eq!(last.unwrap(), b"news: the end");
}

#[test]
fn a_broker_connects_to_a_libzmq_sub_that_listens() {
    let setup = Setup::new();
    let (subscriber, endpoint) = setup.libzmq.bound(zmq::SUB, ANY);
    subscriber.set_subscribe(b"news").unwrap();
    let broker = Process::start("enfomq", &["--frontend", ANY, "--backend-connect", &endpoint]);
    let publisher = setup.publisher(Library::Ours, &broker.frontend()[0]);
    // A libzmq subscriber subscribes only while it receives.
    let received = std::thread::spawn(move || subscriber.recv_bytes(0).unwrap());
    publisher.expect_subscribed("news");
    publisher.send(&["news"]);
    assert_eq!(received.join().unwrap(), b"news");
}
