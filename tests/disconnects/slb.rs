//! EnfoSLB: clients, workers and brokers that disconnect with pending requests.

use std::time::Duration;

use enfonet::Rep;
use enfonet_proxy::{Config, Side};
use enfonet_tests::{Runtime, Script, Slb, message, text};

use crate::TCP;

#[test]
fn a_request_of_a_client_that_left_does_not_disturb_its_successor() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let broker = Slb::tcp(&runtime);
    let mut first = Script::join(&broker.frontend(), "DEALER", 1);
    first.send(&message(&["", "first"]));
    first.leave();
    let mut second = Script::join(&broker.frontend(), "DEALER", 1);
    second.settle();
    let worker = Rep::new();
    worker.connect(&broker.backend()[..]).unwrap();
    let request = runtime.run(worker.recv()).unwrap();
    assert_eq!(*request.message(), "first");
    second.send(&message(&["", "second"]));
    request.reply("to the first").unwrap();
    let request = runtime.run(worker.recv()).unwrap();
    assert_eq!(*request.message(), "second");
    request.reply("to the second").unwrap();
    assert_eq!(text(&second.message()), ["", "to the second"]);
    drop((second, worker));
    let summary = broker.stop(&runtime);
    assert_eq!((summary.requests, summary.replies, summary.undeliverable), (2, 1, 1));
}

/// Starts a broker that has sent a request to a worker. Returns the request as the worker received it, too.
fn busy(runtime: &Runtime, body: &str) -> (Slb, Script, Script, Vec<Vec<u8>>) {
    let side = || Side::bound(TCP.parse().unwrap());
    let mut config = Config::new(side(), side());
    config.grace = Duration::from_millis(20);
    let broker = Slb::start_with(runtime, config);
    let mut client = Script::join(&broker.frontend(), "DEALER", 1);
    client.send(&message(&["", body]));
    let mut worker = Script::join(&broker.backend(), "REP", 1);
    let request = worker.message();
    assert_eq!(text(&request[1..]), ["", body]);
    (broker, client, worker, request)
}

#[test]
fn a_reply_to_a_request_of_an_earlier_broker_reaches_no_client() {
    let runtime = Runtime::new();
    let (broker, mut client, mut worker, stale) = busy(&runtime, "one");
    let summary = broker.stop(&runtime);
    assert_eq!((summary.requests, summary.replies), (1, 0));
    client.expect_close();
    worker.expect_close();

    let (broker, mut client, mut worker, request) = busy(&runtime, "two");
    assert_ne!(request[0], stale[0]);
    worker.send(&message(&[&stale[0][..], b"", b"reply to one"]));
    worker.send(&message(&[&request[0][..], b"", b"reply to two"]));
    assert_eq!(text(&client.message()), ["", "reply to two"]);
    worker.settle();
    client.settle();
    let summary = broker.stop(&runtime);
    assert_eq!((summary.requests, summary.replies, summary.undeliverable), (1, 1, 1));
}

#[test]
fn replies_to_no_request_earn_no_credit() {
    const GARBAGE: usize = 500;
    let runtime = Runtime::new();
    let (broker, mut client, mut worker, request) = busy(&runtime, "0");
    (1..100).for_each(|n| client.send(&message(&["", &n.to_string()])));
    client.settle();
    worker.send(&message(&["x", "y"]).repeat(GARBAGE));
    // The first copy answers the worker's request, the second answers none. So the worker may get the next
    // request, and one more for the credit that it earned.
    worker.send(&message(&request).repeat(2));
    assert_eq!(text(&client.message()), ["", "0"]);
    worker.leave();
    let summary = broker.stop(&runtime);
    assert_eq!((summary.replies, summary.undeliverable), (1, GARBAGE as u64 + 1));
    assert!(summary.lost <= 2 && summary.requests <= 3, "{summary:?}");
}
