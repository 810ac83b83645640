//! Sockets that conflate, with libzmq at the other end.

use enfonet::{Pull, Push};
use enfonet_tests::{LibZmq, Runtime, unused};

#[test]
fn a_conflating_pull_keeps_the_last_message_of_libzmq() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let pull = Pull::builder().conflate(true).build();
    let at = runtime.bind(&pull);
    let push = libzmq.connected(zmq::PUSH, &at);
    (0..20u8).for_each(|n| push.send(&[n][..], 0).unwrap());
    let mut last = 0;
    while last < 19 {
        let next = runtime.run(pull.recv()).unwrap().first()[0];
        assert!(next > last || next == 0);
        last = next;
    }
    push.send("end", 0).unwrap();
    assert_eq!(runtime.run(pull.recv()), Ok("end".into()));
}

#[test]
fn messages_queued_before_libzmq_connects_are_conflated() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let push = Push::builder().conflate(true).build();
    let (_port, at) = unused();
    push.connect(&at).unwrap();
    for n in 0..20u8 {
        push.try_send([n]).unwrap();
    }
    let (pull, _) = libzmq.bound(zmq::PULL, &at);
    assert_eq!(pull.recv_bytes(0).unwrap(), [19]);
    runtime.run(push.send("next")).unwrap();
    assert_eq!(pull.recv_bytes(0).unwrap(), b"next");
}
