//! Subscriptions that the broker sends to publishers: each topic once, and each cancel once.

use enfonet_tests::{LIBRARIES, Library, Mq, Process, Script, ScriptListener, command, ipc, message};

use crate::setup::{Setup, bound, connecting};

/// Returns a scripted subscriber with one subscription in force.
fn scripted(endpoint: &str, topic: &str) -> Script {
    let mut script = Script::join(endpoint, "SUB", 1);
    script.send(&command("SUBSCRIBE", topic.as_bytes()));
    script.settle();
    script
}

#[test]
fn equal_subscriptions_are_one_subscription_upstream_until_the_last_is_cancelled() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Mq::tcp(&setup.runtime);
        let publisher = setup.publisher(library, &broker.frontend());
        let marks = ["~0", "~1", "~2", "~3", "~4"];
        let subscribers: Vec<_> = marks
            .iter()
            .zip(LIBRARIES.into_iter().cycle())
            .map(|(mark, library)| setup.subscriber(library, &broker.backend(), &["news", mark]))
            .collect();
        let mut seen = publisher.await_topics(&marks);
        seen.sort();
        assert_eq!(seen, ["\\x01news", "\\x01~0", "\\x01~1", "\\x01~2", "\\x01~3", "\\x01~4"]);
        for (at, subscriber) in subscribers.iter().enumerate() {
            subscriber.unsubscribe("news");
            if at == 4 {
                publisher.expect_cancelled("news");
            }
            // This marker follows the changes of the other topic.
            subscriber.subscribe("bye");
            if at == 0 {
                publisher.expect_subscribed("bye");
            }
            subscriber.unsubscribe(marks[at]);
            publisher.expect_cancelled(marks[at]);
        }
    }
}

#[test]
fn a_scripted_publisher_receives_one_subscribe_and_one_cancel_command() {
    let setup = Setup::new();
    let (listener, endpoint) = ScriptListener::bind();
    let broker = setup.broker(connecting(&endpoint), bound("tcp://127.0.0.1:*"));
    let mut publisher = listener.accept();
    publisher.handshake("PUB", 1);
    let first = scripted(&broker.backend(), "news");
    publisher.expect(b"\x04\x0e\x09SUBSCRIBEnews");
    let mut second = scripted(&broker.backend(), "news");
    second.send(&command("SUBSCRIBE", b"else"));
    publisher.expect(b"\x04\x0e\x09SUBSCRIBEelse");
    second.send(&command("CANCEL", b"news"));
    second.send(&command("CANCEL", b"else"));
    publisher.expect(b"\x04\x0b\x06CANCELelse");
    drop(first);
    publisher.expect(b"\x04\x0b\x06CANCELnews");
    drop((second, broker));
}

#[test]
fn a_publisher_of_zmtp_3_0_receives_subscriptions_as_messages() {
    let setup = Setup::new();
    let broker = Mq::tcp(&setup.runtime);
    let mut publisher = Script::join(&broker.frontend(), "PUB", 0);
    let mut subscriber = Script::join(&broker.backend(), "SUB", 0);
    subscriber.send(&message(&["\x01news"]));
    publisher.expect(b"\0\x05\x01news");
    publisher.send(&message(&["news of 3.0"]));
    subscriber.expect(b"\0\x0bnews of 3.0");
    subscriber.send(&message(&["\0news"]));
    publisher.expect(b"\0\x05\0news");
}

#[test]
fn the_topic_is_cancelled_when_its_last_subscriber_leaves() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Mq::tcp(&setup.runtime);
        let publisher = setup.publisher(Library::Libzmq, &broker.frontend());
        let first = setup.subscriber(library, &broker.backend(), &["news", "~1"]);
        let second = setup.subscriber(library, &broker.backend(), &["news", "~2"]);
        publisher.await_topics(&["news", "~1", "~2"]);
        drop(first);
        publisher.expect_cancelled("~1");
        publisher.send(&["news"]);
        second.expect(&["news"]);
        drop(second);
        let mut cancelled = [publisher.recv().concat(), publisher.recv().concat()];
        cancelled.sort();
        assert_eq!(cancelled, [b"\0news".to_vec(), b"\0~2".to_vec()]);
    }
}

