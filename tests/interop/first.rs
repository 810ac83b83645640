use enfonet_patterns::{Rep, Req};
use enfonet_tests::{LibZmq, Runtime};

#[test]
fn a_libzmq_client_is_served() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let server = Rep::new();
    let at = runtime.run(server.bind("tcp://127.0.0.1:*")).unwrap();
    let client = libzmq.connected(zmq::REQ, &at.to_string());
    client.send("hello", 0).unwrap();
    let request = runtime.run(server.recv()).unwrap();
    assert_eq!(request.message(), &"hello".into());
    request.reply("world").unwrap();
    assert_eq!(client.recv_bytes(0).unwrap(), b"world");
    drop(Req::new());
}
