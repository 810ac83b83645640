//! Inverted matching: subscribers receive the messages that match none of their topics.

use enfonet::message::Batch;
use enfonet::{Message, Pub, Sub, XPub, XSub};
use enfonet_tests::{
    PyZmq, Runtime, ScriptListener, command, eventually, frames, ipc, message, theirs, wildcard,
};

const TEXTS: [&str; 6] = ["p1", "p1 again", "p2", "q", "p", ""];

fn without(prefix: &str) -> Vec<&'static str> {
    TEXTS.into_iter().filter(|text| !text.starts_with(prefix)).collect()
}

#[test]
fn inverted_publishers_send_messages_that_match_no_subscription() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for batched in [false, true] {
        let xpub = XPub::builder().invert_matching(true).build();
        let at = runtime.run(xpub.bind("tcp://127.0.0.1:*")).unwrap();
        // XSUB doesn't filter its messages.
        let [first, second, none] = [0, 1, 2].map(|_| XSub::new());
        [&first, &second, &none].iter().for_each(|xsub| xsub.connect(&at).unwrap());
        first.subscribe("p1");
        first.subscribe("p1 again");
        second.subscribe("p2");
        runtime.run(xpub.wait_connected(3));
        runtime.run(xpub.wait_subscribers(2));
        eventually(|| (xpub.topics() == 3).then_some(()));
        runtime.run(async {
            let messages = TEXTS.into_iter().map(Message::from);
            if batched {
                xpub.send_batch(&mut messages.collect::<Batch>()).await.unwrap();
            } else {
                for message in messages {
                    xpub.send(message).await.unwrap();
                }
            }
        });
        for (xsub, expected) in [(first, without("p1")), (second, without("p2")), (none, TEXTS.to_vec())] {
            for text in expected {
                assert_eq!(runtime.run(xsub.recv()), Ok(text.into()), "batched: {batched}");
            }
        }
    }
}

#[test]
fn an_inverted_sub_receives_messages_that_match_no_subscription_singly_and_in_batches() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    for (batched, topic) in [(false, "p1"), (true, "p1"), (false, "p2"), (true, "p2")] {
        let (listener, at) = ScriptListener::bind();
        let sub = Sub::builder().invert_matching(true).build();
        sub.subscribe(topic);
        sub.connect(at).unwrap();
        let mut publisher = listener.accept();
        publisher.handshake("PUB", 1);
        publisher.expect(&command("SUBSCRIBE", topic.as_bytes()));
        // The publisher sends everything, so SUB is the end that drops.
        publisher.send(&TEXTS.map(|text| message(&[text])).concat());
        let expected = without(topic);
        let mut received = Vec::new();
        while received.len() < expected.len() {
            if batched {
                received.extend(runtime.run(sub.recv_batch(usize::MAX)).unwrap().1);
            } else {
                received.push(runtime.run(sub.recv()).unwrap());
            }
        }
        assert_eq!(
            received,
            expected.into_iter().map(Message::from).collect::<Vec<_>>(),
            "batched: {batched}"
        );
        publisher.settle();
        assert_eq!(sub.try_recv().ok(), None);
    }
}

#[test]
fn inverted_publishers_and_subscribers_of_ours_and_of_libzmq_understand_each_other() {
    let (runtime, pyzmq) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for transport in ["tcp", "ipc"] {
        let publisher = Pub::builder().invert_matching(true).build();
        let (_dir, wildcard) = wildcard(transport);
        let at = runtime.run(publisher.bind(&*wildcard)).unwrap().to_string();
        let subscribers = ["p1", "p2"].map(|topic| {
            let sub = pyzmq.socket("SUB").option("invert_matching", 1);
            sub.connect(&at);
            sub.subscribe(topic);
            sub
        });
        runtime.run(publisher.wait_subscribers(2));
        for text in TEXTS {
            runtime.run(publisher.send(text)).unwrap();
        }
        for (sub, topic) in subscribers.iter().zip(["p1", "p2"]) {
            without(topic).into_iter().for_each(|text| assert_eq!(sub.recv(), frames([text])));
        }
    }
    let publisher = pyzmq.socket("PUB").option("invert_matching", 1);
    let (_dir, at) = ipc();
    publisher.bind(&at);
    let sub = Sub::builder().invert_matching(true).build();
    sub.subscribe("p1");
    sub.connect(&*at).unwrap();
    eventually(|| {
        publisher.send(&["tuning in"]);
        sub.try_recv().ok()
    });
    TEXTS.iter().for_each(|text| publisher.send(&[text]));
    let heard = std::iter::repeat_with(|| theirs(&runtime.run(sub.recv()).unwrap()));
    let heard: Vec<_> =
        heard.filter(|heard| *heard != frames(["tuning in"])).take(without("p1").len()).collect();
    assert_eq!(heard, without("p1").into_iter().map(|text| frames([text])).collect::<Vec<_>>());
}
