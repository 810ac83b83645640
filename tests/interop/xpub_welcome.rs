//! Welcome messages of an XPUB (libzmq's `XPUB_WELCOME_MSG`).

use enfonet::{Sub, XPub, XSub};
use enfonet_tests::{LibZmq, Runtime, eventually, frames};

use crate::xpub_stage::over_each_transport;

#[test]
fn the_welcome_message_is_the_first_that_a_subscriber_receives() {
    let welcome = || XPub::builder().verbose(true).welcome(["W", "elcome"]);
    over_each_transport(welcome, zmq::XSUB, 2, |stage| {
        for subscriber in &stage.subscribers {
            assert_eq!(subscriber.recv(), frames(["W", "elcome"]));
            subscriber.subscribe("a");
            stage.next_subscription();
        }
        stage.send("a");
        stage.subscribers.iter().for_each(|subscriber| assert_eq!(subscriber.recv(), frames(["a"])));
    });
    // A SUB that has subscribed to the topic beforehand gets the welcome, too; another doesn't.
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let xpub = welcome().build();
    let at = runtime.bind(&xpub);
    let wants = libzmq.subscriber(&at, "W");
    let other = libzmq.subscriber(&at, "a");
    runtime.run(xpub.wait_subscribers(2));
    runtime.run(xpub.send("a")).unwrap();
    assert_eq!(wants.recv_multipart(0).unwrap(), frames(["W", "elcome"]));
    assert_eq!(other.recv_multipart(0).unwrap(), frames(["a"]));
}

#[test]
fn we_receive_the_welcome_message_of_a_libzmq_publisher() {
    let (runtime, libzmq) = (Runtime::new(), LibZmq::new());
    let _guard = runtime.enter();
    let xpub = libzmq.socket(zmq::XPUB);
    xpub.set_xpub_welcome_msg(Some("W")).unwrap();
    xpub.bind("tcp://127.0.0.1:*").unwrap();
    let at = xpub.get_last_endpoint().unwrap().unwrap();
    let (xsub, sub) = (XSub::new(), Sub::new());
    sub.subscribe("W");
    xsub.connect(&at).unwrap();
    sub.connect(&at).unwrap();
    let welcomed = runtime.spawn(async move { (xsub.recv().await, sub.recv().await) });
    // libzmq adds new peers only while it is used.
    eventually(|| (xpub.poll(zmq::POLLIN, 5).is_ok() && welcomed.is_finished()).then_some(()));
    assert_eq!(runtime.run(welcomed).unwrap(), (Ok("W".into()), Ok("W".into())));
}
