//! Topics: which subscribers receive a publication (RFC 29).

use enfonet_tests::{frames, wildcard};
use zmq::SocketType;

use crate::setup::{AnySocket, MIXED, Setup, wait_subscribed};

/// Subscriber types. SUB filters once more; XSUB doesn't, so it shows the publisher's filter.
const SUBSCRIBERS: [SocketType; 2] = [zmq::SUB, zmq::XSUB];

/// Runs `talk` between a publisher and a subscriber, of which one is libzmq's.
fn both_ways(
    publisher: SocketType,
    subscribers: &[SocketType],
    talk: impl Fn(&AnySocket<'_>, &AnySocket<'_>),
) {
    for (who, subscriber) in MIXED.iter().flat_map(|who| subscribers.iter().map(move |kind| (*who, *kind))) {
        println!("{who:?} {subscriber:?}");
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let [publisher, subscriber] = setup.pair(who, [publisher, subscriber]);
        talk(&publisher, &subscriber);
    }
}

/// Publishes all messages, and asserts that only the wanted messages and the marker after them arrive.
fn expect_only<T: AsRef<[u8]> + Copy>(
    [publisher, subscriber]: [&AnySocket<'_>; 2],
    published: &[&[T]],
    wanted: &[&[T]],
) {
    const END: &str = "that's all";
    subscriber.subscribe(END);
    wait_subscribed(publisher, subscriber);
    published.iter().for_each(|message| publisher.send(*message));
    publisher.send([END]);
    let received: Vec<_> = std::iter::repeat_with(|| subscriber.recv())
        .take_while(|message| *message != frames([END]))
        .collect();
    let wanted: Vec<_> = wanted.iter().copied().map(frames).collect();
    assert_eq!(received, wanted);
}

#[test]
fn a_publisher_sends_only_messages_that_begin_with_a_subscribed_topic() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        subscriber.subscribe("ab");
        subscriber.subscribe("x");
        let published: &[&[&str]] =
            &[&["a"], &["ab"], &["b", "ab"], &["abc", "1"], &[""], &["aab"], &["ab", "2"], &["xab"], &["Ab"]];
        expect_only([publisher, subscriber], published, &[&["ab"], &["abc", "1"], &["ab", "2"], &["xab"]]);
    });
}

#[test]
fn a_message_that_matches_several_topics_arrives_once() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        ["abc", "a", "", "ab"].iter().for_each(|topic| subscriber.subscribe(topic));
        expect_only([publisher, subscriber], &[&["abcd"], &["ab"]], &[&["abcd"], &["ab"]]);
    });
}

#[test]
fn the_empty_topic_matches_every_message_even_an_empty_message() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        subscriber.subscribe("");
        let all: &[&[&str]] = &[&[""], &["x"], &["", "y"], &["\0"], &["\u{1}", ""]];
        expect_only([publisher, subscriber], all, all);
    });
}

#[test]
fn without_a_subscription_nothing_arrives() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        expect_only([publisher, subscriber], &[&["a"], &[""]], &[]);
    });
}

#[test]
fn only_the_first_frame_is_matched_and_all_or_no_frames_arrive() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        subscriber.subscribe("b");
        let published: &[&[&str]] = &[&["a", "b", "b"], &["b", "", "a"], &["", "b"], &["b", "b"]];
        expect_only([publisher, subscriber], published, &[&["b", "", "a"], &["b", "b"]]);
    });
}

#[test]
fn topics_may_be_any_bytes_and_of_any_length() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        let bytes = [&[0][..], &[1, 0], &[0xff, 0xfe]];
        bytes.iter().for_each(|topic| subscriber.subscribe(topic));
        let published: &[&[&[u8]]] = &[&[&[0, 1]], &[&[1]], &[&[1, 0]], &[&[0xff]], &[&[0xff, 0xfe, 0]]];
        expect_only([publisher, subscriber], published, &[published[0], published[2], published[4]]);
        // libzmq 4.3.4 sends subscriptions of 246 to 255 bytes with the length in the wrong form.
        let lengths = if subscriber.is_ours() {
            &[244, 245, 246, 254, 255, 256, 2000][..]
        } else {
            &[244, 245, 256, 2000]
        };
        for (len, byte) in lengths.iter().zip(b'a'..) {
            let body = vec![byte; len + 1];
            let [shorter, equal, longer] = [&body[..len - 1], &body[..*len], &body[..]];
            subscriber.subscribe(equal);
            expect_only([publisher, subscriber], &[&[shorter], &[equal], &[longer]], &[&[equal], &[longer]]);
            subscriber.unsubscribe(equal);
            expect_only([publisher, subscriber], &[&[equal]], &[]);
        }
    });
}