#[test]
fn a_subscriber_whose_connection_breaks_off_is_forgotten() {
    for publisher in LIBRARIES {
        let setup = Setup::new();
        let broker = Mq::tcp(&setup.runtime);
        let publisher = setup.publisher(publisher, &broker.frontend());
        let subscriber = scripted(&broker.backend(), "news");
        publisher.expect_subscribed("news");
        drop(subscriber);
        publisher.expect_cancelled("news");
    }
}

#[test]
fn a_subscriber_whose_process_is_killed_is_forgotten() {
    let setup = Setup::new();
    let (_folder, back) = ipc();
    let broker = Mq::start(&setup.runtime, "tcp://127.0.0.1:*", &back);
    let publisher = setup.publisher(Library::Libzmq, &broker.frontend());
    // The process is another broker, which subscribes for its own subscriber.
    let far = ["--frontend-connect", &back, "--backend", "tcp://127.0.0.1:*"];
    let far = Process::start("enfomq", &far);
    let subscriber = setup.subscriber(Library::Libzmq, &far.backend()[0], &["news"]);
    publisher.expect_subscribed("news");
    publisher.send(&["news"]);
    subscriber.expect(&["news"]);
    far.kill();
    publisher.expect_cancelled("news");
}

#[test]
fn a_late_publisher_receives_the_current_subscriptions() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Mq::tcp(&setup.runtime);
        let first = setup.publisher(Library::Libzmq, &broker.frontend());
        let subscriber = setup.subscriber(library, &broker.backend(), &["a", "b", "c"]);
        first.await_topics(&["a", "b", "c"]);
        subscriber.unsubscribe("b");
        first.expect_cancelled("b");
        for library in LIBRARIES {
            let late = setup.publisher(library, &broker.frontend());
            let mut seen = late.await_topics(&["a", "c"]);
            seen.sort();
            assert_eq!(seen, ["\\x01a", "\\x01c"]);
            late.send(&["b"]);
            late.send(&["c"]);
            subscriber.expect(&["c"]);
        }
    }
}

#[test]
fn messages_of_an_unsubscribed_topic_no_longer_arrive() {
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Mq::tcp(&setup.runtime);
        let publisher = setup.publisher(Library::Ours, &broker.frontend());
        let subscriber = setup.subscriber(library, &broker.backend(), &["a", "b"]);
        let other = setup.subscriber(library, &broker.backend(), &["a", "c"]);
        publisher.await_topics(&["a", "b", "c"]);
        subscriber.unsubscribe("a");
        subscriber.subscribe("d");
        publisher.expect_subscribed("d");
        publisher.send(&["a"]);
        publisher.send(&["d"]);
        subscriber.expect(&["d"]);
        other.expect(&["a"]);
    }
}

#[test]
fn any_number_of_topics_is_subscribed_and_cancelled_upstream() {
    const TOPICS: usize = 30_000;
    for library in LIBRARIES {
        let setup = Setup::new();
        let broker = Mq::tcp(&setup.runtime);
        let publisher = setup.publisher(library, &broker.frontend());
        let mut subscriber = Script::join(&broker.backend(), "SUB", 1);
        let topics = |name| (0..TOPICS).flat_map(move |n| command(name, format!("{n:05}").as_bytes()));
        subscriber.send(&topics("SUBSCRIBE").collect::<Vec<u8>>());
        (0..TOPICS).for_each(|n| publisher.expect_subscribed(&format!("{n:05}")));
        subscriber.send(&topics("CANCEL").take(14 * TOPICS / 2).collect::<Vec<u8>>());
        (0..TOPICS / 2).for_each(|n| publisher.expect_cancelled(&format!("{n:05}")));
        drop(subscriber);
        let mut rest: Vec<_> = (TOPICS / 2..TOPICS).map(|_| publisher.recv().concat()).collect();
        rest.sort();
        assert!(rest.into_iter().eq((TOPICS / 2..TOPICS).map(|n| format!("\0{n:05}").into_bytes())));
    }
}
