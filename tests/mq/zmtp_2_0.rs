//! Peers of ZMTP 2.0 at EnfoMQ.

use enfonet_tests::{Mq, Script, eventually};

use crate::setup::Setup;

#[test]
fn peers_of_zmtp_2_0_are_served_beside_later_peers() {
    let setup = Setup::new();
    let broker = Mq::tcp(&setup.runtime);
    let mut subscriber = Script::join_zmtp2(&broker.backend(), 2, 9);
    subscriber.send(b"\0\x02\x01a");
    let mut publisher = Script::join_zmtp2(&broker.frontend(), 1, 10);
    // In ZMTP 2.0 a subscription is a message.
    publisher.expect(b"\0\x02\x01a");
    publisher.send(b"\0\x02b1\x01\x02a2\0\x04body");
    subscriber.expect(b"\x01\x02a2\0\x04body");
    let later = setup.libzmq.subscriber(&broker.backend(), "a");
    let publisher_of_3_1 = setup.libzmq.connected(zmq::PUB, &broker.frontend());
    eventually(|| {
        publisher_of_3_1.send("a3", 0).unwrap();
        (later.poll(zmq::POLLIN, 10).unwrap() > 0).then_some(())
    });
    subscriber.expect(b"\0\x02a3");
}
