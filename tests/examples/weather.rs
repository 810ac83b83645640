//! `wuserver` and `wuclient`, with `wuproxy` between them.

use enfonet_tests::PyZmq;

use crate::{Example, TCP, bound, connected};

#[test]
fn wuserver_sends_a_sub_of_pyzmq_the_updates_of_its_zip_code() {
    let (server, [at]) = Example::ready("wuserver", &[TCP]);
    let subscriber = connected(&PyZmq::start(), "SUB", &at);
    subscriber.subscribe("10001 ");
    for _ in 0..100 {
        let update = subscriber.recv();
        let [update] = &update[..] else { panic!("one frame, not {update:?}") };
        let fields: Vec<i32> =
            str::from_utf8(update).unwrap().split(' ').map(|field| field.parse().unwrap()).collect();
        let [10_001, celsius, humidity] = fields[..] else { panic!("an update, not {fields:?}") };
        assert!((-20..=40).contains(&celsius) && (10..=90).contains(&humidity), "{fields:?}");
    }
    assert!(server.end().is_empty());
}

#[test]
fn wuclient_takes_the_average_of_the_updates_of_a_pub_of_pyzmq() {
    let (publisher, at) = bound(&PyZmq::start(), "XPUB");
    let client = Example::start("wuclient", &[&at, "10042", "3"]);
    assert_eq!(publisher.recv(), [b"\x0110042 "]);
    for update in ["10042 20 60", "10001 -50 60", "10042 21 0", "100421 99 99", "10042 -3 10"] {
        publisher.send(&[update]);
    }
    assert_eq!(client.end(), ["10042 has 12.7 °C on average"]);
}

#[test]
fn wuproxy_forwards_subscriptions_to_pyzmq_and_the_updates() {
    let pyzmq = PyZmq::start();
    let (publisher, service) = bound(&pyzmq, "XPUB");
    let (proxy, [at]) = Example::ready("wuproxy", &[&service, TCP]);
    let subscriber = connected(&pyzmq, "SUB", &at);
    subscriber.subscribe("10001 ");
    assert_eq!(publisher.recv(), [b"\x0110001 "]);
    let client = Example::start("wuclient", &[&at, "10042", "1"]);
    assert_eq!(publisher.recv(), [b"\x0110042 "]);
    publisher.send(&["10042 7 50"]);
    publisher.send(&["10001 20 60"]);
    assert_eq!(subscriber.recv(), [b"10001 20 60"]);
    assert_eq!(client.end(), ["10042 has 7.0 °C on average"]);
    // No subscriber wants the topic any more.
    assert_eq!(publisher.recv(), [b"\x0010042 "]);
    assert!(proxy.interrupt().is_empty());
}

#[test]
fn wuclient_receives_from_wuserver_through_wuproxy() {
    let (server, [service]) = Example::ready("wuserver", &[TCP]);
    let (proxy, [at]) = Example::ready("wuproxy", &[&service, TCP]);
    let client = Example::start("wuclient", &[&at]);
    let [line] = client.end().try_into().unwrap();
    assert!(line.starts_with("10001 has ") && line.ends_with(" °C on average"), "{line}");
    assert!(server.end().is_empty());
    assert!(proxy.interrupt().is_empty());
}
