//! Heartbeats between our sockets and libzmq's.

use std::time::Duration;

use enfonet::{Dealer, Message, Options};
use enfonet_tests::{DEADLINE, LibZmq, Runtime, frames, theirs, wildcard};

#[test]
fn heartbeats_of_both_ends_do_not_disturb_messages() {
    for we_bind in [true, false] {
        let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
        let _guard = runtime.enter();
        let options = Options::default().heartbeat_interval(Duration::from_millis(1));
        let dealer = Dealer::with_options(options.heartbeat_timeout(DEADLINE).heartbeat_ttl(DEADLINE));
        let peer = libzmq.socket(zmq::DEALER);
        peer.set_heartbeat_ivl(1).unwrap();
        peer.set_heartbeat_timeout(30_000).unwrap();
        peer.set_heartbeat_ttl(30_000).unwrap();
        if we_bind {
            let at = runtime.run(dealer.bind(&wildcard("tcp").1)).unwrap();
            peer.connect(&at.to_string()).unwrap();
        } else {
            peer.bind("tcp://127.0.0.1:*").unwrap();
            dealer.connect(peer.get_last_endpoint().unwrap().unwrap()).unwrap();
        }
        // Some messages take longer than the interval, so that heartbeats come between their frames.
        for n in 0..200 {
            let message = frames([vec![n; if n % 50 == 0 { 4 << 20 } else { 10 }], vec![], vec![n]]);
            peer.send_multipart(&message, 0).unwrap();
            let received = runtime.run(dealer.recv()).unwrap();
            assert!(theirs(&received) == message, "{n}");
            runtime.run(dealer.send(Message::from_frames(received))).unwrap();
            assert!(peer.recv_multipart(0).unwrap() == message, "{n}");
        }
    }
}
