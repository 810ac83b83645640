//! Peers of ZMTP 2.0 at EnfoSLB.

use enfonet_tests::{Library, Script, Slb, frames, message};

use crate::setup::Setup;

#[test]
fn clients_and_workers_of_zmtp_2_0_are_served_beside_later_peers() {
    let setup = Setup::new();
    let broker = Slb::tcp(&setup.runtime);
    let mut worker = Script::join_zmtp2(&broker.backend(), 4, 5);
    let mut client = Script::join_zmtp2(&broker.frontend(), 3, 6);
    client.send(b"\x01\0\0\x01q");
    let mut request = worker.message();
    assert_eq!(request[1..], frames(["", "q"]));
    request[2] = b"a".to_vec();
    worker.send(&message(&request));
    client.expect(b"\x01\0\0\x01a");
    let later = setup.peer(Library::Libzmq, zmq::REQ, &broker.frontend());
    later.send(&["q"]);
    let request = worker.message();
    worker.send(&message(&request));
    later.expect(&["q"]);
}
