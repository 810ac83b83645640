//! Messages that subscribers send to publishers.

use enfonet::XSub;
use enfonet_tests::{LIBRARIES, Library, Mq, frames, ours};

use crate::setup::Setup;

const MESSAGES: [&[&[u8]]; 4] =
    [&[b"\x02hello"], &[b"with", b"", b"frames"], &[b""], &[b"end", b"of it", b"all"]];

#[test]
fn messages_of_a_libzmq_xsub_reach_every_publisher() {
    let setup = Setup::new();
    let broker = Mq::tcp(&setup.runtime);
    let publishers = LIBRARIES.map(|library| setup.publisher(library, &broker.frontend()));
    let subscriber = setup.libzmq.connected(zmq::XSUB, &broker.backend());
    subscriber.send("\x01topic", 0).unwrap();
    publishers.iter().for_each(|publisher| publisher.expect_subscribed("topic"));
    for message in MESSAGES {
        subscriber.send_multipart(frames(message), 0).unwrap();
        publishers.iter().for_each(|publisher| assert_eq!(publisher.recv(), message));
    }
    publishers[0].send(&["topic"]);
    assert_eq!(subscriber.recv_bytes(0).unwrap(), b"topic");
}

#[test]
fn messages_of_an_xsub_of_ours_reach_every_publisher() {
    let setup = Setup::new();
    let broker = Mq::tcp(&setup.runtime);
    let publishers = LIBRARIES.map(|library| setup.publisher(library, &broker.frontend()));
    let subscriber = XSub::new();
    {
        let _guard = setup.runtime.enter();
        subscriber.connect(broker.backend()).unwrap();
    }
    subscriber.subscribe("topic");
    publishers.iter().for_each(|publisher| publisher.expect_subscribed("topic"));
    for message in MESSAGES {
        subscriber.send(ours(message)).unwrap();
        publishers.iter().for_each(|publisher| assert_eq!(publisher.recv(), message));
    }
    publishers[1].send(&["topic"]);
    assert_eq!(setup.runtime.run(subscriber.recv()).unwrap(), "topic");
}

#[test]
fn an_xsub_subscribes_by_sending_messages() {
    let setup = Setup::new();
    let broker = Mq::tcp(&setup.runtime);
    let publisher = setup.publisher(Library::Libzmq, &broker.frontend());
    let subscriber = setup.libzmq.connected(zmq::XSUB, &broker.backend());
    subscriber.send("\x01topic", 0).unwrap();
    publisher.expect_subscribed("topic");
    subscriber.send(&b"\0topic"[..], 0).unwrap();
    publisher.expect_cancelled("topic");
}