#[test]
fn messages_of_an_unsubscribed_topic_are_no_longer_sent() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        ["a", "ab", "c"].iter().for_each(|topic| subscriber.subscribe(topic));
        wait_subscribed(publisher, subscriber);
        ["a", "c"].iter().for_each(|topic| subscriber.unsubscribe(topic));
        expect_only([publisher, subscriber], &[&["a"], &["ab"], &["ac"], &["c"]], &[&["ab"]]);
    });
}

#[test]
fn a_topic_subscribed_twice_is_sent_until_it_is_unsubscribed_twice() {
    both_ways(zmq::PUB, &SUBSCRIBERS, |publisher, subscriber| {
        subscriber.subscribe("a");
        subscriber.subscribe("a");
        subscriber.unsubscribe("a");
        expect_only([publisher, subscriber], &[&["a"]], &[&["a"]]);
        subscriber.unsubscribe("a");
        expect_only([publisher, subscriber], &[&["a"]], &[]);
        subscriber.unsubscribe("a");
        subscriber.subscribe("a");
        expect_only([publisher, subscriber], &[&["a"]], &[&["a"]]);
    });
}

#[test]
fn sub_drops_messages_of_a_topic_unsubscribed_after_they_were_sent() {
    both_ways(zmq::PUB, &[zmq::SUB], |publisher, subscriber| {
        subscriber.subscribe("a");
        subscriber.subscribe("b");
        wait_subscribed(publisher, subscriber);
        for message in [["a", "1"], ["b", "1"], ["a", "2"], ["b", "2"]] {
            publisher.send(message);
        }
        assert_eq!(subscriber.recv(), frames(["a", "1"]));
        if subscriber.is_ours() {
            subscriber.unsubscribe("a");
        } else {
            // libzmq filters a message when it arrives, and may have taken in one more.
            assert_eq!(subscriber.recv(), frames(["b", "1"]));
            assert_eq!(subscriber.recv(), frames(["a", "2"]));
        }
        let rest = if subscriber.is_ours() { ["1", "2"].as_slice() } else { &["2"] };
        for text in rest {
            assert_eq!(subscriber.recv(), frames(["b", text]));
        }
    });
}

#[test]
fn each_subscriber_receives_its_own_topics() {
    for who in MIXED {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let publisher = setup.end(who[0], zmq::PUB);
        let at = publisher.bind(&wildcard("tcp").1);
        let topics = ["a", "b", "", "ab"];
        let subscribers = topics.map(|topic| {
            let subscriber = setup.end(who[1], zmq::SUB);
            subscriber.connect(&at);
            subscriber.subscribe(topic);
            subscriber
        });
        subscribers.iter().for_each(|subscriber| {
            subscriber.subscribe("that's all");
            wait_subscribed(&publisher, subscriber);
        });
        let published = ["a", "b", "abc", "c", "that's all"];
        published.iter().for_each(|text| publisher.send([text]));
        for (subscriber, topic) in subscribers.iter().zip(topics) {
            let wanted = published.iter().filter(|text| text.starts_with(topic) || **text == "that's all");
            // The subscriber to everything has also been sent the tuning messages of the others.
            let heard = || loop {
                let heard = subscriber.recv();
                if !heard[0].starts_with(b"tuning in") {
                    return heard;
                }
            };
            wanted.for_each(|text| assert_eq!(heard(), frames([text]), "{topic:?}"));
        }
    }
}

#[test]
fn a_subscriber_receives_from_all_its_publishers() {
    for (who, subscriber_binds) in MIXED.into_iter().flat_map(|who| [(who, true), (who, false)]) {
        let setup = Setup::default();
        let _guard = setup.runtime.enter();
        let subscriber = setup.end(who[1], zmq::SUB);
        let publishers = [0, 1, 2].map(|_| setup.end(who[0], zmq::PUB));
        if subscriber_binds {
            let at = subscriber.bind(&wildcard("tcp").1);
            publishers.iter().for_each(|publisher| publisher.connect(&at));
        } else {
            publishers.iter().for_each(|publisher| subscriber.connect(&publisher.bind(&wildcard("tcp").1)));
        }
        subscriber.subscribe("a");
        for publisher in &publishers {
            wait_subscribed(publisher, &subscriber);
            publisher.send(["a"]);
            assert_eq!(subscriber.recv(), frames(["a"]));
        }
    }
}
