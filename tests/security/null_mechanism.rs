//! Our sockets with pyzmq's under NULL.

use enfonet::{Pub, Rep, Req, Sub};
use enfonet_tests::{PyZmq, Runtime, eventually, frames, ours, theirs};

const ANYWHERE: &str = "tcp://127.0.0.1:*";

#[test]
fn our_req_sends_requests_to_pyzmqs_rep() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for we_bind in [true, false] {
        let (req, rep) = (Req::new(), py.socket("REP"));
        if we_bind {
            rep.connect(&runtime.bind(&req));
        } else {
            req.connect(rep.bind(ANYWHERE)).unwrap();
        }
        runtime.run(req.send(ours(&["q", ""]))).unwrap();
        assert_eq!(rep.recv(), frames(["q", ""]));
        assert_eq!(rep.property("Socket-Type").as_deref(), Some("REQ"));
        rep.send(&[b"a\0\xff"]);
        assert_eq!(theirs(&runtime.run(req.recv()).unwrap()), frames([b"a\0\xff"]));
        assert_eq!(rep.wait_event("HANDSHAKE_SUCCEEDED"), 0);
    }
}

#[test]
fn our_rep_answers_pyzmqs_req() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for we_bind in [true, false] {
        let (rep, req) = (Rep::new(), py.socket("REQ"));
        if we_bind {
            req.connect(&runtime.bind(&rep));
        } else {
            rep.connect(req.bind(ANYWHERE)).unwrap();
        }
        req.send(&["q", ""]);
        let request = runtime.run(rep.recv()).unwrap();
        assert_eq!(theirs(request.message()), frames(["q", ""]));
        request.reply(ours(&["a"])).unwrap();
        assert_eq!(req.recv(), frames(["a"]));
    }
}

#[test]
fn our_pub_reaches_pyzmqs_sub() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for we_bind in [true, false] {
        let (publisher, subscriber) = (Pub::new(), py.socket("SUB"));
        subscriber.subscribe("a");
        if we_bind {
            subscriber.connect(&runtime.bind(&publisher));
        } else {
            publisher.connect(subscriber.bind(ANYWHERE)).unwrap();
        }
        runtime.run(publisher.wait_subscribers(1));
        runtime.run(publisher.send("b")).unwrap();
        runtime.run(publisher.send(ours(&["a", "1"]))).unwrap();
        assert_eq!(subscriber.recv(), frames(["a", "1"]));
    }
}

#[test]
fn our_sub_receives_from_pyzmqs_pub() {
    let (runtime, py) = (Runtime::new(), PyZmq::start());
    let _guard = runtime.enter();
    for we_bind in [true, false] {
        let (subscriber, publisher) = (Sub::new(), py.socket("PUB"));
        subscriber.subscribe("a");
        if we_bind {
            publisher.connect(&runtime.bind(&subscriber));
        } else {
            subscriber.connect(publisher.bind(ANYWHERE)).unwrap();
        }
        let heard = eventually(|| {
            publisher.send(&["b"]);
            publisher.send(&["a", "1"]);
            subscriber.try_recv().ok()
        });
        assert_eq!(theirs(&heard), frames(["a", "1"]));
    }
}
