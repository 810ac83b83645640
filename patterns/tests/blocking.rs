//! Blocking sockets, for programs without an async runtime.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::thread;
use std::time::Duration;

use enfonet::blocking::{Client, Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use enfonet::error::{RecvError, SendError};
use enfonet::socket::XPubEvent;
use enfonet::{Message, Options};

const ANYWHERE: &str = "tcp://127.0.0.1:*";
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_dropped_socket_has_delivered_its_messages() {
    let pull = Pull::new();
    let at = pull.bind(ANYWHERE).unwrap();
    let push = Push::new();
    push.connect(at).unwrap();
    for n in 0..100 {
        push.send(n.to_string()).unwrap();
    }
    let clone = push.clone();
    drop(push);
    clone.send("last").unwrap();
    drop(clone);
    // The peer reads all messages before the end, so no further wait is needed.
    let received: Vec<Message> = std::iter::from_fn(|| pull.try_recv().ok()).collect();
    assert_eq!(received.len(), 101);
    assert_eq!(received[100], "last");
}

#[test]
fn a_closed_socket_is_dropped_without_waiting_again() {
    let push = Push::with_options(Options::default().linger(LONG));
    push.connect("inproc://nobody is there").unwrap();
    push.send("lost").unwrap();
    assert_eq!(push.close(Duration::ZERO).dropped, 1);
    assert_eq!(push.send("late"), Err(SendError::Closed("late".into())));
}

#[test]
fn a_panicking_thread_does_not_wait_for_its_sockets() {
    let panicking = thread::spawn(|| {
        let push = Push::with_options(Options::default().linger(LONG));
        push.connect("inproc://nobody is there either").unwrap();
        push.send("lost").unwrap();
        panic!("for the test");
    });
    panicking.join().unwrap_err();
}

#[tokio::test]
async fn blocking_calls_work_within_async_code_for_any_number_of_messages() {
    let within_a_task = tokio::spawn(async {
        let (push, pull) = (Push::new(), Pull::new());
        push.connect(pull.bind(ANYWHERE).unwrap()).unwrap();
        for n in 0..1000 {
            push.send(n.to_string()).unwrap();
            assert_eq!(pull.recv().unwrap(), n.to_string());
        }
    });
    within_a_task.await.unwrap();
}

#[test]
fn blocking_timeouts_are_kept() {
    let pull = Pull::with_options(Options::default().recv_timeout(Duration::from_millis(1)));
    assert_eq!(pull.recv(), Err(RecvError::Timeout));
}

#[test]
fn requests_are_replied_to_from_any_thread() {
    let server = Rep::new();
    let at = server.bind(ANYWHERE).unwrap();
    let serving = thread::spawn(move || {
        for _ in 0..40 {
            let request = server.recv().unwrap();
            let reply = request.message().clone();
            request.reply(reply).unwrap();
        }
    });
    let client = Client::new();
    client.connect(&at).unwrap();
    thread::scope(|scope| {
        for n in 0..20 {
            let client = &client;
            scope.spawn(move || assert_eq!(client.request(n.to_string(), LONG).unwrap(), n.to_string()));
        }
    });
    let req = Req::new();
    req.connect(&at).unwrap();
    for n in 0..20 {
        assert_eq!(req.request(n.to_string()).unwrap(), n.to_string());
    }
    serving.join().unwrap();
    assert_eq!((client.in_flight(), client.late_replies()), (0, 0));
}

#[test]
fn every_socket_type_sends_or_receives_without_a_runtime() {
    let (pair, other) = (Pair::new(), Pair::new());
    pair.connect(other.bind("inproc://pair").unwrap()).unwrap();
    pair.send("hello").unwrap();
    assert_eq!(other.recv().unwrap(), "hello");

    let (dealer, router) = (Dealer::new(), Router::new());
    dealer.connect(router.bind("inproc://router").unwrap()).unwrap();
    dealer.send("hello").unwrap();
    let (peer, message) = router.recv().unwrap();
    router.send_to(peer, &message).unwrap();
    assert_eq!(dealer.recv().unwrap(), "hello");

    let (publisher, subscriber) = (Pub::new(), Sub::new());
    subscriber.subscribe("a");
    subscriber.connect(publisher.bind("inproc://pub").unwrap()).unwrap();
    publisher.wait_subscribers(1);
    publisher.send("b").unwrap();
    publisher.send(["a", "1"]).unwrap();
    assert_eq!(subscriber.recv().unwrap(), ["a", "1"]);

    let (publisher, subscriber) = (XPub::new(), XSub::new());
    subscriber.connect(publisher.bind("inproc://xpub").unwrap()).unwrap();
    subscriber.subscribe("a");
    assert!(matches!(publisher.recv().unwrap(), XPubEvent::Subscription { .. }));
    publisher.send("a").unwrap();
    assert_eq!(subscriber.recv().unwrap(), "a");
}
