//! PAIR with libzmq at the other end.

use enfonet::Pair;
use enfonet_tests::{LibZmq, Runtime};

#[test]
fn a_second_libzmq_pair_is_rejected_and_the_first_is_not_affected() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let pair = Pair::new();
    let at = runtime.bind(&pair);
    let first = libzmq.connected(zmq::PAIR, &at);
    runtime.run(pair.wait_connected(1));
    let second = libzmq.connected(zmq::PAIR, &at);
    second.send("waits", 0).unwrap();
    for n in 0..50u8 {
        runtime.run(pair.send(&[n])).unwrap();
        assert_eq!(first.recv_bytes(0).unwrap(), [n]);
        first.send(&[n][..], 0).unwrap();
        assert_eq!(runtime.run(pair.recv()), Ok((&[n]).into()));
    }
    assert!(second.poll(zmq::POLLIN, 0).unwrap() == 0);
}
